//! The top of the tree: every node down to the buckets, in dense arrays.

use alloc::vec::Vec;

use alloy_primitives::B256;

use crate::{NodeChange, NodeId, hash::node_batch, prefetch::prefetch};

/// How many nodes ahead of the current one are fetched into the processor's cache.
const AHEAD: usize = 16;

/// Depth to which the arrays can grow: 2^30 buckets.
const MAX_DEPTH: u8 = 30;

/// The two children of a node: one cache line.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Pair([B256; 2]);

/// Hashes of all nodes from the root to the buckets.
///
/// A bucket is a node whose subtree is not kept: only its hash is. Buckets with an index below
/// `split` have `depth + 1` bits, all others `depth`. Splitting one bucket after the other (as in
/// linear hashing) lets the arrays follow the number of leaves without ever rebuilding them.
#[derive(Debug, Clone)]
pub(crate) struct Levels {
    depth: u8,
    split: u32,
    root: B256,
    /// `pairs[d][i]` are the children of the node of depth `d` and index `i`; the last array, with
    /// the halves of split buckets, ends at `split`.
    pairs: Vec<Vec<Pair>>,
}

impl Levels {
    /// The empty tree with this many buckets, at least one and at most 2^30.
    pub(crate) fn new(buckets: u64) -> Self {
        let buckets = buckets.clamp(1, 1 << MAX_DEPTH);
        // At most 30.
        let depth = buckets.ilog2() as u8;
        let split = (buckets - (1 << depth)) as u32;
        let mut pairs: Vec<_> = (0..depth).map(|d| vec![Pair::default(); 1 << d]).collect();
        let mut halves = Vec::with_capacity(if split == 0 { 0 } else { 1 << depth });
        halves.resize(split as usize, Pair::default());
        pairs.push(halves);
        Self {
            depth,
            split,
            root: B256::ZERO,
            pairs,
        }
    }

    pub(crate) const fn root(&self) -> B256 {
        self.root
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
        let pairs: usize = self.pairs.iter().map(Vec::len).sum();
        pairs * size_of::<Pair>()
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
        match usize::from(node.depth).checked_sub(1) {
            None => self.root,
            Some(above) => {
                let pair = &self.pairs[above][node.index as usize / 2];
                pair.0[node.index as usize % 2]
            }
        }
    }

    pub(crate) fn set(&mut self, node: NodeId, hash: B256) {
        match usize::from(node.depth).checked_sub(1) {
            None => self.root = hash,
            Some(above) => {
                let pair = &mut self.pairs[above][node.index as usize / 2];
                pair.0[node.index as usize % 2] = hash;
            }
        }
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
        let halves = &mut self.pairs[usize::from(self.depth)];
        if halves.is_empty() {
            // Reserved room costs nothing until it is used.
            halves.reserve_exact(1 << self.depth);
        }
        halves.push(Pair([left, right]));
        self.split += 1;
        if self.split == 1 << self.depth {
            self.depth += 1;
            self.split = 0;
            self.pairs.push(Vec::new());
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
        if let Some(changes) = changes {
            changes.extend(dirty.iter().map(|&index| {
                let node = NodeId { depth, index };
                let before = self.get(node);
                NodeChange { node, before }
            }));
        }
        let (above, below) = self.pairs.split_at_mut(usize::from(depth));
        let children = &below[0];
        let mut root = [Pair([self.root; 2])];
        let level = above.last_mut().map_or(&mut root[..], |level| level);
        both.clear();
        for (position, &index) in dirty.iter().enumerate() {
            if let Some(&next) = dirty.get(position + AHEAD) {
                prefetch(&children[next as usize]);
                prefetch(&level[next as usize / 2]);
            }
            let Pair([left, right]) = &children[index as usize];
            if left.is_zero() || right.is_zero() {
                let only = if left.is_zero() { right } else { left };
                level[index as usize / 2].0[index as usize % 2] = *only;
            } else {
                both.push(index);
            }
        }
        node_batch(
            both.len(),
            |position| {
                let Pair([left, right]) = &children[both[position] as usize];
                (left, right, depth)
            },
            |position, hash| {
                let index = both[position] as usize;
                level[index / 2].0[index % 2] = hash;
            },
        );
        if depth == 0 {
            self.root = root[0].0[0];
        }
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
