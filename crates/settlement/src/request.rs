//! What the sequencer is asked for.

use aura_primitives::bridge::BatchHeader;
use tokio::sync::{mpsc, oneshot};

use crate::SettlementError;

/// Why blocks have to be built anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildReason {
    /// Somebody forced a batch.
    ForcedBatch,
    /// They are too old for L1 to take them.
    TooOld,
    /// They consumed another queue than L1 has.
    OtherQueue,
}

impl RebuildReason {
    /// The word in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForcedBatch => "forced_batch",
            Self::TooOld => "too_old",
            Self::OtherQueue => "other_queue",
        }
    }
}

/// Why the sequencer did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SequencerRefusal {
    /// What the forced batches consume cannot be used yet: it is asked again.
    #[error("what the forced batches consume is not confirmed yet")]
    NotYet,
    /// The chain cannot go back so far.
    #[error("the chain cannot go back to block {0}")]
    WrongBlock(u64),
    /// There is no sequencer any more.
    #[error("the sequencer has ended")]
    Ended,
}

/// Asked of the sequencer over a bounded channel; the asker waits for room and for the reply.
#[derive(Debug)]
pub enum SequencerRequest {
    /// Seal the open block even if it is empty, on the newest usable L1 block.
    Seal {
        /// Number of the block; it need not be durable.
        reply: oneshot::Sender<Result<u64, SequencerRefusal>>,
    },
    /// Remove the blocks above `to`, build those that follow from `forced`, execute the transactions
    /// of the removed blocks again with new times.
    Rebuild {
        /// The block that remains.
        to: u64,
        /// Headers of batches that others forced, in order; may be empty.
        forced: Vec<BatchHeader>,
        /// Why.
        reason: RebuildReason,
        /// For each forced batch its last block; they need not be durable.
        reply: oneshot::Sender<Result<Vec<u64>, SequencerRefusal>>,
    },
}

/// The asking end.
#[derive(Debug, Clone)]
pub(crate) struct Asks(pub(crate) mpsc::Sender<SequencerRequest>);

impl Asks {
    pub(crate) async fn seal(&self) -> Result<u64, SettlementError> {
        self.ask(|reply| SequencerRequest::Seal { reply }).await
    }

    pub(crate) async fn rebuild(
        &self,
        to: u64,
        forced: Vec<BatchHeader>,
        reason: RebuildReason,
    ) -> Result<Vec<u64>, SettlementError> {
        tracing::warn!(to, reason = reason.as_str(), "blocks are built anew");
        crate::metrics::rebuild(reason);
        self.ask(|reply| SequencerRequest::Rebuild {
            to,
            forced,
            reason,
            reply,
        })
        .await
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, SequencerRefusal>>) -> SequencerRequest,
    ) -> Result<T, SettlementError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.send(request(reply)).await;
        sent.map_err(|_| SequencerRefusal::Ended)?;
        Ok(answer.await.map_err(|_| SequencerRefusal::Ended)??)
    }
}
