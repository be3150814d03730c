//! From the errors of every layer to JSON-RPC's codes, in one place.
//!
//! Codes and words are those that clients parse: geth's, for ethers, viem, web3.py, alloy and
//! MetaMask class errors by them. Where EIP-1474 and geth differ, geth wins: a refused transaction
//! and an unknown block in a state read are `-32000`.

mod wire;

use std::borrow::Cow;

use alloy_primitives::B256;
use aura_chain::ChainError;
use aura_evm::{CallError, ExecutionError, simulate::SimulateError, trace::TraceError};
use aura_pool::PoolError;
use aura_runtime::PoolBusy;
use aura_storage::StorageError;
use jsonrpsee::types::{ErrorObject, ErrorObjectOwned};

use crate::prove::ProofError;
use wire::Wire;

pub(crate) use wire::CallFault;

/// The request is not a JSON-RPC request.
pub(crate) const INVALID_REQUEST: i32 = -32600;
/// No such method.
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
/// A parameter is missing or malformed.
pub(crate) const INVALID_PARAMS: i32 = -32602;
/// The node's own fault.
pub(crate) const INTERNAL: i32 = -32603;
/// Not JSON.
pub(crate) const PARSE: i32 = -32700;
/// geth's code for whatever the request itself cannot have.
pub(crate) const SERVER: i32 = -32000;
/// A limit of this node.
pub(crate) const LIMIT: i32 = -32005;
/// Execution reverted; `data` holds what the contract returned.
pub(crate) const REVERT: i32 = 3;

/// Why a request gets no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// A parameter is missing or malformed.
    #[error("{0}")]
    InvalidParams(Cow<'static, str>),
    /// The block whose state or logs are asked for is unknown.
    #[error("header not found")]
    HeaderNotFound,
    /// The filter's block hash is unknown.
    #[error("unknown block")]
    UnknownBlock,
    /// What is to be traced or shown is not there, or cannot be traced.
    #[error("{0}")]
    Untraceable(Cow<'static, str>),
    #[error(transparent)]
    Trace(Box<TraceError>),
    #[error(transparent)]
    Simulate(Box<SimulateError>),
    /// A limit of this node; the text says which and what would work.
    #[error("{0}")]
    Limit(String),
    /// A log search hit a limit; the range is smaller and within it.
    #[error("query {what}. Try with this block range [{from:#x}, {to:#x}].")]
    LogLimit { what: String, from: u64, to: u64 },
    /// The filter does not exist, or not any more; `why` says more if there is more to say.
    #[error("filter not found{why}")]
    FilterNotFound { why: &'static str },
    /// The client has used up what it gets.
    #[error("rate limit exceeded, retry after {retry_after_ms} ms")]
    RateLimited { retry_after_ms: u64 },
    /// The number in a stream that a subscriber wants to go on from is not in memory.
    #[error("sequence {from:#x} is not in memory, {oldest:#x} to {next:#x} are")]
    SequenceUnknown { from: u64, oldest: u64, next: u64 },
    /// The transaction was accepted, but not mined in time (EIP-7966).
    #[error("The transaction was added to the mempool but wasn't processed in {waited_ms}ms.")]
    SyncTimeout { hash: B256, waited_ms: u64 },
    /// The transaction was accepted and then dropped (EIP-7966).
    #[error("transaction dropped: {reason}")]
    SyncDropped { hash: B256, reason: String },
    /// The transaction waits for an earlier nonce (EIP-7966).
    #[error("nonce gap: expected nonce {expected}, the transaction is queued")]
    SyncNonceGap { expected: u64 },
    /// What the operator asks is not possible as things are.
    #[error("{0}")]
    Refused(String),
    /// The forkchoice state contradicts itself or the chain (Engine API).
    #[error("Invalid forkchoice state")]
    Forkchoice(&'static str),
    /// A payload was to be built, which this node does not do (Engine API).
    #[error("Invalid payload attributes")]
    PayloadAttributes,
    #[error(transparent)]
    Chain(Box<ChainError>),
    #[error(transparent)]
    Pool(Box<PoolError>),
    #[error(transparent)]
    Call(Box<CallError>),
    #[error(transparent)]
    Storage(Box<StorageError>),
    #[error(transparent)]
    Proof(Box<ProofError>),
    #[error(transparent)]
    Busy(#[from] PoolBusy),
    /// A row that another row names is absent: the database is damaged.
    #[error("{0}")]
    Inconsistent(&'static str),
}

// Boxed, for a `Result` is moved around far more often than it fails.
impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        Self::Pool(Box::new(error))
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::Call(Box::new(error))
    }
}

impl From<TraceError> for Fault {
    fn from(error: TraceError) -> Self {
        match error {
            TraceError::Call(error) => error.into(),
            TraceError::Execution(ExecutionError::State(error)) => error.into(),
            TraceError::UnknownTracer(_) | TraceError::InvalidConfig { .. } => {
                Self::params(error.to_string())
            }
            error => Self::Trace(Box::new(error)),
        }
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self::Storage(Box::new(error))
    }
}

impl From<ChainError> for Fault {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Storage(error) => error.into(),
            error @ ChainError::StateTooLarge { .. } => Self::Limit(error.to_string()),
            error => Self::Chain(Box::new(error)),
        }
    }
}

impl From<ProofError> for Fault {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Chain(ChainError::Storage(error)) => error.into(),
            ProofError::Chain(error @ ChainError::NoTree) => Self::Refused(error.to_string()),
            // What was asked for is gone, as if it had never been.
            ProofError::Unwound { .. } => Self::HeaderNotFound,
            error => Self::Proof(Box::new(error)),
        }
    }
}

impl Fault {
    pub(crate) fn params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidParams(message.into())
    }

    /// The error object. `on_damage` is told of damage to our own data, which must stop the node.
    pub(crate) fn into_error(
        self,
        on_damage: impl FnOnce(&(dyn std::error::Error + 'static)),
    ) -> ErrorObjectOwned {
        if let Some(error) = self.damage() {
            on_damage(error);
        }
        let Wire {
            code,
            message,
            data,
        } = self.into_wire();
        ErrorObject::owned(code, message, data)
    }

    fn damage(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let storage = match self {
            Self::Storage(error) => &**error,
            Self::Proof(error) => return error.is_damage().then_some(&**error as _),
            Self::Pool(error) => match &**error {
                PoolError::State(error) => error,
                _ => return None,
            },
            Self::Call(error) => match &**error {
                CallError::State(error) => error,
                _ => return None,
            },
            _ => return None,
        };
        storage.is_damage().then_some(storage as _)
    }
}

/// Text of a complete error response, for requests that never reach a method.
pub(crate) fn response(id: &str, code: i32, message: &str) -> String {
    // A string always serialises.
    let message = serde_json::to_string(message).unwrap_or_default();
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}}}}}"#)
}

#[cfg(test)]
mod tests;
