//! The tree of what leaves L2: append-only, 32 levels, filled from the left.
//!
//! A node is `keccak256(left ‖ right)`, an empty leaf is zero. A subtree is *complete* once all its places
//! are taken: its hash never changes again. Node `(level, position)` covers the leaves from
//! `position << level`. From the complete subtrees follow the root and every proof, for the tree as it is
//! and as it was with fewer leaves.

use core::{cmp::Ordering, convert::Infallible};

use alloy_primitives::{B256, keccak256};

use super::WITHDRAWAL_TREE_DEPTH;

/// Most leaves: the contract leaves the last place empty.
pub const MAX_WITHDRAWALS: u64 = (1 << WITHDRAWAL_TREE_DEPTH) - 1;

/// Siblings from a leaf to the root, leaf side first.
pub type WithdrawalProof = [B256; WITHDRAWAL_TREE_DEPTH];

/// A complete subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithdrawalNode {
    /// 0 for a leaf.
    pub level: u8,
    /// Position among the nodes of its level, from the left.
    pub position: u64,
    /// Its hash.
    pub hash: B256,
}

/// Node over two others.
pub fn withdrawal_pair(left: B256, right: B256) -> B256 {
    let mut preimage = [0; 64];
    preimage[..32].copy_from_slice(left.as_slice());
    preimage[32..].copy_from_slice(right.as_slice());
    keccak256(preimage)
}

/// Root of the tree without leaves.
pub fn empty_withdrawal_root() -> B256 {
    (0..WITHDRAWAL_TREE_DEPTH).fold(B256::ZERO, |node, _| withdrawal_pair(node, node))
}

/// The subtrees that leaf number `count` completes, itself first. `node` is asked for complete subtrees
/// that are there already, at most one for each level.
///
/// The caller keeps `count` below [`MAX_WITHDRAWALS`].
///
/// # Errors
/// Those of `node`.
pub fn append_withdrawal<E>(
    count: u64,
    leaf: B256,
    mut node: impl FnMut(u8, u64) -> Result<B256, E>,
) -> Result<Vec<WithdrawalNode>, E> {
    let mut hash = leaf;
    let mut completed = Vec::with_capacity(count.trailing_ones() as usize + 1);
    for level in 0..WITHDRAWAL_TREE_DEPTH as u8 {
        let position = count >> level;
        completed.push(WithdrawalNode {
            level,
            position,
            hash,
        });
        if position & 1 == 0 {
            break;
        }
        hash = withdrawal_pair(node(level, position - 1)?, hash);
    }
    Ok(completed)
}

/// Positions of the subtrees that leaf number `index` completed: what goes if it goes.
pub fn completed_by(index: u64) -> impl Iterator<Item = (u8, u64)> {
    (0..=index.trailing_ones() as u8).map(move |level| (level, index >> level))
}

/// Root of the tree of the first `count` leaves. `node` is asked for at most 32 complete subtrees.
///
/// # Errors
/// Those of `node`.
pub fn withdrawal_root<E>(
    count: u64,
    mut node: impl FnMut(u8, u64) -> Result<B256, E>,
) -> Result<B256, E> {
    let mut edge = Edge::new(count);
    while !edge.is_root() {
        edge.rise(&mut node)?;
    }
    Ok(edge.hash)
}

/// Proof of leaf number `index` in the tree of the first `count` leaves; `None` if it is not among them.
/// `node` is asked for at most 64 complete subtrees.
///
/// # Errors
/// Those of `node`.
pub fn withdrawal_proof<E>(
    index: u64,
    count: u64,
    mut node: impl FnMut(u8, u64) -> Result<B256, E>,
) -> Result<Option<WithdrawalProof>, E> {
    if index >= count || count > MAX_WITHDRAWALS {
        return Ok(None);
    }
    let mut proof = [B256::ZERO; WITHDRAWAL_TREE_DEPTH];
    let mut edge = Edge::new(count);
    for (level, sibling) in proof.iter_mut().enumerate() {
        let beside = (index >> level) ^ 1;
        *sibling = match beside.cmp(&edge.position) {
            Ordering::Less => node(level as u8, beside)?,
            Ordering::Equal => edge.hash,
            Ordering::Greater => edge.empty,
        };
        edge.rise(&mut node)?;
    }
    Ok(Some(proof))
}

/// Root that has `leaf` as number `index` beside `proof`; `None` for an index that is no place.
pub fn root_of_withdrawal(leaf: B256, index: u64, proof: &WithdrawalProof) -> Option<B256> {
    if index >> WITHDRAWAL_TREE_DEPTH != 0 {
        return None;
    }
    let root = proof
        .iter()
        .enumerate()
        .fold(leaf, |node, (level, sibling)| {
            if (index >> level) & 1 == 0 {
                withdrawal_pair(node, *sibling)
            } else {
                withdrawal_pair(*sibling, node)
            }
        });
    Some(root)
}

/// The node over the first empty place, on its way up: the only one of its level that is neither complete
/// nor empty, unless it is empty itself.
struct Edge {
    level: u8,
    position: u64,
    hash: B256,
    /// An empty subtree of this level.
    empty: B256,
}

impl Edge {
    const fn new(count: u64) -> Self {
        Self {
            level: 0,
            position: count,
            hash: B256::ZERO,
            empty: B256::ZERO,
        }
    }

    const fn is_root(&self) -> bool {
        self.level as usize == WITHDRAWAL_TREE_DEPTH
    }

    fn rise<E>(&mut self, node: &mut impl FnMut(u8, u64) -> Result<B256, E>) -> Result<(), E> {
        self.hash = if self.position & 1 == 0 {
            withdrawal_pair(self.hash, self.empty)
        } else {
            withdrawal_pair(node(self.level, self.position - 1)?, self.hash)
        };
        self.empty = withdrawal_pair(self.empty, self.empty);
        self.position >>= 1;
        self.level += 1;
        Ok(())
    }
}

/// A tree that can only grow: it remembers 32 hashes, whatever its size, and makes no proofs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WithdrawalFrontier {
    count: u64,
    /// The complete subtree at each level that waits for its right one; stale where the bit of `count`
    /// is zero.
    branch: [B256; WITHDRAWAL_TREE_DEPTH],
}

impl WithdrawalFrontier {
    /// Number of leaves.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Appends a leaf; `false` if the tree is full.
    #[must_use]
    pub fn append(&mut self, leaf: B256) -> bool {
        if self.count >= MAX_WITHDRAWALS {
            return false;
        }
        let mut hash = leaf;
        for level in 0..WITHDRAWAL_TREE_DEPTH {
            if (self.count >> level) & 1 == 0 {
                self.branch[level] = hash;
                break;
            }
            hash = withdrawal_pair(self.branch[level], hash);
        }
        self.count += 1;
        true
    }

    /// Root of the tree.
    pub fn root(&self) -> B256 {
        let node = |level: u8, _| Ok::<_, Infallible>(self.branch[usize::from(level)]);
        match withdrawal_root(self.count, node) {
            Ok(root) => root,
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Every complete subtree, and how often they were asked for.
    #[derive(Default)]
    struct Nodes {
        complete: BTreeMap<(u8, u64), B256>,
        asked: usize,
    }

    impl Nodes {
        fn get(&mut self, level: u8, position: u64) -> Result<B256, (u8, u64)> {
            self.asked += 1;
            let node = self.complete.get(&(level, position)).copied();
            node.ok_or((level, position))
        }

        fn of(leaves: &[B256]) -> Self {
            let mut nodes = Self::default();
            for (index, leaf) in leaves.iter().enumerate() {
                let new = append_withdrawal(index as u64, *leaf, |l, p| nodes.get(l, p)).unwrap();
                let places: Vec<_> = new.iter().map(|node| (node.level, node.position)).collect();
                assert!(places.iter().copied().eq(completed_by(index as u64)));
                for node in new {
                    nodes
                        .complete
                        .insert((node.level, node.position), node.hash);
                }
            }
            nodes
        }
    }

    /// The root by definition: all places of a small tree, padded level by level.
    fn naive_root(leaves: &[B256]) -> B256 {
        let mut row = leaves.to_vec();
        let mut empty = B256::ZERO;
        for _ in 0..WITHDRAWAL_TREE_DEPTH {
            if row.is_empty() {
                row.push(empty);
            }
            if row.len() % 2 == 1 {
                row.push(empty);
            }
            row = row
                .chunks(2)
                .map(|two| withdrawal_pair(two[0], two[1]))
                .collect();
            empty = withdrawal_pair(empty, empty);
        }
        assert_eq!(row.len(), 1);
        row[0]
    }

    fn leaf(number: u64) -> B256 {
        keccak256(number.to_be_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn roots_and_proofs_at_every_size_are_those_of_the_naive_tree(
            total in 0usize..90, picks in proptest::collection::vec((0u64..90, 0u64..90), 12),
        ) {
            let leaves: Vec<_> = (0..total as u64).map(leaf).collect();
            let mut nodes = Nodes::of(&leaves);
            for (index, count) in picks {
                let count = count.min(total as u64);
                let root = naive_root(&leaves[..count as usize]);
                prop_assert_eq!(withdrawal_root(count, |l, p| nodes.get(l, p)), Ok(root));
                nodes.asked = 0;
                let proof = withdrawal_proof(index, count, |l, p| nodes.get(l, p)).unwrap();
                prop_assert!(nodes.asked <= 64);
                prop_assert_eq!(proof.is_some(), index < count);
                let Some(mut proof) = proof else { continue };
                let own = leaves[index as usize];
                prop_assert_eq!(root_of_withdrawal(own, index, &proof), Some(root));
                prop_assert_ne!(root_of_withdrawal(own, index ^ 1, &proof), Some(root));
                proof[(index % 32) as usize].0[0] ^= 1;
                prop_assert_ne!(root_of_withdrawal(own, index, &proof), Some(root));
            }
        }
    }

    #[test]
    fn a_frontier_has_the_same_roots() {
        let leaves: Vec<_> = (0..70).map(leaf).collect();
        let mut frontier = WithdrawalFrontier::default();
        for count in 0..=leaves.len() {
            assert_eq!(frontier.root(), naive_root(&leaves[..count]), "{count}");
            assert_eq!(frontier.count(), count as u64);
            if let Some(leaf) = leaves.get(count) {
                assert!(frontier.append(*leaf));
            }
        }
        assert_eq!(empty_withdrawal_root(), naive_root(&[]));
    }

    #[test]
    fn the_last_place_stays_empty_and_no_index_is_beyond_the_tree() {
        let mut full = WithdrawalFrontier {
            count: MAX_WITHDRAWALS,
            ..WithdrawalFrontier::default()
        };
        assert!(!full.append(leaf(0)));
        let none = |_, _| Err(());
        assert_eq!(withdrawal_proof(0, MAX_WITHDRAWALS + 1, none), Ok(None));
        let proof = [B256::ZERO; WITHDRAWAL_TREE_DEPTH];
        assert!(root_of_withdrawal(leaf(0), u64::from(u32::MAX), &proof).is_some());
        assert_eq!(root_of_withdrawal(leaf(0), 1 << 32, &proof), None);
    }

    #[test]
    fn an_absent_subtree_is_an_error_and_not_another_root() {
        let mut nodes = Nodes::of(&[leaf(0), leaf(1), leaf(2)]);
        nodes.complete.remove(&(1, 0));
        assert_eq!(withdrawal_root(3, |l, p| nodes.get(l, p)), Err((1, 0)));
        let proof = withdrawal_proof(2, 3, |l, p| nodes.get(l, p));
        assert_eq!(proof, Err((1, 0)));
    }
}
