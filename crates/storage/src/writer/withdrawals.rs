//! What left L2.

use alloy_primitives::B256;
use alloy_rlp::Encodable;
use aura_primitives::bridge::{append_withdrawal, completed_by, withdrawal_root};

use super::Writer;
use crate::{StorageError, WithdrawalRecord, reader::withdrawal_node_key, tables::Table};

impl Writer {
    /// Appends the leaves of the block that was put last, and returns the root of the tree after it.
    /// They go with the block when it is unwound.
    ///
    /// # Errors
    /// [`StorageError::Withdrawals`] if they are not the next leaves, or of another block; the
    /// transaction must be dropped then. Damage.
    pub fn append_withdrawals(
        &mut self,
        records: &[WithdrawalRecord],
    ) -> Result<B256, StorageError> {
        let block = self.tip()?.head.number;
        self.change(|writer| {
            let mut count = writer.access.withdrawal_count()?;
            for record in records {
                if record.withdrawal.index != count || record.block != block {
                    return Err(StorageError::Withdrawals {
                        block,
                        index: record.withdrawal.index,
                        next: count,
                    });
                }
                writer.append_withdrawal(record)?;
                count += 1;
            }
            withdrawal_root(count, |level, position| {
                writer.access.withdrawal_node(level, position)
            })
        })
    }

    fn append_withdrawal(&mut self, record: &WithdrawalRecord) -> Result<(), StorageError> {
        let index = record.withdrawal.index;
        let access = &self.access;
        let completed = append_withdrawal(index, record.leaf, |level, position| {
            access.withdrawal_node(level, position)
        })?;
        for node in completed {
            let key = withdrawal_node_key(node.level, node.position);
            access.put(Table::WithdrawalNodes, &key, node.hash.as_slice())?;
        }
        self.scratch.clear();
        record.encode(&mut self.scratch);
        let mut rows = self.access.cursor(Table::Withdrawals)?;
        rows.append(&index.to_be_bytes(), &self.scratch)
    }

    /// Removes the leaves of block `number`, which is the last that has any.
    pub(super) fn remove_withdrawals(&self, number: u64) -> Result<(), StorageError> {
        while let Some(last) = self.access.last_numbered::<WithdrawalRecord>()?
            && last.block >= number
        {
            let index = last.withdrawal.index;
            for (level, position) in completed_by(index) {
                let key = withdrawal_node_key(level, position);
                self.access.delete(Table::WithdrawalNodes, &key)?;
            }
            self.access
                .delete(Table::Withdrawals, &index.to_be_bytes())?;
        }
        Ok(())
    }
}
