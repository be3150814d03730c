//! Rules that a block can break.

use alloy_primitives::{Address, B256, U256};

/// A rule of the protocol that a block breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockRule {
    /// Time stands still (which only an Aura chain allows) or runs backwards.
    #[error("timestamp {timestamp} does not follow the parent's {parent}")]
    Timestamp {
        /// The block's time.
        timestamp: u64,
        /// The parent's time.
        parent: u64,
    },
    /// The gas limit moves by 1/1024 of the parent's or more.
    #[error("gas limit {found} is too far from {parent}")]
    GasLimitStep {
        /// The block's gas limit.
        found: u64,
        /// The parent's gas limit, doubled in London's first block.
        parent: u64,
    },
    /// The gas limit is outside the bounds of the protocol.
    #[error("gas limit {0} is out of bounds")]
    GasLimit(u64),
    /// More gas is used than the limit allows.
    #[error("gas used {used} is above the gas limit {limit}")]
    GasUsed {
        /// Gas used as the header has it.
        used: u64,
        /// The block's gas limit.
        limit: u64,
    },
    /// `extraData` is longer than 32 bytes.
    #[error("extra data of {0} bytes exceeds 32")]
    ExtraDataTooLong(usize),
    /// The extra data of a block around the DAO fork puts it on the other side.
    #[error("extra data is not that of this side of the DAO fork")]
    DaoExtraData,
    /// The total difficulty says that proof of work has ended.
    #[error("proof of work at total difficulty {total}, which ends it")]
    ProofOfWorkAfterMerge {
        /// Total difficulty of the parent.
        total: U256,
    },
    /// The total difficulty says that proof of work goes on.
    #[error("no proof of work at total difficulty {total}, below the terminal {terminal}")]
    MergeTooEarly {
        /// Total difficulty of the parent.
        total: U256,
        /// Total difficulty with which proof of work ends.
        terminal: U256,
    },
    /// A part of the block that its fork requires is missing, or it has one of a later fork.
    #[error("the block's fork and its {0} do not go together")]
    Presence(&'static str),
    /// The encoded block is too large (EIP-7934).
    #[error("the block has {bytes} bytes, at most {max} are allowed")]
    TooLarge {
        /// Length of the RLP encoding.
        bytes: usize,
        /// Largest length.
        max: usize,
    },
    /// Blob gas is not a multiple of a blob's, or more than the block may have.
    #[error("blob gas {found} is not that of 0 to {max} blobs")]
    BlobGas {
        /// Blob gas used as the header has it.
        found: u64,
        /// Most blobs that the block may have.
        max: u64,
    },
    /// More uncles than two.
    #[error("{0} uncles, at most 2 are allowed")]
    TooManyOmmers(usize),
    /// An uncle appears twice, or an earlier block has it.
    #[error("uncle {0} is included already")]
    OmmerIncluded(B256),
    /// An uncle is an ancestor of the block.
    #[error("uncle {0} is an ancestor")]
    OmmerIsAncestor(B256),
    /// An uncle's parent is not among the ancestors two to seven blocks back.
    #[error("uncle {0} has no parent among the last blocks")]
    OmmerParent(B256),
    /// A signature is not canonical (EIP-2).
    #[error("the signature of transaction {0} has a high s")]
    HighS(usize),
    /// A log of the deposit contract does not have the layout of a deposit (EIP-6110).
    #[error("transaction {0} logs a deposit of a wrong layout")]
    DepositLayout(usize),
    /// A contract that the fork's system calls need has no code.
    #[error("system contract {0} has no code")]
    SystemContract(Address),
}
