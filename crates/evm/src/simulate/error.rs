//! Why a simulation gives no answer.

use std::time::Duration;

use alloy_primitives::Address;
use aura_storage::StorageError;
use revm::context_interface::result::InvalidTransaction;

use crate::{ExecutionError, InvalidTxReason, overrides::OverrideError};

/// The closure that computes state roots failed; the cause stays with whoever gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("state root cannot be computed")]
pub struct RootFailed;

/// What is wrong with a transaction: each kind has its own code in the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TxFault {
    /// The nonce is used already.
    NonceTooLow,
    /// Earlier nonces are missing.
    NonceTooHigh,
    /// The fee cap is below the block's base fee.
    FeeCapTooLow,
    /// The tip is above the fee cap.
    TipAboveFeeCap,
    /// The gas limit does not cover what every such transaction costs.
    IntrinsicGas,
    /// The sender cannot pay value and fees.
    InsufficientFunds,
    /// The sender is a contract.
    SenderNotEoa,
    /// The init code is too long.
    InitCodeSize,
    /// Anything else.
    Other,
}

impl TxFault {
    pub(super) const fn of(reason: &InvalidTransaction) -> Self {
        use InvalidTransaction as E;
        match reason {
            E::NonceTooLow { .. } => Self::NonceTooLow,
            E::NonceTooHigh { .. } => Self::NonceTooHigh,
            E::GasPriceLessThanBasefee => Self::FeeCapTooLow,
            E::PriorityFeeGreaterThanMaxFee => Self::TipAboveFeeCap,
            E::CallGasCostMoreThanGasLimit { .. } | E::GasFloorMoreThanGasLimit { .. } => {
                Self::IntrinsicGas
            }
            E::LackOfFundForMaxFee { .. } | E::OverflowPaymentInTransaction => {
                Self::InsufficientFunds
            }
            E::RejectCallerWithCode => Self::SenderNotEoa,
            E::CreateInitCodeSizeLimit => Self::InitCodeSize,
            _ => Self::Other,
        }
    }
}

/// Failures of `eth_simulateV1` as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// A block's number is not above that of the block before it.
    #[error("block numbers must be in order: {number} <= {previous}")]
    BlockNumberOrder {
        /// The block's number.
        number: u64,
        /// Number of the block before it.
        previous: u64,
    },
    /// A block's time is not after that of the block before it.
    #[error("block timestamps must be in order: {timestamp} <= {previous}")]
    TimestampOrder {
        /// The block's time.
        timestamp: u64,
        /// Time of the block before it.
        previous: u64,
    },
    /// The simulation is longer than allowed.
    #[error("too many blocks: {limit} are allowed")]
    TooManyBlocks {
        /// The limit.
        limit: u64,
    },
    /// The calls so far have used all gas that one simulation may use.
    #[error("the calls need more than {cap} gas in all")]
    GasCapExceeded {
        /// The limit.
        cap: u64,
    },
    /// A call's gas limit does not fit into what the block has left.
    #[error("block gas limit reached: call {index} of block {number} asks for {gas}, {left} left")]
    BlockGasLimit {
        /// Number of the block.
        number: u64,
        /// Position of the call.
        index: usize,
        /// The call's gas limit.
        gas: u64,
        /// Gas that the block has left.
        left: u64,
    },
    /// A call could not stand in its block.
    #[error("{reason}: call {index} of block {number}, address {sender}")]
    Transaction {
        /// Number of the block.
        number: u64,
        /// Position of the call.
        index: usize,
        /// The sender.
        sender: Address,
        /// Kind of fault.
        fault: TxFault,
        /// What is wrong.
        reason: InvalidTxReason,
    },
    /// The state overrides cannot be applied.
    #[error(transparent)]
    Override(OverrideError),
    /// The request contradicts itself or the chain.
    #[error("{0}")]
    InvalidRequest(String),
    /// The simulation ran for too long.
    #[error("execution aborted (timeout = {limit:?})")]
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// The state cannot be read.
    #[error("state cannot be read")]
    State(#[source] StorageError),
    /// No state root could be computed.
    #[error(transparent)]
    Root(#[from] RootFailed),
    /// A rule of the block outside its transactions failed: overrides broke a system contract, say.
    #[error("block {number} cannot be completed")]
    Block {
        /// Number of the block.
        number: u64,
        /// What failed.
        #[source]
        source: Box<ExecutionError>,
    },
}

impl From<OverrideError> for SimulateError {
    fn from(error: OverrideError) -> Self {
        match error {
            OverrideError::State(error) => Self::State(error),
            error => Self::Override(error),
        }
    }
}
