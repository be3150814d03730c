//! What left L2.

use alloy_primitives::B256;
use aura_primitives::bridge::{WithdrawalProof, withdrawal_proof, withdrawal_root};
use signet_libmdbx::TransactionKind;

use super::{Numbered, Reader};
use crate::{
    DecodeError, StorageError, WithdrawalRecord, access::Access, codec::Input, tables::Table,
};

impl Numbered for WithdrawalRecord {
    const TABLE: Table = Table::Withdrawals;
    fn number(&self) -> u64 {
        self.withdrawal.index
    }
}

/// Key of a complete subtree.
pub(crate) fn withdrawal_node_key(level: u8, position: u64) -> [u8; 9] {
    let mut key = [level; 9];
    key[1..].copy_from_slice(&position.to_be_bytes());
    key
}

fn decode_hash(bytes: &[u8]) -> Result<B256, DecodeError> {
    let mut input = Input::new(bytes);
    let hash = input.b256()?;
    input.finish()?;
    Ok(hash)
}

impl<K: TransactionKind> Access<K> {
    /// Hash of a complete subtree that the count says is there.
    pub(crate) fn withdrawal_node(&self, level: u8, position: u64) -> Result<B256, StorageError> {
        let key = withdrawal_node_key(level, position);
        self.require_as(Table::WithdrawalNodes, &key, decode_hash)
    }

    pub(crate) fn withdrawal_count(&self) -> Result<u64, StorageError> {
        let last: Option<WithdrawalRecord> = self.last_numbered()?;
        Ok(last.map_or(0, |last| last.withdrawal.index.saturating_add(1)))
    }

    /// Number of leaves whose block is below `block`.
    fn withdrawals_below(&self, block: u64) -> Result<u64, StorageError> {
        let (mut low, mut high) = (0, self.withdrawal_count()?);
        // Indexes have no gaps and blocks ascend with them: leaves below `low` count, from `high` on not.
        while low < high {
            let middle = low + (high - low) / 2;
            let record: Option<WithdrawalRecord> = self.numbered(middle)?;
            let Some(record) = record else {
                let table = Table::Withdrawals.name();
                let key = middle.to_be_bytes();
                return Err(StorageError::decode(table, &key, DecodeError::Missing));
            };
            if record.block < block {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

impl Reader {
    /// Number of leaves of the withdrawal tree after the newest block.
    ///
    /// # Errors
    /// As every read.
    pub fn withdrawal_count(&self) -> Result<u64, StorageError> {
        self.live()?.withdrawal_count()
    }

    /// Number of leaves after block `number`; some twenty reads.
    ///
    /// # Errors
    /// As every read.
    pub fn withdrawal_count_at(&self, number: u64) -> Result<u64, StorageError> {
        self.live()?.withdrawals_below(number.saturating_add(1))
    }

    /// Leaf `index`.
    ///
    /// # Errors
    /// As every read.
    pub fn withdrawal(&self, index: u64) -> Result<Option<WithdrawalRecord>, StorageError> {
        self.live()?.numbered(index)
    }

    /// Up to `max` leaves from `from` on.
    ///
    /// # Errors
    /// As every read.
    pub fn withdrawals(
        &self,
        from: u64,
        max: usize,
    ) -> Result<Vec<WithdrawalRecord>, StorageError> {
        self.live()?.numbered_from(from, max, |_| true)
    }

    /// Up to `max` leaves of block `number`.
    ///
    /// # Errors
    /// As every read.
    pub fn withdrawals_of_block(
        &self,
        number: u64,
        max: usize,
    ) -> Result<Vec<WithdrawalRecord>, StorageError> {
        let access = self.live()?;
        let first = access.withdrawals_below(number)?;
        access.numbered_from(first, max, |record: &WithdrawalRecord| {
            record.block == number
        })
    }

    /// Root of the withdrawal tree of the first `count` leaves.
    ///
    /// # Errors
    /// Damage if there are not so many; as every read.
    pub fn withdrawal_root(&self, count: u64) -> Result<B256, StorageError> {
        let access = self.live()?;
        withdrawal_root(count, |level, position| {
            access.withdrawal_node(level, position)
        })
    }

    /// Proof of leaf `index` in the tree of the first `count` leaves, with at most 64 reads; `None` if
    /// it is not among them, or there are not so many.
    ///
    /// # Errors
    /// As every read.
    pub fn withdrawal_proof(
        &self,
        index: u64,
        count: u64,
    ) -> Result<Option<WithdrawalProof>, StorageError> {
        let access = self.live()?;
        if count > access.withdrawal_count()? {
            return Ok(None);
        }
        withdrawal_proof(index, count, |level, position| {
            access.withdrawal_node(level, position)
        })
    }
}
