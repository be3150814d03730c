//! The loop that fills and seals blocks.

use std::time::{Duration, Instant};

use aura_chain::{Chain, ChainError, ChainEvent};
use aura_pool::Pool;
use aura_runtime::Switched;
use tokio::{
    runtime::Handle,
    sync::broadcast::{Receiver, error::TryRecvError},
    time::{sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{SealPolicy, SequencerConfig, SequencerError, building::Building, metrics};

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
    chain: Chain,
    pool: Pool,
    config: SequencerConfig,
    events: Receiver<ChainEvent>,
    last_seal: Instant,
    switch: Option<Switched>,
}

impl Sequencer {
    /// Creates a sequencer; [`run`](Self::run) starts it.
    pub fn new(chain: Chain, pool: Pool, config: SequencerConfig) -> Self {
        let events = chain.subscribe();
        Self {
            chain,
            pool,
            config,
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
        let mut building = Building::open(&self.chain, &self.pool, &self.config)?;
        while !token.is_cancelled() {
            if self.is_to_pause() {
                self.pause(building, runtime, token)?;
                building = Building::open(&self.chain, &self.pool, &self.config)?;
                continue;
            }
            building = self.follow_unwinds(building)?;
            if building.is_stale() {
                building = Building::open(&self.chain, &self.pool, &self.config)?;
            }
            let idle = building.is_full()
                || !building.fill(&self.chain, &self.config, &self.pool, BATCH)?;
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
        self.chain.set_open_block(None);
        runtime.block_on(async {
            if timeout(DRAIN, self.chain.wait_uncommitted(0))
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
            .config
            .empty_block_interval
            .map(|interval| self.last_seal + interval);
        match self.config.policy {
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
        self.config.policy == SealPolicy::Instant && self.chain.uncommitted() > 0
    }

    async fn wait(&mut self, building: &Building, token: &CancellationToken) {
        let refresh = Instant::now() + REFRESH;
        let disk = self.must_wait_for_disk();
        // In instant mode the first transaction makes an empty block due at once.
        let instant = self.config.policy == SealPolicy::Instant && !disk;
        let due = self
            .due_at(building)
            .filter(|_| !disk)
            .unwrap_or(refresh)
            .min(refresh);
        let pool = self.pool.notified();
        let pause = async {
            match &self.switch {
                Some(switch) => switch.wanted(false).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = token.cancelled() => {}
            () = pause => {}
            () = pool.notified(), if !building.is_full() => {
                // Nobody waits for this transaction before the block is sealed: let others join
                // it, so that a busy stream does not wake this thread once for each.
                let gathered = Instant::now() + GATHER;
                if disk {
                    timeout(GATHER, self.chain.wait_uncommitted(0)).await.ok();
                } else if !instant && due > gathered {
                    sleep_until(gathered.into()).await;
                }
            }
            () = self.chain.wait_uncommitted(0), if disk => {}
            () = sleep_until(due.into()) => {}
        }
    }

    fn seal(&mut self, building: Building) -> Result<Building, SequencerError> {
        let started = Instant::now();
        let (block, parent) = building.finish(&self.chain)?;
        let transactions = block.transactions.clone();
        let gas_used = block.header.gas_used;
        match self.chain.seal(block) {
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
                self.pool.reinject(transactions);
            }
            Err(error) => return Err(error.into()),
        }
        self.schedule();
        Building::open(&self.chain, &self.pool, &self.config)
    }

    /// Blocks keep to a fixed grid, so that a late one does not shift all that follow; after a
    /// longer pause the grid starts anew.
    fn schedule(&mut self) {
        let now = Instant::now();
        self.last_seal = match self.config.policy {
            SealPolicy::Interval(interval) if now < self.last_seal + 2 * interval => {
                self.last_seal + interval
            }
            SealPolicy::Interval(_) | SealPolicy::Instant => now,
        };
    }

    /// After an unwind the open block and the transactions of the removed blocks go back to the
    /// pool, and a new block is opened on the new head.
    fn follow_unwinds(&mut self, building: Building) -> Result<Building, SequencerError> {
        let mut unwound = Vec::new();
        loop {
            match self.events.try_recv() {
                Ok(ChainEvent::Unwound { blocks, .. }) => unwound.extend(blocks),
                // Lagged: committed blocks are of no interest here, and an unwind that was
                // missed shows as `WrongParent` when the block is sealed.
                Ok(ChainEvent::Committed(_)) | Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if unwound.is_empty() {
            return Ok(building);
        }
        let mut transactions: Vec<_> = unwound
            .iter()
            .rev()
            .flat_map(|block| block.block.transactions.clone())
            .collect();
        transactions.extend(building.into_transactions());
        self.pool.reinject(transactions);
        Building::open(&self.chain, &self.pool, &self.config)
    }
}
