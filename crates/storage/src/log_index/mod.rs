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

mod search;

pub use search::LogBlocks;
pub(crate) use search::Search;

use alloy_primitives::{Address, B256};
use aura_primitives::Receipt;
use roaring::RoaringBitmap;
use signet_libmdbx::Rw;

use crate::{
    DecodeError, StorageError,
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

#[cfg(test)]
mod tests {
    use std::{ops::RangeInclusive, sync::Arc};

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{LogQuery, Store, StoreConfig};

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
    fn wide_gaps_make_new_shards_and_leave_in_reverse_order() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &StoreConfig::default()).unwrap();
        let tx = store.shared().env.begin_rw_unsync().unwrap();
        let access = Access::new(tx, Arc::clone(store.shared()));
        // Gaps of 1 to about 2^33 blocks; two neighbours of the term must not be touched.
        let term = Address::repeat_byte(7);
        let neighbours = [Address::repeat_byte(6), Address::repeat_byte(8)];
        let mut cursor = access.cursor(Table::LogAddress).unwrap();
        for neighbour in neighbours {
            add(&mut cursor, neighbour.as_slice(), 1).unwrap();
        }
        let mut blocks = vec![3u64];
        for step in 0u64..1500 {
            let gap = 1 + (step.pow(3) << (step % 7)) % (1 << 33) / (1 + step % 5);
            blocks.push(blocks[blocks.len() - 1] + gap);
        }
        for block in &blocks {
            add(&mut cursor, term.as_slice(), *block).unwrap();
        }
        let mut row = cursor.first().unwrap();
        let mut shards = 0;
        while let Some((_, value)) = row {
            assert!(value.len() <= MAX_SHARD_BYTES);
            shards += 1;
            row = cursor.next_row().unwrap();
        }
        assert!(shards > 10, "{shards} shards");
        let search = Search {
            access: &access,
            check: || Ok(()),
        };
        let found = |address: Address, range: RangeInclusive<u64>| -> Vec<u64> {
            let query = LogQuery {
                addresses: vec![address],
                topics: Default::default(),
                range,
            };
            search.blocks(&query).unwrap().collect()
        };
        assert_eq!(found(term, 0..=u64::MAX), blocks);
        let middle = blocks[700]..=blocks[900];
        assert_eq!(found(term, middle), blocks[700..=900]);
        for kept in (0..blocks.len()).rev() {
            remove(&mut cursor, term.as_slice(), blocks[kept]).unwrap();
            if kept % 300 == 0 {
                assert_eq!(found(term, 0..=u64::MAX), blocks[..kept]);
            }
        }
        assert!(remove(&mut cursor, term.as_slice(), 3).is_err());
        for neighbour in neighbours {
            assert_eq!(found(neighbour, 0..=u64::MAX), [1]);
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
