//! Posts blocks.

mod following;
mod posting;

use alloy_rpc_types_eth::TransactionReceipt;
use aura_chain::Chain;
use aura_l1::{L1Provider, L1Status, L1View, tx::TxManager};
use aura_primitives::{HeadLabel, bridge::DaKind};
use aura_runtime::CancellationToken;
use aura_storage::BatchRecord;
use tokio::sync::mpsc;

use crate::{
    Limits, Rollup, SequencerRequest, SettlementConfig, SettlementError, cost,
    desk::{self, Desk, Role},
    draft::{self, Scan},
    flight::{Flights, Sent},
    heads,
    ledger::{self, Located, Position},
    metrics,
    request::Asks,
};

/// What batches are called in logs and metrics, and among the transactions.
const LABEL: &str = "batch";

/// A batch that was sent.
#[derive(Debug)]
struct Post {
    record: BatchRecord,
    bytes: usize,
    transactions: u64,
}

/// Posts the chain's blocks to L1.
#[derive(Debug)]
pub struct Batcher {
    desk: Desk,
    asks: Asks,
    flights: Flights<Post>,
    scan: Scan,
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
        Ok(Self {
            flights: Flights::new(&manager, LABEL),
            desk: Desk::new("batcher", config, rollup, chain, view, provider, manager)?,
            asks: Asks(asks),
            scan: Scan::default(),
        })
    }

    /// Posts until `token` is cancelled. To be run as a supervised task.
    ///
    /// # Errors
    /// Those that are not transient: the database, a wrong deployment, a sequencer that has ended.
    pub async fn run(self, token: CancellationToken) -> Result<(), SettlementError> {
        desk::run(self, token).await
    }

    /// Writes down that L1 has a batch, and which of its forms.
    async fn confirm(&self, located: &Located) -> Result<(), SettlementError> {
        let Some(batch) = located.unconfirmed else {
            return Ok(());
        };
        let chain = self.desk.chain.clone();
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
        self.desk.pool.run(write).await??;
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
            .desk
            .read(move |reader| heads::moved(reader, &position, &status))
            .await?;
        for (label, head) in moved {
            let chain = self.desk.chain.clone();
            self.desk
                .pool
                .run(move || chain.set_head(label, head))
                .await??;
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
        let newest = located.position.index;
        let is_seen = |post: &Post| newest >= post.record.index;
        match self.flights.look(status.head.number, is_seen, Post::report) {
            Sent::Open => Ok(true),
            Sent::Nothing => Ok(false),
            Sent::Refused {
                what,
                data,
                message,
            } => {
                let refusal = self.desk.refused(LABEL, &data, &message);
                self.react(refusal, &what.record, limits).await?;
                Ok(false)
            }
        }
    }
}

impl Role for Batcher {
    fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }

    async fn step(&mut self) -> Result<(), SettlementError> {
        let status = self.desk.view.status();
        if !status.synced {
            return Ok(());
        }
        let limits = self.desk.limits().await?;
        let rollup = self.desk.rollup;
        let located = self
            .desk
            .read(move |reader| ledger::locate(reader, &rollup))
            .await?;
        self.confirm(&located).await?;
        self.move_heads(&located.position, status).await?;
        let is_sent = self.is_in_flight(&located, &status, &limits).await?;
        if !located.forced.is_empty() {
            return self.follow_forced(located, is_sent).await;
        }
        if is_sent || self.desk.is_held() {
            return Ok(());
        }
        self.post_next(&located.position, &status, &limits).await
    }
}

impl Post {
    fn report(&self, receipt: &TransactionReceipt) {
        let (record, wei) = (&self.record, cost::paid(receipt));
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
