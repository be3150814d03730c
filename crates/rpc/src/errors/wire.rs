//! The one place where domain errors get their codes.

use alloy_primitives::Bytes;
use aura_evm::{
    CallError, OverrideError, decode_revert_reason,
    simulate::{CallOutcome, SimulateError, TxFault},
    trace::TraceError,
};
use aura_runtime::PoolBusy;
use aura_storage::StorageError;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Fault, INTERNAL, INVALID_PARAMS, LIMIT, REVERT, SERVER};
use crate::types::Quantity;

/// The Engine API's: heads that cannot be, and payload attributes that are not accepted.
const FORKCHOICE: i32 = -38002;
const PAYLOAD_ATTRIBUTES: i32 = -38003;

/// The EVM ended a call abnormally, within `eth_simulateV1`.
const VM_ERROR: i32 = -32015;

/// Codes of `eth_simulateV1` as a whole, by execution-apis.
const TIMEOUT: i32 = -32016;
const NONCE_LOW: i32 = -38010;
const NONCE_HIGH: i32 = -38011;
const FEE_CAP: i32 = -38012;
const INTRINSIC_GAS: i32 = -38013;
const FUNDS: i32 = -38014;
const BLOCK_GAS: i32 = -38015;
const BLOCK_NUMBER: i32 = -38020;
const BLOCK_TIME: i32 = -38021;
const MOVED_TO_ITSELF: i32 = -38022;
const MOVED_TWICE: i32 = -38023;
const SENDER: i32 = -38024;
const INIT_CODE: i32 = -38025;
const SIMULATE_LIMIT: i32 = -38026;

/// A code, the words and the optional `data` of an error object.
pub(super) struct Wire {
    pub(super) code: i32,
    pub(super) message: String,
    pub(super) data: Option<Value>,
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
    /// The error object's members.
    pub(super) fn into_wire(self) -> Wire {
        match self {
            Self::InvalidParams(_) => Wire::new(INVALID_PARAMS, self),
            Self::HeaderNotFound | Self::UnknownBlock => Wire::new(SERVER, self),
            Self::Untraceable(_) => Wire::new(SERVER, self),
            Self::Trace(error) => match *error {
                TraceError::TooLarge { .. } => Wire::new(LIMIT, error),
                TraceError::NoSuchIndex { .. } => Wire::new(SERVER, error),
                error => internal(&error),
            },
            Self::Limit(_) => Wire::new(LIMIT, self),
            Self::RateLimited { retry_after_ms } => {
                Wire::new(LIMIT, self).with(json!({ "retryAfterMs": retry_after_ms }))
            }
            Self::LogLimit { from, to, .. } => {
                Wire::new(LIMIT, self).with(json!({"from": Quantity(from), "to": Quantity(to)}))
            }
            Self::FilterNotFound { .. } => Wire::new(SERVER, self),
            Self::SequenceUnknown { oldest, next, .. } => Wire::new(SERVER, self)
                .with(json!({"oldest": Quantity(oldest), "next": Quantity(next)})),
            Self::Refused(_) => Wire::new(SERVER, self),
            Self::Forkchoice(why) => Wire::new(FORKCHOICE, self).with(json!({ "err": why })),
            Self::PayloadAttributes => Wire::new(PAYLOAD_ATTRIBUTES, &self)
                .with(json!({ "err": "this node builds no payloads for others" })),
            Self::Chain(error) => internal(&*error),
            Self::SyncTimeout { hash, .. } => Wire::new(4, self).with(hash.to_string()),
            Self::SyncDropped { hash, .. } => Wire::new(5, self).with(hash.to_string()),
            Self::SyncNonceGap { expected } => Wire::new(6, self).with(format!("{expected:#x}")),
            Self::Pool(error) if error.is_internal() => internal(&*error),
            Self::Pool(error) => Wire::new(SERVER, error),
            Self::Call(error) => call(*error),
            Self::Simulate(error) => simulate(*error),
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

fn simulate(error: SimulateError) -> Wire {
    let code = match &error {
        SimulateError::BlockNumberOrder { .. } => BLOCK_NUMBER,
        SimulateError::TimestampOrder { .. } => BLOCK_TIME,
        SimulateError::TooManyBlocks { .. } | SimulateError::GasCapExceeded { .. } => {
            SIMULATE_LIMIT
        }
        SimulateError::BlockGasLimit { .. } => BLOCK_GAS,
        SimulateError::Override(OverrideError::MovedToItself(_)) => MOVED_TO_ITSELF,
        SimulateError::Override(OverrideError::MovedTwice(_)) => MOVED_TWICE,
        SimulateError::Transaction { fault, .. } => match fault {
            TxFault::NonceTooLow => NONCE_LOW,
            TxFault::NonceTooHigh => NONCE_HIGH,
            TxFault::FeeCapTooLow => FEE_CAP,
            TxFault::IntrinsicGas => INTRINSIC_GAS,
            TxFault::InsufficientFunds => FUNDS,
            TxFault::SenderNotEoa => SENDER,
            TxFault::InitCodeSize => INIT_CODE,
            TxFault::TipAboveFeeCap => INVALID_PARAMS,
            _ => INTERNAL,
        },
        SimulateError::Timeout { .. } => TIMEOUT,
        SimulateError::State(error) => return storage(error),
        SimulateError::Root(_) => return internal(&error),
        _ => SERVER,
    };
    Wire::new(code, error)
}

/// Why a call inside a simulation failed: the `error` of its result.
#[derive(Debug, Serialize)]
pub(crate) struct CallFault {
    code: i32,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Bytes>,
}

impl CallFault {
    /// `None` if it did not fail.
    pub(crate) fn of(outcome: &CallOutcome) -> Option<Self> {
        match outcome {
            CallOutcome::Success(_) => None,
            CallOutcome::Revert(data) => {
                let reason = decode_revert_reason(data);
                let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
                Some(Self {
                    code: REVERT,
                    message: format!("execution reverted{reason}"),
                    data: Some(data.clone()),
                })
            }
            CallOutcome::Halt(reason) => Some(Self {
                code: VM_ERROR,
                message: (*reason).to_owned(),
                data: None,
            }),
        }
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
