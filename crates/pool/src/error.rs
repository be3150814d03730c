//! Why a transaction is refused, in the words that wallets parse.

use std::{fmt, io, path::PathBuf};

use alloy_primitives::{Address, U256};
use aura_primitives::TransactionError;
use aura_storage::StorageError;

use crate::BlobError;

/// How far a balance falls short, in wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortfall {
    /// The sender's balance.
    pub balance: U256,
    /// Cost of the sender's transactions in the pool, if it is their sum that is too much.
    pub queued: Option<U256>,
    /// Highest possible cost of the transaction (of a replacement within a sum: the difference).
    pub cost: U256,
    /// What is missing.
    pub overshot: U256,
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "balance {}, ", self.balance)?;
        if let Some(queued) = self.queued {
            write!(f, "queued cost {queued}, ")?;
        }
        write!(f, "tx cost {}, overshot {}", self.cost, self.overshot)
    }
}

/// Why a transaction is refused, or the pool cannot work.
///
/// The text is geth's: ethers, viem, web3.py and MetaMask class errors by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The bytes are not a transaction.
    #[error(transparent)]
    Decode(TransactionError),
    /// The signature recovers no sender.
    #[error("invalid sender: invalid signature")]
    InvalidSignature,
    /// EIP-4844 transactions are refused by design.
    #[error("transaction type not supported: blob transactions are not accepted on this chain")]
    BlobTransaction,
    /// A blob transaction, on a chain that takes them, does not hold.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A deposit comes from the queue of L1, never from a user of L2.
    #[error("transaction type not supported: deposits are made on L1, in the portal")]
    Deposit,
    /// No such EIP-2718 type.
    #[error("transaction type not supported: type {0}")]
    UnknownType(u8),
    /// The type belongs to a fork that is not active yet.
    #[error("transaction type not supported: type {ty} rejected, pool not yet in {fork}")]
    TypeNotActive {
        /// EIP-2718 type.
        ty: u8,
        /// The fork that brings it.
        fork: &'static str,
    },
    /// The encoding is too long.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Encoded size in bytes.
        size: usize,
        /// Limit in bytes.
        limit: usize,
    },
    /// The initcode is too long (EIP-3860).
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitcodeTooLarge {
        /// Size in bytes.
        size: usize,
        /// Limit in bytes.
        limit: usize,
    },
    /// The gas limit is above the block's.
    #[error("exceeds block gas limit: tx gas {gas_limit}, block gas limit {block_gas_limit}")]
    ExceedsBlockGasLimit {
        /// Gas limit of the transaction.
        gas_limit: u64,
        /// Gas limit of the block.
        block_gas_limit: u64,
    },
    /// The gas limit is above the protocol's cap (EIP-7825).
    #[error("transaction gas limit too high (cap: {cap}, tx: {gas_limit})")]
    GasLimitTooHigh {
        /// Protocol cap.
        cap: u64,
        /// Gas limit of the transaction.
        gas_limit: u64,
    },
    /// The tip is above the fee cap.
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee_cap}"
    )]
    TipAboveFeeCap {
        /// Priority fee cap.
        tip: u128,
        /// Fee cap.
        fee_cap: u128,
    },
    /// The fee cap is below the lowest base fee that the chain can have.
    #[error(
        "max fee per gas less than block base fee: address {sender}, maxFeePerGas: {fee_cap}, baseFee: {base_fee}"
    )]
    FeeCapTooLow {
        /// Sender.
        sender: Address,
        /// Fee cap.
        fee_cap: u128,
        /// The chain's minimum base fee.
        base_fee: u64,
    },
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {have} want {want}")]
    WrongChainId {
        /// Chain id in the transaction.
        have: u64,
        /// Chain id of this chain.
        want: u64,
    },
    /// The gas limit does not pay for the transaction itself.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas {
        /// Gas limit of the transaction.
        have: u64,
        /// Needed gas.
        want: u64,
    },
    /// The gas limit is below the floor for its data (EIP-7623).
    #[error("insufficient gas for floor data gas cost: have {have}, want {want}")]
    FloorDataGas {
        /// Gas limit of the transaction.
        have: u64,
        /// Needed gas.
        want: u64,
    },
    /// The nonce is used up.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow {
        /// The sender's next nonce.
        next: u64,
        /// Nonce of the transaction.
        nonce: u64,
    },
    /// The nonce cannot be increased any more (EIP-2681).
    #[error("nonce has max value: address {0}, nonce: 18446744073709551615")]
    NonceMax(Address),
    /// The balance does not cover the transaction, or all of the sender's together.
    #[error("insufficient funds for gas * price + value: {0}")]
    InsufficientFunds(Box<Shortfall>),
    /// Gas times price plus value does not fit 256 bits.
    #[error("insufficient funds for gas * price + value: cost exceeds 256 bits")]
    CostOverflow,
    /// The sender has code (EIP-3607).
    #[error("sender not an eoa: address {0}")]
    SenderNotEoa(Address),
    /// An EIP-7702 transaction without authorizations.
    #[error("set code tx must have at least one authorization tuple")]
    EmptyAuthorizationList,
    /// The very same transaction is in the pool.
    #[error("already known")]
    AlreadyKnown,
    /// The nonce is taken by a transaction that is not cheap enough to be replaced.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The tip is below the minimum, or below everything else in a full pool.
    #[error("transaction underpriced: tip needed {needed}, tip permitted {tip}")]
    Underpriced {
        /// Lowest acceptable tip in wei per gas.
        needed: u128,
        /// Tip of the transaction in wei per gas.
        tip: u128,
    },
    /// The sender has too many transactions in the pool.
    #[error("account limit exceeded: pooled {pooled} txs, limit {limit}")]
    AccountLimit {
        /// The sender's transactions (of the limited kind) in the pool.
        pooled: usize,
        /// Limit.
        limit: usize,
    },
    /// Nothing can make room for the transaction.
    #[error("txpool is full")]
    Full,
    /// The transaction broke a block build.
    #[error("transaction quarantined: it broke block building: {0}")]
    Quarantined(String),
    /// The database cannot be read.
    #[error("state unavailable")]
    State(#[from] StorageError),
    /// The journal cannot be written; the transaction is not accepted.
    #[error("transaction not accepted: journal {} cannot be written", path.display())]
    JournalWrite {
        /// Journal file.
        path: PathBuf,
        /// Reason.
        #[source]
        source: io::Error,
    },
    /// The journal cannot be opened or is of another kind.
    #[error("pool journal {} cannot be opened", path.display())]
    JournalOpen {
        /// Journal file.
        path: PathBuf,
        /// Reason.
        #[source]
        source: io::Error,
    },
    /// The database has no block yet.
    #[error("database holds no block; write the genesis block first")]
    NoHead,
    /// The configuration is not usable.
    #[error("pool configuration: {0}")]
    Config(&'static str),
}

impl PoolError {
    /// Returns `true` if the fault is the node's and not the transaction's.
    pub const fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::State(_)
                | Self::JournalWrite { .. }
                | Self::JournalOpen { .. }
                | Self::NoHead
                | Self::Config(_)
        )
    }

    /// Returns `true` if a newer state of the sender's account may change the answer for the better.
    pub(crate) const fn depends_on_account(&self) -> bool {
        matches!(self, Self::InsufficientFunds(_) | Self::SenderNotEoa(_))
    }

    /// Label of the metric `aura_pool_rejected_total`.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Decode(_) => "decode",
            Self::InvalidSignature => "signature",
            Self::Blob(_) => "blob",
            Self::BlobTransaction
            | Self::Deposit
            | Self::UnknownType(_)
            | Self::TypeNotActive { .. } => "type",
            Self::Oversized { .. } | Self::InitcodeTooLarge { .. } => "size",
            Self::ExceedsBlockGasLimit { .. }
            | Self::GasLimitTooHigh { .. }
            | Self::IntrinsicGas { .. }
            | Self::FloorDataGas { .. } => "gas",
            Self::TipAboveFeeCap { .. } | Self::FeeCapTooLow { .. } => "fee",
            Self::WrongChainId { .. } => "chain_id",
            Self::NonceTooLow { .. } | Self::NonceMax(_) => "nonce",
            Self::InsufficientFunds(_) | Self::CostOverflow => "funds",
            Self::SenderNotEoa(_) => "sender",
            Self::EmptyAuthorizationList => "authorization_list",
            Self::AlreadyKnown => "known",
            Self::ReplacementUnderpriced | Self::Underpriced { .. } => "underpriced",
            Self::AccountLimit { .. } => "account_limit",
            Self::Full => "full",
            Self::Quarantined(_) => "quarantined",
            Self::State(_)
            | Self::JournalWrite { .. }
            | Self::JournalOpen { .. }
            | Self::NoHead
            | Self::Config(_) => "internal",
        }
    }
}

impl From<TransactionError> for PoolError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::InvalidSignature => Self::InvalidSignature,
            other => Self::Decode(other),
        }
    }
}
