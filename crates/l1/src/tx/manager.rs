//! The handle of a lane, and the task behind it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use alloy_eips::eip4844::Blob;
use alloy_primitives::Address;
use aura_runtime::{BlockingPool, CancellationToken};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval},
};

use super::{
    L1Rpc, Sidecar, Signer, TxConfig, TxError, TxId, TxRequest, TxState, TxStore, TxStoreError,
    TxTicket,
    blobs::make_sidecar,
    build::Job,
    lane::{Lane, Queued},
    metrics::TxMetrics,
    rpc::Asker,
    trouble::Troubles,
};

/// Ids of restored transactions are below.
const FIRST_ID: u64 = 1 << 32;

/// Changes that may wait for the task; callers wait when there are more.
const MAX_CHANGES: usize = 16;

/// A change of a transaction that was taken. A channel of their own, so that a full queue can be emptied.
enum Change {
    Replace(TxId, Box<TxRequest>, oneshot::Sender<Result<(), TxError>>),
    Cancel(TxId, oneshot::Sender<Result<(), TxError>>),
}

/// Sends transactions of one key to L1; clones share it.
///
/// Everything happens in [`TxRunner::run`], which must be running.
#[derive(Clone)]
pub struct TxManager {
    account: Address,
    /// Full: refused.
    submissions: mpsc::Sender<Queued>,
    /// Full: the caller waits.
    changes: mpsc::Sender<Change>,
    ids: Arc<AtomicU64>,
    unfinished: Arc<[TxTicket]>,
    pool: BlockingPool,
}

impl std::fmt::Debug for TxManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TxManager")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// The work behind a [`TxManager`].
pub struct TxRunner {
    lane: Lane,
    submissions: mpsc::Receiver<Queued>,
    changes: mpsc::Receiver<Change>,
}

impl std::fmt::Debug for TxRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TxRunner")
            .field("account", &self.lane.account)
            .finish_non_exhaustive()
    }
}

impl TxManager {
    /// Opens the lane of `signer`'s account with what `store` has of it. `role` names it in metrics.
    ///
    /// Two managers of one account take each other's nonces: each recovers, at a cost.
    ///
    /// # Errors
    /// [`TxError::Store`], and [`TxError::Blobs`] never.
    pub async fn open(
        role: &'static str,
        config: TxConfig,
        signer: Signer,
        rpc: Arc<dyn L1Rpc>,
        store: Arc<dyn TxStore>,
    ) -> Result<(Self, TxRunner), TxError> {
        let account = signer.address();
        let pool = BlockingPool::new("l1-tx", 2, 16);
        let loaded = {
            let store = Arc::clone(&store);
            pool.run(move || store.load(account)).await
        };
        let records = loaded.map_err(TxStoreError::Pool)??;
        let metrics = TxMetrics::new(role);
        let (submissions, submitted) = mpsc::channel(config.max_queued.max(1));
        let (changes, wanted) = mpsc::channel(MAX_CHANGES);
        let mut lane = Lane {
            account,
            signer,
            rpc,
            store,
            pool: pool.clone(),
            queue: VecDeque::new(),
            open: BTreeMap::new(),
            troubles: Troubles::new(account, config.remind_after, metrics.clone()),
            metrics,
            gap: 0,
            next_id: 0,
            config,
        };
        let unfinished = lane.restore(records);
        if !unfinished.is_empty() {
            let count = unfinished.len();
            tracing::info!(%account, role, count, "transactions on L1 are taken up again");
        }
        let manager = Self {
            account,
            submissions,
            changes,
            ids: Arc::new(AtomicU64::new(FIRST_ID)),
            unfinished: unfinished.into(),
            pool,
        };
        let runner = TxRunner {
            lane,
            submissions: submitted,
            changes: wanted,
        };
        Ok((manager, runner))
    }

    /// The account that sends.
    pub const fn account(&self) -> Address {
        self.account
    }

    /// Those that an earlier process signed and did not see to their end, by nonce.
    pub fn unfinished(&self) -> &[TxTicket] {
        &self.unfinished
    }

    /// Takes a transaction. Without waiting: the ticket says how it goes.
    ///
    /// # Errors
    /// [`TxError::Busy`] if too many wait, [`TxError::Stopped`].
    pub fn submit(&self, request: TxRequest) -> Result<TxTicket, TxError> {
        let (state, seen) = watch::channel(TxState::Queued);
        let ticket = TxTicket {
            id: TxId(self.ids.fetch_add(1, Ordering::Relaxed)),
            label: request.label.into(),
            state: seen,
        };
        let queued = Queued {
            id: ticket.id,
            label: Arc::clone(&ticket.label),
            job: Job::from(request),
            version: 0,
            state,
            former_nonce: None,
            since: Instant::now(),
        };
        self.submissions
            .try_send(queued)
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => TxError::Busy,
                mpsc::error::TrySendError::Closed(_) => TxError::Stopped,
            })?;
        Ok(ticket)
    }

    /// Puts `request` in the place of the transaction `id`, with its nonce, so that only one of both
    /// can be mined; the ticket goes on, and its outcome says which it was. Whether blobs are replaced by
    /// calldata is up to the node: geth's pools refuse it until the blobs are gone.
    ///
    /// # Errors
    /// [`TxError::Ended`] if it is in a block, [`TxError::ReplacementReverts`],
    /// [`TxError::ReplacementWaits`]; then the transaction goes on as it was.
    pub async fn replace(&self, id: TxId, request: TxRequest) -> Result<(), TxError> {
        self.ask(|reply| Change::Replace(id, Box::new(request), reply))
            .await
    }

    /// Takes a transaction back. If it was sent its nonce is used up by a transfer of nothing, and its
    /// outcome says which of both was mined.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn cancel(&self, id: TxId) -> Result<(), TxError> {
        self.ask(|reply| Change::Cancel(id, reply)).await
    }

    /// Makes a sidecar on a thread of its own, see [`make_sidecar`].
    ///
    /// # Errors
    /// [`TxError::Blobs`].
    pub async fn sidecar(&self, blobs: Vec<Blob>) -> Result<Sidecar, TxError> {
        let made = self.pool.run(move || make_sidecar(blobs)).await;
        made.map_err(|busy| TxError::Blobs(busy.to_string()))?
    }

    async fn ask(
        &self,
        change: impl FnOnce(oneshot::Sender<Result<(), TxError>>) -> Change,
    ) -> Result<(), TxError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.changes.send(change(reply)).await;
        sent.map_err(|_| TxError::Stopped)?;
        answer.await.map_err(|_| TxError::Stopped)?
    }
}

impl TxRunner {
    /// Looks after the transactions until `token` is cancelled. To be run as a supervised task.
    ///
    /// # Errors
    /// [`TxError::Store`] if the database fails: nothing may be sent that is not stored.
    /// [`TxError::WrongChain`].
    pub async fn run(mut self, token: CancellationToken) -> Result<(), TxError> {
        let mut ticks = interval(self.lane.config.poll_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_checked = false;
        loop {
            let has_room = self.lane.queue.len() < self.lane.config.max_queued;
            // Without senders there is nothing new, but what is open goes on with the ticks.
            tokio::select! {
                biased;
                () = token.cancelled() => return Ok(()),
                Some(change) = self.changes.recv() => self.obey(change).await?,
                Some(queued) = self.submissions.recv(), if has_room => self.lane.queue.push_back(queued),
                _ = ticks.tick() => {}
            }
            while self.lane.queue.len() < self.lane.config.max_queued
                && let Ok(queued) = self.submissions.try_recv()
            {
                self.lane.queue.push_back(queued);
            }
            if !is_checked {
                is_checked = self.check_chain().await?;
            }
            if is_checked {
                // In the middle of a step nothing is lost, for whatever is sent was stored before.
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    looked = self.lane.look() => looked?,
                }
            }
        }
    }

    async fn obey(&mut self, change: Change) -> Result<(), TxError> {
        let (answer, reply) = match change {
            Change::Replace(id, request, reply) => (self.lane.replace(id, *request).await, reply),
            Change::Cancel(id, reply) => (self.lane.cancel(id).await, reply),
        };
        match answer {
            Err(TxError::Store(error)) => {
                reply.send(Err(TxError::Stopped)).ok();
                Err(TxError::Store(error))
            }
            // A caller that is gone has no use for the answer.
            other => {
                reply.send(other).ok();
                Ok(())
            }
        }
    }

    /// Whether L1 is the right chain; `false` if it cannot be asked.
    async fn check_chain(&mut self) -> Result<bool, TxError> {
        let want = self.lane.config.chain_id;
        match Asker(self.lane.rpc.as_ref()).chain_id().await {
            Ok(have) if have == want => Ok(true),
            Ok(have) => Err(TxError::WrongChain { have, want }),
            Err(fault) => {
                let reason = super::Waiting::Unavailable;
                self.lane.troubles.note(reason, "", &fault.to_string());
                Ok(false)
            }
        }
    }
}
