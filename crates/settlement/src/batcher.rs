//! Posts blocks.

use std::time::Instant;

use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use aura_bindings::rollup::AuraRollup;
use aura_chain::Chain;
use aura_derivation::encode_blobs;
use aura_l1::{
    L1Provider, L1Status, L1View,
    tx::{TxManager, TxOutcome, TxRequest, TxState, TxTicket},
};
use aura_primitives::{HeadLabel, bridge::DaKind};
use aura_runtime::{BlockingPool, CancellationToken};
use aura_storage::{BatchRecord, Reader};
use tokio::{sync::mpsc, time::sleep};

use crate::{
    Limits, RebuildReason, Rollup, SequencerRequest, SettlementConfig, SettlementError,
    cost::{self, Prices},
    draft::{self, Draft, Scan},
    heads, ledger,
    ledger::{Located, Position},
    metrics,
    policy::{self, Triggers},
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
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::warn!(error, "batcher cannot go on; it tries again");
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

    /// Does what helps against a refusal. Most of it is waiting: the watcher and the sequencer follow L1.
    async fn react(
        &mut self,
        refusal: Refusal,
        record: &BatchRecord,
        limits: &Limits,
    ) -> Result<(), SettlementError> {
        let before = record.first_block - 1;
        let is_old = record.header.first_time + limits.max_batch_age <= metrics::now();
        match refusal {
            Refusal::Time if is_old => {
                self.asks
                    .rebuild(before, Vec::new(), RebuildReason::TooOld)
                    .await?;
            }
            Refusal::Queue => {
                let (consumed, acc) = (record.header.consumed, record.header.queue_acc);
                let seen = self
                    .read(move |reader| Ok(reader.l1_queue_acc(consumed)?))
                    .await?;
                // Otherwise the watcher has not seen the other queue yet.
                if seen.is_some_and(|seen| seen != acc) {
                    self.asks
                        .rebuild(before, Vec::new(), RebuildReason::OtherQueue)
                        .await?;
                }
            }
            Refusal::Anchor | Refusal::Overdue(_) => {
                self.asks.seal().await?;
            }
            Refusal::Frozen => self.frozen = true,
            _ => {}
        }
        Ok(())
    }

    /// Has the blocks made that forced batches stand for.
    async fn follow_forced(
        &mut self,
        located: Located,
        is_sent: bool,
    ) -> Result<(), SettlementError> {
        if is_sent {
            // What was sent would take the place of the forced batch if L1 took that one back, and its
            // blocks would be gone by then.
            if let Some(flight) = &self.flight {
                self.manager.cancel(flight.ticket.id()).await.ok();
            }
            return Ok(());
        }
        let position = located.position;
        let headers = located.forced.iter().map(|batch| batch.header).collect();
        let ends = self
            .asks
            .rebuild(position.last_block, headers, RebuildReason::ForcedBatch)
            .await?;
        self.chain.wait_uncommitted(0).await;
        let chain = self.chain.clone();
        let write = move || {
            let reader = chain.store().reader()?;
            let mut first_block = position.last_block + 1;
            let mut batches = Vec::new();
            for (on_l1, last_block) in located.forced.iter().zip(ends) {
                let last_hash = reader
                    .block_hash(last_block)?
                    .ok_or(SettlementError::MissingBlock(last_block))?;
                batches.push(BatchRecord {
                    index: on_l1.index,
                    first_block,
                    last_block,
                    last_hash,
                    consumed: on_l1.header.consumed,
                    da_kind: on_l1.da_kind,
                    da_hash: on_l1.da_hash,
                    header: on_l1.header,
                    l1_tx: on_l1.l1_tx,
                });
                first_block = last_block + 1;
            }
            drop(reader);
            chain.write(move |writer| {
                for batch in &batches {
                    writer.confirm_batch(batch, batch.l1_tx, None)?;
                }
                Ok(())
            })?;
            Ok::<_, SettlementError>(())
        };
        self.pool.run(write).await?
    }

    /// Posts the next batch if it is due and L1 will take it.
    async fn post_next(
        &mut self,
        position: &Position,
        status: &L1Status,
        limits: &Limits,
    ) -> Result<(), SettlementError> {
        let Some(prices) = self.prices(status).await? else {
            return Ok(());
        };
        let longest = cost::longest_payload(&self.config, !prices.blob_gas.is_zero());
        let Some((last, head)) = self.due(position, limits, longest).await? else {
            return Ok(());
        };
        let at = *position;
        let draft = self
            .read(move |reader| draft::make(reader, &at, last, longest))
            .await?;
        if !self.is_takeable(&draft, head, status, limits).await? {
            self.hold();
            return Ok(());
        }
        self.post(draft, &prices).await
    }

    async fn prices(&self, status: &L1Status) -> Result<Option<Prices>, SettlementError> {
        let number = status.head.number;
        let header = self
            .read(move |reader| Ok(reader.l1_header(number)?))
            .await?;
        Ok(header.map(|header| Prices {
            gas: header.origin.base_fee,
            blob_gas: header.origin.blob_base_fee,
        }))
    }

    /// The last block of the batch that is due, if one is, and the chain's head.
    async fn due(
        &mut self,
        position: &Position,
        limits: &Limits,
        longest: usize,
    ) -> Result<Option<(u64, u64)>, SettlementError> {
        let (position, max_blocks) = (*position, self.config.max_blocks);
        let mut scan = std::mem::take(&mut self.scan);
        let now = metrics::now();
        let force_delay = limits.force_delay;
        let looked = self
            .read(move |reader| {
                let head = reader.head(HeadLabel::Unsafe)?.number;
                let last = scan.advance(reader, &position, head, longest, max_blocks)?;
                let backlog = draft::backlog(reader, &position, last, &scan)?;
                // An entry that no block has consumed although it has waited.
                let consumed = draft::info_at(reader, head)?.consumed;
                let entry = reader.l1_queue_entry(consumed)?;
                let is_pressed = entry
                    .is_some_and(|entry| policy::is_pressing(entry.slot.time(), force_delay, now));
                Ok((scan, head, last, backlog, is_pressed.then_some(consumed)))
            })
            .await?;
        let (scan, head, last, backlog, pressed) = looked;
        self.scan = scan;
        let blocks = head.saturating_sub(position.last_block);
        let age = backlog.map_or(0, |backlog| now.saturating_sub(backlog.first_time));
        metrics::lag(blocks, age);
        if pressed.is_some_and(|consumed| self.view.status().queue_len > consumed) {
            tracing::warn!(
                "an entry of the queue waits too long; the sequencer is asked for a block"
            );
            self.asks.seal().await?;
            self.hold();
            return Ok(None);
        }
        let triggers = Triggers {
            interval: self.config.batch_interval(),
            max_payload_bytes: longest,
            max_blocks: max_blocks as u64,
            force_delay,
        };
        let reason = backlog.and_then(|backlog| policy::due(&backlog, &triggers, now));
        Ok(reason.map(|reason| {
            tracing::debug!(reason, last, "a batch is due");
            (last, head)
        }))
    }

    /// Whether L1 will take the batch as it is. If not, what helps is asked for.
    async fn is_takeable(
        &self,
        draft: &Draft,
        head: u64,
        status: &L1Status,
        limits: &Limits,
    ) -> Result<bool, SettlementError> {
        let header = draft.record.header;
        let before = draft.record.first_block - 1;
        if header.first_time + limits.max_batch_age <= metrics::now() {
            self.asks
                .rebuild(before, Vec::new(), RebuildReason::TooOld)
                .await?;
            return Ok(false);
        }
        let reach = limits
            .anchor_depth
            .saturating_sub(self.config.anchor_margin);
        let age = status.head.number.saturating_sub(header.anchor_number);
        if header.anchor_hash == B256::ZERO || age > reach {
            // One more block with a newer origin helps if it fits the batch.
            if draft.record.last_block == head {
                self.asks.seal().await?;
            } else {
                self.asks
                    .rebuild(before, Vec::new(), RebuildReason::TooOld)
                    .await?;
            }
            return Ok(false);
        }
        let consumed = header.consumed;
        let on_l1 = self
            .read(move |reader| {
                let anchor = reader.l1_header(header.anchor_number)?;
                Ok((
                    anchor.map(|anchor| anchor.origin.hash),
                    reader.l1_queue_acc(consumed)?,
                ))
            })
            .await?;
        // If L1 was reorganised the sequencer builds these blocks anew by itself.
        Ok(on_l1 == (Some(header.anchor_hash), Some(header.queue_acc)))
    }

    async fn post(&mut self, draft: Draft, prices: &Prices) -> Result<(), SettlementError> {
        let Draft {
            mut record,
            payload,
            transactions,
        } = draft;
        let bytes = payload.len();
        let (to, h) = (self.rollup.address, (&record.header).into());
        let request = if cost::goes_into_blobs(&payload, &self.config, prices) {
            let sidecar = self.manager.sidecar(encode_blobs(&payload)).await?;
            let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
            record.da_kind = DaKind::Blobs as u8;
            record.da_hash = DaKind::blobs_hash(&hashes);
            let call = AuraRollup::appendBatchBlobsCall { h };
            TxRequest::call(LABEL, to, call.abi_encode()).with_blobs(sidecar)
        } else {
            record.da_kind = DaKind::Calldata as u8;
            record.da_hash = DaKind::calldata_hash(&payload);
            let data = payload.clone().into();
            TxRequest::call(
                LABEL,
                to,
                AuraRollup::appendBatchCall { h, data }.abi_encode(),
            )
        };
        let chain = self.chain.clone();
        let write = move || chain.write(move |writer| writer.put_batch(&record, &payload));
        self.pool.run(write).await??;
        let ticket = self.manager.submit(request)?;
        tracing::info!(
            index = record.index,
            first = record.first_block,
            last = record.last_block,
            transactions,
            bytes,
            da = da_word(record.da_kind),
            "batch is posted"
        );
        self.flight = Some(Flight {
            record,
            ticket,
            bytes,
            transactions,
            mined: None,
        });
        Ok(())
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
