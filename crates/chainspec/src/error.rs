//! Why a genesis file is refused.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, U256};

use crate::bridge::MIN_BRIDGED_GAS_LIMIT;

/// Why a genesis file is refused. All of these are final: the file must be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainSpecError {
    /// The file cannot be read.
    #[error("cannot read genesis file {path}")]
    Read {
        /// Path as given.
        path: PathBuf,
        /// Reason.
        #[source]
        source: std::io::Error,
    },
    /// The text is not one JSON object with unique keys.
    #[error("genesis is not a JSON object")]
    Json(#[source] serde_json::Error),
    /// A field that a genesis file must have.
    #[error("genesis field `{0}` is missing")]
    MissingField(&'static str),
    /// A field has a wrong type or a value out of range.
    #[error("genesis field `{field}`: {reason}")]
    InvalidField {
        /// Path of the field, such as `config.osakaTime`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The `aura` section has an unknown field or a wrong value.
    #[error("genesis section `aura`: {0}")]
    InvalidAuraSection(String),
    /// The chain asks for a state commitment other than the sparse Merkle tree.
    #[error(
        "state commitment {0:?} is not supported, only \"smt\" is; an Ethereum chain has no `aura` section"
    )]
    UnsupportedCommitment(String),
    /// A fee parameter by which the base fee rule would divide is zero.
    #[error("`aura.{0}` must not be zero")]
    ZeroFeeParameter(&'static str),
    /// The base fee of block 0 is below the chain's minimum.
    #[error("`baseFeePerGas` is {base_fee}, below `aura.minBaseFee` {minimum}")]
    BaseFeeBelowMinimum {
        /// Base fee in the file.
        base_fee: u64,
        /// Minimum in the file.
        minimum: u64,
    },
    /// A fork that this version cannot run, or does not know.
    #[error("fork `config.{0}` is not supported; the newest supported fork is Osaka with BPO1-5")]
    UnsupportedFork(String),
    /// A fork is scheduled although one that it builds on is not.
    #[error("fork `config.{later}` is set, but `config.{earlier}` is not")]
    ForkMissing {
        /// The fork that is not set.
        earlier: &'static str,
        /// The fork that is set.
        later: &'static str,
    },
    /// A fork is scheduled before one that it builds on.
    #[error("fork `config.{later}` at {later_at} comes before `config.{earlier}` at {earlier_at}")]
    ForkOrder {
        /// The fork that has to come first.
        earlier: &'static str,
        /// Its block or time.
        earlier_at: u64,
        /// The fork that has to come second.
        later: &'static str,
        /// Its block or time.
        later_at: u64,
    },
    /// A fork that has to be active in block 0 is not.
    ///
    /// Before Cancun, SELFDESTRUCT clears storage, which needs an enumeration of a contract's slots.
    #[error("fork `config.{0}` must be active at genesis: Aura chains start at Cancun or later")]
    NotActiveAtGenesis(&'static str),
    /// Forks by time come after the merge, which nothing announces.
    #[error("fork `config.{0}` is set, but `config.terminalTotalDifficulty` is not")]
    NoMerge(&'static str),
    /// The DAO fork's irregular state change is no part of any Aura chain.
    #[error("`config.daoForkBlock` must be 0 or absent")]
    DaoFork,
    /// The chain would start under proof of work.
    #[error(
        "`config.terminalTotalDifficulty` {terminal} is above the genesis difficulty {difficulty}: \
         Aura chains are merged at genesis"
    )]
    NotMerged {
        /// Terminal total difficulty.
        terminal: U256,
        /// Difficulty of block 0.
        difficulty: U256,
    },
    /// The blob schedule has no usable entry for a fork.
    #[error("`config.blobSchedule.{fork}`: {reason}")]
    BlobSchedule {
        /// Key of the entry.
        fork: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Chain id 0, or one for which EIP-155 signatures overflow (EIP-2294).
    #[error("chain id {0} is not in 1..=9223372036854775771")]
    ChainId(u64),
    /// The gas limit of block 0 is out of range.
    #[error("gas limit {0} is not in 5000..=9223372036854775807")]
    GasLimit(u64),
    /// Block 0 has another number.
    #[error("genesis block number is {0}, must be 0")]
    Number(u64),
    /// A nonce that no account may have (EIP-2681).
    #[error("account {0} has nonce 2^64-1, which EIP-2681 excludes")]
    Nonce(Address),
    /// Storage in an account that EIP-161 removes.
    #[error("account {0} has storage, but no code, nonce or balance")]
    StorageOfEmptyAccount(Address),
    /// The section `aura.bridge` names no contracts that can be.
    #[error("`aura.bridge.{field}` {reason}")]
    Bridge {
        /// The member.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Entries of the queue may not fit a block of a chain with a bridge.
    #[error("gas limit {0} is below the {MIN_BRIDGED_GAS_LIMIT} that `aura.bridge` needs")]
    BridgedGasLimit(u64),
    /// A chain with a bridge needs this contract in its genesis.
    #[error("genesis has no code of {0}, which a chain with `aura.bridge` needs")]
    BridgePredeploy(&'static str),
    /// Storage of `AuraMessagePasser` contradicts the section `aura.bridge`.
    #[error(
        "genesis has {found} in slot {slot} of AuraMessagePasser; `aura.bridge` needs {expected}"
    )]
    PasserSlot {
        /// The slot.
        slot: u64,
        /// What has to be there.
        expected: B256,
        /// What is there.
        found: B256,
    },
}
