//! The tree in RAM.

use std::fmt;

use alloy_primitives::B256;

use crate::{
    Proof, Sibling, SmtError,
    arena::{Arena, Branch, Leaf, Node, NodeId, Subtree},
    build::{build, collect_sorted},
    hash::{bit, first_difference, leaf},
};

/// One change of a batch: a key with its new value, `None` or zero to delete it.
type Change = (B256, Option<B256>);

/// Sparse Merkle tree over 256-bit keys, all in RAM.
///
/// About 108 bytes per leaf. [`Clone`] copies all of it.
#[derive(Clone, Default)]
pub struct Smt {
    arena: Arena,
    root: Option<NodeId>,
    root_hash: B256,
}

impl Smt {
    /// Most leaves that a tree can hold.
    pub const MAX_LEAVES: usize = 1 << 30;

    /// Returns the empty tree, whose root is zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds a tree from leaves with strictly increasing keys and values other than zero.
    ///
    /// Hashes on all cores of the current rayon pool; two hashes per leaf.
    ///
    /// # Errors
    /// - [`SmtError::NotSorted`] and [`SmtError::ZeroValue`] with the position of the first
    ///   offending leaf.
    /// - [`SmtError::TooManyLeaves`] above [`Self::MAX_LEAVES`].
    pub fn from_sorted(leaves: impl IntoIterator<Item = (B256, B256)>) -> Result<Self, SmtError> {
        let leaves = collect_sorted(leaves.into_iter())?;
        if leaves.is_empty() {
            return Ok(Self::new());
        }
        let mut branches = vec![Branch::VACANT; leaves.len() - 1];
        let (root, root_hash) = build(&leaves, 0, &mut branches, 0);
        Ok(Self {
            arena: Arena::new(leaves, branches),
            root: Some(root),
            root_hash,
        })
    }

    /// Root hash; zero if the tree is empty.
    pub const fn root(&self) -> B256 {
        self.root_hash
    }

    /// Number of leaves.
    pub const fn len(&self) -> usize {
        self.arena.leaf_count()
    }

    /// Returns `true` if the tree has no leaf.
    pub const fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Bytes of heap that the tree holds, reserved room included.
    ///
    /// Places of deleted leaves are used again, but not given back before the tree is dropped.
    pub const fn memory_bytes(&self) -> usize {
        self.arena.memory_bytes()
    }

    /// Applies a batch and returns the new root.
    ///
    /// Keys strictly increase. A value of `None` or zero deletes the key; deleting an absent key
    /// changes nothing. Cost: one hash per changed leaf, per branch above one, and per leaf beside
    /// the path of one.
    ///
    /// # Errors
    /// [`SmtError::NotSorted`] and [`SmtError::TooManyLeaves`]; the tree is then as before.
    pub fn update(&mut self, changes: &[Change]) -> Result<B256, SmtError> {
        // Everything that can fail comes first.
        if let Some(position) = (1..changes.len()).find(|&i| changes[i - 1].0 >= changes[i].0) {
            let key = changes[position].0;
            return Err(SmtError::NotSorted { position, key });
        }
        let leaves = self.len() + inserts(changes).count();
        if leaves > Self::MAX_LEAVES {
            let limit = Self::MAX_LEAVES;
            return Err(SmtError::TooManyLeaves { leaves, limit });
        }
        match self.root {
            None => *self = Self::from_sorted(inserts(changes))?,
            Some(_) if changes.is_empty() => {}
            Some(root) => {
                let subtree = self.apply(root, 0, changes);
                self.root = subtree.map(|(id, _)| id);
                self.root_hash = subtree.map_or(B256::ZERO, |(_, hash)| hash);
            }
        }
        Ok(self.root_hash)
    }

    /// Proves the value or the absence of `key` under [`Self::root`]; see [`verify`](crate::verify).
    pub fn prove(&self, key: B256) -> Proof {
        let mut siblings = Vec::new();
        let Some(mut id) = self.root else {
            return Proof {
                leaf: None,
                siblings,
            };
        };
        let leaf = loop {
            match id.node() {
                Node::Leaf(index) => break self.arena.leaves[index],
                Node::Branch(index) => {
                    let branch = &self.arena.branches[index];
                    let (next, sibling) = if bit(&key, branch.depth) {
                        (branch.right, branch.left)
                    } else {
                        (branch.left, branch.right)
                    };
                    siblings.push(Sibling {
                        depth: branch.depth,
                        hash: self.arena.hash(sibling),
                    });
                    id = next;
                }
            }
        };
        siblings.reverse();
        Proof {
            leaf: Some((leaf.key, leaf.value)),
            siblings,
        }
    }

    /// Applies changes to a subtree; `None` if no leaf remains.
    ///
    /// The keys of `changes` and those of the subtree share the first `shared` bits.
    fn apply(&mut self, id: NodeId, shared: u16, mut changes: &[Change]) -> Option<Subtree> {
        if changes.is_empty() {
            return Some((id, self.arena.hash(id)));
        }
        let index = match id.node() {
            Node::Leaf(index) => return self.apply_to_leaf(index, changes),
            Node::Branch(index) => index,
        };
        let Branch {
            depth, left, right, ..
        } = self.arena.branches[index];
        // The bits from `shared` to `depth` are not in the branch: a leaf has to tell. In a tree of
        // random keys that happens only near the leaves, so the way to one is short.
        if u16::from(depth) > shared {
            let key = self.arena.leftmost_key(id);
            if let Some(split) = parting(&key, depth, changes) {
                return self.split_above(id, &key, split, changes);
            }
            // What is left beside the subtree can only delete absent keys.
            changes = sharing(&key, depth, changes);
            if changes.is_empty() {
                return Some((id, self.arena.branches[index].hash));
            }
        }
        let middle = changes.partition_point(|(key, _)| !bit(key, depth));
        let left = self.apply(left, u16::from(depth) + 1, &changes[..middle]);
        let right = self.apply(right, u16::from(depth) + 1, &changes[middle..]);
        self.arena.remove_branch(index);
        self.join(depth, left, right)
    }

    /// Applies changes to a subtree, some of which insert beside it: the first of them parts from
    /// it at bit `split`, above the subtree's own branch. `known` is a key of the subtree.
    fn split_above(
        &mut self,
        id: NodeId,
        known: &B256,
        split: u8,
        changes: &[Change],
    ) -> Option<Subtree> {
        let changes = sharing(known, split, changes);
        let middle = changes.partition_point(|(key, _)| !bit(key, split));
        let (left, right) = changes.split_at(middle);
        let shared = u16::from(split) + 1;
        let (left, right) = if bit(known, split) {
            (self.insert(left), self.apply(id, shared, right))
        } else {
            (self.apply(id, shared, left), self.insert(right))
        };
        self.join(split, left, right)
    }

    fn apply_to_leaf(&mut self, index: usize, changes: &[Change]) -> Option<Subtree> {
        let Leaf { key, value } = self.arena.leaves[index];
        if let [(changed, new)] = changes
            && *changed == key
        {
            let Some(new) = new.filter(|new| !new.is_zero()) else {
                self.arena.remove_leaf(index);
                return None;
            };
            self.arena.leaves[index].value = new;
            return Some((NodeId::leaf(index), leaf(key, new)));
        }
        let mut merged: Vec<Leaf> = Vec::with_capacity(changes.len() + 1);
        merged.extend(inserts(changes).map(|(key, value)| Leaf { key, value }));
        if let Err(position) = changes.binary_search_by_key(&key, |(key, _)| *key) {
            let position = inserts(&changes[..position]).count();
            merged.insert(position, Leaf { key, value });
        }
        self.arena.remove_leaf(index);
        self.insert_leaves(&merged)
    }

    /// A new subtree from the inserting ones of `changes`.
    fn insert(&mut self, changes: &[Change]) -> Option<Subtree> {
        let leaves: Vec<Leaf> = inserts(changes)
            .map(|(key, value)| Leaf { key, value })
            .collect();
        self.insert_leaves(&leaves)
    }

    /// A new subtree from sorted leaves.
    fn insert_leaves(&mut self, leaves: &[Leaf]) -> Option<Subtree> {
        let (first, last) = (leaves.first()?, leaves.last()?);
        let Some(depth) = first_difference(&first.key, &last.key) else {
            return Some(self.arena.add_leaf(*first));
        };
        let middle = leaves.partition_point(|leaf| !bit(&leaf.key, depth));
        let left = self.insert_leaves(&leaves[..middle]);
        let right = self.insert_leaves(&leaves[middle..]);
        self.join(depth, left, right)
    }

    /// A branch above two subtrees; a single one takes its place (path compression).
    fn join(
        &mut self,
        depth: u8,
        left: Option<Subtree>,
        right: Option<Subtree>,
    ) -> Option<Subtree> {
        match (left, right) {
            (Some(left), Some(right)) => Some(self.arena.add_branch(depth, left, right)),
            (subtree, None) | (None, subtree) => subtree,
        }
    }
}

impl fmt::Debug for Smt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Smt")
            .field("len", &self.len())
            .field("root", &self.root_hash)
            .finish_non_exhaustive()
    }
}

/// The changes that set a value.
fn inserts(changes: &[Change]) -> impl Iterator<Item = (B256, B256)> {
    changes
        .iter()
        .filter_map(|(key, value)| Some((*key, value.filter(|value| !value.is_zero())?)))
}

/// First bit before `depth` at which an inserted key parts from `known`.
fn parting(known: &B256, depth: u8, changes: &[Change]) -> Option<u8> {
    inserts(changes)
        .filter_map(|(key, _)| first_difference(&key, known))
        .min()
        .filter(|split| *split < depth)
}

/// The changes whose keys share the first `bits` bits with `known`: a range, as they are sorted.
fn sharing<'a>(known: &B256, bits: u8, changes: &'a [Change]) -> &'a [Change] {
    let parts = |key: &B256| first_difference(key, known).is_some_and(|at| at < bits);
    let start = changes.partition_point(|(key, _)| key < known && parts(key));
    let end = changes.partition_point(|(key, _)| key < known || !parts(key));
    &changes[start..end]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    /// Walks the tree and checks that every node is in use once, in order, with the right hash.
    fn check(tree: &Smt) {
        let mut seen = BTreeSet::new();
        let mut keys = Vec::new();
        let mut branches = 0;
        let mut open: Vec<(NodeId, i32)> = tree.root.map(|id| (id, -1)).into_iter().collect();
        while let Some((id, above)) = open.pop() {
            match id.node() {
                Node::Leaf(index) => {
                    assert!(seen.insert((true, index)), "leaf {index} is used twice");
                    keys.push(tree.arena.leaves[index].key);
                }
                Node::Branch(index) => {
                    assert!(seen.insert((false, index)), "branch {index} is used twice");
                    branches += 1;
                    let branch = &tree.arena.branches[index];
                    assert!(i32::from(branch.depth) > above, "depth does not grow");
                    let hashes = [branch.left, branch.right].map(|id| tree.arena.hash(id));
                    let hash = crate::hash::node(hashes[0], hashes[1], branch.depth);
                    assert_eq!(branch.hash, hash);
                    open.push((branch.right, i32::from(branch.depth)));
                    open.push((branch.left, i32::from(branch.depth)));
                }
            }
        }
        assert!(keys.is_sorted(), "leaves out of order");
        assert_eq!(keys.len(), tree.len());
        assert_eq!(branches, tree.arena.branch_count(), "branches leak");
        assert_eq!(branches, tree.len().saturating_sub(1));
        let root = tree.root.map_or(B256::ZERO, |id| tree.arena.hash(id));
        assert_eq!(tree.root(), root);
    }

    fn random_batch(rng: &mut StdRng, len: usize, keys: u64) -> Vec<Change> {
        let mut batch: Vec<Change> = (0..len)
            .map(|_| {
                let key = alloy_primitives::keccak256(rng.random_range(0..keys).to_be_bytes());
                let value = rng
                    .random_bool(0.5)
                    .then(|| B256::from(rng.random::<[u8; 32]>()));
                (key, value)
            })
            .collect();
        batch.sort_by_key(|(key, _)| *key);
        batch.dedup_by_key(|(key, _)| *key);
        batch
    }

    #[test]
    fn churn_reuses_freed_nodes() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut tree = Smt::new();
        for _ in 0..200 {
            tree.update(&random_batch(&mut rng, 300, 2_000)).unwrap();
            check(&tree);
        }
        assert!(
            tree.arena.leaves.len() <= 2_000,
            "{}",
            tree.arena.leaves.len()
        );
        assert!(tree.arena.branches.len() <= 2_000);
    }

    #[test]
    fn deleting_everything_frees_everything() {
        let mut rng = StdRng::seed_from_u64(4);
        let mut tree = Smt::new();
        tree.update(&random_batch(&mut rng, 3_000, 5_000)).unwrap();
        let keys: Vec<B256> = tree.arena.leaves.iter().map(|leaf| leaf.key).collect();
        let deletions: Vec<Change> = keys.into_iter().map(|key| (key, None)).collect();
        assert_eq!(tree.update(&deletions), Ok(B256::ZERO));
        assert!(tree.is_empty());
        check(&tree);
        tree.update(&random_batch(&mut rng, 100, 5_000)).unwrap();
        check(&tree);
    }

    #[test]
    fn nodes_have_the_documented_size() {
        assert_eq!((size_of::<Leaf>(), size_of::<Branch>()), (64, 44));
        let leaves = (0..100_000u64).map(|index| {
            (
                B256::from(alloy_primitives::U256::from(index)),
                B256::repeat_byte(1),
            )
        });
        let mut tree = Smt::from_sorted(leaves).unwrap();
        assert!(tree.memory_bytes() <= 108 * tree.len());
        // One more leaf reserves an eighth more.
        tree.update(&[(B256::repeat_byte(2), Some(B256::repeat_byte(1)))])
            .unwrap();
        assert!(
            tree.memory_bytes() <= 130 * tree.len(),
            "{}",
            tree.memory_bytes() / tree.len()
        );
    }
}
