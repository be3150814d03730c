//! Posts blocks.

mod following;
mod posting;

use std::time::Instant;

use aura_chain::Chain;
use aura_l1::{
    L1Provider, L1Status, L1View,
    tx::{TxManager, TxOutcome, TxState, TxTicket},
};
use aura_primitives::{HeadLabel, bridge::DaKind};
use aura_runtime::{BlockingPool, CancellationToken};
use aura_storage::{BatchRecord, Reader};
use tokio::{sync::mpsc, time::sleep};

use crate::{
    Limits, Rollup, SequencerRequest, SettlementConfig, SettlementError, cost,
    draft::{self, Scan},
    heads, ledger,
    ledger::{Located, Position},
    metrics,
    refusal::{self, Refusal},
    request::Asks,
};

/// What batches are called in logs and metrics, and among the transactions.
const LABEL: &str = "batch";

/// A batch that was sent.
#[derive(Debug)]
struct Flight {
    record: BatchRecord,
    ticket: TxTicket,
    bytes: usize,
    transactions: u64,
    /// L1 block that it was mined in.
    mined: Option<u64>,
}

/// Posts the chain's blocks to L1.
#[derive(Debug)]
pub struct Batcher {
    config: SettlementConfig,
    rollup: Rollup,
    chain: Chain,
    view: L1View,
    provider: L1Provider,
    manager: TxManager,
    asks: Asks,
    pool: BlockingPool,
    limits: Option<Limits>,
    /// Sent by an earlier process, end unknown.
    earlier: Vec<TxTicket>,
    flight: Option<Flight>,
    scan: Scan,
    hold: Option<Instant>,
    frozen: bool,
}

impl Batcher {
    /// Prepares the batcher. `manager` sends with the sequencer's key; `asks` reaches the sequencer.
    ///
    /// # Errors
    /// [`SettlementError::Config`].
    pub fn new(
        config: SettlementConfig,
        rollup: Rollup,
        chain: Chain,
        view: L1View,
        provider: L1Provider,
        manager: TxManager,
        asks: mpsc::Sender<SequencerRequest>,
    ) -> Result<Self, SettlementError> {
        config.validate().map_err(SettlementError::Config)?;
        let earlier = manager.unfinished().iter();
        let earlier = earlier.filter(|ticket| ticket.label() == LABEL).cloned();
        Ok(Self {
            earlier: earlier.collect(),
            config,
            rollup,
            chain,
            view,
            provider,
            manager,
            asks: Asks(asks),
            pool: BlockingPool::new("batcher", 1, 4),
            limits: None,
            flight: None,
            scan: Scan::default(),
            hold: None,
            frozen: false,
        })
    }

    /// Posts until `token` is cancelled. To be run as a supervised task.
    ///
    /// # Errors
    /// Those that are not transient: the database, a wrong deployment, a sequencer that has ended.
    pub async fn run(mut self, token: CancellationToken) -> Result<(), SettlementError> {
        loop {
            let looked = tokio::select! {
                () = token.cancelled() => return Ok(()),
                looked = self.step() => looked,
            };
            match looked {
                Ok(()) => {
                    metrics::looked("batcher");
                    tokio::select! {
                        () = token.cancelled() => return Ok(()),
                        () = self.view.changed() => {}
                        () = sleep(self.config.poll_interval()) => {}
                    }
                }
                Err(error) if error.is_transient() => {
                    error.report("batcher");
                    tokio::select! {
                        () = token.cancelled() => return Ok(()),
                        () = sleep(self.config.retry_after()) => {}
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks at L1 and the chain and does the next thing.
    async fn step(&mut self) -> Result<(), SettlementError> {
        let status = self.view.status();
        if !status.synced {
            return Ok(());
        }
        let limits = self.limits().await?;
        let rollup = self.rollup;
        let located = self
            .read(move |reader| ledger::locate(reader, &rollup))
            .await?;
        self.confirm(&located).await?;
        self.move_heads(&located.position, status).await?;
        let is_sent = self.is_in_flight(&located, &status, &limits).await?;
        if !located.forced.is_empty() {
            return self.follow_forced(located, is_sent).await;
        }
        let is_held = self.hold.is_some_and(|until| Instant::now() < until);
        if is_sent || is_held || self.frozen {
            return Ok(());
        }
        self.post_next(&located.position, &status, &limits).await
    }

    async fn limits(&mut self) -> Result<Limits, SettlementError> {
        if let Some(limits) = self.limits {
            return Ok(limits);
        }
        let limits = Limits::read(&self.provider, self.rollup.address).await?;
        Ok(*self.limits.insert(limits))
    }

    /// Reads with one snapshot, on the thread for it.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, SettlementError> + Send + 'static,
    ) -> Result<T, SettlementError> {
        let chain = self.chain.clone();
        self.pool
            .run(move || read(&chain.store().reader()?))
            .await?
    }

    fn hold(&mut self) {
        self.hold = Some(Instant::now() + self.config.retry_after());
    }

    /// Writes down that L1 has a batch, and which of its forms.
    async fn confirm(&self, located: &Located) -> Result<(), SettlementError> {
        let Some(batch) = located.unconfirmed else {
            return Ok(());
        };
        let chain = self.chain.clone();
        let write = move || {
            let reader = chain.store().reader()?;
            let is_newest = reader
                .batch(batch.index)?
                .is_some_and(|newest| newest.is_same_batch(&batch));
            let payload = if is_newest || batch.da_kind == DaKind::Forced as u8 {
                None
            } else {
                Some(draft::payload_of(&reader, &batch)?)
            };
            drop(reader);
            chain.write(move |writer| {
                writer.confirm_batch(&batch, batch.l1_tx, payload.as_deref())
            })?;
            Ok::<_, SettlementError>(())
        };
        self.pool.run(write).await??;
        tracing::info!(
            index = batch.index, first = batch.first_block, last = batch.last_block,
            l1_tx = %batch.l1_tx, "batch is on L1"
        );
        Ok(())
    }

    async fn move_heads(
        &self,
        position: &Position,
        status: L1Status,
    ) -> Result<(), SettlementError> {
        let position = *position;
        let moved = self
            .read(move |reader| heads::moved(reader, &position, &status))
            .await?;
        for (label, head) in moved {
            let chain = self.chain.clone();
            self.pool.run(move || chain.set_head(label, head)).await??;
            let label = HeadLabel::as_str(label);
            tracing::debug!(head = label, number = head.number, "head moved with L1");
        }
        Ok(())
    }

    /// Whether something was sent whose end is not known. Deals with the end when it is.
    async fn is_in_flight(
        &mut self,
        located: &Located,
        status: &L1Status,
        limits: &Limits,
    ) -> Result<bool, SettlementError> {
        self.earlier
            .retain(|ticket| !matches!(ticket.state(), TxState::Done(_)));
        let Some(flight) = &mut self.flight else {
            return Ok(!self.earlier.is_empty());
        };
        let TxState::Done(outcome) = flight.ticket.state() else {
            return Ok(true);
        };
        match outcome {
            TxOutcome::Mined { receipt, .. } => {
                let block = receipt.block_number.unwrap_or_default();
                if flight.mined.replace(block).is_none() {
                    flight.report(cost::paid(&receipt));
                }
                let is_seen = located.position.index >= flight.record.index;
                // The watcher has been where it was mined: if it is not there it was taken back.
                if !is_seen && status.head.number <= block {
                    return Ok(true);
                }
                self.flight = None;
            }
            TxOutcome::Reverted { data, message, .. } => {
                let record = flight.record;
                self.flight = None;
                refusal::report(
                    LABEL,
                    self.manager.account(),
                    self.rollup.address,
                    &data,
                    &message,
                );
                self.hold();
                self.react(Refusal::read(&data), &record, limits).await?;
            }
            _ => self.flight = None,
        }
        Ok(false)
    }
}

impl Flight {
    fn report(&self, wei: u128) {
        let record = &self.record;
        let blocks = record.last_block - record.first_block + 1;
        let kind = da_word(record.da_kind);
        metrics::batch_mined(kind, self.bytes, self.transactions, blocks, wei);
        tracing::info!(
            index = record.index,
            bytes = self.bytes,
            wei,
            "batch is mined"
        );
    }
}

const fn da_word(kind: u8) -> &'static str {
    match kind {
        0 => "calldata",
        1 => "blobs",
        _ => "forced",
    }
}
