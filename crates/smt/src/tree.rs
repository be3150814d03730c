//! The tree in RAM.

use alloy_primitives::B256;

use crate::{Proof, SmtError};

/// Sparse Merkle tree over 256-bit keys, all in RAM.
#[derive(Debug, Clone, Default)]
pub struct Smt {}

impl Smt {
    /// Most leaves that a tree can hold.
    pub const MAX_LEAVES: usize = 1 << 30;

    /// Returns the empty tree, whose root is zero.
    pub fn new() -> Self {
        todo!()
    }

    /// Builds a tree from leaves with strictly increasing keys.
    pub fn from_sorted(leaves: impl IntoIterator<Item = (B256, B256)>) -> Result<Self, SmtError> {
        let _ = leaves;
        todo!()
    }

    /// Root hash.
    pub fn root(&self) -> B256 {
        todo!()
    }

    /// Number of leaves.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Returns `true` if the tree has no leaf.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of heap that the tree holds.
    pub fn memory_bytes(&self) -> usize {
        todo!()
    }

    /// Applies changes with strictly increasing keys; `None` or zero deletes.
    pub fn update(&mut self, changes: &[(B256, Option<B256>)]) -> Result<B256, SmtError> {
        let _ = changes;
        todo!()
    }

    /// Proves the value or the absence of `key`.
    pub fn prove(&self, key: B256) -> Proof {
        let _ = key;
        todo!()
    }
}
