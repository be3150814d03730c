//! Forgetting old history.

use alloy_primitives::B256;

use super::Writer;
use crate::{
    DecodeError, PruneStats, StorageError,
    codec::{self, Input},
    tables::Table,
};

impl Writer {
    pub(super) fn prune(&mut self, below: u64, limit: usize) -> Result<PruneStats, StorageError> {
        let mut first = self.first_history_block()?;
        let mut removed = 0;
        let mut done = true;
        {
            let mut touched = self.access.cursor(Table::TouchedKeys)?;
            let mut history = self.access.cursor(Table::History)?;
            while let Some((part, keys)) = touched.first()? {
                let block = Input::new(&part)
                    .u64()
                    .map_err(|source| touched.damage(&part, source))?;
                if block > below {
                    break;
                }
                if removed >= limit {
                    done = false;
                    break;
                }
                let (keys, rest) = keys.as_chunks::<32>();
                if !rest.is_empty() {
                    return Err(touched.damage(&part, DecodeError::TrailingBytes));
                }
                for key in keys {
                    history.delete(&codec::history_key(&B256::from(key), block))?;
                }
                removed += keys.len() + 1;
                // From the first part on, the state before `block` has gaps.
                first = first.max(block);
                touched.delete_current()?;
            }
        }
        done = done && self.prune_undo(below, limit, &mut removed, &mut first)?;
        if done {
            first = first.max(below);
        }
        if self.access.folded()? < first {
            // Nothing is left to fold of the blocks up to there.
            self.write_folded(first)?;
        }
        let value = first.to_be_bytes();
        self.access
            .put(Table::Meta, codec::META_FIRST_HISTORY, &value)?;
        Ok(PruneStats {
            removed,
            first_history_block: first,
            done,
        })
    }

    /// Forgets what unfolded blocks replaced, block by block. Returns whether done.
    fn prune_undo(
        &self,
        below: u64,
        limit: usize,
        removed: &mut usize,
        first: &mut u64,
    ) -> Result<bool, StorageError> {
        for block in self.access.folded()?.saturating_add(1)..=below {
            if *removed >= limit {
                return Ok(false);
            }
            *removed += self.remove_undo(block)?;
            *first = block.max(*first);
        }
        Ok(true)
    }
}
