//! Batches of ours.

use alloy_primitives::B256;

use super::Writer;
use crate::{BatchRecord, StorageError, tables::Table};

/// Forms of one batch that are remembered while none of them is on L1.
const MAX_FORMS: usize = 16;

impl Writer {
    /// Writes a batch that is about to be posted, in front of its earlier forms, and its data.
    /// Forgets all batches after it.
    ///
    /// # Errors
    /// Damage.
    pub fn put_batch(&mut self, batch: &BatchRecord, payload: &[u8]) -> Result<(), StorageError> {
        self.change(|writer| {
            let mut forms = writer.access.batch_forms(batch.index)?;
            forms.retain(|form| !form.is_same_batch(batch));
            forms.insert(0, *batch);
            forms.truncate(MAX_FORMS);
            writer.put_forms(&forms)?;
            writer.remove_batches_after(batch.index)?;
            let key = batch.index.to_be_bytes();
            writer.access.put(Table::Payloads, &key, payload)
        })
    }

    /// Writes a batch that is on L1: the only form that remains. Without `payload` the data stays, and
    /// a batch without data has none.
    ///
    /// # Errors
    /// Damage.
    pub fn confirm_batch(
        &mut self,
        batch: &BatchRecord,
        l1_tx: B256,
        payload: Option<&[u8]>,
    ) -> Result<(), StorageError> {
        self.change(|writer| {
            writer.put_forms(&[BatchRecord { l1_tx, ..*batch }])?;
            match payload {
                Some(payload) => {
                    let key = batch.index.to_be_bytes();
                    writer.access.put(Table::Payloads, &key, payload)
                }
                None => Ok(()),
            }
        })
    }

    fn put_forms(&mut self, forms: &[BatchRecord]) -> Result<(), StorageError> {
        let Some(first) = forms.first() else {
            return Ok(());
        };
        self.scratch.clear();
        alloy_rlp::encode_list::<_, BatchRecord>(forms, &mut self.scratch);
        let key = first.index.to_be_bytes();
        self.access.put(Table::Batches, &key, &self.scratch)
    }

    fn remove_batches_after(&mut self, index: u64) -> Result<(), StorageError> {
        while let Some(last) = self.access.last_batch_index()?
            && last > index
        {
            let key = last.to_be_bytes();
            self.access.delete(Table::Batches, &key)?;
            self.access.delete(Table::Payloads, &key)?;
        }
        Ok(())
    }
}
