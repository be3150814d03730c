//! What callers of the transaction manager see.

use std::sync::Arc;

use alloy_eips::eip7594::BlobTransactionSidecarEip7594;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use tokio::sync::watch;

/// Blobs with their commitments and cell proofs; shared, for it has up to 900 kB.
pub type Sidecar = Arc<BlobTransactionSidecarEip7594>;

/// A transaction to be sent to L1.
#[derive(Debug, Clone)]
pub struct TxRequest {
    /// The contract or account that is called.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// Ether that goes along, wei.
    pub value: U256,
    /// Blobs; then it is a transaction of type 3.
    pub blobs: Option<Sidecar>,
    /// Gas limit; without one it is estimated, with a margin.
    pub gas_limit: Option<u64>,
    /// What it is, for logs and metrics.
    pub label: &'static str,
}

impl TxRequest {
    /// A call without value and blobs.
    pub fn call(label: &'static str, to: Address, data: impl Into<Bytes>) -> Self {
        Self {
            to,
            data: data.into(),
            value: U256::ZERO,
            blobs: None,
            gas_limit: None,
            label,
        }
    }

    /// The same with `value`.
    #[must_use]
    pub fn with_value(mut self, value: U256) -> Self {
        self.value = value;
        self
    }

    /// The same with `blobs`.
    #[must_use]
    pub fn with_blobs(mut self, blobs: Sidecar) -> Self {
        self.blobs = Some(blobs);
        self
    }
}

/// A transaction within one process: a number that no other one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub(super) u64);

/// Why a transaction is not on its way although nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waiting {
    /// Earlier ones of the same key come first.
    Earlier,
    /// Gas costs more than the configured ceiling.
    Fees,
    /// The account cannot pay.
    Funds,
    /// L1 cannot be reached, or the signer.
    Unavailable,
    /// L1 does not take it; it is sent again.
    Refused,
}

impl Waiting {
    /// The word in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Earlier => "earlier",
            Self::Fees => "fees",
            Self::Funds => "funds",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
        }
    }
}

/// How far a transaction is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TxState {
    /// Taken, not sent.
    Queued,
    /// It waits; it goes on by itself when the reason is gone.
    Waiting(Waiting),
    /// In L1's pool.
    Sent {
        /// Its nonce.
        nonce: u64,
        /// Hash of its newest form: each rise of the fees makes another one.
        hash: B256,
    },
    /// In a block, which has not enough blocks above it yet.
    Mined {
        /// Its hash.
        hash: B256,
        /// Number of its block.
        block: u64,
    },
    /// Nothing will change any more.
    Done(TxOutcome),
}

/// What became of a transaction.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TxOutcome {
    /// It succeeded and has the configured confirmations.
    Mined {
        /// Its receipt.
        receipt: Arc<TransactionReceipt>,
        /// Which request it was: 0 the first, 1 the one that replaced it, …
        version: u32,
    },
    /// It was refused: in simulation, then nothing was sent and there is no receipt; or on chain.
    Reverted {
        /// What the contract answered; the data of a custom error, or empty.
        data: Bytes,
        /// What L1's node says about it.
        message: String,
        /// Its receipt, if it was mined.
        receipt: Option<Arc<TransactionReceipt>>,
        /// Which request it was, as above.
        version: u32,
    },
    /// It was cancelled; nothing of it was mined.
    Cancelled,
}

impl TxOutcome {
    /// The receipt of a success.
    pub fn success(&self) -> Option<&Arc<TransactionReceipt>> {
        match self {
            Self::Mined { receipt, .. } => Some(receipt),
            _ => None,
        }
    }
}

/// The way to follow one transaction. Dropping it changes nothing for the transaction.
#[derive(Debug, Clone)]
pub struct TxTicket {
    pub(super) id: TxId,
    pub(super) label: Arc<str>,
    pub(super) state: watch::Receiver<TxState>,
}

impl TxTicket {
    /// Its number, which [`TxManager::replace`](super::TxManager::replace) wants.
    pub const fn id(&self) -> TxId {
        self.id
    }

    /// What it is.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How far it is.
    pub fn state(&self) -> TxState {
        self.state.borrow().clone()
    }

    /// Waits for another state than the one that was last seen through this ticket.
    ///
    /// # Errors
    /// [`TxError::Stopped`] if the manager ended; the transaction is in the store and goes on with the next one.
    pub async fn changed(&mut self) -> Result<TxState, TxError> {
        self.state.changed().await.map_err(|_| TxError::Stopped)?;
        Ok(self.state.borrow_and_update().clone())
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// As [`Self::changed`].
    pub async fn outcome(&mut self) -> Result<TxOutcome, TxError> {
        let state = self
            .state
            .wait_for(|state| matches!(state, TxState::Done(_)))
            .await
            .map_err(|_| TxError::Stopped)?;
        match &*state {
            TxState::Done(outcome) => Ok(outcome.clone()),
            _ => Err(TxError::Stopped),
        }
    }
}

/// Why the manager did not take something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TxError {
    /// The manager has ended, or was never run.
    #[error("the transaction manager has stopped")]
    Stopped,
    /// Too many transactions wait.
    #[error("too many transactions wait to be sent to L1")]
    Busy,
    /// No such transaction, or it has ended.
    #[error("the transaction has ended")]
    Ended,
    /// The replacement would fail; the transaction that is on its way stays.
    #[error("the replacement reverts: {message}")]
    ReplacementReverts {
        /// Revert data.
        data: Bytes,
        /// What L1's node says.
        message: String,
    },
    /// Replacing costs more than the ceilings allow, or L1 cannot be asked now. Can be tried again.
    #[error("the replacement has to wait: {0:?}")]
    ReplacementWaits(Waiting),
    /// L1 could not be asked, or answers what cannot be right.
    #[error(transparent)]
    Rpc(#[from] super::RpcFault),
    /// The key cannot be used.
    #[error("signer")]
    Signer(#[from] super::SignerError),
    /// The database failed.
    #[error("database of the transaction manager")]
    Store(#[from] super::TxStoreError),
    /// Commitments and proofs of blobs could not be made.
    #[error("blobs: {0}")]
    Blobs(String),
    /// L1 is another chain.
    #[error("L1 has chain id {have}, {want} is expected")]
    WrongChain {
        /// Its chain id.
        have: u64,
        /// The configured one.
        want: u64,
    },
}

impl TxError {
    /// Whether trying the same again can succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy | Self::ReplacementWaits(_) => true,
            Self::Rpc(fault) => fault.is_transient(),
            Self::Signer(error) => error.is_transient(),
            _ => false,
        }
    }
}
