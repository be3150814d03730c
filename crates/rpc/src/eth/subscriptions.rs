//! `eth_subscribe`: `newHeads`, `logs`, `newPendingTransactions`, `syncing`.
//!
//! Each subscription is a task of its own that pulls from bounded broadcasts and pushes into the
//! bounded queue of its connection. A reader that takes nothing for a while loses its subscription
//! after a notice; nobody else waits for it.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use aura_primitives::{HeadLabel, RecoveredTx};
use jsonrpsee::{
    Extensions, PendingSubscriptionSink, RpcModule, SubscriptionCloseResponse,
    core::RegisterMethodError, types::Params,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    blocks::{head_json, number_of},
    logs::{Limits, logs_in, search},
    outlet::{self, End, Outlet, refuse},
    stream::{BlockFeed, Read, Step},
};
use crate::{
    api::Api,
    errors::Fault,
    params::{self, Args},
    types::{BlockRange, LogFilter, RpcLog, RpcTransaction, SharedJson, log_filter},
};

/// Heads that are read in one go while catching up.
const CATCH_UP_HEADS: u64 = 256;

/// What a client wants to hear of.
enum Kind {
    NewHeads { from: Option<BlockNumberOrTag> },
    Logs(Arc<LogFilter>),
    PendingTransactions { full: bool },
    Syncing,
}

impl Kind {
    fn parse(params: &Params<'_>, api: &Api) -> Result<Self, Fault> {
        let mut args = Args::parse(params.as_str(), 2)?;
        let kind = args.required("subscription", params::text)?;
        Ok(match &*kind {
            "newHeads" => Self::NewHeads {
                from: args.optional("options", from_block)?.flatten(),
            },
            "newPendingTransactions" => Self::PendingTransactions {
                full: args
                    .optional("full transactions", params::boolean)?
                    .unwrap_or_default(),
            },
            "logs" => {
                let max = api.config.max_filter_values;
                let filter = args.optional("filter", |raw| log_filter(raw, max))?;
                Self::Logs(Arc::new(filter.unwrap_or_else(LogFilter::everything)))
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadOptions<'a> {
    #[serde(borrow, default)]
    from_block: Option<&'a RawValue>,
}

/// Options of `newHeads`.
fn from_block(raw: &RawValue) -> Result<Option<BlockNumberOrTag>, String> {
    if !raw.get().starts_with('{') {
        return Err("want an object".into());
    }
    let options: HeadOptions<'_> = params::json(raw)?;
    let from = options.from_block.map(params::block_tag).transpose();
    from.map_err(|problem| format!("fromBlock: {problem}"))
}

/// Registers `eth_subscribe` and `eth_unsubscribe`.
pub(crate) fn register(module: &mut RpcModule<Api>) -> Result<(), RegisterMethodError> {
    module
        .register_subscription(
            "eth_subscribe",
            "eth_subscription",
            "eth_unsubscribe",
            subscribe,
        )
        .map(|_| ())
}

async fn subscribe(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    api: Arc<Api>,
    extensions: Extensions,
) -> SubscriptionCloseResponse {
    outlet::run(serve(params, pending, &api), &api, &extensions).await
}

async fn serve(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    api: &Arc<Api>,
) -> Result<(), End> {
    let kind = match Kind::parse(&params, api) {
        Ok(kind) => kind,
        Err(fault) => return Err(refuse(pending, fault, api).await),
    };
    // Sources are opened before the client is told its id: what comes after that is not missed.
    match kind {
        Kind::NewHeads { from } => {
            let feed = match feed(api, from) {
                Ok(feed) => feed,
                Err(fault) => return Err(refuse(pending, fault, api).await),
            };
            let first = from.and_then(|tag| tag.as_number()).unwrap_or_default();
            let first = if feed.is_at_head() { first } else { 0 };
            new_heads(api, feed, first, &Outlet::open(pending, api).await?).await
        }
        Kind::Logs(filter) => {
            let feed = match logs_feed(api, &filter.blocks) {
                Ok(feed) => feed,
                Err(fault) => return Err(refuse(pending, fault, api).await),
            };
            logs(api, feed, filter, &Outlet::open(pending, api).await?).await
        }
        Kind::PendingTransactions { full } => {
            let arrivals = api.pool.subscribe();
            pending_transactions(arrivals, full, &Outlet::open(pending, api).await?).await
        }
        Kind::Syncing => {
            // The node never syncs, so there is never a change to tell.
            Outlet::open(pending, api).await?.sink.closed().await;
            Ok(())
        }
    }
}

fn logs_feed(api: &Api, blocks: &BlockRange) -> Result<BlockFeed, Fault> {
    match *blocks {
        BlockRange::Hash(_) => Err(Fault::params(
            "a subscription is about blocks to come: blockHash is not possible",
        )),
        BlockRange::Numbers { from, .. } => feed(api, from),
    }
}

/// Blocks from `from` on: past ones first, if there are not too many of them.
fn feed(api: &Api, from: Option<BlockNumberOrTag>) -> Result<BlockFeed, Fault> {
    let from = match from {
        None | Some(BlockNumberOrTag::Latest | BlockNumberOrTag::Pending) => None,
        Some(BlockNumberOrTag::Number(number)) => Some(number),
        Some(tag) => number_of(&api.reader()?, BlockId::Number(tag))?,
    };
    if let Some(from) = from {
        let head = api.reader()?.head(HeadLabel::Unsafe)?.number;
        let limit = api.config.max_backfill_blocks;
        if head.saturating_sub(from) >= limit {
            return Err(Fault::Limit(format!(
                "fromBlock is {} blocks behind the head, limit {limit}",
                head - from
            )));
        }
    }
    BlockFeed::new(api, from)
}

/// `first` is a block to come before which nothing is told.
async fn new_heads(
    api: &Arc<Api>,
    mut feed: BlockFeed,
    first: u64,
    outlet: &Outlet,
) -> Result<(), End> {
    let read: Arc<Read<SharedJson>> = Arc::new(move |api, reader, range| {
        let last = (*range.end()).min(range.start() + CATCH_UP_HEADS - 1);
        let heads = (first.max(*range.start())..=last).map(|number| {
            let header = reader
                .header(number)?
                .ok_or(Fault::Inconsistent("header of a block is missing"))?;
            Ok(head_json(api, &header))
        });
        Ok((heads.collect::<Result<_, Fault>>()?, last))
    });
    loop {
        match outlet
            .unless_closed(feed.next())
            .await?
            .ok_or(End::Closed)?
        {
            Step::Block(block) if block.block.number() < first => {}
            Step::Block(block) => {
                let json = head_json(api, &block.block.header);
                outlet.send(json.to_raw()).await?;
            }
            Step::Behind => {
                // As geth: removed heads are not taken back, the other branch tells the story.
                let found = feed.catch_up(api, &read);
                for json in outlet.unless_closed(found).await??.items {
                    outlet.send(json.to_raw()).await?;
                }
            }
        }
    }
}

async fn logs(
    api: &Arc<Api>,
    mut feed: BlockFeed,
    filter: Arc<LogFilter>,
    outlet: &Outlet,
) -> Result<(), End> {
    let read: Arc<Read<RpcLog>> = {
        let filter = filter.clone();
        Arc::new(move |api, reader, range| {
            let (from, to) = range.into_inner();
            let found = search(reader, &filter, from, to, &Limits::of(api))?;
            Ok((found.logs, found.reached))
        })
    };
    let covered = |log: &RpcLog| {
        let at = &log.position;
        filter.blocks.covers(at.block_number, at.block_hash)
    };
    loop {
        match outlet
            .unless_closed(feed.next())
            .await?
            .ok_or(End::Closed)?
        {
            Step::Block(block) => {
                let mut logs = logs_in(|log| filter.matches(log), &block, false);
                logs.retain(covered);
                outlet.send_all(&logs).await?;
            }
            Step::Behind => {
                let found = outlet.unless_closed(feed.catch_up(api, &read)).await??;
                let removed = found.removed.iter().flat_map(|block| &block.logs);
                for log in removed.filter(|l| filter.matches(&l.log) && covered(l)) {
                    outlet.send(SharedJson::new(log).to_raw()).await?;
                }
                let mut logs = found.items;
                logs.retain(covered);
                outlet.send_all(&logs).await?;
            }
        }
    }
}

async fn pending_transactions(
    mut arrivals: Receiver<Arc<RecoveredTx>>,
    full: bool,
    outlet: &Outlet,
) -> Result<(), End> {
    loop {
        let tx = match outlet.unless_closed(arrivals.recv()).await? {
            Ok(tx) => tx,
            Err(RecvError::Lagged(missed)) => return Err(End::Missed(missed)),
            Err(RecvError::Closed) => return Err(End::Closed),
        };
        let json = if full {
            SharedJson::new(&RpcTransaction::pooled(tx))
        } else {
            SharedJson::new(&tx.hash())
        };
        outlet.send(json.to_raw()).await?;
    }
}
