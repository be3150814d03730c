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
}

/// Why a tree was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError<E> {
    /// The batch is not a batch.
    #[error(transparent)]
    Batch(#[from] SmtError),
    /// Leaves could not be read.
    #[error("leaves of the state tree could not be read")]
    Source(#[source] E),
}

/// Why bytes are no proof, before it is asked what they prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before what they announce.
    #[error("bytes end too early")]
    Truncated,
    /// Bytes are left after the end.
    #[error("{0} bytes too many")]
    TrailingBytes(usize),
    /// More siblings of one leaf than a key has bits.
    #[error("{0} siblings of a leaf, but a key has 256 bits")]
    TooManySiblings(u16),
}

/// Why a witness gives no answer. A tree is as before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// Keys do not strictly increase.
    #[error("key {key} at position {position} is not above the key before it")]
    NotSorted {
        /// Position of the offending key in the batch.
        position: usize,
        /// The offending key.
        key: B256,
    },
    /// The key was not proven.
    #[error("the witness says nothing about key {key}")]
    NotCovered {
        /// The key.
        key: B256,
    },
    /// The changes lead to another root.
    #[error("changes lead to root {computed}, expected {expected}")]
    RootMismatch {
        /// Root after the changes.
        computed: B256,
        /// Root that was to be reached.
        expected: B256,
    },
    /// The proof in the witness is none.
    #[error("invalid proof")]
    Proof(#[from] VerifyError),
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
    /// Leaves of a multiproof do not strictly ascend.
    #[error("leaf {position} with key {key} is not above the leaf before it")]
    NotAscending {
        /// Position of the leaf.
        position: usize,
        /// Its key.
        key: B256,
    },
    /// A sibling in a multiproof is at a depth that is taken, out of order, or not beside the part
    /// of the path that is the leaf's own.
    #[error("sibling {position} of leaf {leaf} is misplaced at depth {depth}")]
    MisplacedSibling {
        /// Position of the leaf.
        leaf: usize,
        /// Position in the leaf's list of siblings.
        position: usize,
        /// Depth found there.
        depth: u8,
    },
    /// None of the keys needs a leaf of the multiproof.
    #[error("leaf {key} is reached by none of the keys")]
    SuperfluousLeaf {
        /// Key of the leaf.
        key: B256,
    },
    /// The multiproof shows neither presence nor absence of a key.
    #[error("the proof says nothing about key {key}")]
    NotCovered {
        /// The key.
        key: B256,
    },
    /// The proof of a key is none, or not of the same tree as the proofs of other keys.
    #[error("the proof of key {key} contradicts others or itself")]
    Contradiction {
        /// The key.
        key: B256,
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
