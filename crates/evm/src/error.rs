//! Why a block or transaction cannot be executed.

use std::fmt;

use alloy_evm::block::{BlockExecutionError, BlockValidationError};
use alloy_primitives::B256;
use aura_storage::StorageError;
use revm::context_interface::result::InvalidTransaction;

use crate::BlockRule;

/// Why a transaction may not stand in the block, in geth's words.
///
/// Libraries and wallets sort errors by these words, so they are part of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTxReason(pub InvalidTransaction);

impl InvalidTxReason {
    /// Returns `true` if earlier transactions of the sender are missing: it may fit later.
    pub const fn is_nonce_too_high(&self) -> bool {
        matches!(self.0, InvalidTransaction::NonceTooHigh { .. })
    }

    /// Returns `true` if the nonce is used already: it can never fit again.
    pub const fn is_nonce_too_low(&self) -> bool {
        matches!(self.0, InvalidTransaction::NonceTooLow { .. })
    }

    /// Returns `true` if the base fee or blob fee of the block is above what the sender pays: it
    /// may fit into a later block.
    pub const fn is_underpriced(&self) -> bool {
        matches!(
            self.0,
            InvalidTransaction::GasPriceLessThanBasefee
                | InvalidTransaction::BlobGasPriceGreaterThanMax { .. }
        )
    }
}

impl fmt::Display for InvalidTxReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use InvalidTransaction as E;
        match &self.0 {
            E::NonceTooLow { tx, state } => {
                write!(f, "nonce too low: next nonce {state}, tx nonce {tx}")
            }
            E::NonceTooHigh { tx, state } => {
                write!(f, "nonce too high: next nonce {state}, tx nonce {tx}")
            }
            E::NonceOverflowInTransaction => f.write_str("nonce has max value"),
            E::LackOfFundForMaxFee { fee, balance } => write!(
                f,
                "insufficient funds for gas * price + value: have {balance} want {fee}"
            ),
            E::OverflowPaymentInTransaction => {
                f.write_str("insufficient funds for gas * price + value: cost exceeds 256 bits")
            }
            E::CallGasCostMoreThanGasLimit {
                initial_gas,
                gas_limit,
            } => write!(
                f,
                "intrinsic gas too low: gas {gas_limit}, minimum needed {initial_gas}"
            ),
            E::GasFloorMoreThanGasLimit {
                gas_floor,
                gas_limit,
            } => write!(
                f,
                "insufficient gas for floor data gas cost: have {gas_limit}, want {gas_floor}"
            ),
            E::PriorityFeeGreaterThanMaxFee => {
                f.write_str("max priority fee per gas higher than max fee per gas")
            }
            E::GasPriceLessThanBasefee => f.write_str("max fee per gas less than block base fee"),
            E::CallerGasLimitMoreThanBlock => f.write_str("exceeds block gas limit"),
            E::TxGasLimitGreaterThanCap { gas_limit, cap } => write!(
                f,
                "transaction gas limit too high (cap: {cap}, tx: {gas_limit})"
            ),
            E::RejectCallerWithCode => f.write_str("sender not an eoa"),
            E::CreateInitCodeSizeLimit => f.write_str("max initcode size exceeded"),
            E::InvalidChainId | E::MissingChainId => f.write_str("invalid chain id for signer"),
            E::BlobGasPriceGreaterThanMax { .. } => {
                f.write_str("max fee per blob gas less than block blob gas fee")
            }
            E::EmptyBlobs => f.write_str("blob transaction missing blob hashes"),
            E::BlobCreateTransaction => f.write_str("blob transaction of type create"),
            E::TooManyBlobs { max, have } => {
                write!(
                    f,
                    "blob transaction has too many blobs: have {have}, max {max}"
                )
            }
            E::BlobVersionNotSupported => f.write_str("blob hash version not supported"),
            E::EmptyAuthorizationList => f.write_str("EIP-7702 transaction with empty auth list"),
            E::Eip2930NotSupported
            | E::Eip1559NotSupported
            | E::Eip4844NotSupported
            | E::Eip7702NotSupported
            | E::AccessListNotSupported
            | E::MaxFeePerBlobGasNotSupported
            | E::BlobVersionedHashesNotSupported
            | E::AuthorizationListNotSupported => f.write_str("transaction type not supported"),
            other => write!(f, "{other}"),
        }
    }
}

/// Failures of block execution.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutionError {
    /// The transaction may not stand in this block. The open block is unchanged.
    #[error("{0}")]
    InvalidTransaction(InvalidTxReason),
    /// The transaction's gas limit exceeds what is left of the block's. The open block is
    /// unchanged; the transaction may fit into the next one.
    #[error("transaction needs {needed} gas, the block has {left} left")]
    BlockGasExhausted {
        /// Gas limit of the transaction.
        needed: u64,
        /// Gas that the block has left.
        left: u64,
    },
    /// The block would exceed the size limit of EIP-7934, its blob gas limit, or, by a deposit, its
    /// gas limit. The open block is
    /// unchanged; the transaction may fit into the next one.
    #[error("transaction needs {needed} {resource}, the block has {left} left")]
    BlockFull {
        /// What is used up: `bytes`, `blob gas` or `gas`.
        resource: &'static str,
        /// What the transaction needs of it.
        needed: u64,
        /// What the block has left of it.
        left: u64,
    },
    /// The deposit may not stand here. The open block is unchanged.
    #[error("deposit: {0}")]
    InvalidDeposit(DepositFault),
    /// What the block says of L1 was not written.
    #[error("system call of AuraL1Block failed: {0}")]
    L1Info(String),
    /// The attributes do not make a valid block on this parent.
    #[error("payload attributes: {0}")]
    InvalidAttributes(AttributesError),
    /// A header field of a block to be verified is not what execution gives.
    #[error("block {number}: {field} is {found} in the header, execution gives {computed}")]
    HeaderMismatch {
        /// Block number.
        number: u64,
        /// Name of the field.
        field: &'static str,
        /// Value in the block.
        found: String,
        /// Value that follows from execution.
        computed: String,
    },
    /// A block to be verified breaks a rule of the protocol.
    #[error("block {number} is invalid")]
    InvalidBlock {
        /// Block number.
        number: u64,
        /// The rule.
        #[source]
        rule: BlockRule,
    },
    /// An uncle of a block to be verified has a header that is not valid.
    #[error("block {number}: uncle {hash} is invalid")]
    InvalidOmmer {
        /// Number of the block that has the uncle.
        number: u64,
        /// Hash of the uncle.
        hash: B256,
        /// What is wrong with it.
        #[source]
        source: Box<Self>,
    },
    /// The root for a receipt from before Byzantium is not to be had.
    #[error("block {number}: no state root for the receipt of transaction {index}")]
    NoPostState {
        /// Block number.
        number: u64,
        /// Position in the block.
        index: usize,
    },
    /// A transaction of a block to be verified may not stand there.
    #[error("block {number}: transaction {index} is invalid")]
    InvalidBlockTransaction {
        /// Block number.
        number: u64,
        /// Position in the block.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: Box<Self>,
    },
    /// The parent state cannot be read. If the source is transient, the open block is unchanged and
    /// the step may be repeated with a new view.
    #[error("parent state cannot be read")]
    State(#[source] StorageError),
    /// A read failed while a transaction was written into the open block, which is lost.
    #[error("an earlier state read failed half-way through a transaction")]
    Poisoned,
    /// State was asked for while no view is attached: a fault of the caller.
    #[error("no state view is attached")]
    Detached,
    /// A rule of the block outside its transactions failed, or revm reports a fault of ours.
    #[error("block execution failed")]
    Block(#[source] Box<BlockExecutionError>),
}

/// Why payload attributes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributesError {
    /// Time would run backwards, or stand still on an Ethereum chain.
    #[error("timestamp {timestamp} does not follow the parent's {parent}")]
    TimestampBeforeParent {
        /// The block's time.
        timestamp: u64,
        /// The parent's time.
        parent: u64,
    },
    /// The gas limit is outside the bounds of the protocol.
    #[error("gas limit {0} is out of bounds")]
    GasLimit(u64),
    /// Something of L1 on a chain without a bridge.
    #[error("the chain has no bridge that L1 could be told of")]
    NoBridge,
    /// Withdrawals of Ethereum's kind on a chain whose `withdrawalsRoot` is the bridge's.
    #[error("a bridged chain has no beacon withdrawals")]
    Withdrawals,
    /// `extraData` is longer than 32 bytes.
    #[error("extra data of {0} bytes exceeds 32")]
    ExtraDataTooLong(usize),
}

/// Why a deposit may not stand in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DepositFault {
    /// The chain has no bridge.
    #[error("the chain has no bridge")]
    NoBridge,
    /// Deposits come before all signed transactions.
    #[error("it follows a signed transaction")]
    AfterTransaction,
    /// A system call has the system address as its sender, and no ether.
    #[error("a system call is from another sender, or has ether")]
    SystemCall,
    /// A credit has one amount and no input.
    #[error("a credit has an input, or a value that is not what is minted")]
    Credit,
}

impl ExecutionError {
    pub(crate) const fn invalid_block(number: u64, rule: BlockRule) -> Self {
        Self::InvalidBlock { number, rule }
    }

    /// Returns `true` unless the error concerns one transaction only: the open block cannot go on.
    pub const fn is_fatal(&self) -> bool {
        !matches!(
            self,
            Self::InvalidTransaction(_)
                | Self::InvalidDeposit(_)
                | Self::BlockGasExhausted { .. }
                | Self::BlockFull { .. }
        )
    }

    /// Returns `true` if the transaction was refused only because the block is full.
    pub const fn is_block_full(&self) -> bool {
        matches!(
            self,
            Self::BlockGasExhausted { .. } | Self::BlockFull { .. }
        )
    }

    /// Returns `true` if repeating the step with a new view can succeed, though the error is fatal
    /// to a caller that does not.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::State(source) if source.is_transient())
    }
}

impl From<BlockExecutionError> for ExecutionError {
    fn from(error: BlockExecutionError) -> Self {
        match &error {
            BlockExecutionError::Validation(BlockValidationError::InvalidTx {
                error: source,
                ..
            }) => {
                if let Some(reason) = source.as_invalid_tx_err() {
                    return Self::InvalidTransaction(InvalidTxReason(reason.clone()));
                }
            }
            BlockExecutionError::Validation(
                BlockValidationError::TransactionGasLimitMoreThanAvailableBlockGas {
                    transaction_gas_limit,
                    block_available_gas,
                },
            ) => {
                return Self::BlockGasExhausted {
                    needed: *transaction_gas_limit,
                    left: *block_available_gas,
                };
            }
            _ => {}
        }
        Self::Block(Box::new(error))
    }
}
