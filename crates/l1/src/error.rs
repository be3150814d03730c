//! What can go wrong with L1.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes};
use aura_chain::ChainError;
use aura_runtime::PoolBusy;
use aura_storage::StorageError;

/// Failures of the way to L1 and of the watcher.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum L1Error {
    /// A setting is out of its bounds.
    #[error("L1 settings: {0}")]
    Config(String),
    /// The endpoint cannot be reached, or the connection broke.
    #[error("L1 endpoint {endpoint}: {reason}")]
    Connection {
        /// Which, without credentials.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// No answer in time.
    #[error("L1 endpoint {endpoint} did not answer {method} within {after:?}")]
    Timeout {
        /// Which.
        endpoint: String,
        /// The method.
        method: &'static str,
        /// The limit.
        after: Duration,
    },
    /// The endpoint wants fewer requests.
    #[error("L1 endpoint {endpoint} limits the rate of requests")]
    RateLimited {
        /// Which.
        endpoint: String,
        /// How long it wants to be left alone, if it says so.
        retry_after: Option<Duration>,
    },
    /// The endpoint refuses the request.
    #[error("L1 endpoint {endpoint} refuses {method}: {message} ({code})")]
    Rpc {
        /// Which.
        endpoint: String,
        /// The method.
        method: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// Its text.
        message: String,
        /// Data of the error, such as that of a revert.
        data: Option<Bytes>,
    },
    /// The answer does not have the form that it must have.
    #[error("L1 endpoint {endpoint} answers {method} with something else: {reason}")]
    Malformed {
        /// Which.
        endpoint: String,
        /// The method.
        method: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// What the endpoint says cannot all be true.
    #[error("L1 endpoint {endpoint} contradicts itself: {what}")]
    Inconsistent {
        /// Which.
        endpoint: String,
        /// What does not fit.
        what: String,
    },
    /// Another endpoint is far ahead, or this one has stopped.
    #[error("L1 endpoint {endpoint} is stale: its head is {head}, that of another {best}")]
    Stale {
        /// Which.
        endpoint: String,
        /// Its head.
        head: u64,
        /// The best head.
        best: u64,
    },
    /// The block is not known to the endpoint, or not any more.
    #[error("L1 block {block} is not known")]
    UnknownBlock {
        /// Number, hash or tag.
        block: String,
    },
    /// The endpoint serves another chain.
    #[error("L1 endpoint {endpoint} serves chain {found}, expected {expected}")]
    WrongChain {
        /// Which.
        endpoint: String,
        /// Its chain id.
        found: u64,
        /// That of the configuration.
        expected: u64,
    },
    /// There is no contract where the deployment says that there is.
    #[error("there is no contract at {address} ({name}) on L1")]
    NoContract {
        /// Which contract.
        name: &'static str,
        /// Its address.
        address: Address,
    },
    /// The contracts on L1 are not those of this chain.
    #[error("contracts on L1 do not fit this chain: {what} is {found}, expected {expected}")]
    WrongDeployment {
        /// What does not fit.
        what: &'static str,
        /// What L1 says.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// L1 has replaced more blocks than are kept.
    #[error(
        "L1 was reorganised below block {oldest}, the oldest that is kept: \
         the stored block {tip} {hash} has no ancestor on the chain of the endpoint"
    )]
    ReorgTooDeep {
        /// Oldest block that is kept.
        oldest: u64,
        /// The newest that was stored.
        tip: u64,
        /// Its hash.
        hash: B256,
    },
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The watcher's thread failed.
    #[error(transparent)]
    Worker(#[from] PoolBusy),
    /// The chain's writer failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl L1Error {
    /// Returns `true` if repeating the step, perhaps with another endpoint, can succeed.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Connection { .. }
            | Self::Timeout { .. }
            | Self::RateLimited { .. }
            | Self::Rpc { .. }
            | Self::Malformed { .. }
            | Self::Inconsistent { .. }
            | Self::Stale { .. }
            | Self::UnknownBlock { .. } => true,
            Self::Storage(error) => error.is_transient(),
            Self::Config(_)
            | Self::WrongChain { .. }
            | Self::NoContract { .. }
            | Self::WrongDeployment { .. }
            | Self::ReorgTooDeep { .. }
            | Self::Worker(_)
            | Self::Chain(_) => false,
        }
    }

    /// Its kind, for metrics.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::Connection { .. } => "connection",
            Self::Timeout { .. } => "timeout",
            Self::RateLimited { .. } => "rate_limited",
            Self::Rpc { .. } => "rpc",
            Self::Malformed { .. } => "malformed",
            Self::Inconsistent { .. } => "inconsistent",
            Self::Stale { .. } => "stale",
            Self::UnknownBlock { .. } => "unknown_block",
            Self::WrongChain { .. } => "wrong_chain",
            Self::NoContract { .. } | Self::WrongDeployment { .. } => "deployment",
            Self::ReorgTooDeep { .. } => "reorg_too_deep",
            Self::Storage(_) | Self::Worker(_) | Self::Chain(_) => "storage",
        }
    }
}
