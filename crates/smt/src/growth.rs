//! The tree's arrays follow the number of leaves.

use alloc::vec::Vec;

use crate::{
    LeafSource, NodeId, Prefix,
    bucket::read_buckets,
    cache::Entry,
    pages::CROWDED,
    plan::{Outcome, Plan},
    tree::{LEAVES_PER_BUCKET, RECORDED_LEVELS, Tree},
};

/// Leaves below each of the lowest recorded nodes, at least.
const LEAVES_PER_RECORDED: u64 = 8;

impl Tree {
    /// Lets the recorded levels follow the number of leaves.
    pub(crate) fn raise_bottom(&mut self) {
        let next = self.bottom + RECORDED_LEVELS;
        if next < self.levels.depth() && self.leaves >= LEAVES_PER_RECORDED << next {
            self.bottom = next;
        }
    }

    /// Splits buckets until there are enough for the leaves, but only so many that the cost stays
    /// in proportion to a batch of `changes`.
    pub(crate) fn grow<S: LeafSource>(
        &mut self,
        changes: usize,
        source: &mut S,
    ) -> Result<(), S::Error> {
        let mut budget = 16 + changes as u64;
        while let Some(first) = self.levels.next_split() {
            let wanted = (self.leaves / LEAVES_PER_BUCKET).saturating_sub(self.levels.buckets());
            let to_next_depth = (1 << first.depth) - u64::from(first.index);
            let count = wanted.min(budget).min(to_next_depth);
            if count == 0 {
                break;
            }
            budget -= count;
            // `count` is at most the number of buckets, whose indexes fit 32 bits.
            let nodes = (first.index..first.index + count as u32).map(|index| NodeId {
                depth: first.depth,
                index,
            });
            self.split(&nodes.collect::<Vec<_>>(), source)?;
        }
        Ok(())
    }

    fn split<S: LeafSource>(&mut self, nodes: &[NodeId], source: &mut S) -> Result<(), S::Error> {
        let missing: Vec<NodeId> = nodes
            .iter()
            .copied()
            .filter(|node| self.cache.get(*node).is_none())
            .collect();
        let prefixes: Vec<Prefix> = missing.iter().copied().map(Prefix::of_node).collect();
        let mut read = read_buckets(&prefixes, source)?;
        let mut plan = Plan::default();
        let mut hashes = Vec::with_capacity(2 * nodes.len());
        for node in nodes {
            let bucket = self.cache.remove(*node).or_else(|| read.next());
            let bucket = bucket.expect("the bucket was read");
            if !self.pages.is_empty() {
                self.pages.remove(Prefix::of_node(*node));
            }
            let halves = [0, 1].map(|side| NodeId {
                depth: node.depth + 1,
                index: 2 * node.index + side,
            });
            let right = Prefix::of_node(halves[1]);
            let middle = bucket.partition_point(|leaf| leaf.key < *right.first_key());
            let (left, right) = bucket.split_at(middle);
            for (half, leaves) in [(halves[0], left), (halves[1], right)] {
                hashes.push(self.add_half(half, leaves, &mut plan));
            }
        }
        plan.run();
        for pair in hashes.as_chunks::<2>().0 {
            let [left, right] = pair.each_ref().map(|half| half.hash(&plan));
            self.levels.split(left, right);
        }
        self.cache.deepen(self.levels.depth());
        Ok(())
    }

    fn add_half(&mut self, node: NodeId, leaves: &[Entry], plan: &mut Plan) -> Outcome {
        if leaves.len() > CROWDED {
            let prefix = Prefix::of_node(node);
            return Outcome::Known(self.pages.build(prefix, leaves));
        }
        self.cache.put(node, leaves.into());
        Outcome::Planned(plan.add(leaves.iter().map(|leaf| (&leaf.key, leaf.hash))))
    }
}
