//! What the watcher has seen on L1.

use alloy_primitives::B256;
use alloy_rlp::Decodable;
use aura_primitives::bridge::QueueEntry;
use signet_libmdbx::TransactionKind;

use super::Reader;
use crate::{
    DecodeError, L1BatchRecord, L1HeaderRecord, L1RootRecord, StorageError,
    access::Access,
    codec::{self, Input},
    tables::Table,
};

/// A record that is stored under its own number.
pub(crate) trait Numbered: Decodable {
    /// Where they are.
    const TABLE: Table;
    /// Its number.
    fn number(&self) -> u64;
}

impl Numbered for L1HeaderRecord {
    const TABLE: Table = Table::L1Headers;
    fn number(&self) -> u64 {
        self.origin.number
    }
}

impl Numbered for QueueEntry {
    const TABLE: Table = Table::L1Queue;
    fn number(&self) -> u64 {
        self.message.id
    }
}

impl Numbered for L1BatchRecord {
    const TABLE: Table = Table::L1Batches;
    fn number(&self) -> u64 {
        self.index
    }
}

impl Numbered for L1RootRecord {
    const TABLE: Table = Table::L1Roots;
    fn number(&self) -> u64 {
        self.id
    }
}

fn decode<T: Numbered>(key: &[u8], value: &[u8]) -> Result<T, StorageError> {
    let decode = || {
        let record: T = codec::decode_record(value)?;
        let mut input = Input::new(key);
        let number = input.u64()?;
        input.finish()?;
        if record.number() == number {
            Ok(record)
        } else {
            Err(DecodeError::WrongOwner)
        }
    };
    decode().map_err(|source| StorageError::decode(T::TABLE.name(), key, source))
}

impl<K: TransactionKind> Access<K> {
    /// The record with `number`.
    pub(crate) fn numbered<T: Numbered>(&self, number: u64) -> Result<Option<T>, StorageError> {
        let key = number.to_be_bytes();
        let Some(value) = self.get(T::TABLE, &key)? else {
            return Ok(None);
        };
        decode(&key, &value).map(Some)
    }

    /// The record with the highest number.
    pub(crate) fn last_numbered<T: Numbered>(&self) -> Result<Option<T>, StorageError> {
        let mut cursor = self.cursor(T::TABLE)?;
        // Nothing is stored under the highest of all numbers.
        let row = cursor.seek_before(&u64::MAX.to_be_bytes())?;
        row.map(|(key, value)| decode(&key, &value)).transpose()
    }

    /// The record with the lowest number.
    pub(crate) fn first_numbered<T: Numbered>(&self) -> Result<Option<T>, StorageError> {
        let row = self.cursor(T::TABLE)?.first()?;
        row.map(|(key, value)| decode(&key, &value)).transpose()
    }

    /// Up to `max` records from `from` on while `wanted` says so.
    pub(crate) fn numbered_from<T: Numbered>(
        &self,
        from: u64,
        max: usize,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, StorageError> {
        let mut found = Vec::new();
        let mut cursor = self.cursor(T::TABLE)?;
        let mut row = cursor.seek(&from.to_be_bytes())?;
        while let Some((key, value)) = row
            && found.len() < max
        {
            let record = decode(&key, &value)?;
            if !wanted(&record) {
                break;
            }
            found.push(record);
            row = cursor.next_row()?;
        }
        Ok(found)
    }
}

impl Reader {
    /// The newest L1 block that the watcher has processed.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_tip(&self) -> Result<Option<L1HeaderRecord>, StorageError> {
        self.live()?.last_numbered()
    }

    /// The oldest L1 block that is still kept.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_first_header(&self) -> Result<Option<L1HeaderRecord>, StorageError> {
        self.live()?.first_numbered()
    }

    /// L1 block `number` of the canonical chain, if it is among the kept ones.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_header(&self, number: u64) -> Result<Option<L1HeaderRecord>, StorageError> {
        self.live()?.numbered(number)
    }

    /// Up to `max` L1 blocks from `from` on.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_headers(&self, from: u64, max: usize) -> Result<Vec<L1HeaderRecord>, StorageError> {
        self.live()?.numbered_from(from, max, |_| true)
    }

    /// Entry `id` of the queue.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_queue_entry(&self, id: u64) -> Result<Option<QueueEntry>, StorageError> {
        self.live()?.numbered(id)
    }

    /// Up to `max` entries of the queue from `from_id` on, of L1 blocks up to `l1_block`.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_queue(
        &self,
        from_id: u64,
        max: usize,
        l1_block: u64,
    ) -> Result<Vec<QueueEntry>, StorageError> {
        self.live()?
            .numbered_from(from_id, max, |entry: &QueueEntry| {
                entry.l1_block <= l1_block
            })
    }

    /// Number of queue entries of L1 blocks up to `l1_block`. Costs some twenty reads.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_queue_len_at(&self, l1_block: u64) -> Result<u64, StorageError> {
        let access = self.live()?;
        let last: Option<QueueEntry> = access.last_numbered()?;
        let Some(last) = last else { return Ok(0) };
        let (mut low, mut high) = (0, last.message.id.saturating_add(1));
        // Ids have no gaps and blocks ascend with them: entries below `low` count, from `high` on not.
        while low < high {
            let middle = low + (high - low) / 2;
            let entry: Option<QueueEntry> = access.numbered(middle)?;
            let Some(entry) = entry else {
                let key = middle.to_be_bytes();
                let table = Table::L1Queue.name();
                return Err(StorageError::decode(table, &key, DecodeError::Missing));
            };
            if entry.l1_block <= l1_block {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Trimmed accumulator of the queue after `consumed` entries, if there are so many; zero before
    /// the first.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_queue_acc(&self, consumed: u64) -> Result<Option<B256>, StorageError> {
        let Some(last) = consumed.checked_sub(1) else {
            return Ok(Some(B256::ZERO));
        };
        Ok(self.l1_queue_entry(last)?.map(|entry| entry.slot.trim()))
    }

    /// The last entry of the queue.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_last_queue_entry(&self) -> Result<Option<QueueEntry>, StorageError> {
        self.live()?.last_numbered()
    }

    /// Batch `index` on L1.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_batch(&self, index: u64) -> Result<Option<L1BatchRecord>, StorageError> {
        self.live()?.numbered(index)
    }

    /// Up to `max` batches on L1 from `from_index` on.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_batches(
        &self,
        from_index: u64,
        max: usize,
    ) -> Result<Vec<L1BatchRecord>, StorageError> {
        self.live()?.numbered_from(from_index, max, |_| true)
    }

    /// The newest batch on L1.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_last_batch(&self) -> Result<Option<L1BatchRecord>, StorageError> {
        self.live()?.last_numbered()
    }

    /// Root `id`.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_root(&self, id: u64) -> Result<Option<L1RootRecord>, StorageError> {
        self.live()?.numbered(id)
    }

    /// Up to `max` roots from `from_id` on.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_roots(&self, from_id: u64, max: usize) -> Result<Vec<L1RootRecord>, StorageError> {
        self.live()?.numbered_from(from_id, max, |_| true)
    }

    /// The newest root.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_last_root(&self) -> Result<Option<L1RootRecord>, StorageError> {
        self.live()?.last_numbered()
    }
}
