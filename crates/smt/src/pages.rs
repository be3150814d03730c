//! Crowded buckets: six more levels of nodes, and again below those.
//!
//! Whoever grinds keys can put thousands of leaves below one bucket. Without pages each change there
//! would read and hash all of them.

use std::collections::HashMap;

use alloc::boxed::Box;

use alloy_primitives::B256;

use crate::{Prefix, cache::Entry, hash::combine, plan::Plan};

/// Levels of a page.
pub(crate) const LEVELS: u16 = 6;
/// Leaves below one node from which on it gets a page.
pub(crate) const CROWDED: usize = 64;
/// Leaves at which a page is given up again.
const SPARSE: u64 = 32;
const SLOTS: usize = 1 << LEVELS;

/// The nodes of six levels. As in a heap the children of `nodes[i]` are `nodes[2 * i]` and the one
/// after it; `nodes[1]` is the page's own node, and the last level are the slots.
#[derive(Debug, Clone)]
struct Page {
    nodes: [B256; 2 * SLOTS],
    /// Leaves below each slot.
    leaves: [u64; SLOTS],
}

impl Page {
    /// Computes the nodes above the slots marked in `dirty`; `bits` is the depth of the page.
    fn update(&mut self, bits: u16, mut dirty: u64) {
        for level in (0..LEVELS).rev() {
            let width = 1 << level;
            let mut parents = 0u64;
            for index in 0..width {
                if dirty >> (2 * index) & 3 != 0 {
                    parents |= 1 << index;
                    let node = width + index;
                    // A page has at most 256 - 6 bits, so that every depth fits a byte.
                    self.nodes[node] = combine(
                        self.nodes[2 * node],
                        self.nodes[2 * node + 1],
                        (bits + level) as u8,
                    );
                }
            }
            dirty = parents;
        }
    }
}

/// All pages, by the prefix of their own node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pages(HashMap<Prefix, Box<Page>>);

/// Six bits of `key` after the first `bits`.
fn slot(key: &B256, bits: u16) -> usize {
    (bits..bits + LEVELS).fold(0, |slot, at| {
        slot << 1 | usize::from(key[usize::from(at / 8)] >> (7 - at % 8) & 1)
    })
}

impl Pages {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.len() * (size_of::<Page>() + size_of::<(Prefix, Box<Page>)>())
    }

    /// The subtree below `bucket` that `key` belongs to and whose nodes are not kept.
    pub(crate) fn terminal(&self, bucket: Prefix, key: &B256) -> Prefix {
        let mut prefix = bucket;
        while self.0.contains_key(&prefix) {
            prefix = Prefix::new(key, prefix.bits() + LEVELS);
        }
        prefix
    }

    /// Hashes of the two children of a node inside a page; `None` if `prefix` is none.
    pub(crate) fn children(&self, bucket: Prefix, prefix: Prefix) -> Option<(B256, B256)> {
        let mut top = bucket;
        loop {
            let page = self.0.get(&top)?;
            let below = prefix.bits() - top.bits();
            if below >= LEVELS {
                top = Prefix::new(prefix.first_key(), top.bits() + LEVELS);
                continue;
            }
            let slot = slot(prefix.first_key(), top.bits()) >> (LEVELS - below);
            let node = (1 << below) + slot;
            return Some((page.nodes[2 * node], page.nodes[2 * node + 1]));
        }
    }

    /// Builds the page of a node with these leaves, and the pages below it; returns its hash.
    pub(crate) fn build(&mut self, prefix: Prefix, leaves: &[Entry]) -> B256 {
        if leaves.len() <= CROWDED {
            let mut plan = Plan::default();
            let place = plan.add(leaves.iter().map(|leaf| (&leaf.key, leaf.hash)));
            plan.run();
            return plan.hash(place);
        }
        let mut page = Box::new(Page {
            nodes: [B256::ZERO; 2 * SLOTS],
            leaves: [0; SLOTS],
        });
        let mut rest = leaves;
        while let Some(first) = rest.first() {
            let below = Prefix::new(&first.key, prefix.bits() + LEVELS);
            let (own, others) =
                rest.split_at(rest.partition_point(|leaf| below.contains(&leaf.key)));
            let slot = slot(&first.key, prefix.bits());
            page.nodes[SLOTS + slot] = self.build(below, own);
            page.leaves[slot] = own.len() as u64;
            rest = others;
        }
        page.update(prefix.bits(), u64::MAX);
        let hash = page.nodes[1];
        self.0.insert(prefix, page);
        hash
    }

    /// Prefixes of the pages above a terminal subtree of `bucket`, lowest first.
    fn above(bucket: Prefix, terminal: Prefix) -> impl Iterator<Item = Prefix> {
        (bucket.bits()..terminal.bits())
            .step_by(usize::from(LEVELS))
            .rev()
            .map(move |bits| Prefix::new(terminal.first_key(), bits))
    }

    /// Notes the number of leaves of a terminal subtree, which is below a page.
    pub(crate) fn set_leaves(&mut self, terminal: Prefix, leaves: u64) {
        let bits = terminal.bits() - LEVELS;
        let page = self.0.get_mut(&Prefix::new(terminal.first_key(), bits));
        let page = page.expect("a terminal lies below a page");
        page.leaves[slot(terminal.first_key(), bits)] = leaves;
    }

    /// Takes the new hash of a terminal subtree of `bucket`, and returns the bucket's new hash.
    pub(crate) fn update(&mut self, bucket: Prefix, terminal: Prefix, mut hash: B256) -> B256 {
        let mut leaves = None;
        for prefix in Self::above(bucket, terminal) {
            let page = self
                .0
                .get_mut(&prefix)
                .expect("a terminal lies below pages");
            let slot = slot(terminal.first_key(), prefix.bits());
            page.nodes[SLOTS + slot] = hash;
            if let Some(leaves) = leaves {
                page.leaves[slot] = leaves;
            }
            page.update(prefix.bits(), 1 << slot);
            hash = page.nodes[1];
            leaves = Some(page.leaves.iter().sum());
        }
        hash
    }

    /// Gives up the pages above a terminal that have become sparse.
    pub(crate) fn tidy(&mut self, bucket: Prefix, terminal: Prefix) {
        for prefix in Self::above(bucket, terminal) {
            let leaves = self.0.get(&prefix).map(|page| page.leaves.iter().sum());
            if leaves.is_some_and(|leaves: u64| leaves <= SPARSE) {
                self.0.remove(&prefix);
            }
        }
    }

    /// Removes the page at `prefix` and all below it.
    pub(crate) fn remove(&mut self, prefix: Prefix) {
        let Some(page) = self.0.remove(&prefix) else {
            return;
        };
        let bits = prefix.bits() + LEVELS;
        for (slot, leaves) in page.leaves.iter().enumerate() {
            if *leaves > SPARSE {
                let mut key = *prefix.first_key();
                for bit in (0..LEVELS).filter(|bit| slot >> (LEVELS - 1 - bit) & 1 == 1) {
                    let at = prefix.bits() + bit;
                    key[usize::from(at / 8)] |= 0x80 >> (at % 8);
                }
                self.remove(Prefix::new(&key, bits));
            }
        }
    }
}
