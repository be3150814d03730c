//! What can go wrong.

use aura_chain::ChainError;
use aura_derivation::BatchFault;
use aura_l1::{L1Error, tx::TxError};
use aura_runtime::PoolBusy;
use aura_storage::StorageError;

use crate::SequencerRefusal;

/// Why a step of batcher or proposer failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettlementError {
    /// A setting is out of its bounds.
    #[error("settlement settings: {0}")]
    Config(String),
    /// The database failed.
    #[error("database")]
    Storage(#[from] StorageError),
    /// The chain's writer failed.
    #[error("chain")]
    Chain(#[from] ChainError),
    /// L1 cannot be asked, or says what cannot be right.
    #[error("L1")]
    L1(#[from] L1Error),
    /// The transaction manager did not take a transaction.
    #[error("transactions on L1")]
    Tx(#[from] TxError),
    /// The sequencer did not do what it was asked for.
    #[error("sequencer")]
    Sequencer(#[from] SequencerRefusal),
    /// The contract at the rollup's address is none, or another one.
    #[error(
        "the contract on L1 that should be the rollup does not answer {question}: wrong deployment?"
    )]
    NotTheRollup {
        /// What it was asked.
        question: &'static str,
    },
    /// A batch of ours does not fit the format.
    #[error("blocks {first} to {last} do not make a batch")]
    Batch {
        /// First block.
        first: u64,
        /// Last block.
        last: u64,
        /// Why.
        #[source]
        fault: BatchFault,
    },
    /// A block that must be there is not.
    #[error("block {0} is missing")]
    MissingBlock(u64),
    /// L1 has a batch that this node has not made and that nobody forced.
    #[error(
        "batch {index} on L1 is not of this node: another sequencer posts, or the database is older than L1"
    )]
    ForeignBatch {
        /// Its index.
        index: u64,
    },
    /// The thread for the database is busy.
    #[error(transparent)]
    Pool(#[from] PoolBusy),
}

impl SettlementError {
    /// Says in the log that `role` tries again.
    pub(crate) fn report(&self, role: &'static str) {
        let error: &(dyn std::error::Error + 'static) = self;
        tracing::warn!(error, role, "settlement cannot go on; it tries again");
    }

    /// Whether repeating the step can succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_transient(),
            Self::L1(error) => error.is_transient(),
            Self::Tx(error) => error.is_transient(),
            Self::Chain(ChainError::Storage(error)) => error.is_transient(),
            Self::Sequencer(refusal) => *refusal != SequencerRefusal::Ended,
            // A reorganisation of L1 may be half followed: what is missing now can be there soon.
            Self::MissingBlock(_) | Self::ForeignBatch { .. } | Self::Pool(_) => true,
            _ => false,
        }
    }
}
