//! Reads of state and heads, for transactions of both kinds.

use aura_primitives::{BlockNumHash, HeadLabel};
use signet_libmdbx::TransactionKind;

use crate::{StorageError, access::Access, codec, tables::Table};

impl<K: TransactionKind> Access<K> {
    pub(crate) fn head(&self, label: HeadLabel) -> Result<BlockNumHash, StorageError> {
        self.get_as(Table::Heads, label.as_str().as_bytes(), codec::decode_head)?
            .ok_or(StorageError::NotInitialized)
    }

    pub(crate) fn first_history_block(&self) -> Result<u64, StorageError> {
        self.get_as(Table::Meta, codec::META_FIRST_HISTORY, codec::decode_u64)?
            .ok_or(StorageError::NotInitialized)
    }
}
