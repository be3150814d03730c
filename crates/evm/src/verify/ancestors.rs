//! The blocks before the one that is verified.

use alloy_consensus::Header;
use alloy_primitives::U256;
use aura_primitives::SealedHeader;
use aura_storage::{Reader, StorageError};

/// What the rules of a block ask of the chain that it extends.
///
/// Nothing is asked for blocks after the merge.
pub trait Ancestors {
    /// Header of block `number`.
    ///
    /// # Errors
    /// Those of the database.
    fn header(&self, number: u64) -> Result<Option<SealedHeader>, StorageError>;

    /// Uncles of block `number`.
    ///
    /// # Errors
    /// Those of the database.
    fn ommers(&self, number: u64) -> Result<Vec<Header>, StorageError>;

    /// Sum of the difficulties up to `block`, itself included.
    ///
    /// Reads every header below; asked for each block before the merge of a chain that has one in
    /// its rules.
    ///
    /// # Errors
    /// Those of the database, [`StorageError::MissingBlock`] among them.
    fn total_difficulty(&self, block: &SealedHeader) -> Result<U256, StorageError> {
        let mut total = block.difficulty;
        for number in 0..block.number {
            let header = self
                .header(number)?
                .ok_or(StorageError::MissingBlock { number })?;
            total = total.saturating_add(header.difficulty);
        }
        Ok(total)
    }
}

impl Ancestors for Reader {
    fn header(&self, number: u64) -> Result<Option<SealedHeader>, StorageError> {
        Self::header(self, number)
    }

    fn ommers(&self, number: u64) -> Result<Vec<Header>, StorageError> {
        Ok(self
            .body(number)?
            .map(|body| body.ommers)
            .unwrap_or_default())
    }
}
