//! Leaves of buckets that were used lately.

use alloc::{boxed::Box, vec::Vec};

use alloy_primitives::B256;

use crate::NodeId;

/// A leaf as the tree needs it: one cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Entry {
    pub(crate) key: B256,
    /// Hash of the leaf.
    pub(crate) hash: B256,
}

/// A bucket's leaves in ascending order.
pub(crate) type Bucket = Box<[Entry]>;

/// Buckets of one depth, addressed by index.
#[derive(Debug, Clone, Default)]
struct Slots {
    buckets: Vec<Option<Bucket>>,
    /// Whether a bucket was used since the last look for room.
    used: Vec<bool>,
}

impl Slots {
    fn resize(&mut self, len: usize) {
        self.buckets.resize_with(len, || None);
        self.used.resize(len, false);
    }
}

/// The cache. What it holds is always as the newest root has it.
#[derive(Debug, Clone)]
pub(crate) struct LeafCache {
    /// Buckets of the tree's depth, and of one bit more.
    slots: [Slots; 2],
    depth: u8,
    /// Leaves held, and how many are allowed.
    leaves: usize,
    capacity: usize,
    /// Where the next look for room begins, over both lists.
    hand: usize,
}

impl LeafCache {
    pub(crate) fn new(depth: u8, capacity: usize) -> Self {
        let mut cache = Self {
            slots: Default::default(),
            depth,
            leaves: 0,
            capacity,
            hand: 0,
        };
        cache.slots[0].resize(1 << depth);
        cache
    }

    pub(crate) const fn leaves(&self) -> usize {
        self.leaves
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let slots: usize = self.slots.iter().map(|s| s.buckets.capacity()).sum();
        slots * (size_of::<Option<Bucket>>() + 1) + self.leaves * size_of::<Entry>()
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        for slots in &mut self.slots {
            slots.buckets.iter_mut().for_each(|bucket| *bucket = None);
        }
        self.leaves = 0;
    }

    fn list(&self, node: NodeId) -> &Slots {
        &self.slots[usize::from(node.depth - self.depth)]
    }

    /// Leaves of a bucket, if they are known.
    pub(crate) fn get(&self, node: NodeId) -> Option<&Bucket> {
        self.list(node).buckets.get(node.index as usize)?.as_ref()
    }

    /// As [`get`](Self::get), to change hashes in place; counts as use.
    pub(crate) fn get_mut(&mut self, node: NodeId) -> Option<&mut Bucket> {
        let slots = &mut self.slots[usize::from(node.depth - self.depth)];
        let index = node.index as usize;
        let bucket = slots.buckets.get_mut(index)?.as_mut()?;
        slots.used[index] = true;
        Some(bucket)
    }

    /// Place of a bucket, to be fetched ahead of its use.
    pub(crate) fn place(&self, node: NodeId) -> Option<&Option<Bucket>> {
        self.list(node).buckets.get(node.index as usize)
    }

    pub(crate) fn put(&mut self, node: NodeId, bucket: Bucket) {
        let slots = &mut self.slots[usize::from(node.depth - self.depth)];
        let index = node.index as usize;
        if slots.buckets.len() <= index {
            slots.resize(index + 1);
        }
        slots.used[index] = true;
        self.leaves += bucket.len();
        if let Some(former) = slots.buckets[index].replace(bucket) {
            self.leaves -= former.len();
        }
    }

    pub(crate) fn remove(&mut self, node: NodeId) -> Option<Bucket> {
        let slots = &mut self.slots[usize::from(node.depth - self.depth)];
        let bucket = slots.buckets.get_mut(node.index as usize)?.take()?;
        self.leaves -= bucket.len();
        Some(bucket)
    }

    /// Follows the tree after all buckets of its depth were split.
    pub(crate) fn deepen(&mut self, depth: u8) {
        if depth > self.depth {
            let deeper = core::mem::take(&mut self.slots[1]);
            self.slots[0] = deeper;
            self.slots[0].resize(1 << depth);
            self.depth = depth;
            self.hand = 0;
        }
    }

    /// Makes room: drops buckets that were not used since the last time round.
    pub(crate) fn shrink(&mut self) {
        let total: usize = self.slots.iter().map(|slots| slots.buckets.len()).sum();
        // Twice round finds every bucket unused at the second visit.
        for _ in 0..2 * total {
            if self.leaves <= self.capacity {
                return;
            }
            let lower = self.slots[0].buckets.len();
            let (list, index) = match self.hand.checked_sub(lower) {
                None => (0, self.hand),
                Some(index) => (1, index),
            };
            self.hand = (self.hand + 1) % total;
            let slots = &mut self.slots[list];
            if index >= slots.buckets.len() {
                continue;
            }
            if !core::mem::take(&mut slots.used[index])
                && let Some(bucket) = slots.buckets[index].take()
            {
                self.leaves -= bucket.len();
            }
        }
    }
}
