//! What the watcher has seen on L1.

use alloy_rlp::Encodable;
use aura_primitives::bridge::QueueEntry;

use super::Writer;
use crate::{
    L1BatchRecord, L1Chunk, L1HeaderRecord, L1RootRecord, StorageError, reader::Numbered,
    tables::Table,
};

/// A chunk that does not fit what is stored.
const fn misfit(reason: &'static str) -> StorageError {
    StorageError::L1Chunk { reason }
}

impl Writer {
    /// Appends L1 blocks with what they brought, and forgets headers below `keep_from`, but never
    /// the newest.
    ///
    /// # Errors
    /// [`StorageError::L1Chunk`] if a block does not follow the one before, a number is missing or a
    /// change is of an unknown root; the transaction must be dropped then. Damage.
    pub fn append_l1(&mut self, chunk: &L1Chunk, keep_from: u64) -> Result<(), StorageError> {
        self.change(|writer| {
            writer.append_l1_headers(&chunk.headers)?;
            writer.append_next(&chunk.entries, 0)?;
            // The genesis batch has no event.
            writer.append_next(&chunk.batches, 1)?;
            writer.append_next(&chunk.roots, 0)?;
            for (id, change) in &chunk.root_changes {
                let root: Option<L1RootRecord> = writer.access.numbered(*id)?;
                let mut root = root.ok_or(misfit("a change is of an unknown root"))?;
                root.changes.push(*change);
                writer.put_numbered(&root)?;
            }
            writer.forget_l1_headers(keep_from)
        })
    }

    /// Forgets everything of L1 blocks above `number`.
    ///
    /// # Errors
    /// Damage.
    pub fn rewind_l1(&mut self, number: u64) -> Result<(), StorageError> {
        self.change(|writer| {
            writer.remove_last_while(|header: &L1HeaderRecord| header.origin.number > number)?;
            writer.remove_last_while(|entry: &QueueEntry| entry.l1_block > number)?;
            writer.remove_last_while(|batch: &L1BatchRecord| batch.l1_block > number)?;
            writer.remove_last_while(|root: &L1RootRecord| root.l1_block > number)?;
            writer.rewind_root_changes(number)
        })
    }

    fn append_l1_headers(&mut self, headers: &[L1HeaderRecord]) -> Result<(), StorageError> {
        let mut last: Option<L1HeaderRecord> = self.access.last_numbered()?;
        for header in headers {
            let follows = last.is_none_or(|last| {
                last.origin.number.checked_add(1) == Some(header.origin.number)
                    && last.origin.hash == header.parent
            });
            if !follows {
                return Err(misfit("a block does not follow the one before"));
            }
            self.put_numbered(header)?;
            last = Some(*header);
        }
        Ok(())
    }

    /// Writes records whose numbers continue those that are stored, or begin with `first`.
    fn append_next<T: Numbered + Encodable>(
        &mut self,
        records: &[T],
        first: u64,
    ) -> Result<(), StorageError> {
        if records.is_empty() {
            return Ok(());
        }
        let last: Option<T> = self.access.last_numbered()?;
        let mut next = last.map_or(Some(first), |last| last.number().checked_add(1));
        for record in records {
            if next != Some(record.number()) {
                return Err(misfit("a number is missing"));
            }
            self.put_numbered(record)?;
            next = record.number().checked_add(1);
        }
        Ok(())
    }

    fn put_numbered<T: Numbered + Encodable>(&mut self, record: &T) -> Result<(), StorageError> {
        self.scratch.clear();
        record.encode(&mut self.scratch);
        let key = record.number().to_be_bytes();
        self.access.put(T::TABLE, &key, &self.scratch)
    }

    fn remove_last_while<T: Numbered>(
        &mut self,
        goes: impl Fn(&T) -> bool,
    ) -> Result<(), StorageError> {
        while let Some(last) = self.access.last_numbered::<T>()?
            && goes(&last)
        {
            let key = last.number().to_be_bytes();
            self.access.delete(T::TABLE, &key)?;
        }
        Ok(())
    }

    /// Looks at every root: an old one can have changed a moment ago.
    fn rewind_root_changes(&mut self, number: u64) -> Result<(), StorageError> {
        let is_later = |root: &L1RootRecord| {
            let last = root.changes.last();
            last.is_some_and(|change| change.l1_block > number)
        };
        let mut from = 0;
        loop {
            let roots: Vec<L1RootRecord> = self.access.numbered_from(from, 1_024, |_| true)?;
            let Some(last) = roots.last() else {
                return Ok(());
            };
            from = last.id.saturating_add(1);
            for mut root in roots.into_iter().filter(is_later) {
                root.changes.retain(|change| change.l1_block <= number);
                self.put_numbered(&root)?;
            }
        }
    }

    fn forget_l1_headers(&mut self, keep_from: u64) -> Result<(), StorageError> {
        let newest: Option<L1HeaderRecord> = self.access.last_numbered()?;
        let newest = newest.map_or(0, |newest| newest.origin.number);
        let end = keep_from.min(newest).to_be_bytes();
        let mut cursor = self.access.cursor(Table::L1Headers)?;
        while let Some((key, _)) = cursor.first()?
            && *key < end[..]
        {
            cursor.delete_current()?;
        }
        Ok(())
    }
}
