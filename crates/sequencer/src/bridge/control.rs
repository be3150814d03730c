//! What other services ask of the sequencer.

use aura_primitives::bridge::BatchHeader;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait; whoever asks next waits for room.
const REQUESTS: usize = 8;

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no sequencer any more.
    #[error("the sequencer has ended")]
    Ended,
    /// What a forced batch consumes is not usable yet: ask again. Nothing was changed.
    #[error("the forced batch is not confirmed yet")]
    NotYet,
    /// The block is not there, or is final.
    #[error("the chain cannot go back to block {0}")]
    WrongBlock(u64),
}

/// A batch that somebody forced, as far as blocks follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForcedBatch {
    /// Its header on L1.
    pub header: BatchHeader,
}

/// What is asked.
pub(crate) enum Request {
    /// Seal the open block, empty or not.
    Seal {
        /// Number of the block.
        reply: oneshot::Sender<u64>,
    },
    /// Remove the blocks above `to`, make those of forced batches, and go on.
    Rebuild {
        to: u64,
        forced: Vec<ForcedBatch>,
        /// For each forced batch its last block.
        reply: oneshot::Sender<Result<Vec<u64>, RequestError>>,
    },
}

/// Asks the sequencer from other tasks.
#[derive(Debug, Clone)]
pub struct SequencerHandle(mpsc::Sender<Request>);

/// The sequencer's end of a [`SequencerHandle`].
#[derive(Debug)]
pub struct Requests(mpsc::Receiver<Request>);

impl SequencerHandle {
    /// A handle, and what [`Sequencer::with_bridge`](crate::Sequencer::with_bridge) takes.
    pub fn new() -> (Self, Requests) {
        let (sender, receiver) = mpsc::channel(REQUESTS);
        (Self(sender), Requests(receiver))
    }

    /// Seals the open block even if it is empty, on the newest usable L1 block. Returns its number;
    /// the block is not durable yet.
    ///
    /// # Errors
    /// [`RequestError::Ended`].
    pub async fn seal(&self) -> Result<u64, RequestError> {
        self.ask(|reply| Request::Seal { reply }).await
    }

    /// Removes all blocks above `to`, builds the blocks that follow from `forced`, and goes on with
    /// the transactions of the removed blocks: they are executed again, none is lost.
    ///
    /// Returns the last block of each forced batch.
    ///
    /// # Errors
    /// Any [`RequestError`].
    pub async fn rebuild(
        &self,
        to: u64,
        forced: Vec<ForcedBatch>,
    ) -> Result<Vec<u64>, RequestError> {
        self.ask(|reply| Request::Rebuild { to, forced, reply })
            .await?
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, RequestError> {
        let (reply, answer) = oneshot::channel();
        self.0
            .send(request(reply))
            .await
            .map_err(|_| RequestError::Ended)?;
        answer.await.map_err(|_| RequestError::Ended)
    }
}

impl Requests {
    /// The next request, if one waits.
    pub(crate) fn try_next(&mut self) -> Option<Request> {
        self.0.try_recv().ok()
    }

    /// Waits for a request. Takes none.
    pub(crate) async fn wait(&mut self, waiting: &mut Option<Request>) {
        if waiting.is_some() {
            return;
        }
        match self.0.recv().await {
            Some(request) => *waiting = Some(request),
            // Nobody is left to ask.
            None => std::future::pending().await,
        }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seal { .. } => f.write_str("Seal"),
            Self::Rebuild { to, forced, .. } => f
                .debug_struct("Rebuild")
                .field("to", to)
                .field("forced", forced)
                .finish_non_exhaustive(),
        }
    }
}
