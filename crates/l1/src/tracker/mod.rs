//! The watcher.

mod chunk;
mod contracts;
mod records;
mod reorg;
mod step;

use std::{sync::Arc, time::Duration};

use aura_chain::Chain;
use aura_primitives::bridge::Output;
use aura_runtime::{BlockingPool, CancellationToken};
use aura_storage::{Reader, StorageError, Writer};
use futures_util::FutureExt;
use tokio::{
    sync::watch,
    time::{interval, sleep},
};

use crate::{HeadSignal, L1Config, L1Error, L1Provider, L1Status, L1View, Session};
use step::Progress;

/// Shortest pause after a failure that says nothing of the endpoint.
const SHORT_PAUSE: Duration = Duration::from_millis(100);
/// Times in a row that a block may be unknown because L1 was reorganised between two requests.
const MAX_RACES: u32 = 5;
/// Failures that lengthen that pause.
const MAX_PAUSES: u32 = 10;

/// What the contracts on L1 must say of themselves.
#[derive(Debug, Clone, Copy)]
pub struct L1Contracts {
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// What the rollup starts from.
    pub genesis_output: Output,
}

/// Follows L1 and keeps what it brings in the database.
///
/// Everything up to one L1 block is written in one transaction, so the newest stored header is
/// where it goes on after a restart.
#[derive(Debug)]
pub struct Tracker {
    config: Arc<L1Config>,
    provider: L1Provider,
    chain: Chain,
    contracts: L1Contracts,
    pool: BlockingPool,
    status: watch::Sender<L1Status>,
}

impl Tracker {
    /// Prepares the watcher; asks nothing yet.
    ///
    /// # Errors
    /// [`L1Error::Config`].
    pub fn new(
        config: L1Config,
        provider: L1Provider,
        chain: Chain,
        contracts: L1Contracts,
    ) -> Result<Self, L1Error> {
        config.validate().map_err(L1Error::Config)?;
        Ok(Self {
            config: Arc::new(config),
            provider,
            chain,
            contracts,
            pool: BlockingPool::new("l1-watcher", 1, 4),
            status: watch::Sender::new(L1Status::default()),
        })
    }

    /// What the watcher has seen, for everybody else.
    pub fn view(&self) -> L1View {
        L1View::new(self.chain.store().clone(), self.status.subscribe())
    }

    /// Follows L1 until the token is cancelled. Checks the deployment first, as [`check`](Self::check)
    /// does, and waits for an L1 that does not answer or has not come so far yet.
    ///
    /// # Errors
    /// Those that are not transient: [`L1Error::ReorgTooDeep`], a wrong chain or deployment, the database.
    pub async fn run(self, token: CancellationToken) -> Result<(), L1Error> {
        let outcome = tokio::select! {
            () = token.cancelled() => return Ok(()),
            outcome = self.follow() => outcome,
            () = self.probe() => Ok(()),
        };
        if token.is_cancelled() {
            // The chain's writer may have ended before this task saw the token.
            return Ok(());
        }
        outcome
    }

    /// Compares the heads of the endpoints now and then, for ever.
    async fn probe(&self) {
        let mut ticks = interval(self.config.probe_interval);
        loop {
            ticks.tick().await;
            self.provider.probe().await;
        }
    }

    async fn follow(&self) -> Result<(), L1Error> {
        self.await_contracts().await?;
        let mut position = self.load_position().await?;
        let mut signal = None;
        let mut failures = 0u32;
        loop {
            let session = self.provider.session().await;
            match self.step(&session, &mut position).await {
                Ok(progress) => {
                    self.provider.report_success(&session);
                    failures = 0;
                    if progress == Progress::Idle {
                        self.await_head(&session, &mut signal).await;
                    }
                }
                Err(mut error) => {
                    failures = failures.saturating_add(1);
                    if failures > MAX_RACES && matches!(error, L1Error::UnknownBlock { .. }) {
                        // No reorganisation lasts so long.
                        error = session.contradiction(error.to_string());
                    }
                    self.report(&session, error)?;
                    sleep(SHORT_PAUSE * failures.min(MAX_PAUSES)).await;
                }
            }
        }
    }

    /// Notes a failure; gives it back if no other attempt can help.
    fn report(&self, session: &Session, error: L1Error) -> Result<(), L1Error> {
        self.provider.report(session, &error);
        let is_one_of_many =
            matches!(error, L1Error::WrongChain { .. }) && self.config.endpoints.len() > 1;
        if !error.is_transient() && !is_one_of_many {
            return Err(error);
        }
        tracing::debug!(%error, "L1 watcher goes on after a failure");
        Ok(())
    }

    /// Waits until there may be a new head.
    async fn await_head(&self, session: &Session, signal: &mut Option<HeadSignal>) {
        let is_of_session = signal
            .as_ref()
            .is_some_and(|signal| signal.endpoint() == session.index());
        if !is_of_session {
            *signal = session.subscribe_heads().await;
        }
        let pause = sleep(self.config.poll_interval);
        let Some(heads) = signal else {
            return pause.await;
        };
        let is_alive = tokio::select! {
            is_alive = heads.next() => is_alive,
            () = pause => true,
        };
        // One look at the head answers all notices that have come so far.
        while is_alive && heads.next().now_or_never() == Some(true) {}
        if !is_alive {
            *signal = None;
            sleep(SHORT_PAUSE).await;
        }
    }

    /// Reads from the database on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, L1Error> {
        let store = self.chain.store().clone();
        let job = move || read(&store.reader()?);
        Ok(self.pool.run(job).await??)
    }

    /// Writes to the database; returns when it is durable.
    async fn write(
        &self,
        write: impl FnOnce(&mut Writer) -> Result<(), StorageError> + Send + 'static,
    ) -> Result<(), L1Error> {
        let chain = self.chain.clone();
        Ok(self.pool.run(move || chain.write(write)).await??)
    }
}
