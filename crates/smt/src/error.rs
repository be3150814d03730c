//! What can go wrong with a batch or a proof.

use alloy_primitives::B256;

/// Why a batch was refused. The tree is as before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SmtError {
    /// Keys do not strictly increase.
    #[error("key {key} at position {position} is not above the key before it")]
    NotSorted {
        /// Position of the offending key in the batch.
        position: usize,
        /// The offending key.
        key: B256,
    },
    /// A leaf to build from has the value zero, which stands for "absent".
    #[error("leaf {key} at position {position} has the value zero")]
    ZeroValue {
        /// Position of the leaf.
        position: usize,
        /// Key of the leaf.
        key: B256,
    },
    /// The batch could take the tree beyond [`Smt::MAX_LEAVES`](crate::Smt::MAX_LEAVES).
    #[error("a tree of {leaves} leaves exceeds the limit of {limit}")]
    TooManyLeaves {
        /// Leaves that the tree would need room for.
        leaves: usize,
        /// Most leaves that a tree can hold.
        limit: usize,
    },
}

/// Why a proof does not prove anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// More siblings than a key has bits.
    #[error("{0} siblings, but a key has 256 bits")]
    TooManySiblings(usize),
    /// Depths do not strictly decrease from the leaf upwards.
    #[error("depth {depth} of sibling {position} is not below the depth before it")]
    DepthNotDecreasing {
        /// Position in the list of siblings.
        position: usize,
        /// Depth found there.
        depth: u8,
    },
    /// A proof without a leaf has siblings: it can only speak of the empty tree.
    #[error("siblings without a leaf")]
    SiblingsWithoutLeaf,
    /// The leaf has the value zero, which no tree holds.
    #[error("leaf with the value zero")]
    ZeroValue,
    /// A sibling is the empty subtree, which path compression leaves out.
    #[error("sibling {position} is zero")]
    ZeroSibling {
        /// Position in the list of siblings.
        position: usize,
    },
    /// The leaf is not where the walk along the key's bits ends.
    #[error("leaf and key differ in bit {depth}, where the path branches")]
    WrongBranch {
        /// Bit in which they differ.
        depth: u8,
    },
    /// The proof folds to another root.
    #[error("proof has root {computed}, expected {expected}")]
    RootMismatch {
        /// Root that the proof folds to.
        computed: B256,
        /// Root that was asked for.
        expected: B256,
    },
}
