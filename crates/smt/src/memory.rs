//! A tree with its leaves in memory.

use std::collections::BTreeMap;

use alloc::vec::Vec;
use core::{convert::Infallible, fmt};

use alloy_primitives::B256;

use crate::{
    LeafSource, Leaves, Prefix, Proof, SmtError, Tree, TreeBuilder, UpdateError, tree::Change,
};

/// Leaves in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryLeaves(BTreeMap<B256, B256>);

impl MemoryLeaves {
    /// Sets, or with `None` or zero removes, leaves.
    pub fn apply(&mut self, changes: &[Change]) {
        for (key, value) in changes {
            match value.filter(|value| !value.is_zero()) {
                Some(value) => self.0.insert(*key, value),
                None => self.0.remove(key),
            };
        }
    }

    /// All leaves in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (B256, B256)> {
        self.0.iter().map(|(key, value)| (*key, *value))
    }

    /// Value of a leaf.
    pub fn get(&self, key: &B256) -> Option<B256> {
        self.0.get(key).copied()
    }
}

impl LeafSource for &MemoryLeaves {
    type Error = Infallible;

    fn read(&mut self, prefixes: &[Prefix], leaves: &mut Leaves) -> Result<(), Infallible> {
        for prefix in prefixes {
            for (key, value) in self.0.range(*prefix.first_key()..=prefix.last_key()) {
                leaves.push(*key, *value);
            }
            leaves.end_prefix();
        }
        Ok(())
    }
}

/// Sparse Merkle tree with all its leaves in memory: for a genesis, for tests, for audits.
#[derive(Clone)]
pub struct Smt {
    tree: Tree,
    leaves: MemoryLeaves,
}

impl Default for Smt {
    fn default() -> Self {
        Self::new()
    }
}

impl Smt {
    /// Returns the empty tree, whose root is zero.
    pub fn new() -> Self {
        Self {
            tree: Tree::new(0),
            leaves: MemoryLeaves::default(),
        }
    }

    /// Builds a tree from leaves with strictly increasing keys and values other than zero.
    ///
    /// # Errors
    /// [`SmtError::NotSorted`] and [`SmtError::ZeroValue`] with the position of the first
    /// offending leaf.
    pub fn from_sorted(leaves: impl IntoIterator<Item = (B256, B256)>) -> Result<Self, SmtError> {
        let leaves: Vec<_> = leaves.into_iter().collect();
        let mut builder = TreeBuilder::new(leaves.len() as u64, 0, 0);
        builder.extend(&leaves)?;
        Ok(Self {
            tree: builder.finish(),
            leaves: MemoryLeaves(leaves.into_iter().collect()),
        })
    }

    /// Root hash; zero if the tree is empty.
    pub fn root(&self) -> B256 {
        self.tree.root()
    }

    /// Number of leaves.
    pub fn len(&self) -> usize {
        self.leaves.0.len()
    }

    /// Returns `true` if the tree has no leaf.
    pub fn is_empty(&self) -> bool {
        self.leaves.0.is_empty()
    }

    /// Bytes of heap, of the leaves about.
    pub fn memory_bytes(&self) -> usize {
        // Nodes of a B-tree are about two thirds full.
        self.tree.stats().memory_bytes + self.len() * 96
    }

    /// The tree without its leaves.
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The leaves.
    pub const fn leaves(&self) -> &MemoryLeaves {
        &self.leaves
    }

    /// Applies a batch and returns the new root.
    ///
    /// Keys strictly increase. A value of `None` or zero deletes the key; deleting an absent key
    /// changes nothing.
    ///
    /// # Errors
    /// [`SmtError::NotSorted`]; the tree is then as before.
    pub fn update(&mut self, changes: &[Change]) -> Result<B256, SmtError> {
        match self.tree.update(changes, &mut &self.leaves) {
            Ok(update) => {
                self.leaves.apply(changes);
                Ok(update.root)
            }
            Err(UpdateError::Batch(error)) => Err(error),
            Err(UpdateError::Source(never)) => match never {},
        }
    }

    /// Proves the value or the absence of `key` under [`Self::root`]; see [`verify`](crate::verify).
    pub fn prove(&self, key: B256) -> Proof {
        match self.tree.prove(key, &mut &self.leaves) {
            Ok(proof) => proof,
            Err(never) => match never {},
        }
    }
}

impl fmt::Debug for Smt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Smt")
            .field("len", &self.len())
            .field("root", &self.root())
            .finish_non_exhaustive()
    }
}
