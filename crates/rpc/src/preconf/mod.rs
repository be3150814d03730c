//! `aura_subscribe("transactions")`: every transaction as it is executed, before its block is
//! sealed.
//!
//! One recorder reads the open block and numbers what it finds; subscribers read its record, each
//! at its own pace. A number that is missing does not occur: whoever is too slow is told so and
//! hung up on, and can come back with the number that it wants next.

mod subscription;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use aura_evm::OpenBlock;
use aura_primitives::{Receipt, RecoveredTx};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{
    Notify,
    broadcast::{self, error::RecvError},
    watch,
};

use crate::{
    api::Api,
    bridge::DepositIds,
    errors::Fault,
    eth::{blocks::blob_gas_price, pending::unix_time, ring::Ring},
    types::{Position, Quantity, ReceiptParts, RpcReceipt, SharedJson},
};

pub(crate) use subscription::register;

/// How long recording goes on after the last subscriber has left: it may come back.
const LINGER: Duration = Duration::from_secs(60);
/// How often that is looked at.
const LINGER_CHECK: Duration = Duration::from_secs(5);
/// Memory of a kept message besides its text.
const OVERHEAD_BYTES: usize = 96;
/// Messages that a subscriber takes at once.
const BATCH: usize = 256;

/// A block that is being recorded.
struct Current {
    open: Arc<OpenBlock>,
    /// Transactions of it that are recorded, or passed over.
    told: usize,
}

/// Where open blocks come from.
struct Source {
    opened: broadcast::Receiver<Arc<OpenBlock>>,
    grown: watch::Receiver<()>,
    current: Option<Current>,
    /// The highest block that has a recorded transaction.
    highest: Option<u64>,
}

struct State {
    ring: Ring<SharedJson>,
    subscribers: usize,
    /// When the last one left.
    idle_since: Instant,
    recording: bool,
    /// What the recorder is to take over.
    source: Option<Source>,
}

/// The record of executed transactions; kept while somebody wants it.
pub(crate) struct Preconfirmations {
    state: Mutex<State>,
    /// There is a source to take over.
    wanted: Notify,
    /// The record has changed.
    recorded: watch::Sender<()>,
}

impl std::fmt::Debug for Preconfirmations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Preconfirmations").finish_non_exhaustive()
    }
}

/// A transaction that was executed, or notice that some were for nothing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    sequence: Quantity<u64>,
    #[serde(flatten)]
    event: Event,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Event {
    #[serde(rename_all = "camelCase")]
    Executed {
        block_number: Quantity<u64>,
        transaction_index: Quantity<u64>,
        hash: B256,
        receipt: Box<RpcReceipt>,
    },
    Discarded {
        discarded: Discarded,
    },
}

/// Everything told of this block and those after it is void.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Discarded {
    block_number: Quantity<u64>,
}

/// A number above all of the past, also of this node before a restart: whoever comes back with an
/// old one is told that it is forgotten.
fn fresh_number() -> u64 {
    const NUMBERS_PER_MILLISECOND: u64 = 1 << 20;
    let now = u64::try_from(unix_time().as_millis()).unwrap_or_default();
    now.saturating_mul(NUMBERS_PER_MILLISECOND)
}

impl Source {
    fn follow(api: &Api) -> Self {
        let (opened, grown) = api.chain.follow_open_blocks();
        // What was executed before somebody wanted to know is not told.
        let current = api.chain.open_block().map(|open| {
            let told = open.body.read().transactions.len();
            Current { open, told }
        });
        Self {
            opened,
            grown,
            current,
            highest: None,
        }
    }
}

impl Preconfirmations {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            state: Mutex::new(State {
                ring: Ring::new(0, max_bytes),
                subscribers: 0,
                idle_since: Instant::now(),
                recording: false,
                source: None,
            }),
            wanted: Notify::new(),
            recorded: watch::Sender::new(()),
        }
    }

    /// Counts a subscriber in; returns the number that it starts at.
    fn enter(&self, api: &Api, from: Option<u64>) -> Result<u64, Fault> {
        let mut state = self.state.lock();
        if !state.recording {
            state.ring.restart(fresh_number());
            state.source = Some(Source::follow(api));
            state.recording = true;
            state.idle_since = Instant::now();
            self.wanted.notify_one();
        }
        let (oldest, next) = (state.ring.first(), state.ring.next());
        let from = from.unwrap_or(next);
        if !(oldest..=next).contains(&from) {
            return Err(Fault::SequenceUnknown { from, oldest, next });
        }
        state.subscribers += 1;
        Ok(from)
    }

    fn leave(&self) {
        let mut state = self.state.lock();
        state.subscribers -= 1;
        state.idle_since = Instant::now();
    }

    /// Ends recording if nobody has wanted it for a while.
    fn rest(&self) -> bool {
        let mut state = self.state.lock();
        let idle = state.subscribers == 0 && state.idle_since.elapsed() >= LINGER;
        if idle {
            state.recording = false;
            let next = state.ring.next();
            state.ring.restart(next);
        }
        idle
    }

    /// Messages from number `from` on.
    fn since(&self, from: u64) -> Option<Vec<SharedJson>> {
        self.state.lock().ring.since(from, BATCH)
    }

    fn push(&self, event: Event) {
        let mut state = self.state.lock();
        let sequence = Quantity(state.ring.next());
        let json = SharedJson::new(&Message { sequence, event });
        let bytes = json.len() + OVERHEAD_BYTES;
        state.ring.push(json, bytes);
    }

    /// Records while somebody wants it, until the chain is gone.
    pub(crate) async fn record(&self, api: &Api) {
        loop {
            let source = self.state.lock().source.take();
            match source {
                Some(source) => self.follow(api, source).await,
                None => self.wanted.notified().await,
            }
        }
    }

    async fn follow(&self, api: &Api, mut source: Source) {
        loop {
            tokio::select! {
                opened = source.opened.recv() => match opened {
                    Ok(open) => self.next_block(api, &mut source, open),
                    Err(RecvError::Lagged(_)) => {
                        // Whole blocks were missed: a gap in the numbers says so.
                        self.state.lock().ring.restart(fresh_number());
                        source = Source::follow(api);
                    }
                    Err(RecvError::Closed) => return,
                },
                Ok(()) = source.grown.changed() => self.record_growth(api, &mut source),
                () = tokio::time::sleep(LINGER_CHECK) => if self.rest() {
                    return;
                },
            }
            self.recorded.send_replace(());
        }
    }

    fn next_block(&self, api: &Api, source: &mut Source, open: Arc<OpenBlock>) {
        // A block is opened after the last look at the one before.
        self.record_growth(api, source);
        let number = open.header.number;
        if source.highest.is_some_and(|highest| number <= highest) {
            source.highest = None;
            let block_number = Quantity(number);
            let discarded = Discarded { block_number };
            self.push(Event::Discarded { discarded });
        }
        source.current = Some(Current { open, told: 0 });
        self.record_growth(api, source);
    }

    /// Records the transactions that the open block has got.
    fn record_growth(&self, api: &Api, source: &mut Source) {
        let Some(current) = &mut source.current else {
            return;
        };
        let (fresh, before) = {
            let body = current.open.body.read();
            let fresh = body.transactions.iter().zip(&body.receipts);
            let fresh: Vec<_> = fresh
                .skip(current.told)
                .map(|(tx, receipt)| (tx.clone(), receipt.clone()))
                .collect();
            let before = &body.receipts[..current.told.min(body.receipts.len())];
            (fresh, Before::new(before))
        };
        if fresh.is_empty() {
            return;
        }
        let number = current.open.header.number;
        source.highest = Some(number);
        let first = current.told as u64;
        current.told += fresh.len();
        for event in executed(api, &current.open, first, before, fresh) {
            self.push(event);
        }
    }
}

/// What the transactions before one add up to.
struct Before {
    gas: u64,
    logs: u64,
}

impl Before {
    fn new(receipts: &[Receipt]) -> Self {
        Self {
            gas: receipts.last().map_or(0, |r| r.cumulative_gas_used),
            logs: receipts.iter().map(|r| r.logs.len() as u64).sum(),
        }
    }
}

fn executed<'a>(
    api: &'a Api,
    open: &'a OpenBlock,
    first: u64,
    mut before: Before,
    fresh: Vec<(Arc<RecoveredTx>, Receipt)>,
) -> impl Iterator<Item = Event> + 'a {
    let header = &open.header;
    let blob_gas_price = blob_gas_price(api, header);
    let deposits = DepositIds::of_open(open);
    (first..).zip(fresh).map(move |(index, (tx, receipt))| {
        let parts = ReceiptParts {
            gas_used: receipt.cumulative_gas_used.saturating_sub(before.gas),
            first_log_index: before.logs,
            position: Position {
                // Not known before the block is sealed.
                block_hash: B256::ZERO,
                block_number: header.number,
                timestamp: header.timestamp,
                base_fee: header.base_fee_per_gas,
                index,
            },
            blob_gas_price,
            deposit_id: deposits.of(index),
            tx,
            receipt,
        };
        before.gas = parts.receipt.cumulative_gas_used;
        before.logs += parts.receipt.logs.len() as u64;
        Event::Executed {
            block_number: Quantity(header.number),
            transaction_index: Quantity(index),
            hash: parts.tx.hash(),
            receipt: Box::new(RpcReceipt(parts)),
        }
    })
}
