//! The other end of the batcher's requests: builds blocks, and does what it is asked.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use alloy_primitives::Bytes;
use aura_chain::Chain;
use aura_evm::{BlockExecutor, PayloadAttributes};
use aura_l1::L1View;
use aura_primitives::{
    RecoveredTx, TxDeposit,
    bridge::{BatchHeader, L1BlockInfo, L1Origin, QueueEntry},
};
use aura_settlement::{RebuildReason, SequencerRefusal, SequencerRequest};
use tokio::sync::mpsc;

use crate::l1::{L1_CHAIN, addresses};

/// Entries of a block, far more than a test has.
const ENTRIES: usize = 100;

/// What the batcher asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Seal,
    Rebuild {
        to: u64,
        forced: Vec<BatchHeader>,
        reason: RebuildReason,
    },
}

pub(crate) struct Sequencer {
    chain: Chain,
    view: L1View,
    /// Whether the queue is left alone.
    pub(crate) holds_queue: AtomicBool,
    asked: Mutex<Vec<Asked>>,
    /// Blocks are built by one at a time.
    building: tokio::sync::Mutex<()>,
}

pub(crate) fn now() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed();
    now.unwrap().as_secs()
}

impl Sequencer {
    pub(crate) fn new(chain: Chain, view: L1View) -> Arc<Self> {
        Arc::new(Self {
            chain,
            view,
            holds_queue: AtomicBool::new(false),
            asked: Mutex::default(),
            building: tokio::sync::Mutex::default(),
        })
    }

    /// Everything that was asked for until now, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Does what it is asked, as long as there is somebody to ask.
    pub(crate) async fn serve(self: Arc<Self>, mut requests: mpsc::Receiver<SequencerRequest>) {
        while let Some(request) = requests.recv().await {
            match request {
                SequencerRequest::Seal { reply } => {
                    self.note(Asked::Seal);
                    let number = self.block().await;
                    // A batcher that was stopped does not wait for it.
                    reply.send(Ok(number)).ok();
                }
                SequencerRequest::Rebuild {
                    to,
                    forced,
                    reason,
                    reply,
                } => {
                    let headers = forced.clone();
                    self.note(Asked::Rebuild { to, forced, reason });
                    reply.send(self.rebuild(to, &headers).await).ok();
                }
            }
        }
    }

    fn note(&self, asked: Asked) {
        self.asked.lock().unwrap().push(asked);
    }

    /// Seals a block on the newest L1 block with what is in the queue, and waits until it is durable.
    pub(crate) async fn block(&self) -> u64 {
        let _building = self.building.lock().await;
        self.next_block().await
    }

    async fn next_block(&self) -> u64 {
        let before = self.cursor();
        let origin = self.view.status().usable.expect("L1 is there");
        let is_held = self.holds_queue.load(Ordering::Relaxed);
        let most = if is_held { 0 } else { ENTRIES };
        let mut entries = self.view.entries(before.consumed, most).unwrap();
        entries.retain(|entry| entry.l1_block <= origin.number);
        self.build(before, origin, &entries, now()).await
    }

    async fn rebuild(&self, to: u64, forced: &[BatchHeader]) -> Result<Vec<u64>, SequencerRefusal> {
        let _building = self.building.lock().await;
        let is_known = |header: &BatchHeader| {
            self.view.origin(header.anchor_number).unwrap().is_some()
                && self.view.queue_acc(header.consumed).unwrap() == Some(header.queue_acc)
        };
        if !forced.iter().all(is_known) {
            return Err(SequencerRefusal::NotYet);
        }
        let removed = self.chain.tip().number - to;
        self.chain.unwind(to).unwrap();
        let mut ends = Vec::new();
        for header in forced {
            let before = self.cursor();
            let number = header.anchor_number.max(before.origin.number);
            let origin = self.view.origin(number).unwrap().unwrap();
            let count = usize::try_from(header.consumed - before.consumed).unwrap();
            let entries = self.view.entries(before.consumed, count).unwrap();
            ends.push(self.build(before, origin, &entries, header.last_time).await);
        }
        for _ in 0..removed {
            self.next_block().await;
        }
        Ok(ends)
    }

    /// Where the newest block stands on L1.
    fn cursor(&self) -> L1BlockInfo {
        let reader = self.chain.store().reader().unwrap();
        let info = reader.l1_info_at(self.chain.tip().number).unwrap();
        info.unwrap_or_default()
    }

    async fn build(
        &self,
        before: L1BlockInfo,
        origin: L1Origin,
        entries: &[QueueEntry],
        not_before: u64,
    ) -> u64 {
        let parent = self.chain.tip();
        let queue_acc = entries.last().map(|entry| entry.slot.trim());
        let attributes = PayloadAttributes {
            timestamp: not_before.max(parent.timestamp).max(origin.timestamp),
            prev_randao: origin.prev_randao,
            fee_recipient: self.chain.spec().fee().fee_vault,
            gas_limit: 30_000_000,
            parent_beacon_block_root: Some(origin.parent_beacon_block_root),
            withdrawals: None,
            l1_info: Some(L1BlockInfo {
                origin,
                consumed: before.consumed + entries.len() as u64,
                queue_acc: queue_acc.unwrap_or(before.queue_acc),
            }),
            extra_data: Bytes::new(),
        };
        let state = self.chain.tip_view().unwrap();
        let spec = self.chain.spec().clone();
        let mut executor = BlockExecutor::begin(spec, &parent, attributes, state).unwrap();
        for entry in entries {
            let source = entry.message.source_hash(L1_CHAIN, addresses().portal);
            let deposit = TxDeposit::from_message(&entry.message, source);
            let deposit = Arc::new(RecoveredTx::deposit(deposit));
            executor.execute(&deposit).unwrap();
        }
        let block = self.chain.seal(executor.finish().unwrap()).unwrap();
        self.chain.wait_uncommitted(0).await;
        block.number
    }
}
