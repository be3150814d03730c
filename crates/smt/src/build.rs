//! Building a whole tree from sorted leaves.

use alloc::vec::Vec;

use alloy_primitives::B256;

use crate::{
    NodeId, Prefix, SmtError, bucket::leaf_entries, cache::Entry, pages::CROWDED, plan::Plan,
    tree::Tree,
};

/// Leaves that are hashed together.
const CHUNK: usize = 8_192;

/// Builds a [`Tree`] from leaves in ascending order.
#[derive(Debug)]
pub struct TreeBuilder {
    tree: Tree,
    /// Leaves of buckets that may not be complete.
    pending: Vec<(B256, B256)>,
    plan: Plan,
    planned: Vec<(NodeId, Option<u32>)>,
}

impl TreeBuilder {
    /// Begins a tree for about `leaves` leaves that records nodes down to `bottom` at least, with a
    /// cache for `cached_leaves`, empty at first: filling it would double the time.
    pub fn new(leaves: u64, bottom: u8, cached_leaves: usize) -> Self {
        Self {
            tree: Tree::with_room(leaves, bottom, cached_leaves),
            pending: Vec::with_capacity(2 * CHUNK),
            plan: Plan::default(),
            planned: Vec::new(),
        }
    }

    /// Adds leaves: keys above all former ones, strictly increasing; no value is zero.
    ///
    /// # Errors
    /// [`SmtError::NotSorted`] and [`SmtError::ZeroValue`] with the position in `leaves`.
    pub fn extend(&mut self, leaves: &[(B256, B256)]) -> Result<(), SmtError> {
        for (position, (key, value)) in leaves.iter().enumerate() {
            if self.pending.last().is_some_and(|(last, _)| last >= key) {
                let key = *key;
                return Err(SmtError::NotSorted { position, key });
            }
            if value.is_zero() {
                let key = *key;
                return Err(SmtError::ZeroValue { position, key });
            }
            self.pending.push((*key, *value));
            if self.pending.len() >= CHUNK {
                self.flush(false);
            }
        }
        Ok(())
    }

    /// Hashes the complete buckets among the pending leaves. One leaf stays, to compare with.
    fn flush(&mut self, all: bool) {
        let Some(last) = self.pending.last().map(|(key, _)| *key) else {
            return;
        };
        let open = Prefix::of_node(self.tree.levels.bucket(&last));
        let complete = if all {
            self.pending.len()
        } else {
            self.pending
                .partition_point(|(key, _)| key < open.first_key())
        };
        let entries = leaf_entries(&self.pending[..complete]);
        self.pending.drain(..complete);
        self.tree.leaves += entries.len() as u64;
        let mut rest = &entries[..];
        while let Some(first) = rest.first() {
            let node = self.tree.levels.bucket(&first.key);
            let last = Prefix::of_node(node).last_key();
            // A bucket has about two leaves: nearer than a binary search of the chunk.
            let len = rest.iter().take_while(|leaf| leaf.key <= last).count();
            let (bucket, others) = rest.split_at(len);
            self.add_bucket(node, bucket);
            rest = others;
        }
        self.plan.run();
        for (node, place) in self.planned.drain(..) {
            self.tree.levels.set(node, self.plan.hash(place));
        }
        self.plan.clear();
    }

    fn add_bucket(&mut self, node: NodeId, bucket: &[Entry]) {
        if bucket.len() > CROWDED {
            let hash = self.tree.pages.build(Prefix::of_node(node), bucket);
            self.tree.levels.set(node, hash);
        } else {
            let leaves = bucket.iter().map(|leaf| (&leaf.key, leaf.hash));
            self.planned.push((node, self.plan.add(leaves)));
        }
    }

    /// Computes all nodes above the buckets.
    pub fn finish(mut self) -> Tree {
        self.flush(true);
        self.tree.levels.update_all();
        let mut bottom = None;
        while bottom.replace(self.tree.bottom) != Some(self.tree.bottom) {
            self.tree.raise_bottom();
        }
        self.tree
    }
}
