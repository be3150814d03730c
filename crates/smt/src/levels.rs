//! The top of the tree: every node down to the buckets, in dense arrays.

use alloc::vec::Vec;

use alloy_primitives::B256;

use crate::{NodeChange, NodeId, hash::node_batch, prefetch::prefetch};

/// How many nodes ahead of the current one are fetched into the processor's cache.
const AHEAD: usize = 16;

/// Depth to which the arrays can grow: 2^30 buckets.
const MAX_DEPTH: u8 = 30;

/// Hashes of all nodes from the root to the buckets.
///
/// A bucket is a node whose subtree is not kept: only its hash is. Buckets with an index below
/// `split` have `depth + 1` bits, all others `depth`. Splitting one bucket after the other (as in
/// linear hashing) lets the arrays follow the number of leaves without ever rebuilding them.
#[derive(Debug, Clone)]
pub(crate) struct Levels {
    depth: u8,
    split: u32,
    /// `nodes[d][i]` is the node of depth `d` and index `i`; the last array, of depth `depth + 1`,
    /// ends at `2 * split`.
    nodes: Vec<Vec<B256>>,
}

impl Levels {
    /// The empty tree with this many buckets, at least one and at most 2^30.
    pub(crate) fn new(buckets: u64) -> Self {
        let buckets = buckets.clamp(1, 1 << MAX_DEPTH);
        // At most 30.
        let depth = buckets.ilog2() as u8;
        let split = (buckets - (1 << depth)) as u32;
        let mut nodes: Vec<_> = (0..=depth)
            .map(|depth| vec![B256::ZERO; 1 << depth])
            .collect();
        let mut halves = Vec::with_capacity(if split == 0 { 0 } else { 2 << depth });
        halves.resize(2 * split as usize, B256::ZERO);
        nodes.push(halves);
        Self {
            depth,
            split,
            nodes,
        }
    }

    pub(crate) fn root(&self) -> B256 {
        self.nodes[0][0]
    }

    /// Bits that every bucket has at least.
    pub(crate) const fn depth(&self) -> u8 {
        self.depth
    }

    /// Number of buckets.
    pub(crate) const fn buckets(&self) -> u64 {
        (1 << self.depth) + self.split as u64
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.nodes.iter().map(|nodes| nodes.len() * 32).sum()
    }

    /// The bucket that `key` belongs to.
    pub(crate) fn bucket(&self, key: &B256) -> NodeId {
        let index = first_bits(key, self.depth);
        if index < self.split {
            let depth = self.depth + 1;
            return NodeId {
                depth,
                index: first_bits(key, depth),
            };
        }
        NodeId {
            depth: self.depth,
            index,
        }
    }

    /// Whether `node` is a bucket.
    pub(crate) const fn is_bucket(&self, node: NodeId) -> bool {
        node.depth > self.depth || (node.depth == self.depth && node.index >= self.split)
    }

    /// Hash of a node that is not below a bucket.
    pub(crate) fn get(&self, node: NodeId) -> B256 {
        self.nodes[usize::from(node.depth)][node.index as usize]
    }

    pub(crate) fn set(&mut self, node: NodeId, hash: B256) {
        self.nodes[usize::from(node.depth)][node.index as usize] = hash;
    }

    /// The bucket that is split next; `None` if there can be no more.
    pub(crate) fn next_split(&self) -> Option<NodeId> {
        (self.depth < MAX_DEPTH).then_some(NodeId {
            depth: self.depth,
            index: self.split,
        })
    }

    /// Splits [`next_split`](Self::next_split), whose halves have these hashes.
    pub(crate) fn split(&mut self, left: B256, right: B256) {
        let below = &mut self.nodes[usize::from(self.depth) + 1];
        if below.is_empty() {
            // Reserved room costs nothing until it is used.
            below.reserve_exact(2 << self.depth);
        }
        below.push(left);
        below.push(right);
        self.split += 1;
        if self.split == 1 << self.depth {
            self.depth += 1;
            self.split = 0;
            self.nodes.push(Vec::new());
        }
    }

    /// Computes every node above the `changed` buckets, which ascend by key and whose hashes are
    /// set. Notes the former hashes of those nodes of which `record` is true, buckets excluded.
    pub(crate) fn update(
        &mut self,
        changed: &[NodeId],
        record: impl Fn(u8) -> bool,
        changes: &mut Vec<NodeChange>,
    ) {
        let lower = changed.partition_point(|node| node.depth > self.depth);
        let mut dirty: Vec<u32> = changed[..lower].iter().map(|node| node.index).collect();
        let mut both = Vec::new();
        for depth in (0..=self.depth).rev() {
            for index in &mut dirty {
                *index >>= 1;
            }
            dirty.dedup();
            let recording = record(depth).then_some(&mut *changes);
            self.update_level(depth, &dirty, recording, &mut both);
            if depth == self.depth {
                dirty.extend(changed[lower..].iter().map(|node| node.index));
            }
        }
    }

    fn update_level(
        &mut self,
        depth: u8,
        dirty: &[u32],
        changes: Option<&mut Vec<NodeChange>>,
        both: &mut Vec<u32>,
    ) {
        let (above, below) = self.nodes.split_at_mut(usize::from(depth) + 1);
        let (level, children) = (&mut above[usize::from(depth)], &below[0]);
        if let Some(changes) = changes {
            changes.extend(dirty.iter().map(|&index| NodeChange {
                node: NodeId { depth, index },
                before: level[index as usize],
            }));
        }
        both.clear();
        for (position, &index) in dirty.iter().enumerate() {
            if let Some(&next) = dirty.get(position + AHEAD) {
                prefetch(&children[2 * next as usize]);
                prefetch(&level[next as usize]);
            }
            let index = index as usize;
            let (left, right) = (&children[2 * index], &children[2 * index + 1]);
            if left.is_zero() {
                level[index] = *right;
            } else if right.is_zero() {
                level[index] = *left;
            } else {
                // Indexes fit 32 bits, as `NodeId` has them.
                both.push(index as u32);
            }
        }
        node_batch(
            both.len(),
            |position| {
                let index = 2 * both[position] as usize;
                (&children[index], &children[index + 1], depth)
            },
            |position, hash| level[both[position] as usize] = hash,
        );
    }

    /// Computes all nodes above the buckets.
    pub(crate) fn update_all(&mut self) {
        let mut both = Vec::new();
        let split: Vec<u32> = (0..self.split).collect();
        self.update_level(self.depth, &split, None, &mut both);
        for depth in (0..self.depth).rev() {
            let all: Vec<u32> = (0..1 << depth).collect();
            self.update_level(depth, &all, None, &mut both);
        }
    }
}

/// The first `bits` bits of a key, at most 32.
pub(crate) fn first_bits(key: &B256, bits: u8) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&key[..4]);
    u32::from_be_bytes(word)
        .checked_shr(32 - u32::from(bits.min(32)))
        .unwrap_or(0)
}
