//! Filters: `eth_newFilter` and what goes with it.
//!
//! A filter holds where its client is, never results: what is new is read from the database when
//! it is asked for, and where that is too much at once, the rest is left for the next time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{
    B128, B256,
    map::{HashMap, hash_map::Entry},
};
use aura_primitives::HeadLabel;
use jsonrpsee::core::RegisterMethodError;
use parking_lot::Mutex;
use serde_json::value::RawValue;

use super::{
    logs::{Limits, all_logs, search},
    removed::{Cursor, Patience},
};
use crate::{
    api::Api,
    errors::Fault,
    methods::{Raw, Table},
    params::{self, Args},
    types::{BlockRange, LogFilter, Quantity, RpcTransaction, log_filter},
};

/// Memory of a filter besides what its client named.
const OVERHEAD_BYTES: usize = 256;
/// Hashes that one answer holds at most.
const MAX_HASHES: usize = 10_000;

/// What a filter is about.
#[derive(Debug)]
enum Kind {
    Logs(LogFilter),
    Blocks,
    Transactions { full: bool },
}

/// Up to where the client has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Chain(Cursor),
    /// Number of the next arrival.
    Arrivals(u64),
}

#[derive(Debug)]
struct Filter {
    kind: Arc<Kind>,
    position: Position,
    polled: Instant,
    bytes: usize,
}

impl Filter {
    fn is_expired(&self, lifetime: Duration) -> bool {
        self.polled.elapsed() >= lifetime
    }
}

#[derive(Debug, Default)]
struct State {
    filters: HashMap<u128, Filter>,
    bytes: usize,
}

impl State {
    /// Whether another filter is within the limits.
    fn room_for(&self, bytes: usize, api: &Api) -> Result<(), Fault> {
        let limit = api.config.max_filters;
        if self.filters.len() >= limit {
            return Err(Fault::Limit(format!("too many filters: limit {limit}")));
        }
        let limit = api.config.max_filter_bytes;
        if self.bytes + bytes > limit {
            return Err(Fault::Limit(format!(
                "filters take too much memory: limit {limit} bytes"
            )));
        }
        Ok(())
    }
}

/// All filters of this node.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    state: Mutex<State>,
}

const NOT_FOUND: Fault = Fault::FilterNotFound { why: "" };

/// Registers the methods.
pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_newFilter", 1, new_filter)?;
    table.read("eth_newBlockFilter", 0, new_block_filter)?;
    table.read("eth_newPendingTransactionFilter", 1, new_transaction_filter)?;
    table.wait("eth_getFilterChanges", 1, changes)?;
    table.wait("eth_getFilterLogs", 1, filter_logs)?;
    table.read("eth_uninstallFilter", 1, uninstall)
}

impl Filters {
    fn add(&self, api: &Api, kind: Kind) -> Result<Quantity<u128>, Fault> {
        let bytes = OVERHEAD_BYTES
            + match &kind {
                Kind::Logs(filter) => filter.bytes(),
                Kind::Blocks | Kind::Transactions { .. } => 0,
            };
        if self.state.lock().room_for(bytes, api).is_err() {
            self.expire(api);
        }
        // Looked at again under the lock that adds it: the limits hold for requests at one moment.
        let mut state = self.state.lock();
        state.room_for(bytes, api)?;
        let position = match kind {
            Kind::Transactions { .. } => Position::Arrivals(api.arrivals.want(&api.pool)),
            Kind::Logs(_) | Kind::Blocks => {
                let reader = api.reader()?;
                let head = reader.head(HeadLabel::Unsafe)?;
                Position::Chain(Cursor::before(&reader, head.number + 1)?)
            }
        };
        let filter = Filter {
            kind: Arc::new(kind),
            position,
            polled: Instant::now(),
            bytes,
        };
        // Whoever knows an id may poll and remove the filter, so it cannot be guessed.
        let id = loop {
            let id = u128::from_be_bytes(B128::random().0);
            if let Entry::Vacant(free) = state.filters.entry(id) {
                free.insert(filter);
                break id;
            }
        };
        state.bytes += bytes;
        metrics::gauge!("aura_rpc_filters").set(state.filters.len() as f64);
        Ok(Quantity(id))
    }

    /// Drops filters that nobody has polled for a while. Cost: a look at every filter.
    pub(super) fn expire(&self, api: &Api) {
        let lifetime = Duration::from_millis(api.config.filter_lifetime_ms);
        let expired = |filter: &Filter| filter.is_expired(lifetime);
        let ids: Vec<u128> = {
            let state = self.state.lock();
            let expired = state.filters.iter().filter(|(_, filter)| expired(filter));
            expired.map(|(id, _)| *id).collect()
        };
        for id in ids {
            self.remove(api, id);
        }
    }

    fn remove(&self, api: &Api, id: u128) -> bool {
        let mut state = self.state.lock();
        let Some(filter) = state.filters.remove(&id) else {
            return false;
        };
        state.bytes -= filter.bytes;
        metrics::gauge!("aura_rpc_filters").set(state.filters.len() as f64);
        drop(state);
        if matches!(filter.position, Position::Arrivals(_)) {
            api.arrivals.unwant();
        }
        true
    }

    /// What is asked for, and where its client is; counts as a poll.
    fn touch(&self, api: &Api, id: u128) -> Result<(Arc<Kind>, Position), Fault> {
        let lifetime = Duration::from_millis(api.config.filter_lifetime_ms);
        let mut state = self.state.lock();
        let filter = state.filters.get_mut(&id).ok_or(NOT_FOUND)?;
        if filter.is_expired(lifetime) {
            // The next look at all of them drops it.
            return Err(NOT_FOUND);
        }
        filter.polled = Instant::now();
        Ok((filter.kind.clone(), filter.position))
    }

    /// Moves the client on; `false` if another poll was faster.
    fn advance(&self, id: u128, from: Position, to: Position) -> Result<bool, Fault> {
        let mut state = self.state.lock();
        let filter = state.filters.get_mut(&id).ok_or(NOT_FOUND)?;
        let unmoved = filter.position == from;
        if unmoved {
            filter.position = to;
        }
        Ok(unmoved)
    }
}

/// A filter's id; leading zeros do not matter, for some libraries keep it as a number.
fn id(mut args: Args<'_>) -> Result<u128, Fault> {
    args.required("filter id", params::u128)
}

/// `eth_newFilter(filter)`.
fn new_filter(api: &Api, mut args: Args<'_>) -> Result<Quantity<u128>, Fault> {
    let max = api.config.max_filter_values;
    let filter = args.required("filter", |raw| log_filter(raw, max))?;
    if let BlockRange::Numbers {
        from: Some(BlockNumberOrTag::Number(from)),
        to: Some(BlockNumberOrTag::Number(to)),
    } = filter.blocks
        && from > to
    {
        return Err(Fault::params("invalid block range params"));
    }
    api.filters.add(api, Kind::Logs(filter))
}

/// `eth_newBlockFilter()`.
fn new_block_filter(api: &Api, _: Args<'_>) -> Result<Quantity<u128>, Fault> {
    api.filters.add(api, Kind::Blocks)
}

/// `eth_newPendingTransactionFilter(full)`.
fn new_transaction_filter(api: &Api, mut args: Args<'_>) -> Result<Quantity<u128>, Fault> {
    let full = args.optional("full transactions", params::boolean)?;
    let full = full.unwrap_or_default();
    api.filters.add(api, Kind::Transactions { full })
}

/// `eth_uninstallFilter(id)`.
fn uninstall(api: &Api, args: Args<'_>) -> Result<bool, Fault> {
    Ok(api.filters.remove(api, id(args)?))
}

/// `eth_getFilterLogs(id)`: everything that the filter names, told before or not.
async fn filter_logs(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let id = id(raw.args()?)?;
    let (kind, _) = api.filters.touch(&api, id)?;
    api.on_logs(move |api| match &*kind {
        Kind::Logs(filter) => all_logs(api, filter),
        Kind::Blocks | Kind::Transactions { .. } => Err(NOT_FOUND),
    })
    .await
}

/// `eth_getFilterChanges(id)`: what is new since it was asked last.
async fn changes(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let id = id(raw.args()?)?;
    let mut patience = Patience::new(&api);
    loop {
        let (kind, position) = api.filters.touch(&api, id)?;
        let found = match position {
            Position::Arrivals(next) => arrivals(&api, &kind, next)?,
            Position::Chain(cursor) => api.on_logs(move |api| blocks(api, &kind, cursor)).await?,
        };
        if let Some((answer, reached)) = found {
            // Two polls at once do not tell anything twice.
            if api.filters.advance(id, position, reached)? {
                return Ok(answer);
            }
        } else if matches!(position, Position::Arrivals(_)) || !patience.for_more().await {
            api.filters.remove(&api, id);
            return Err(Fault::FilterNotFound {
                why: " any more: it was not polled for so long that changes are forgotten",
            });
        }
    }
}

type Changes = Option<(Box<RawValue>, Position)>;

/// New blocks or logs in one snapshot.
fn blocks(api: &Api, kind: &Kind, mut at: Cursor) -> Result<Changes, Fault> {
    let reader = api.reader()?;
    let Some(passed) = at.go_back(&reader, &api.removed)? else {
        return Ok(None);
    };
    let head = reader.head(HeadLabel::Unsafe)?.number;
    let answer = match kind {
        Kind::Logs(filter) => {
            let passed = passed.iter().flat_map(|block| &block.logs);
            let mut logs: Vec<_> = passed.filter(|l| filter.matches(&l.log)).cloned().collect();
            if at.next <= head {
                let found = search(&reader, filter, at.next, head, &Limits::of(api))?;
                logs.extend(found.logs);
                at = Cursor::before(&reader, found.reached + 1)?;
            }
            logs.retain(|log| {
                let position = &log.position;
                filter
                    .blocks
                    .covers(position.block_number, position.block_hash)
            });
            api.to_json(&logs)?
        }
        Kind::Blocks | Kind::Transactions { .. } => {
            let end = head.min(at.next.saturating_add(MAX_HASHES as u64 - 1));
            let hashes = (at.next..=end).map(|number| reader.block_hash(number));
            let hashes: Result<Option<Vec<B256>>, _> = hashes.collect();
            let missing = Fault::Inconsistent("hash of a block is missing");
            at = Cursor::before(&reader, end.max(at.next - 1) + 1)?;
            api.to_json(&hashes?.ok_or(missing)?)?
        }
    };
    Ok(Some((answer, Position::Chain(at))))
}

/// New transactions.
fn arrivals(api: &Api, kind: &Kind, next: u64) -> Result<Changes, Fault> {
    let Some(arrived) = api.arrivals.since(next, MAX_HASHES) else {
        return Ok(None);
    };
    let reached = Position::Arrivals(next + arrived.len() as u64);
    let answer = if matches!(kind, Kind::Transactions { full: true }) {
        let whole = arrived.into_iter().map(RpcTransaction::pooled);
        api.to_json(&whole.collect::<Vec<_>>())?
    } else {
        let hashes: Vec<B256> = arrived.iter().map(|tx| tx.hash()).collect();
        api.to_json(&hashes)?
    };
    Ok(Some((answer, reached)))
}
