//! Leaves of past states.

use std::{iter::Peekable, vec};

use alloy_primitives::B256;
use aura_smt::Prefix;
use signet_libmdbx::{Ro, TransactionKind};

use super::{ALL_KEYS, Reader, undo_damage};
use crate::{
    DecodeError, Leaf, StorageError,
    access::{Row, TableCursor},
    codec,
    recent::head_of,
    tables::Table,
};

/// A key that has changed since, and its leaf at the block.
pub(super) type PastLeaf = (B256, Option<Leaf>);

/// A record of an earlier state, where none is an absent leaf.
fn former(record: &[u8]) -> Result<Option<Leaf>, DecodeError> {
    if record.is_empty() {
        return Ok(None);
    }
    let (leaf, _) = codec::decode_leaf(record)?;
    Ok(Some(leaf))
}

/// Key and block of a history row.
fn history_row<K: TransactionKind>(
    cursor: &TableCursor<'_, K>,
    row_key: &[u8],
) -> Result<(B256, u64), StorageError> {
    if let Some((key, block)) = row_key.split_first_chunk::<32>()
        && let Ok(block) = block.try_into()
    {
        return Ok((B256::new(*key), u64::from_be_bytes(block)));
    }
    Err(cursor.damage(row_key, DecodeError::NotCanonical("key")))
}

/// The keys of a range whose record at a past block stands in the history.
///
/// A key can have very many rows: rows that do not count are passed over by a seek.
struct Folded<'a> {
    cursor: TableCursor<'a, Ro>,
    block: u64,
    last: B256,
    /// The first row of the next key.
    row: Option<Row<'a>>,
}

impl<'a> Folded<'a> {
    fn new(
        mut cursor: TableCursor<'a, Ro>,
        prefix: &Prefix,
        block: u64,
    ) -> Result<Self, StorageError> {
        let row = cursor.seek(prefix.first_key().as_slice())?;
        Ok(Self {
            cursor,
            block,
            last: prefix.last_key(),
            row,
        })
    }

    /// Decodes the row that counts, and seeks the first one of the next key.
    fn take(&mut self, key: B256, (row_key, record): Row<'_>) -> Result<PastLeaf, StorageError> {
        let leaf = former(&record).map_err(|source| self.cursor.damage(&row_key, source))?;
        self.row = match codec::successor(&key) {
            Some(next) => self.cursor.seek(next.as_slice())?,
            None => None,
        };
        Ok((key, leaf))
    }

    fn next(&mut self) -> Result<Option<PastLeaf>, StorageError> {
        while let Some(row) = self.row.take() {
            let (key, at) = history_row(&self.cursor, &row.0)?;
            if key > self.last {
                return Ok(None);
            }
            if at > self.block {
                return self.take(key, row).map(Some);
            }
            let above = codec::history_key(&key, self.block.saturating_add(1));
            match self.cursor.seek(&above)? {
                Some(row) if row.0.starts_with(key.as_slice()) => {
                    history_row(&self.cursor, &row.0)?;
                    return self.take(key, row).map(Some);
                }
                // The newest record is that of the block; the row belongs to the next key.
                row => self.row = row,
            }
        }
        Ok(None)
    }
}

/// The keys of a range that changed after a block, ascending, with their leaves at the block.
pub(super) struct PastLeaves<'a> {
    /// `None` if no folded block is above the block.
    folded: Option<Folded<'a>>,
    next_folded: Option<PastLeaf>,
    unfolded: Peekable<vec::IntoIter<PastLeaf>>,
}

impl<'a> PastLeaves<'a> {
    pub(super) fn new(
        reader: &'a Reader,
        prefix: &Prefix,
        block: u64,
    ) -> Result<Self, StorageError> {
        let mut folded = None;
        if block < reader.folded()? {
            let cursor = reader.access.cursor(Table::History)?;
            folded = Some(Folded::new(cursor, prefix, block)?);
        }
        let unfolded = reader.unfolded_leaves(prefix, block)?;
        let mut past = Self {
            folded,
            next_folded: None,
            unfolded: unfolded.into_iter().peekable(),
        };
        past.advance()?;
        Ok(past)
    }

    fn advance(&mut self) -> Result<(), StorageError> {
        self.next_folded = match &mut self.folded {
            Some(folded) => folded.next()?,
            None => None,
        };
        Ok(())
    }

    pub(super) fn next(&mut self) -> Result<Option<PastLeaf>, StorageError> {
        let Some((key, leaf)) = self.next_folded.take() else {
            return Ok(self.unfolded.next());
        };
        match self.unfolded.peek() {
            Some((unfolded, _)) if *unfolded < key => {
                self.next_folded = Some((key, leaf));
                return Ok(self.unfolded.next());
            }
            // What a folded block replaced is older.
            Some((unfolded, _)) if *unfolded == key => drop(self.unfolded.next()),
            _ => {}
        }
        self.advance()?;
        Ok(Some((key, leaf)))
    }
}

impl Reader {
    /// The last folded block of the snapshot.
    pub(super) fn folded(&self) -> Result<u64, StorageError> {
        if let Some(folded) = self.folded.get() {
            return Ok(*folded);
        }
        let folded = self.access.folded()?;
        Ok(*self.folded.get_or_init(|| folded))
    }

    /// The blocks above `block` whose former records are in `Undo`.
    fn unfolded_above(&self, block: u64) -> Result<std::ops::RangeInclusive<u64>, StorageError> {
        let first = self.folded()?.max(block).saturating_add(1);
        Ok(first..=self.newest()?)
    }

    /// Whether an unfolded block can have changed `key`.
    fn is_recent(&self, key: &B256) -> Result<bool, StorageError> {
        let shared = self.access.shared();
        let snapshot = self.access.tx().id();
        let snapshot = snapshot.map_err(|error| shared.error("read snapshot id", error))?;
        Ok(shared.recent.may_have(snapshot, key))
    }

    /// Collects the keys that unfolded blocks changed; for the process that will write.
    pub(crate) fn load_recent_keys(&self) -> Result<(), StorageError> {
        let shared = self.access.shared();
        let snapshot = self.access.tx().id();
        let snapshot = snapshot.map_err(|error| shared.error("read snapshot id", error))?;
        let mut heads = Vec::new();
        if self.access.rows(Table::Undo)? > 0 {
            let mut parts = self.access.cursor(Table::Undo)?;
            for block in self.unfolded_above(0)? {
                self.access
                    .undo_parts(&mut parts, block, ALL_KEYS, |part| {
                        heads.extend(part.formers().map(|(key, _)| head_of(&key)));
                        Ok(())
                    })?;
            }
        }
        shared.recent.begin(snapshot, &heads);
        Ok(())
    }

    /// Record of `key` after `block`, which must lie between the history's begin and the head: that
    /// which the first block above it replaced, else the newest.
    pub(super) fn past<T>(
        &self,
        key: &B256,
        block: u64,
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, StorageError> {
        let former = |record: &[u8]| match record {
            [] => Ok(None),
            record => decode(record).map(Some),
        };
        if block < self.folded()? {
            let mut history = self.access.cursor(Table::History)?;
            let from = codec::history_key(key, block.saturating_add(1));
            if let Some((row_key, before)) = history.seek(&from)?
                && row_key.starts_with(key.as_slice())
            {
                return former(&before).map_err(|source| history.damage(&row_key, source));
            }
        }
        if !self.is_recent(key)? {
            return self.access.get_as(Table::Flat, key.as_slice(), decode);
        }
        let mut parts = self.access.cursor(Table::Undo)?;
        for later in self.unfolded_above(block)? {
            let mut found = None;
            self.access
                .undo_parts(&mut parts, later, (*key, *key), |part| {
                    let record = part.find(key).map(former).transpose();
                    found = record.map_err(|source| undo_damage(part, source))?;
                    Ok(())
                })?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        self.access.get_as(Table::Flat, key.as_slice(), decode)
    }

    /// The keys below `prefix` that unfolded blocks above `block` changed, ascending, each with its
    /// leaf before the first of them.
    fn unfolded_leaves(&self, prefix: &Prefix, block: u64) -> Result<Vec<PastLeaf>, StorageError> {
        let range = (*prefix.first_key(), prefix.last_key());
        let mut parts = self.access.cursor(Table::Undo)?;
        let mut found: Vec<PastLeaf> = Vec::new();
        for later in self.unfolded_above(block)? {
            self.check()?;
            self.access.undo_parts(&mut parts, later, range, |part| {
                for (key, record) in part.formers() {
                    if range.0 <= key && key <= range.1 {
                        let leaf = former(record).map_err(|source| undo_damage(part, source))?;
                        found.push((key, leaf));
                    }
                }
                Ok(())
            })?;
        }
        // Stable: the oldest record of each key stays in front.
        found.sort_by_key(|(key, _)| *key);
        found.dedup_by_key(|(key, _)| *key);
        Ok(found)
    }
}
