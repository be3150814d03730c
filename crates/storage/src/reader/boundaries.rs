//! Which blocks can be proven, and the lists of nodes per block, for transactions of both kinds.

use alloy_primitives::B256;
use aura_smt::NodeChange;
use signet_libmdbx::TransactionKind;

use crate::{
    DecodeError, Pin, StorageError,
    access::{Access, Row, TableCursor},
    codec::{self, DepthList, DiffPart, Input, LAST_PART, NO_NODE, NODE_BYTES, NodeKey},
    tables::{BOUNDARY_NODES_PER_PART, Table},
};

/// What decides whether a block can be proven, apart from boundaries and pins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProofWindow {
    pub(crate) head: u64,
    pub(crate) first_history: u64,
    /// The node diff of this block and of every later one is kept.
    pub(crate) first_nodes: u64,
}

impl ProofWindow {
    /// From here on every block can be proven.
    pub(crate) fn first_available(&self) -> u64 {
        let first = self.first_nodes.saturating_sub(1);
        first.max(self.first_history).min(self.head)
    }
}

/// Number in front of a key of exactly `width` bytes.
pub(crate) fn leading_number<K: TransactionKind>(
    cursor: &TableCursor<'_, K>,
    key: &[u8],
    width: usize,
) -> Result<u64, StorageError> {
    let (Some(number), true) = (key.first_chunk(), key.len() == width) else {
        return Err(cursor.damage(key, DecodeError::NotCanonical("key")));
    };
    Ok(u64::from_be_bytes(*number))
}

fn hash(bytes: &[u8]) -> Result<B256, DecodeError> {
    let mut input = Input::new(bytes);
    let hash = input.b256()?;
    input.finish()?;
    Ok(hash)
}

/// Decodes a row of `NodeHistory`, which must have exactly the width of its layout.
pub(crate) fn node_hash<K: TransactionKind>(
    cursor: &TableCursor<'_, K>,
    key: &[u8],
    value: &[u8],
) -> Result<B256, StorageError> {
    hash(value).map_err(|source| cursor.damage(key, source))
}

impl<K: TransactionKind> Access<K> {
    pub(crate) fn proof_window(&self, head: u64) -> Result<ProofWindow, StorageError> {
        Ok(ProofWindow {
            head,
            first_history: self.first_history_block()?,
            first_nodes: self.first_nodes()?,
        })
    }

    pub(crate) fn first_nodes(&self) -> Result<u64, StorageError> {
        self.require_as(Table::Meta, codec::META_FIRST_NODES, codec::decode_u64)
    }

    pub(crate) fn node_depths(&self) -> Result<DepthList, StorageError> {
        self.require_as(Table::Meta, codec::META_NODE_DEPTH, DepthList::decode)
    }

    /// The last boundary up to `block`.
    pub(crate) fn boundary_upto(&self, block: u64) -> Result<Option<u64>, StorageError> {
        let mut cursor = self.cursor(Table::Boundaries)?;
        let row = cursor.seek_before(&codec::part_key(block, u32::MAX))?;
        row.map(|(key, _)| leading_number(&cursor, &key, 12))
            .transpose()
    }

    /// The last boundary up to `block`, which must be there: pruning keeps one below all history.
    pub(crate) fn last_boundary(&self, block: u64) -> Result<u64, StorageError> {
        self.boundary_upto(block)?.ok_or_else(|| {
            let key = codec::part_key(block, 0);
            StorageError::decode(Table::Boundaries.name(), &key, DecodeError::Missing)
        })
    }

    /// The first boundary above `block`.
    pub(crate) fn boundary_after(&self, block: u64) -> Result<Option<u64>, StorageError> {
        let mut cursor = self.cursor(Table::Boundaries)?;
        let row = cursor.seek(&codec::part_key(block.saturating_add(1), 0))?;
        row.map(|(key, _)| leading_number(&cursor, &key, 12))
            .transpose()
    }

    fn pin(cursor: &TableCursor<'_, K>, row: Option<Row<'_>>) -> Result<Option<Pin>, StorageError> {
        let Some((key, value)) = row else {
            return Ok(None);
        };
        let block = leading_number(cursor, &key, 8)?;
        let timestamp = codec::decode_u64(&value).map_err(|source| cursor.damage(&key, source))?;
        Ok(Some(Pin { block, timestamp }))
    }

    /// The last pinned block below `block`.
    pub(crate) fn pin_below(&self, block: u64) -> Result<Option<Pin>, StorageError> {
        let mut cursor = self.cursor(Table::Pins)?;
        let row = cursor.seek_before(&block.to_be_bytes())?;
        Self::pin(&cursor, row)
    }

    /// The first pinned block from `block` on.
    pub(crate) fn pin_from(&self, block: u64) -> Result<Option<Pin>, StorageError> {
        let mut cursor = self.cursor(Table::Pins)?;
        let row = cursor.seek(&block.to_be_bytes())?;
        Self::pin(&cursor, row)
    }

    pub(crate) fn pins(&self) -> Result<Vec<Pin>, StorageError> {
        let mut cursor = self.cursor(Table::Pins)?;
        let mut pins = Vec::new();
        let mut row = cursor.first()?;
        while let Some(pin) = Self::pin(&cursor, row)? {
            pins.push(pin);
            row = cursor.next_row()?;
        }
        Ok(pins)
    }

    /// Whether the diffs of the blocks above `block`, up to the next boundary, are kept because of
    /// a pin.
    pub(crate) fn is_pinned(&self, block: u64) -> Result<bool, StorageError> {
        let Some(pin) = self.pin_below(block.saturating_add(1))? else {
            return Ok(false);
        };
        Ok(self.boundary_upto(block)? < Some(pin.block))
    }

    pub(crate) fn is_provable(
        &self,
        block: u64,
        window: &ProofWindow,
    ) -> Result<bool, StorageError> {
        if block < window.first_history || block > window.head {
            return Ok(false);
        }
        if block >= window.first_available() || self.boundary_upto(block)? == Some(block) {
            return Ok(true);
        }
        self.is_pinned(block)
    }

    /// The provable blocks next to `block`, which is not provable itself.
    pub(crate) fn nearest_provable(
        &self,
        block: u64,
        window: &ProofWindow,
    ) -> Result<(Option<u64>, Option<u64>), StorageError> {
        // A pin between boundary and block would make the block provable too.
        let below = self.boundary_upto(block)?;
        let below = below.filter(|below| *below >= window.first_history);
        let from = block.saturating_add(1).max(window.first_history);
        let boundary = self.boundary_after(from.saturating_sub(1))?;
        let pin = self.pin_from(from)?.map(|pin| pin.block);
        let above = [boundary, pin].into_iter().flatten();
        let above = above.min().unwrap_or(u64::MAX);
        Ok((below, Some(above.min(window.first_available()))))
    }

    /// Calls `visit` with the parts of the diff of `block`; `false` if there is none.
    fn diff_parts(
        &self,
        cursor: &mut TableCursor<'_, K>,
        block: u64,
        mut visit: impl FnMut(&DiffPart<'_>),
    ) -> Result<bool, StorageError> {
        let mut begin = NO_NODE;
        let mut row = cursor.seek(&codec::diff_key(block, &begin))?;
        loop {
            let missing = |cursor: &TableCursor<'_, K>| {
                cursor.damage(&codec::diff_key(block, &begin), DecodeError::Missing)
            };
            let Some((key, value)) = row.filter(|(key, _)| key.starts_with(&block.to_be_bytes()))
            else {
                if begin == NO_NODE {
                    return Ok(false);
                }
                return Err(missing(cursor));
            };
            let part =
                DiffPart::decode(&key, value).map_err(|source| cursor.damage(&key, source))?;
            if part.begin != begin {
                return Err(missing(cursor));
            }
            visit(&part);
            begin = part.end;
            if begin == LAST_PART {
                return Ok(true);
            }
            row = cursor.next_row()?;
        }
    }

    /// The nodes that changed since the last boundary up to `head`, with their hashes as of then.
    pub(crate) fn open_interval(&self, head: u64) -> Result<Vec<NodeChange>, StorageError> {
        let boundary = self.last_boundary(head)?;
        let first_nodes = self.first_nodes()?;
        let mut cursor = self.cursor(Table::NodeDiffs)?;
        let mut changes = Vec::new();
        let first = boundary.saturating_add(1);
        for block in first..=head {
            let is_there = self.diff_parts(&mut cursor, block, |part| {
                changes.extend(part.changes());
            })?;
            // Where diffs were pruned before an unwind, the first one has the whole interval.
            if !is_there && (block >= first_nodes || block == first) {
                let key = codec::diff_key(block, &NO_NODE);
                return Err(cursor.damage(&key, DecodeError::Missing));
            }
        }
        // Stable: the oldest hash of each node stays in front.
        changes.sort_by_key(|change| change.node);
        changes.dedup_by_key(|change| change.node);
        Ok(changes)
    }

    /// The nodes that have a row of `boundary` in `NodeHistory`.
    pub(crate) fn boundary_nodes(&self, boundary: u64) -> Result<Vec<NodeKey>, StorageError> {
        let mut cursor = self.cursor(Table::Boundaries)?;
        let mut nodes: Vec<NodeKey> = Vec::new();
        let mut row = cursor.seek(&codec::part_key(boundary, 0))?;
        for part in 0u32.. {
            let expected = codec::part_key(boundary, part);
            let Some((key, value)) = row.filter(|(key, _)| **key == expected) else {
                return Err(cursor.damage(&expected, DecodeError::Missing));
            };
            let (chunks, rest) = value.as_chunks::<NODE_BYTES>();
            if !rest.is_empty() {
                return Err(cursor.damage(&key, DecodeError::TrailingBytes));
            }
            for node in chunks {
                codec::decode_node(node).map_err(|source| cursor.damage(&key, source))?;
                if nodes.last().is_some_and(|last| last >= node) {
                    return Err(cursor.damage(&key, DecodeError::NotCanonical("order of nodes")));
                }
                nodes.push(*node);
            }
            row = cursor.next_row()?;
            if chunks.len() < BOUNDARY_NODES_PER_PART {
                break;
            }
        }
        if let Some((key, _)) = row
            && key.starts_with(&boundary.to_be_bytes())
        {
            return Err(cursor.damage(&key, DecodeError::NotCanonical("end of a list")));
        }
        Ok(nodes)
    }
}
