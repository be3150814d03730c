//! The loop that fills and seals blocks.

use std::time::{Duration, Instant};

use aura_chain::{Chain, ChainError, ChainEvent};
use aura_pool::Pool;
use aura_runtime::Switched;
use tokio::{
    runtime::Handle,
    sync::broadcast::Receiver,
    time::{sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Bridge, SealPolicy, SequencerConfig, SequencerError,
    building::{Building, Site},
    metrics,
};

/// Transactions that are executed on one snapshot before deadlines are looked at again.
const BATCH: usize = 256;
/// How often an idle open block gets a fresh timestamp.
const REFRESH: Duration = Duration::from_secs(1);
/// How long arrivals are gathered before they are executed, where a block is not due anyway.
const GATHER: Duration = Duration::from_millis(2);
/// How long shutdown waits for the last block to become durable.
const DRAIN: Duration = Duration::from_secs(3);

/// Builds blocks from the pool on top of the chain.
#[derive(Debug)]
pub struct Sequencer {
    pub(crate) site: Site,
    pub(crate) events: Receiver<ChainEvent>,
    last_seal: Instant,
    switch: Option<Switched>,
}

impl Sequencer {
    /// Creates a sequencer; [`run`](Self::run) starts it.
    pub fn new(chain: Chain, pool: Pool, config: SequencerConfig) -> Self {
        let events = chain.subscribe();
        Self {
            site: Site {
                chain,
                pool,
                config,
                bridge: None,
            },
            events,
            last_seal: Instant::now(),
            switch: None,
        }
    }

    /// Lets the operator pause and resume block production.
    #[must_use]
    pub fn with_switch(mut self, switch: Switched) -> Self {
        self.switch = Some(switch);
        self
    }

    /// Takes deposits from L1, and follows its reorganisations.
    #[must_use]
    pub fn with_bridge(mut self, bridge: Bridge) -> Self {
        self.site.bridge = Some(bridge);
        self
    }

    /// Builds and seals blocks on the calling thread until `token` is cancelled; then seals what
    /// has been executed and waits until it is durable. `runtime` drives its timers.
    ///
    /// # Errors
    /// Any [`SequencerError`]; the chain cannot go on without an operator then.
    pub fn run(
        mut self,
        runtime: &Handle,
        token: &CancellationToken,
    ) -> Result<(), SequencerError> {
        let mut building = Building::open(&self.site)?;
        while !token.is_cancelled() {
            if self.is_to_pause() {
                self.pause(building, runtime, token)?;
                building = Building::open(&self.site)?;
                continue;
            }
            building = self.follow_unwinds(building)?;
            building = self.follow_bridge(building, runtime)?;
            if building.is_stale(&self.site) {
                building = Building::open(&self.site)?;
            }
            let idle = building.is_full() || !building.fill(&self.site, BATCH)?;
            if self.is_due(&building) {
                building = self.seal(building)?;
            } else if idle {
                runtime.block_on(self.wait(&building, token));
            }
        }
        self.close(building, runtime)
    }

    /// Seals what has been executed, and waits until it is durable.
    fn close(&mut self, building: Building, runtime: &Handle) -> Result<(), SequencerError> {
        if building.len() > 0 {
            // Opens another block, which nobody fills.
            drop(self.seal(building)?);
        }
        self.site.chain.set_open_block(None);
        runtime.block_on(async {
            if timeout(DRAIN, self.site.chain.wait_uncommitted(0))
                .await
                .is_err()
            {
                tracing::error!("the last blocks are not durable yet");
            }
        });
        Ok(())
    }

    fn is_to_pause(&self) -> bool {
        self.switch
            .as_ref()
            .is_some_and(|switch| !switch.is_wanted_on())
    }

    /// Makes no blocks until the operator wants them again, or `token` is cancelled.
    fn pause(
        &mut self,
        building: Building,
        runtime: &Handle,
        token: &CancellationToken,
    ) -> Result<(), SequencerError> {
        self.close(building, runtime)?;
        let Some(switch) = &self.switch else {
            return Ok(());
        };
        switch.report(false);
        runtime.block_on(async {
            tokio::select! {
                () = token.cancelled() => {}
                () = switch.wanted(true) => switch.report(true),
            }
        });
        Ok(())
    }

    /// When the open block is to be sealed; `None` while only a new transaction can change that.
    fn due_at(&self, building: &Building) -> Option<Instant> {
        let empty = self
            .site
            .config
            .empty_block_interval
            .map(|interval| self.last_seal + interval);
        match self.site.config.policy {
            SealPolicy::Instant if building.len() > 0 => Some(self.last_seal),
            SealPolicy::Instant => empty,
            SealPolicy::Interval(interval) if building.len() > 0 => Some(self.last_seal + interval),
            SealPolicy::Interval(interval) => {
                empty.map(|empty| empty.max(self.last_seal + interval))
            }
        }
    }

    fn is_due(&self, building: &Building) -> bool {
        self.due_at(building)
            .is_some_and(|due| due <= Instant::now())
            && !self.must_wait_for_disk()
    }

    /// In instant mode a block waits for the one before it to be durable, and so fills meanwhile.
    fn must_wait_for_disk(&self) -> bool {
        self.site.config.policy == SealPolicy::Instant && self.site.chain.uncommitted() > 0
    }

    async fn wait(&mut self, building: &Building, token: &CancellationToken) {
        let refresh = Instant::now() + REFRESH;
        let disk = self.must_wait_for_disk();
        // In instant mode the first transaction makes an empty block due at once.
        let instant = self.site.config.policy == SealPolicy::Instant && !disk;
        let due = self
            .due_at(building)
            .filter(|_| !disk)
            .unwrap_or(refresh)
            .min(refresh);
        let pool = self.site.pool.notified();
        let pause = async {
            match &self.switch {
                Some(switch) => switch.wanted(false).await,
                None => std::future::pending().await,
            }
        };
        let news = async {
            match &mut self.site.bridge {
                Some(bridge) => bridge.news().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = token.cancelled() => {}
            () = pause => {}
            () = news => {}
            () = pool.notified(), if !building.is_full() => {
                // Nobody waits for this transaction before the block is sealed: let others join
                // it, so that a busy stream does not wake this thread once for each.
                let gathered = Instant::now() + GATHER;
                if disk {
                    timeout(GATHER, self.site.chain.wait_uncommitted(0)).await.ok();
                } else if !instant && due > gathered {
                    sleep_until(gathered.into()).await;
                }
            }
            () = self.site.chain.wait_uncommitted(0), if disk => {}
            () = sleep_until(due.into()) => {}
        }
    }

    pub(crate) fn seal(&mut self, building: Building) -> Result<Building, SequencerError> {
        let started = Instant::now();
        let (block, parent) = building.finish(&self.site.chain)?;
        let transactions = block.transactions.clone();
        let gas_used = block.header.gas_used;
        match self.site.chain.seal(block) {
            Ok(header) => {
                metrics::sealed(transactions.len(), gas_used, started.elapsed());
                tracing::info!(
                    number = header.number,
                    hash = %header.seal(),
                    txs = transactions.len(),
                    gas_used,
                    elapsed_ms = started.elapsed().as_millis() as u64,
                    "block sealed"
                );
            }
            Err(ChainError::WrongParent { .. }) => {
                tracing::warn!(
                    parent = parent.number,
                    "open block abandoned, its parent is gone"
                );
                self.site.pool.reinject(transactions);
            }
            Err(error) => return Err(error.into()),
        }
        self.schedule();
        Building::open(&self.site)
    }

    /// Blocks keep to a fixed grid, so that a late one does not shift all that follow; after a
    /// longer pause the grid starts anew.
    fn schedule(&mut self) {
        let now = Instant::now();
        self.last_seal = match self.site.config.policy {
            SealPolicy::Interval(interval) if now < self.last_seal + 2 * interval => {
                self.last_seal + interval
            }
            SealPolicy::Interval(_) | SealPolicy::Instant => now,
        };
    }
}
