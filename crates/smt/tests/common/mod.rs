//! The tree by definition: a recursion over all 256 bits, without paths, arenas or shortcuts.
//!
//! Written from the rules in `testdata/smt/README.md` and on purpose not from the crate: it shares
//! no function with it but keccak256.

// Each test file uses its own part of this.
#![allow(dead_code)]

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};

pub(crate) mod prover;

/// Leaves by key.
pub(crate) type Model = BTreeMap<B256, B256>;

/// Key and value.
type Leaf = (B256, B256);

/// Path of a key: the leaf reached, and (depth, hash) of the subtrees beside it, leaf upwards.
pub(crate) type Path = (Option<Leaf>, Vec<(u8, B256)>);

fn bit(key: &B256, depth: usize) -> bool {
    (key[depth / 8] << (depth % 8)) & 0x80 != 0
}

/// Splits sorted leaves that share the bits above `depth` by the bit at `depth`.
fn split(leaves: &[Leaf], depth: usize) -> (&[Leaf], &[Leaf]) {
    let left = leaves.iter().filter(|(key, _)| !bit(key, depth)).count();
    leaves.split_at(left)
}

/// Hash of the subtree of `leaves` below the first `depth` bits.
fn hash(leaves: &[Leaf], depth: usize) -> B256 {
    if leaves.is_empty() {
        return B256::ZERO;
    }
    if depth == 256 {
        return keccak256([leaves[0].0.as_slice(), leaves[0].1.as_slice()].concat());
    }
    let (left, right) = split(leaves, depth);
    let (left, right) = (hash(left, depth + 1), hash(right, depth + 1));
    if left.is_zero() {
        right
    } else if right.is_zero() {
        left
    } else {
        keccak256([left.as_slice(), right.as_slice(), &[depth as u8]].concat())
    }
}

/// Root of the tree of all leaves.
pub(crate) fn root(model: &Model) -> B256 {
    hash(&sorted(model), 0)
}

/// Path of `key`, whether it is in the tree or not.
pub(crate) fn path(model: &Model, key: &B256) -> Path {
    let mut siblings = Vec::new();
    let leaves = sorted(model);
    let mut rest: &[Leaf] = &leaves;
    for depth in 0..256 {
        let (left, right) = split(rest, depth);
        let (near, far) = if bit(key, depth) {
            (right, left)
        } else {
            (left, right)
        };
        // With one side empty the walk goes where the leaves are.
        rest = if near.is_empty() { far } else { near };
        if !near.is_empty() && !far.is_empty() {
            siblings.push((depth as u8, hash(far, depth + 1)));
        }
    }
    siblings.reverse();
    (rest.first().copied(), siblings)
}

fn sorted(model: &Model) -> Vec<Leaf> {
    model.iter().map(|(key, value)| (*key, *value)).collect()
}

/// Applies one change.
pub(crate) fn change(model: &mut Model, key: B256, value: Option<B256>) {
    match value.filter(|value| !value.is_zero()) {
        Some(value) => model.insert(key, value),
        None => model.remove(&key),
    };
}

/// Cases of a property test: `PROPTEST_CASES` if that asks for more than `least`.
pub(crate) fn cases(least: u32) -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let asked = asked.and_then(|cases| cases.parse().ok());
    asked.unwrap_or(least).max(least)
}
