//! Rows about nodes of the state tree; `tables.rs` has their layouts.

use std::borrow::Cow;

use alloy_primitives::B256;
use aura_smt::{NodeChange, NodeId};

use super::Input;
use crate::DecodeError;

pub(crate) const NODE_BYTES: usize = 5;
const CHANGE_BYTES: usize = NODE_BYTES + 32;
const DEPTH_BYTES: usize = 9;

/// `depth 1 ‖ index 4`; byte order is node order.
pub(crate) type NodeKey = [u8; NODE_BYTES];

/// Begin of the first part of a diff: below every node that is recorded.
pub(crate) const NO_NODE: NodeKey = [0; NODE_BYTES];

/// End of the last part of a diff: above every node.
pub(crate) const LAST_PART: NodeKey = [0xff; NODE_BYTES];

/// Whether `node` exists and is not the root, which is not recorded: headers have it.
pub(crate) const fn is_node(node: NodeId) -> bool {
    matches!(node.depth, 1..=32) && (node.index as u64) < 1 << node.depth
}

/// Whether `bottom` can be the depth of the lowest recorded nodes.
pub(crate) const fn is_bottom(bottom: u8) -> bool {
    bottom <= 32 && bottom.is_multiple_of(4)
}

pub(crate) fn node_key(node: NodeId) -> NodeKey {
    let mut bytes = [node.depth; NODE_BYTES];
    bytes[1..].copy_from_slice(&node.index.to_be_bytes());
    bytes
}

pub(crate) fn decode_node(bytes: &NodeKey) -> Result<NodeId, DecodeError> {
    let [depth, index @ ..] = *bytes;
    let node = NodeId {
        depth,
        index: u32::from_be_bytes(index),
    };
    if is_node(node) {
        Ok(node)
    } else {
        Err(DecodeError::NotCanonical("node"))
    }
}

/// `block ‖ end`, the key of a part of a diff.
pub(crate) fn diff_key(block: u64, end: &NodeKey) -> [u8; 13] {
    let mut bytes = [0; 13];
    bytes[..8].copy_from_slice(&block.to_be_bytes());
    bytes[8..].copy_from_slice(end);
    bytes
}

/// `node ‖ boundary`, the key of a hash that a node once had.
pub(crate) fn node_history_key(node: &NodeKey, boundary: u64) -> [u8; 13] {
    let mut bytes = [0; 13];
    bytes[..NODE_BYTES].copy_from_slice(node);
    bytes[NODE_BYTES..].copy_from_slice(&boundary.to_be_bytes());
    bytes
}

/// Value of the part of a diff that begins after `begin`.
pub(crate) fn encode_diff_part(out: &mut Vec<u8>, begin: &NodeKey, changes: &[NodeChange]) {
    out.extend_from_slice(begin);
    for change in changes {
        out.extend_from_slice(&node_key(change.node));
        out.extend_from_slice(change.before.as_slice());
    }
}

/// A part of the diff of one block: what it changed among the nodes above `begin` up to `end`.
#[derive(Debug, Clone)]
pub(crate) struct DiffPart<'a> {
    pub(crate) block: u64,
    pub(crate) begin: NodeKey,
    pub(crate) end: NodeKey,
    /// The value of the row: `begin`, then the changes.
    value: Cow<'a, [u8]>,
}

impl<'a> DiffPart<'a> {
    /// Decodes a row and checks the order of its nodes.
    pub(crate) fn decode(key: &[u8], value: Cow<'a, [u8]>) -> Result<Self, DecodeError> {
        let mut input = Input::new(key);
        let block = input.u64()?;
        let end = input.array()?;
        input.finish()?;
        let begin = Input::new(&value).array()?;
        let part = Self {
            block,
            begin,
            end,
            value,
        };
        let (changes, rest) = part.chunks();
        if !rest.is_empty() {
            return Err(DecodeError::TrailingBytes);
        }
        let mut last = begin;
        for change in changes {
            let node = Input::new(change).array()?;
            decode_node(&node)?;
            if node <= last {
                return Err(DecodeError::NotCanonical("order of nodes"));
            }
            last = node;
        }
        let ends_right = end == LAST_PART || (end == last && !changes.is_empty());
        if !ends_right || last > end {
            return Err(DecodeError::NotCanonical("end of a part"));
        }
        Ok(part)
    }

    fn chunks(&self) -> (&[[u8; CHANGE_BYTES]], &[u8]) {
        // `decode` has read the first bytes.
        self.value.get(NODE_BYTES..).unwrap_or(&[]).as_chunks()
    }

    /// Whether a change of `node` would be in this part.
    pub(crate) fn covers(&self, node: &NodeKey) -> bool {
        self.begin < *node && *node <= self.end
    }

    /// Hash of `node` before the block; `None` if the block did not change it.
    pub(crate) fn find(&self, node: &NodeKey) -> Option<B256> {
        let (changes, _) = self.chunks();
        let at = changes
            .binary_search_by(|change| change[..NODE_BYTES].cmp(node))
            .ok()?;
        changes
            .get(at)
            .map(|change| B256::from_slice(&change[NODE_BYTES..]))
    }

    /// Every change in the order of nodes.
    pub(crate) fn changes(&self) -> impl Iterator<Item = NodeChange> {
        let (changes, _) = self.chunks();
        changes.iter().map(|change| {
            let [depth, a, b, c, d, before @ ..] = *change;
            let index = u32::from_be_bytes([a, b, c, d]);
            NodeChange {
                node: NodeId { depth, index },
                before: B256::new(before),
            }
        })
    }
}

/// Depth of the lowest recorded nodes over time: entries `(first block, bottom)`, ascending.
///
/// An entry written with block `n` has `n` as its first block: from then on changes of nodes down
/// to `bottom` are recorded, so proofs at `n` and later can rely on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DepthList(Vec<(u64, u8)>);

impl DepthList {
    pub(crate) fn new(block: u64, bottom: u8) -> Self {
        Self(vec![(block, bottom)])
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (rows, rest) = bytes.as_chunks::<DEPTH_BYTES>();
        if !rest.is_empty() {
            return Err(DecodeError::TrailingBytes);
        }
        let mut entries: Vec<(u64, u8)> = Vec::with_capacity(rows.len());
        for row in rows {
            let mut input = Input::new(row);
            let (first, bottom) = (input.u64()?, input.u8()?);
            let follows = entries
                .last()
                .is_none_or(|(f, b)| *f < first && *b != bottom);
            if !follows || !is_bottom(bottom) {
                return Err(DecodeError::NotCanonical("list of depths"));
            }
            entries.push((first, bottom));
        }
        if entries.is_empty() {
            return Err(DecodeError::TooShort);
        }
        Ok(Self(entries))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * DEPTH_BYTES);
        for (first, bottom) in &self.0 {
            bytes.extend_from_slice(&first.to_be_bytes());
            bytes.push(*bottom);
        }
        bytes
    }

    /// Sets the depth from `block` on, which is above every first block. Returns whether it was
    /// another one.
    pub(crate) fn set(&mut self, block: u64, bottom: u8) -> bool {
        let changes = self.0.last().is_none_or(|(_, last)| *last != bottom);
        if changes {
            self.0.push((block, bottom));
        }
        changes
    }

    /// Depth of the lowest nodes whose changes since `block` are all recorded.
    pub(crate) fn bottom_at(&self, block: u64) -> u8 {
        let in_force = self.0.iter().rposition(|(first, _)| *first <= block);
        let later = self.0.iter().skip(in_force.unwrap_or_default());
        later.map(|(_, bottom)| *bottom).min().unwrap_or_default()
    }

    /// Forgets what was set with `block` or later. Returns whether that was anything.
    pub(crate) fn cut_from(&mut self, block: u64) -> bool {
        let len = self.0.len();
        let kept = self.0.iter().take_while(|(first, _)| *first < block);
        let kept = kept.count().max(1);
        self.0.truncate(kept);
        kept < len
    }

    /// Forgets what was in force only before `block`. Returns whether that was anything.
    pub(crate) fn cut_before(&mut self, block: u64) -> bool {
        let in_force = self.0.iter().rposition(|(first, _)| *first <= block);
        let gone = in_force.unwrap_or_default();
        self.0.drain(..gone);
        gone > 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn any_changes() -> impl Strategy<Value = Vec<NodeChange>> {
        let node = (1u8..=32, any::<u32>())
            .prop_map(|(depth, index)| (depth, index & (u32::MAX >> (32 - depth))));
        proptest::collection::btree_map(node, any::<[u8; 32]>(), 0..60).prop_map(|nodes| {
            let change = |((depth, index), before)| NodeChange {
                node: NodeId { depth, index },
                before: B256::new(before),
            };
            nodes.into_iter().map(change).collect()
        })
    }

    proptest! {
        #[test]
        fn a_part_round_trips_and_finds_exactly_its_nodes(
            changes in any_changes(), block: u64, depth in 1u8..=32, index: u32,
        ) {
            let mut value = Vec::new();
            encode_diff_part(&mut value, &NO_NODE, &changes);
            let last = changes.last().map_or(LAST_PART, |change| node_key(change.node));
            for end in [LAST_PART, last] {
                let key = diff_key(block, &end);
                let part = DiffPart::decode(&key, Cow::Borrowed(&value)).unwrap();
                prop_assert_eq!((part.block, part.begin, part.end), (block, NO_NODE, end));
                prop_assert_eq!(&part.changes().collect::<Vec<_>>(), &changes);
                for change in &changes {
                    let key = node_key(change.node);
                    prop_assert!(part.covers(&key));
                    prop_assert_eq!(part.find(&key), Some(change.before));
                    prop_assert_eq!(decode_node(&key).unwrap(), change.node);
                }
                let other = NodeId { depth, index: index & (u32::MAX >> (32 - depth)) };
                let expected = changes.iter().find(|c| c.node == other).map(|c| c.before);
                prop_assert_eq!(part.find(&node_key(other)), expected);
            }
        }

        #[test]
        fn disordered_cut_or_misplaced_parts_are_refused(
            changes in any_changes(), cut in 1usize..37, at: prop::sample::Index,
        ) {
            prop_assume!(changes.len() > 1);
            let decode = |begin: &NodeKey, end: &NodeKey, changes: &[NodeChange], cut: usize| {
                let mut value = Vec::new();
                encode_diff_part(&mut value, begin, changes);
                value.truncate(value.len() - cut);
                DiffPart::decode(&diff_key(1, end), Cow::Owned(value)).map(|part| part.block)
            };
            let first = node_key(changes[0].node);
            let last = node_key(changes[changes.len() - 1].node);
            prop_assert!(decode(&NO_NODE, &last, &changes, 0).is_ok());
            prop_assert!(decode(&NO_NODE, &LAST_PART, &changes, cut).is_err());
            prop_assert!(decode(&first, &LAST_PART, &changes, 0).is_err());
            prop_assert!(decode(&NO_NODE, &first, &changes, 0).is_err());
            prop_assert!(decode(&NO_NODE, &last, &changes[..changes.len() - 1], 0).is_err());
            prop_assert!(decode(&NO_NODE, &last, &[], 0).is_err());
            let at = at.index(changes.len() - 1);
            let mut swapped = changes.clone();
            swapped.swap(at, at + 1);
            prop_assert!(decode(&NO_NODE, &LAST_PART, &swapped, 0).is_err());
            let mut doubled = changes.clone();
            doubled[at + 1] = doubled[at];
            prop_assert!(decode(&NO_NODE, &LAST_PART, &doubled, 0).is_err());
            let mut foreign = changes;
            foreign[at].node = NodeId { depth: 33, index: 0 };
            prop_assert!(decode(&NO_NODE, &LAST_PART, &foreign, 0).is_err());
        }

        #[test]
        fn accepted_depth_lists_are_the_ones_that_are_written(
            bytes in vec(prop_oneof![Just(0u8), Just(4), 0u8..40], 0..40),
        ) {
            if let Ok(list) = DepthList::decode(&bytes) {
                prop_assert_eq!(list.encode(), bytes);
            }
        }
    }

    #[test]
    fn the_depth_in_force_is_the_least_since_the_block() {
        let mut list = DepthList::new(5, 8);
        assert!(!list.set(6, 8));
        assert!(list.set(10, 12) && list.set(20, 4) && list.set(30, 16));
        let bottoms = [0, 5, 9, 10, 19, 20, 29, 30, 99].map(|block| list.bottom_at(block));
        assert_eq!(bottoms, [4, 4, 4, 4, 4, 4, 4, 16, 16]);
        assert_eq!(DepthList::decode(&list.encode()).unwrap(), list);
        assert!(list.cut_from(20) && !list.cut_from(20));
        assert_eq!([5, 9, 10, 11].map(|n| list.bottom_at(n)), [8, 8, 12, 12]);
        assert!(!list.cut_before(9));
        assert!(list.cut_before(10));
        assert_eq!(list, DepthList::new(10, 12));
        // The depth that was set first stays.
        assert!(!list.cut_from(10) && !list.cut_from(3));
    }

    #[test]
    fn nodes_beyond_their_depth_do_not_exist() {
        for (depth, index, exists) in [
            (0, 0, false),
            (1, 1, true),
            (1, 2, false),
            (31, u32::MAX, false),
            (32, u32::MAX, true),
            (33, 0, false),
        ] {
            assert_eq!(is_node(NodeId { depth, index }), exists);
            assert_eq!(
                decode_node(&node_key(NodeId { depth, index })).is_ok(),
                exists
            );
        }
    }
}
