//! What can go wrong with the chain.

use alloy_primitives::B256;
use aura_evm::ExecutionError;
use aura_smt::{SmtError, VerifyError, WitnessError};
use aura_storage::StorageError;

/// Errors of sealing, committing and unwinding.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The block does not extend the tip; its builder must start again on the tip.
    #[error("block {number} extends {parent}, but the tip is {tip}")]
    WrongParent {
        /// Number of the refused block.
        number: u64,
        /// Parent hash of the refused block.
        parent: B256,
        /// Hash of the tip.
        tip: B256,
    },
    /// A block to be imported breaks a rule; nothing of it is kept.
    #[error("block {number} is invalid")]
    InvalidBlock {
        /// Number of the refused block.
        number: u64,
        /// The rule.
        #[source]
        source: Box<ExecutionError>,
    },
    /// A block to be imported leads to another state than its header says; nothing of it is kept.
    #[error(
        "block {number} is invalid: stateRoot is {expected} in the header, execution gives {computed}"
    )]
    InvalidStateRoot {
        /// Number of the refused block.
        number: u64,
        /// Root in the header.
        expected: B256,
        /// Root of the state after the block.
        computed: B256,
    },
    /// Ethereum's state root is computed from the whole state, which has become too large for that.
    #[error(
        "state has {entries} or more accounts and slots; with an ethereum state root at most {max} are allowed"
    )]
    StateTooLarge {
        /// Accounts and slots counted so far.
        entries: usize,
        /// `max_mpt_entries` of the configuration.
        max: usize,
    },
    /// Proofs in the sparse Merkle tree were asked of a chain with Ethereum's state commitment.
    #[error(
        "this chain commits to its state as ethereum does: it has no sparse merkle tree, ask for eth_getProof"
    )]
    NoTree,
    /// The tree's root is not the one in the header: our own data is wrong.
    #[error("state root of block {number} is {expected} but the flat state has {computed}")]
    StateRootMismatch {
        /// Block whose header holds the expected root.
        number: u64,
        /// Root in the header.
        expected: B256,
        /// Root of the state in the database.
        computed: B256,
    },
    /// The tree refused an update.
    #[error("state tree")]
    Tree(#[from] SmtError),
    /// The database failed.
    #[error("storage")]
    Storage(#[from] StorageError),
    /// The target of an unwind is not below the tip.
    #[error("cannot unwind to block {to}, the tip is {tip}")]
    UnwindTarget {
        /// Requested block.
        to: u64,
        /// Number of the tip.
        tip: u64,
    },
    /// A proof from our own data does not verify: the node and leaf history is damaged.
    #[error("proof of {key} at block {block} does not verify: the history is damaged")]
    ProofMismatch {
        /// The block.
        block: u64,
        /// The tree key.
        key: B256,
        /// What is wrong with the proof.
        #[source]
        source: VerifyError,
    },
    /// A witness from our own data does not lead to the block's root: the history is damaged.
    #[error("witness of block {block} does not verify: the history is damaged")]
    WitnessMismatch {
        /// The block.
        block: u64,
        /// What is wrong with the witness.
        #[source]
        source: WitnessError,
    },
    /// A block of the chain does not execute again: the history is damaged.
    #[error("block {block} does not execute as it did")]
    Execution {
        /// The block.
        block: u64,
        /// What is different.
        #[source]
        source: Box<ExecutionError>,
    },
    /// A withdrawal in a receipt is not in the form that the contract writes.
    #[error("a withdrawal of block {number} does not decode")]
    WithdrawalLog {
        /// The block.
        number: u64,
        /// What is wrong with it.
        #[source]
        source: Box<aura_bindings::DecodeError>,
    },
    /// The contract has computed another leaf: the genesis and the chain's settings do not agree.
    #[error("withdrawal {index} of block {number} is {expected} to the contract, but {computed}")]
    WithdrawalLeafMismatch {
        /// The block.
        number: u64,
        /// Number of the withdrawal.
        index: u64,
        /// Leaf in the log.
        expected: B256,
        /// Leaf of its fields.
        computed: B256,
    },
    /// The header commits to another withdrawal tree than the receipts make.
    #[error("withdrawal root of block {number} is {expected} in its header, but {computed}")]
    WithdrawalRootMismatch {
        /// The block.
        number: u64,
        /// Root in the header; zero if there is none.
        expected: B256,
        /// Root of the tree in the database.
        computed: B256,
    },
    /// A reader found damage, which it has logged.
    #[error("the database is damaged")]
    Damaged,
    /// The writer has stopped, after a failure or in shutdown.
    #[error("the chain's writer has stopped")]
    Stopped,
}
