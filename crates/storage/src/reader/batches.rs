//! Batches of ours.

use alloy_primitives::Bytes;
use signet_libmdbx::TransactionKind;

use super::Reader;
use crate::{
    BatchRecord, DecodeError, StorageError,
    access::Access,
    codec::{self, Input},
    tables::Table,
};

/// Reads the forms of one batch: at least one, all with the key's index.
fn decode(key: &[u8], value: &[u8]) -> Result<Vec<BatchRecord>, StorageError> {
    let decode = || {
        let forms: Vec<BatchRecord> = codec::decode_record(value)?;
        let mut input = Input::new(key);
        let index = input.u64()?;
        input.finish()?;
        if !forms.is_empty() && forms.iter().all(|form| form.index == index) {
            Ok(forms)
        } else {
            Err(DecodeError::WrongOwner)
        }
    };
    decode().map_err(|source| StorageError::decode(Table::Batches.name(), key, source))
}

impl<K: TransactionKind> Access<K> {
    pub(crate) fn batch_forms(&self, index: u64) -> Result<Vec<BatchRecord>, StorageError> {
        let key = index.to_be_bytes();
        match self.get(Table::Batches, &key)? {
            Some(value) => decode(&key, &value),
            None => Ok(Vec::new()),
        }
    }

    /// Index of the newest batch.
    pub(crate) fn last_batch_index(&self) -> Result<Option<u64>, StorageError> {
        let mut cursor = self.cursor(Table::Batches)?;
        // No batch has the highest of all numbers.
        let row = cursor.seek_before(&u64::MAX.to_be_bytes())?;
        row.map(|(key, value)| decode(&key, &value).map(|forms| forms[0].index))
            .transpose()
    }
}

impl Reader {
    /// Batch `index` of ours: as it is on L1, or else as it was posted last.
    ///
    /// # Errors
    /// As every read.
    pub fn batch(&self, index: u64) -> Result<Option<BatchRecord>, StorageError> {
        Ok(self.batch_forms(index)?.first().copied())
    }

    /// Every form in which batch `index` of ours was posted, newest first, for as long as it is not
    /// known which of them L1 took.
    ///
    /// # Errors
    /// As every read.
    pub fn batch_forms(&self, index: u64) -> Result<Vec<BatchRecord>, StorageError> {
        self.live()?.batch_forms(index)
    }

    /// The newest batch of ours, on L1 or not.
    ///
    /// # Errors
    /// As every read.
    pub fn last_batch(&self) -> Result<Option<BatchRecord>, StorageError> {
        match self.live()?.last_batch_index()? {
            Some(index) => self.batch(index),
            None => Ok(None),
        }
    }

    /// Data of batch `index` of ours as it was posted last; `None` also for a forced one.
    ///
    /// # Errors
    /// As every read.
    pub fn batch_payload(&self, index: u64) -> Result<Option<Bytes>, StorageError> {
        let value = self.live()?.get(Table::Payloads, &index.to_be_bytes())?;
        Ok(value.map(|payload| Bytes::copy_from_slice(&payload)))
    }
}
