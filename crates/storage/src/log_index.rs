//! Posting lists: the blocks in which an emitter or topic occurs.
//!
//! ```text
//! key    term ‖ first block 8
//! term   LogAddress: emitter 20
//!        LogTopic:   position 1 (0-3) ‖ topic folded to 16 bytes (first half XOR second half)
//!                    0xff ‖ 16 zero bytes: the blocks with any log
//! value  roaring bitmap of `block - first block` for the blocks after the first; empty: none
//! ```
//!
//! A list is cut into shards of at most [`MAX_SHARD_BYTES`], so a block rewrites a bounded value
//! per term. Folding makes rows small; two topics that fold alike only cost a useless look at a
//! block, since the caller compares the logs themselves.

use std::{fmt, ops::RangeInclusive};

use alloy_primitives::{Address, B256};
use aura_primitives::Receipt;
use roaring::{RoaringBitmap, RoaringTreemap};
use signet_libmdbx::{Rw, TransactionKind};

use crate::{
    DecodeError, LogQuery, StorageError,
    access::{Access, TableCursor},
    codec::Input,
    tables::Table,
};

/// Largest shard; a row of this size still shares its page with another.
const MAX_SHARD_BYTES: usize = 1900;

const TOPIC_TERM_BYTES: usize = 17;
const ANY_LOG: [u8; TOPIC_TERM_BYTES] = {
    let mut term = [0; TOPIC_TERM_BYTES];
    term[0] = 0xff;
    term
};

type TopicTerm = [u8; TOPIC_TERM_BYTES];

fn topic_term(position: u8, topic: &B256) -> TopicTerm {
    let mut term = [0; TOPIC_TERM_BYTES];
    term[0] = position;
    let (left, right) = topic.split_at(16);
    for ((byte, a), b) in term[1..].iter_mut().zip(left).zip(right) {
        *byte = a ^ b;
    }
    term
}

/// `term ‖ block` on the stack; terms have 20 or 17 bytes.
#[derive(Clone, Copy)]
struct ShardKey {
    bytes: [u8; 28],
    len: usize,
}

impl ShardKey {
    fn new(term: &[u8], block: u64) -> Self {
        let mut bytes = [0; 28];
        bytes[..term.len()].copy_from_slice(term);
        bytes[term.len()..term.len() + 8].copy_from_slice(&block.to_be_bytes());
        Self {
            bytes,
            len: term.len() + 8,
        }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The first block of a shard, if `key` belongs to `term`.
fn first_block(key: &[u8], term: &[u8]) -> Option<u64> {
    let mut input = Input::new(key.strip_prefix(term)?);
    input.u64().ok()
}

fn decode_offsets(value: &[u8]) -> Result<RoaringBitmap, DecodeError> {
    if value.is_empty() {
        return Ok(RoaringBitmap::new());
    }
    let mut rest = value;
    let bitmap = RoaringBitmap::deserialize_from(&mut rest).map_err(|_| DecodeError::Bitmap)?;
    if rest.is_empty() {
        Ok(bitmap)
    } else {
        Err(DecodeError::TrailingBytes)
    }
}

fn encode_offsets(bitmap: &mut RoaringBitmap) -> Vec<u8> {
    let mut value = Vec::new();
    if !bitmap.is_empty() {
        bitmap.optimize();
        bitmap
            .serialize_into(&mut value)
            .expect("writing to a vector does not fail");
    }
    value
}

/// The terms of a block's logs, each once and sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    addresses: Vec<Address>,
    topics: Vec<TopicTerm>,
}

impl Terms {
    pub(crate) fn of(receipts: &[Receipt]) -> Self {
        let mut terms = Self::default();
        for log in receipts.iter().flat_map(|receipt| &receipt.logs) {
            // Logs of one contract tend to follow each other.
            if terms.addresses.last() != Some(&log.address) {
                terms.addresses.push(log.address);
            }
            for (position, topic) in (0u8..).zip(log.data.topics()) {
                terms.topics.push(topic_term(position, topic));
            }
        }
        if !terms.addresses.is_empty() {
            terms.topics.push(ANY_LOG);
        }
        terms.addresses.sort_unstable();
        terms.addresses.dedup();
        terms.topics.sort_unstable();
        terms.topics.dedup();
        terms
    }

    fn for_each(
        &self,
        access: &Access<Rw>,
        mut f: impl FnMut(&mut TableCursor<'_, Rw>, &[u8]) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        if self.topics.is_empty() {
            return Ok(());
        }
        let mut cursor = access.cursor(Table::LogAddress)?;
        for address in &self.addresses {
            f(&mut cursor, address.as_slice())?;
        }
        let mut cursor = access.cursor(Table::LogTopic)?;
        for topic in &self.topics {
            f(&mut cursor, topic)?;
        }
        Ok(())
    }

    /// Adds `block`, the newest of the chain, to the list of every term.
    pub(crate) fn add(&self, access: &Access<Rw>, block: u64) -> Result<(), StorageError> {
        self.for_each(access, |cursor, term| add(cursor, term, block))
    }

    /// Removes `block`, the newest of the chain, from the list of every term.
    pub(crate) fn remove(&self, access: &Access<Rw>, block: u64) -> Result<(), StorageError> {
        self.for_each(access, |cursor, term| remove(cursor, term, block))
    }
}

/// The newest shard of `term`: its first block and the offsets after it.
fn last_shard(
    cursor: &mut TableCursor<'_, Rw>,
    term: &[u8],
) -> Result<Option<(u64, RoaringBitmap)>, StorageError> {
    let Some((key, value)) = cursor.seek_before(ShardKey::new(term, u64::MAX).as_slice())? else {
        return Ok(None);
    };
    let Some(first) = first_block(&key, term) else {
        return Ok(None);
    };
    let offsets = decode_offsets(&value).map_err(|source| cursor.damage(&key, source))?;
    Ok(Some((first, offsets)))
}

fn add(cursor: &mut TableCursor<'_, Rw>, term: &[u8], block: u64) -> Result<(), StorageError> {
    if let Some((first, mut offsets)) = last_shard(cursor, term)?
        && let Some(Ok(offset)) = block.checked_sub(first).map(u32::try_from)
    {
        if offset == 0 {
            return Ok(());
        }
        offsets.insert(offset);
        let value = encode_offsets(&mut offsets);
        if value.len() <= MAX_SHARD_BYTES {
            return cursor.put(ShardKey::new(term, first).as_slice(), &value);
        }
    }
    cursor.put(ShardKey::new(term, block).as_slice(), &[])
}

fn remove(cursor: &mut TableCursor<'_, Rw>, term: &[u8], block: u64) -> Result<(), StorageError> {
    let missing = |cursor: &TableCursor<'_, Rw>| {
        cursor.damage(ShardKey::new(term, block).as_slice(), DecodeError::Missing)
    };
    let Some((first, mut offsets)) = last_shard(cursor, term)? else {
        return Err(missing(cursor));
    };
    if first == block {
        return cursor.delete_current();
    }
    let offset = block.checked_sub(first).map(u32::try_from);
    match offset {
        Some(Ok(offset)) if offsets.remove(offset) => {
            let value = encode_offsets(&mut offsets);
            cursor.put(ShardKey::new(term, first).as_slice(), &value)
        }
        _ => Err(missing(cursor)),
    }
}

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

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn offsets_round_trip(offsets in vec(any::<u32>(), 0..100)) {
            let mut bitmap: RoaringBitmap = offsets.into_iter().collect();
            let value = encode_offsets(&mut bitmap);
            prop_assert_eq!(decode_offsets(&value).unwrap(), bitmap);
        }

        #[test]
        fn arbitrary_offsets_never_panic(
            mut bytes in vec(any::<u8>(), 0..200), runs: bool, steer: bool,
        ) {
            if steer && bytes.len() > 8 {
                // A plausible cookie gets the decoder past its first check.
                let cookie: u32 = if runs { 12347 } else { 12346 };
                bytes[..4].copy_from_slice(&cookie.to_le_bytes());
                if !runs { bytes[5..8].fill(0); }
            }
            let _ = decode_offsets(&bytes);
        }
    }

    #[test]
    fn folding_keeps_padded_values_apart() {
        let left = topic_term(0, &B256::left_padding_from(b"abc"));
        let other = topic_term(0, &B256::left_padding_from(b"abd"));
        let right = topic_term(0, &B256::right_padding_from(b"abc"));
        assert!(left != other && left != right);
        assert_ne!(left, topic_term(1, &B256::left_padding_from(b"abc")));
    }
}
