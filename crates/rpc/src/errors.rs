//! From the errors of every layer to JSON-RPC's codes, in one place.
//!
//! Codes and words are those that clients parse: geth's, for ethers, viem, web3.py, alloy and
//! MetaMask class errors by them. Where EIP-1474 and geth differ, geth wins: a refused transaction
//! and an unknown block in a state read are `-32000`.

use std::borrow::Cow;

use alloy_primitives::{B256, Bytes};
use aura_chain::ChainError;
use aura_evm::CallError;
use aura_pool::PoolError;
use aura_runtime::PoolBusy;
use aura_storage::StorageError;
use jsonrpsee::types::{ErrorObject, ErrorObjectOwned};
use serde_json::{Value, json};

use crate::{prove::ProofError, types::Quantity};

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
    /// A limit of this node; the text says which and what would work.
    #[error("{0}")]
    Limit(String),
    /// The transaction was accepted, but not mined in time (EIP-7966).
    #[error("The transaction was added to the mempool but wasn't processed in {waited_ms}ms.")]
    SyncTimeout { hash: B256, waited_ms: u64 },
    /// The transaction was accepted and then dropped (EIP-7966).
    #[error("transaction dropped: {reason}")]
    SyncDropped { hash: B256, reason: String },
    /// The transaction waits for an earlier nonce (EIP-7966).
    #[error("nonce gap: expected nonce {expected}, the transaction is queued")]
    SyncNonceGap { expected: u64 },
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

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self::Storage(Box::new(error))
    }
}

impl From<ProofError> for Fault {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Chain(ChainError::Storage(error)) => error.into(),
            // What was asked for is gone, as if it had never been.
            ProofError::Unwound { .. } => Self::HeaderNotFound,
            error => Self::Proof(Box::new(error)),
        }
    }
}

/// A code, the words and the optional `data` of an error object.
struct Wire {
    code: i32,
    message: String,
    data: Option<Value>,
}

impl Wire {
    fn new(code: i32, message: impl ToString) -> Self {
        Self {
            code,
            message: message.to_string(),
            data: None,
        }
    }

    fn with(self, data: impl Into<Value>) -> Self {
        Self {
            data: Some(data.into()),
            ..self
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

    /// The one place where domain errors get their codes.
    fn into_wire(self) -> Wire {
        match self {
            Self::InvalidParams(_) => Wire::new(INVALID_PARAMS, self),
            Self::HeaderNotFound | Self::UnknownBlock => Wire::new(SERVER, self),
            Self::Limit(_) => Wire::new(LIMIT, self),
            Self::SyncTimeout { hash, .. } => Wire::new(4, self).with(hash.to_string()),
            Self::SyncDropped { hash, .. } => Wire::new(5, self).with(hash.to_string()),
            Self::SyncNonceGap { expected } => Wire::new(6, self).with(format!("{expected:#x}")),
            Self::Pool(error) if error.is_internal() => internal(&*error),
            Self::Pool(error) => Wire::new(SERVER, error),
            Self::Call(error) => call(*error),
            Self::Storage(error) => storage(&error),
            Self::Proof(error) => internal(&*error),
            Self::Busy(error @ PoolBusy::Full { .. }) => Wire::new(LIMIT, error),
            Self::Busy(error) => internal(&error),
            Self::Inconsistent(_) => internal(&self),
        }
    }
}

fn call(error: CallError) -> Wire {
    match error {
        CallError::Revert { ref data } => {
            let data = hex(data);
            Wire::new(REVERT, error).with(data)
        }
        CallError::State(error) => storage(&error),
        CallError::Evm(_) => internal(&error),
        error => Wire::new(SERVER, error),
    }
}

fn storage(error: &StorageError) -> Wire {
    match error {
        // geth's words for state that a node no longer has start alike.
        StorageError::HistoryPruned {
            requested,
            first_available,
        } => Wire::new(
            SERVER,
            format!(
                "historical state of block {requested} is not available, \
                 the oldest available is {first_available}"
            ),
        ),
        StorageError::ProofUnavailable {
            requested,
            first_available,
            nearest,
        } => {
            let nearest = [nearest.0, nearest.1].into_iter().flatten().map(Quantity);
            Wire::new(SERVER, error).with(json!({
                "requested": Quantity(*requested),
                "firstAvailable": Quantity(*first_available),
                "nearest": nearest.collect::<Vec<_>>(),
            }))
        }
        StorageError::MissingBlock { .. } => Wire::new(SERVER, Fault::HeaderNotFound),
        StorageError::ReaderExpired { .. } | StorageError::TooManyReaders { .. } => {
            Wire::new(LIMIT, error)
        }
        error => internal(error),
    }
}

/// The client learns that it is our fault; the log learns why.
fn internal(error: &(dyn std::error::Error + 'static)) -> Wire {
    tracing::error!(error, "request failed inside the node");
    Wire::new(INTERNAL, "internal error")
}

fn hex(bytes: &Bytes) -> String {
    alloy_primitives::hex::encode_prefixed(bytes)
}

/// Text of a complete error response, for requests that never reach a method.
pub(crate) fn response(id: &str, code: i32, message: &str) -> String {
    // A string always serialises.
    let message = serde_json::to_string(message).unwrap_or_default();
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}}}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(fault: Fault) -> Value {
        let error = fault.into_error(|error| panic!("no damage: {error}"));
        serde_json::to_value(error).unwrap()
    }

    #[test]
    fn parameter_errors_have_no_data_member() {
        let error = wire(Fault::params("missing value for required argument 0"));
        assert_eq!(
            error,
            serde_json::json!({"code": -32602, "message": "missing value for required argument 0"})
        );
    }

    #[test]
    fn refused_transactions_speak_geth() {
        let error = wire(PoolError::AlreadyKnown.into());
        assert_eq!(
            error,
            serde_json::json!({"code": -32000, "message": "already known"})
        );
    }

    #[test]
    fn reverts_carry_the_returned_bytes() {
        let data = Bytes::from_static(&[1, 2, 0xff]);
        let error = wire(CallError::Revert { data }.into());
        assert_eq!(error["code"], 3);
        assert_eq!(error["data"], "0x0102ff");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .starts_with("execution reverted")
        );
    }

    #[test]
    fn our_faults_do_not_leak_paths() {
        let error = wire(
            StorageError::Locked {
                path: "/secret".into(),
            }
            .into(),
        );
        assert_eq!(
            error,
            serde_json::json!({"code": -32603, "message": "internal error"})
        );
    }

    #[test]
    fn a_block_that_cannot_be_proven_is_answered_with_those_that_can() {
        let error = StorageError::ProofUnavailable {
            requested: 5,
            first_available: 100,
            nearest: (None, Some(32)),
        };
        let message = error.to_string();
        assert!(message.contains("from 100 on"), "{message}");
        let data = json!({"requested": "0x5", "firstAvailable": "0x64", "nearest": ["0x20"]});
        assert_eq!(
            wire(ProofError::from(error).into()),
            json!({"code": -32000, "message": message, "data": data})
        );
    }

    #[test]
    fn damage_is_reported_wherever_it_was_found() {
        let damaged = || StorageError::Decode {
            table: "Flat",
            key: Bytes::new(),
            source: aura_storage::DecodeError::TooShort,
        };
        let mismatch = ProofError::Mismatch {
            block: 1,
            key: B256::ZERO,
            tree: B256::ZERO,
            state: B256::ZERO,
        };
        let faults: [Fault; 5] = [
            damaged().into(),
            ProofError::from(damaged()).into(),
            PoolError::State(damaged()).into(),
            CallError::State(damaged()).into(),
            mismatch.into(),
        ];
        for fault in faults {
            let shown = format!("{fault:?}");
            let mut reported = false;
            let error = fault.into_error(|_| reported = true);
            assert!(reported, "{shown}");
            assert_eq!(error.code(), INTERNAL);
            assert_eq!(error.message(), "internal error");
        }
    }

    #[test]
    fn sync_errors_follow_eip_7966() {
        let hash = B256::repeat_byte(7);
        let error = wire(Fault::SyncTimeout {
            hash,
            waited_ms: 50,
        });
        assert_eq!(error["code"], 4);
        assert_eq!(error["data"], hash.to_string());
        assert_eq!(wire(Fault::SyncNonceGap { expected: 3 })["data"], "0x3");
    }

    #[test]
    fn a_full_pool_of_threads_is_a_limit() {
        let error = wire(Fault::Busy(PoolBusy::Full {
            pool: "rpc-call",
            queue: 3,
        }));
        assert_eq!(error["code"], LIMIT);
    }
}
