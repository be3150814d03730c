//! Which blocks can hold logs for a query.

use std::{fmt, ops::RangeInclusive};

use roaring::RoaringTreemap;
use signet_libmdbx::TransactionKind;

use super::{ANY_LOG, ShardKey, decode_offsets, first_block, topic_term};
use crate::{LogQuery, StorageError, access::Access, tables::Table};

/// Collects ascending block numbers; runs are inserted as ranges.
struct Collector<'a> {
    blocks: &'a mut RoaringTreemap,
    run: Option<(u64, u64)>,
}

impl Collector<'_> {
    fn push(&mut self, block: u64) {
        self.run = match self.run {
            Some((start, end)) if end.checked_add(1) == Some(block) => Some((start, block)),
            _ => {
                self.flush();
                Some((block, block))
            }
        };
    }

    fn flush(&mut self) {
        if let Some((start, end)) = self.run.take() {
            self.blocks.insert_range(start..=end);
        }
    }
}

/// A search over posting lists; `check` runs once a shard, to stop an expired snapshot.
pub(crate) struct Search<'a, K: TransactionKind, C> {
    pub(crate) access: &'a Access<K>,
    pub(crate) check: C,
}

impl<K: TransactionKind, C: Fn() -> Result<(), StorageError>> Search<'_, K, C> {
    /// Adds the blocks of `term` within `range` to `blocks`.
    fn collect(
        &self,
        table: Table,
        term: &[u8],
        range: &RangeInclusive<u64>,
        blocks: &mut RoaringTreemap,
    ) -> Result<(), StorageError> {
        let mut cursor = self.access.cursor(table)?;
        let from = ShardKey::new(term, *range.start());
        // The shard that begins before the range can reach into it.
        let before = cursor.seek_before(from.as_slice())?;
        let mut row = match before {
            Some((key, value)) if first_block(&key, term).is_some() => Some((key, value)),
            _ => cursor.seek(from.as_slice())?,
        };
        let mut out = Collector { blocks, run: None };
        while let Some((key, value)) = row {
            (self.check)()?;
            let Some(first) = first_block(&key, term).filter(|first| first <= range.end()) else {
                break;
            };
            if range.contains(&first) {
                out.push(first);
            }
            let offsets = decode_offsets(&value).map_err(|source| cursor.damage(&key, source))?;
            for offset in offsets {
                let block = first.saturating_add(u64::from(offset));
                if range.contains(&block) {
                    out.push(block);
                }
            }
            row = cursor.next_row()?;
        }
        out.flush();
        Ok(())
    }

    /// The blocks that can hold logs for `query`: any of the emitters, and for every topic
    /// position any of its values.
    pub(crate) fn blocks(&self, query: &LogQuery) -> Result<LogBlocks, StorageError> {
        let mut range = query.range.clone();
        let mut found: Option<RoaringTreemap> = None;
        let mut narrow = |group: RoaringTreemap, range: &mut RangeInclusive<u64>| {
            let both = match found.take() {
                Some(found) => found & group,
                None => group,
            };
            // What is already excluded need not be read from the other lists.
            if let (Some(min), Some(max)) = (both.min(), both.max()) {
                *range = min..=max;
            }
            let goes_on = !both.is_empty();
            found = Some(both);
            goes_on
        };
        let mut goes_on = !range.is_empty();
        if goes_on && !query.addresses.is_empty() {
            let mut group = RoaringTreemap::new();
            for address in &query.addresses {
                self.collect(Table::LogAddress, address.as_slice(), &range, &mut group)?;
            }
            goes_on = narrow(group, &mut range);
        }
        for (position, topics) in (0u8..).zip(&query.topics) {
            if !goes_on || topics.is_empty() {
                continue;
            }
            let mut group = RoaringTreemap::new();
            for topic in topics {
                let term = topic_term(position, topic);
                self.collect(Table::LogTopic, &term, &range, &mut group)?;
            }
            goes_on = narrow(group, &mut range);
        }
        let is_filtered =
            !query.addresses.is_empty() || query.topics.iter().any(|topics| !topics.is_empty());
        if goes_on && !is_filtered {
            let mut group = RoaringTreemap::new();
            self.collect(Table::LogTopic, &ANY_LOG, &range, &mut group)?;
            narrow(group, &mut range);
        }
        Ok(LogBlocks::new(found.unwrap_or_default()))
    }
}

/// Numbers of the blocks that can hold matching logs, ascending.
pub struct LogBlocks {
    blocks: roaring::treemap::IntoIter,
    left: u64,
}

impl LogBlocks {
    fn new(blocks: RoaringTreemap) -> Self {
        Self {
            left: blocks.len(),
            blocks: blocks.into_iter(),
        }
    }

    /// How many blocks are left.
    pub const fn remaining(&self) -> u64 {
        self.left
    }
}

impl fmt::Debug for LogBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogBlocks")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Iterator for LogBlocks {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let block = self.blocks.next();
        self.left = self.left.saturating_sub(u64::from(block.is_some()));
        block
    }
}
