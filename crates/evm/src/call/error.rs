//! Why a call gives no answer.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256};
use aura_storage::StorageError;

use crate::{InvalidTxReason, decode_revert_reason};

/// Failures of `eth_call`, `eth_estimateGas` and `eth_createAccessList`; the text is geth's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The callee reverted.
    #[error("execution reverted{}", reason_suffix(.data))]
    Revert {
        /// What the callee returned, untouched.
        data: Bytes,
    },
    /// Execution ended abnormally.
    #[error("{reason}")]
    Halt {
        /// `out of gas`, `invalid opcode`, …
        reason: &'static str,
        /// Gas used until then.
        gas_used: u64,
    },
    /// The request contradicts itself or the chain.
    #[error("{0}")]
    InvalidRequest(String),
    /// The transaction could stand in no block.
    #[error("{0}")]
    InvalidTransaction(InvalidTxReason),
    /// The sender cannot pay value and fees.
    #[error(
        "insufficient funds for gas * price + value: address {address} have {have} want {want}"
    )]
    InsufficientFunds {
        /// The sender.
        address: Address,
        /// Its balance in wei.
        have: U256,
        /// What is needed, in wei.
        want: U256,
    },
    /// The sender cannot pay the value.
    #[error("insufficient funds for transfer")]
    InsufficientFundsForTransfer,
    /// No allowed gas limit makes the transaction succeed.
    #[error("gas required exceeds allowance ({allowance})")]
    GasExceedsAllowance {
        /// Largest gas limit that was tried.
        allowance: u64,
    },
    /// The call ran for too long.
    #[error("execution aborted (timeout = {limit:?})")]
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// The state cannot be read.
    #[error("state cannot be read")]
    State(#[source] StorageError),
    /// The EVM reports a fault of ours.
    #[error("evm failure: {0}")]
    Evm(String),
}

fn reason_suffix(data: &[u8]) -> String {
    decode_revert_reason(data).map_or_else(String::new, |reason| format!(": {reason}"))
}
