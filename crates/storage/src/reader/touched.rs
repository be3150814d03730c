//! Which leaves a block changed, for transactions of both kinds.

use alloy_primitives::B256;
use signet_libmdbx::TransactionKind;

use super::Reader;
use crate::{
    DecodeError, StorageError,
    access::Access,
    codec,
    tables::{TOUCHED_KEYS_PER_PART, Table},
};

impl<K: TransactionKind> Access<K> {
    /// The hashed keys that `block` changed, sorted. Its list must still be there.
    pub(crate) fn touched_keys(&self, block: u64) -> Result<Vec<B256>, StorageError> {
        if block > self.folded()? {
            return self.undo_keys(block);
        }
        let mut cursor = self.cursor(Table::TouchedKeys)?;
        let mut keys: Vec<B256> = Vec::new();
        let mut row = cursor.seek(&codec::part_key(block, 0))?;
        for part in 0u32.. {
            let expected = codec::part_key(block, part);
            let Some((key, value)) = row.filter(|(key, _)| **key == expected) else {
                return Err(cursor.damage(&expected, DecodeError::Missing));
            };
            let (chunks, rest) = value.as_chunks::<32>();
            if !rest.is_empty() {
                return Err(cursor.damage(&key, DecodeError::TrailingBytes));
            }
            for hashed in chunks {
                if keys.last().is_some_and(|last| **last >= *hashed) {
                    return Err(cursor.damage(&key, DecodeError::NotCanonical("order of keys")));
                }
                keys.push(B256::new(*hashed));
            }
            if chunks.len() < TOUCHED_KEYS_PER_PART {
                break;
            }
            row = cursor.next_row()?;
        }
        Ok(keys)
    }
}

impl Reader {
    /// The hashed keys of the leaves that `block` changed, ascending.
    ///
    /// `None` if the chain has no such block, or no longer the state before it: the list is pruned
    /// together with that. The genesis block has none.
    ///
    /// # Errors
    /// [`StorageError::NotInitialized`], and as every read.
    pub fn touched_keys(&self, block: u64) -> Result<Option<Vec<B256>>, StorageError> {
        let access = self.live()?;
        if block > self.newest()? || block <= self.first_history_block()? {
            return Ok(None);
        }
        access.touched_keys(block).map(Some)
    }
}
