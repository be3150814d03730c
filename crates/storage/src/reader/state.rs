//! Reads of state and heads, for transactions of both kinds.

use alloy_primitives::B256;
use aura_primitives::{BlockNumHash, HeadLabel};
use signet_libmdbx::TransactionKind;

use crate::{DecodeError, StorageError, access::Access, codec, tables::Table};

impl<K: TransactionKind> Access<K> {
    pub(crate) fn head(&self, label: HeadLabel) -> Result<BlockNumHash, StorageError> {
        self.get_as(Table::Heads, label.as_str().as_bytes(), codec::decode_head)?
            .ok_or(StorageError::NotInitialized)
    }

    pub(crate) fn first_history_block(&self) -> Result<u64, StorageError> {
        self.get_as(Table::Meta, codec::META_FIRST_HISTORY, codec::decode_u64)?
            .ok_or(StorageError::NotInitialized)
    }

    /// Record of `key` after `block`, which must lie between the history's begin and the head:
    /// the first history row above `block`, else the latest record.
    pub(crate) fn past<T>(
        &self,
        key: &B256,
        block: u64,
        decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, StorageError> {
        let mut cursor = self.cursor(Table::History)?;
        let from = codec::history_key(key, block.saturating_add(1));
        if let Some((row_key, before)) = cursor.seek(&from)?
            && row_key.starts_with(key.as_slice())
        {
            if before.is_empty() {
                return Ok(None);
            }
            return decode(&before)
                .map(Some)
                .map_err(|source| cursor.damage(&row_key, source));
        }
        self.get_as(Table::Flat, key.as_slice(), decode)
    }
}
