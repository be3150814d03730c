//! Proofs by definition, of many keys of one tree: like the rest of `common` without a function of
//! the crate, but with the hash of each subtree computed once.

use std::{collections::BTreeMap, ops::Range};

use alloy_primitives::{B256, keccak256};
use aura_smt::{MultiProof, Proof, Sibling};
use proptest::prelude::*;

use super::{Leaf, Model, bit, sorted};

/// A tree that answers for any key.
pub(crate) struct Prover {
    leaves: Vec<Leaf>,
    /// Hash of the subtree of a range of leaves.
    hashes: BTreeMap<(usize, usize), B256>,
}

impl Prover {
    pub(crate) fn new(model: &Model) -> Self {
        let mut prover = Self {
            leaves: sorted(model),
            hashes: BTreeMap::new(),
        };
        if !prover.leaves.is_empty() {
            prover.fill(0..prover.leaves.len());
        }
        prover
    }

    fn fill(&mut self, range: Range<usize>) -> B256 {
        let hash = if let Some((depth, left, right)) = self.split(&range) {
            let (left, right) = (self.fill(left), self.fill(right));
            keccak256([left.as_slice(), right.as_slice(), &[depth]].concat())
        } else {
            let (key, value) = self.leaves[range.start];
            keccak256([key.as_slice(), value.as_slice()].concat())
        };
        self.hashes.insert((range.start, range.end), hash);
        hash
    }

    /// Depth of the branch above a range of leaves, and the leaves on its two sides.
    fn split(&self, range: &Range<usize>) -> Option<(u8, Range<usize>, Range<usize>)> {
        let (first, last) = (self.leaves[range.start].0, self.leaves[range.end - 1].0);
        let depth = (0..256).find(|depth| bit(&first, *depth) != bit(&last, *depth))?;
        let middle = range
            .clone()
            .find(|at| bit(&self.leaves[*at].0, depth))
            .unwrap();
        Some((depth as u8, range.start..middle, middle..range.end))
    }

    pub(crate) fn root(&self) -> B256 {
        let all = (0, self.leaves.len());
        self.hashes.get(&all).copied().unwrap_or_default()
    }

    pub(crate) fn value(&self, key: &B256) -> Option<B256> {
        let at = self.leaves.binary_search_by_key(key, |leaf| leaf.0).ok()?;
        Some(self.leaves[at].1)
    }

    pub(crate) fn prove(&self, key: &B256) -> Proof {
        let mut siblings = Vec::new();
        if self.leaves.is_empty() {
            return Proof {
                leaf: None,
                siblings,
            };
        }
        let mut range = 0..self.leaves.len();
        while let Some((depth, left, right)) = self.split(&range) {
            let (near, far) = if bit(key, depth.into()) {
                (right, left)
            } else {
                (left, right)
            };
            let hash = self.hashes[&(far.start, far.end)];
            siblings.push(Sibling { depth, hash });
            range = near;
        }
        siblings.reverse();
        Proof {
            leaf: Some(self.leaves[range.start]),
            siblings,
        }
    }

    pub(crate) fn prove_all<'a>(&self, keys: impl IntoIterator<Item = &'a B256>) -> MultiProof {
        MultiProof::from_proofs(keys.into_iter().map(|key| (*key, self.prove(key)))).unwrap()
    }
}

/// Keys that often share many bits: one of a few bases with a few bits flipped.
pub(crate) fn any_key() -> impl Strategy<Value = B256> {
    let bits = prop::collection::vec(prop_oneof![0u8..4, any::<u8>(), 252u8..=255], 0..4);
    (0u8..4, bits).prop_map(|(base, bits)| {
        let mut key = match base {
            0 => B256::ZERO,
            1 => B256::repeat_byte(0xff),
            base => keccak256([base]),
        };
        for bit in bits {
            key[usize::from(bit / 8)] ^= 0x80 >> (bit % 8);
        }
        key
    })
}

/// A value other than zero.
pub(crate) fn any_value() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>()
        .prop_map(B256::new)
        .prop_filter("zero means absent", |value| !value.is_zero())
}

/// Trees of up to `most` leaves, half of them with few.
pub(crate) fn any_model(most: usize) -> impl Strategy<Value = Model> {
    prop_oneof![
        prop::collection::btree_map(any_key(), any_value(), 0..6),
        prop::collection::btree_map(any_key(), any_value(), 0..=most),
    ]
}

/// A tree of 60 leaves, a third of them in a cluster that differs in the last bits only.
pub(crate) fn tree() -> Prover {
    let model: Model = (0u8..60)
        .map(|index| (present(index), keccak256([index, 1])))
        .collect();
    Prover::new(&model)
}

pub(crate) fn present(index: u8) -> B256 {
    if index < 40 {
        return keccak256([index]);
    }
    let mut key = B256::repeat_byte(0x77);
    key[31] = index;
    key
}

/// Present and absent keys of [`tree`], far from each other and close.
pub(crate) fn some_keys() -> Vec<B256> {
    let mut absent = present(50);
    absent[31] ^= 0x80;
    let mut keys = vec![absent, keccak256("absent")];
    keys.extend([0, 1, 7, 40, 41, 59].map(present));
    keys
}
