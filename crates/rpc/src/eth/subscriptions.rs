//! `eth_subscribe`: `newHeads`, `logs`, `newPendingTransactions`, `syncing`.
//!
//! Each subscription is a task of its own that pulls from bounded broadcasts and pushes into the
//! bounded queue of its connection. A reader that takes nothing for a while loses its subscription
//! after a notice; nobody else waits for it.

use std::{sync::Arc, time::Duration};

use aura_primitives::{CommittedBlock, RecoveredTx};
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SendTimeoutError, SubscriptionCloseResponse,
    SubscriptionSink, core::RegisterMethodError, types::Params,
};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    blocks::head_json,
    logs::block_logs,
    stream::{BlockFeed, Step},
};
use crate::{
    api::Api,
    errors::Fault,
    params::{self, Args},
    types::{BlockRange, LogFilter, LogPosition, RpcLog, RpcTransaction, SharedJson, log_filter},
};

/// Blocks that a slow subscription catches up with under one snapshot.
const CATCH_UP_BLOCKS: u64 = 64;

/// What a client wants to hear of.
enum Kind {
    NewHeads,
    Logs(Box<LogFilter>),
    PendingTransactions { full: bool },
    Syncing,
}

impl Kind {
    fn parse(params: &Params<'_>, api: &Api) -> Result<Self, Fault> {
        let mut args = Args::parse(params.as_str(), 2)?;
        let kind = args.required("subscription", params::text)?;
        Ok(match &*kind {
            "newHeads" => Self::NewHeads,
            "newPendingTransactions" => Self::PendingTransactions {
                full: args
                    .optional("full transactions", params::boolean)?
                    .unwrap_or_default(),
            },
            "logs" => {
                let max = api.config.max_filter_values;
                let filter = args.optional("filter", |raw| log_filter(raw, max))?;
                Self::Logs(Box::new(filter.unwrap_or_else(everything)))
            }
            "syncing" => Self::Syncing,
            other => {
                let other: String = other.chars().take(48).collect();
                return Err(Fault::params(format!(
                    "no {other:?} subscription in eth namespace"
                )));
            }
        })
    }
}

fn everything() -> LogFilter {
    LogFilter {
        blocks: BlockRange::Numbers {
            from: None,
            to: None,
        },
        addresses: Vec::new(),
        topics: Default::default(),
        positions: 0,
    }
}

/// Why a subscription ends.
#[derive(Debug, thiserror::Error)]
enum End {
    /// The client has gone or unsubscribed, or the node stops.
    #[error("closed")]
    Closed,
    #[error("subscription ended: the connection took nothing for {0:?}")]
    Stalled(Duration),
    #[error("subscription ended: the reader is too slow, {0} transactions were missed")]
    Lagged(u64),
    #[error("subscription ended: blocks were removed that the reader was too slow to be told of")]
    Lost,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl End {
    /// What the subscriber is told.
    fn text(self, api: &Api) -> String {
        match self {
            Self::Fault(fault) => format!("subscription ended: {}", api.error(fault).message()),
            end => end.to_string(),
        }
    }
}

/// The way to one subscriber.
struct Outlet {
    sink: SubscriptionSink,
    stall: Duration,
}

impl Outlet {
    async fn send(&self, json: Box<RawValue>) -> Result<(), End> {
        match self.sink.send_timeout(json, self.stall).await {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Timeout(_)) => Err(End::Stalled(self.stall)),
            Err(SendTimeoutError::Closed(_)) => Err(End::Closed),
        }
    }

    async fn send_all<T: Serialize>(&self, items: &[T]) -> Result<(), End> {
        for item in items {
            self.send(SharedJson::new(item).to_raw()).await?;
        }
        Ok(())
    }
}

/// Registers `eth_subscribe` and `eth_unsubscribe`.
pub(crate) fn register(module: &mut RpcModule<Api>) -> Result<(), RegisterMethodError> {
    module
        .register_subscription(
            "eth_subscribe",
            "eth_subscription",
            "eth_unsubscribe",
            |params, pending, api, _| subscribe(params, pending, api),
        )
        .map(|_| ())
}

async fn subscribe(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    api: Arc<Api>,
) -> SubscriptionCloseResponse {
    let kind = match Kind::parse(&params, &api) {
        Ok(kind) => kind,
        Err(fault) => {
            pending.reject(api.error(fault)).await;
            return SubscriptionCloseResponse::None;
        }
    };
    let gauge = metrics::gauge!("aura_rpc_subscriptions");
    gauge.increment(1);
    let end = run(kind, pending, &api).await;
    gauge.decrement(1);
    match end {
        Ok(()) | Err(End::Closed) => SubscriptionCloseResponse::None,
        Err(end) => {
            let end = end.text(&api);
            metrics::counter!("aura_rpc_subscriptions_ended_total").increment(1);
            tracing::debug!(reason = end, "subscription ended by the node");
            SubscriptionCloseResponse::NotifErr(end.into())
        }
    }
}

async fn run(kind: Kind, pending: PendingSubscriptionSink, api: &Api) -> Result<(), End> {
    // Sources are opened before the client is told its id: what comes after that is not missed.
    let stall = Duration::from_millis(api.config.subscription_stall_ms);
    let accept = |pending: PendingSubscriptionSink| async move {
        let sink = pending.accept().await.map_err(|_| End::Closed)?;
        Ok::<_, End>(Outlet { sink, stall })
    };
    match kind {
        Kind::NewHeads => {
            let feed = match BlockFeed::new(api) {
                Ok(feed) => feed,
                Err(fault) => return reject(pending, fault, api).await,
            };
            new_heads(api, feed, &accept(pending).await?).await
        }
        Kind::Logs(filter) => {
            let feed = match BlockFeed::new(api) {
                Ok(feed) => feed,
                Err(fault) => return reject(pending, fault, api).await,
            };
            logs(api, feed, &filter, &accept(pending).await?).await
        }
        Kind::PendingTransactions { full } => {
            let arrivals = api.pool.subscribe();
            pending_transactions(arrivals, full, &accept(pending).await?).await
        }
        Kind::Syncing => {
            // The node never syncs, so there is never a change to tell.
            accept(pending).await?.sink.closed().await;
            Ok(())
        }
    }
}

async fn reject(pending: PendingSubscriptionSink, fault: Fault, api: &Api) -> Result<(), End> {
    pending.reject(api.error(fault)).await;
    Ok(())
}

/// The next step, unless the subscriber leaves first.
async fn next(api: &Api, feed: &mut BlockFeed, outlet: &Outlet) -> Result<Step, End> {
    tokio::select! {
        step = feed.next(api) => step?.ok_or(End::Closed),
        () = outlet.sink.closed() => Err(End::Closed),
    }
}

async fn new_heads(api: &Api, mut feed: BlockFeed, outlet: &Outlet) -> Result<(), End> {
    loop {
        match next(api, &mut feed, outlet).await? {
            Step::Block(block) => {
                let json = head_json(api, &block.block.header);
                outlet.send(json.to_raw()).await?;
            }
            Step::Missed(numbers) => {
                for (from, to) in chunks(*numbers.start(), *numbers.end()) {
                    for json in missed_heads(api, from, to)? {
                        outlet.send(json.to_raw()).await?;
                    }
                }
            }
            // As geth: the new blocks of the other branch tell the story.
            Step::Unwound(_) => {}
            Step::Lost => return Err(End::Lost),
        }
    }
}

/// Splits an inclusive range.
fn chunks(from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> {
    (from..=to)
        .step_by(CATCH_UP_BLOCKS as usize)
        .map(move |first| (first, to.min(first + CATCH_UP_BLOCKS - 1)))
}

fn missed_heads(api: &Api, from: u64, to: u64) -> Result<Vec<SharedJson>, Fault> {
    let reader = api.reader()?;
    (from..=to)
        .map(|number| {
            let header = reader
                .header(number)?
                .ok_or(Fault::Inconsistent("header of a block is missing"))?;
            Ok(head_json(api, &header))
        })
        .collect()
}

async fn logs(
    api: &Api,
    mut feed: BlockFeed,
    filter: &LogFilter,
    outlet: &Outlet,
) -> Result<(), End> {
    loop {
        match next(api, &mut feed, outlet).await? {
            Step::Block(block) => outlet.send_all(&logs_in(filter, &block, false)).await?,
            Step::Missed(numbers) => {
                for number in numbers {
                    outlet.send_all(&missed_logs(api, filter, number)?).await?;
                }
            }
            Step::Unwound(blocks) => {
                for block in blocks {
                    outlet.send_all(&logs_in(filter, &block, true)).await?;
                }
            }
            Step::Lost => return Err(End::Lost),
        }
    }
}

fn missed_logs(api: &Api, filter: &LogFilter, number: u64) -> Result<Vec<RpcLog>, Fault> {
    let mut logs = Vec::new();
    block_logs(&api.reader()?, filter, number, &mut logs)?;
    Ok(logs)
}

fn logs_in(filter: &LogFilter, committed: &CommittedBlock, removed: bool) -> Vec<RpcLog> {
    let block = &committed.block;
    let mut log_index = 0;
    let mut found = Vec::new();
    let executed = block.transactions.iter().zip(&committed.receipts);
    for (transaction_index, (tx, receipt)) in (0u64..).zip(executed) {
        for log in &receipt.logs {
            if filter.matches(log) {
                found.push(RpcLog {
                    log: log.clone(),
                    position: LogPosition {
                        block_hash: block.hash(),
                        block_number: block.number(),
                        timestamp: block.header.timestamp,
                        transaction_hash: tx.hash(),
                        transaction_index,
                        log_index,
                    },
                    removed,
                });
            }
            log_index += 1;
        }
    }
    found
}

async fn pending_transactions(
    mut arrivals: Receiver<Arc<RecoveredTx>>,
    full: bool,
    outlet: &Outlet,
) -> Result<(), End> {
    loop {
        let tx = tokio::select! {
            tx = arrivals.recv() => match tx {
                Ok(tx) => tx,
                Err(RecvError::Lagged(missed)) => return Err(End::Lagged(missed)),
                Err(RecvError::Closed) => return Err(End::Closed),
            },
            () = outlet.sink.closed() => return Err(End::Closed),
        };
        let json = if full {
            SharedJson::new(&RpcTransaction { tx, position: None })
        } else {
            SharedJson::new(&tx.hash())
        };
        outlet.send(json.to_raw()).await?;
    }
}
