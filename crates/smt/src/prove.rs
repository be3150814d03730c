//! Proofs from the tree as it is, and from what is known of an older one.

use alloc::vec::Vec;

use alloy_primitives::B256;

use crate::{
    LeafSource, Leaves, NodeId, Prefix, Proof, Sibling,
    hash::{bit, combine, leaf_batch},
    plan::Plan,
    tree::{RECORDED_LEVELS, Tree},
};

/// What is known of a past state: its recorded nodes, and its leaves.
pub trait PastState: LeafSource {
    /// Hash of a node whose depth is a multiple of four, at most the lowest recorded depth.
    ///
    /// # Errors
    /// Whatever the source reports.
    fn node(&mut self, node: NodeId) -> Result<B256, Self::Error>;
}

/// Children of one group of recorded levels, as a heap: node 1 is at the top.
const GROUP: usize = 1 << RECORDED_LEVELS;

/// Which way a walk for a key goes on.
enum Step {
    Left,
    Right,
    /// There is nothing below.
    Nowhere,
}

/// Chooses a child; the other one is a sibling if it is not empty.
fn step(key: &B256, depth: u8, children: (B256, B256), siblings: &mut Vec<Sibling>) -> Step {
    match (children.0.is_zero(), children.1.is_zero()) {
        (true, true) => Step::Nowhere,
        (false, true) => Step::Left,
        (true, false) => Step::Right,
        (false, false) if bit(key, depth) => {
            let hash = children.0;
            siblings.push(Sibling { depth, hash });
            Step::Right
        }
        (false, false) => {
            let hash = children.1;
            siblings.push(Sibling { depth, hash });
            Step::Left
        }
    }
}

impl Tree {
    /// Proves the value or the absence of `key` under [`root`](Self::root).
    ///
    /// # Errors
    /// Those of `source`, which must have the leaves of the newest root.
    pub fn prove<S: LeafSource>(&self, key: B256, source: &mut S) -> Result<Proof, S::Error> {
        let mut siblings = Vec::new();
        let mut node = NodeId { depth: 0, index: 0 };
        while !self.levels.is_bucket(node) {
            let [left, right] = [0, 1].map(|side| NodeId {
                depth: node.depth + 1,
                index: 2 * node.index + side,
            });
            let children = (self.levels.get(left), self.levels.get(right));
            node = match step(&key, node.depth, children, &mut siblings) {
                Step::Left => left,
                Step::Right => right,
                Step::Nowhere => return Ok(EMPTY),
            };
        }
        let bucket = Prefix::of_node(node);
        let mut prefix = bucket;
        while let Some(children) = self.pages.children(bucket, prefix) {
            let bits = prefix.bits();
            // Pages end at 256 bits.
            let direction = match step(&key, bits as u8, children, &mut siblings) {
                Step::Left => false,
                Step::Right => true,
                Step::Nowhere => return Ok(EMPTY),
            };
            prefix = child(prefix, direction);
        }
        finish(&key, prefix, siblings, source)
    }
}

/// Proves the value or the absence of `key` in a past state, of which nodes were recorded down to
/// depth `bottom`.
///
/// Cost: 16 nodes for each four levels of `bottom`, and hashing of all leaves below the last.
///
/// # Errors
/// Those of `past`.
pub fn prove_past<S: PastState>(key: B256, bottom: u8, past: &mut S) -> Result<Proof, S::Error> {
    let mut siblings = Vec::new();
    let mut top = NodeId { depth: 0, index: 0 };
    while top.depth < bottom {
        let depth = top.depth + RECORDED_LEVELS;
        let mut heap = [B256::ZERO; 2 * GROUP];
        for (index, place) in (top.index << RECORDED_LEVELS..).zip(&mut heap[GROUP..]) {
            *place = past.node(NodeId { depth, index })?;
        }
        for node in (1..GROUP).rev() {
            let level = top.depth + node.ilog2() as u8;
            heap[node] = combine(heap[2 * node], heap[2 * node + 1], level);
        }
        let mut node = 1;
        while node < GROUP {
            let level = top.depth + node.ilog2() as u8;
            let children = (heap[2 * node], heap[2 * node + 1]);
            node = match step(&key, level, children, &mut siblings) {
                Step::Left => 2 * node,
                Step::Right => 2 * node + 1,
                Step::Nowhere => return Ok(EMPTY),
            };
        }
        top = NodeId {
            depth,
            // Below 16.
            index: top.index << RECORDED_LEVELS | (node - GROUP) as u32,
        };
    }
    finish(&key, Prefix::of_node(top), siblings, past)
}

const EMPTY: Proof = Proof {
    leaf: None,
    siblings: Vec::new(),
};

fn child(prefix: Prefix, right: bool) -> Prefix {
    let mut key = *prefix.first_key();
    if right {
        let bits = prefix.bits();
        key[usize::from(bits / 8)] |= 0x80 >> (bits % 8);
    }
    Prefix::new(&key, prefix.bits() + 1)
}

/// Ends a proof inside the subtree at `prefix`, which is hashed from its leaves.
fn finish<S: LeafSource>(
    key: &B256,
    prefix: Prefix,
    mut siblings: Vec<Sibling>,
    source: &mut S,
) -> Result<Proof, S::Error> {
    let mut leaves = Leaves::default();
    source.read(&[prefix], &mut leaves)?;
    let mut hashes = Vec::with_capacity(leaves.entries.len());
    leaf_batch(
        leaves.entries.len(),
        |position| (&leaves.entries[position].0, &leaves.entries[position].1),
        |_, hash| hashes.push(hash),
    );
    let mut plan = Plan::default();
    let pairs = leaves.entries.iter().zip(&hashes);
    let Some(place) = plan.add(pairs.map(|((key, _), hash)| (key, *hash))) else {
        return Ok(EMPTY);
    };
    plan.run();
    let position = plan.walk(place, key, &mut siblings);
    siblings.reverse();
    Ok(Proof {
        leaf: leaves.entries.get(position).copied(),
        siblings,
    })
}
