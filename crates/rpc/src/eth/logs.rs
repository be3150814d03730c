//! `eth_getLogs`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::Log;
use aura_primitives::{CommittedBlock, HeadLabel};
use aura_storage::{LogQuery, Reader};
use serde_json::value::RawValue;

use super::blocks::number_of;
use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    types::{BlockRange, LogFilter, LogPosition, RpcLog, log_filter},
};

/// `eth_getLogs(filter)`.
pub(crate) async fn get_logs(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let max = api.config.max_filter_values;
    let filter = raw.args()?.required("filter", |raw| log_filter(raw, max))?;
    api.on_logs(move |api| all_logs(api, &filter)).await
}

/// Every log that the filter names, or an error with a range that is within the limits.
pub(super) fn all_logs(api: &Api, filter: &LogFilter) -> Result<Box<RawValue>, Fault> {
    let reader = api.reader()?;
    let (from, to) = bounds(&reader, &filter.blocks)?;
    let found = search(&reader, filter, from, to, &Limits::of(api))?;
    match found.exceeded {
        Some(what) if found.reached < to => Err(Fault::LogLimit {
            what,
            from,
            to: found.reached,
        }),
        _ => api.to_json(&found.logs),
    }
}

/// First and last block of the filter in this snapshot.
fn bounds(reader: &Reader, blocks: &BlockRange) -> Result<(u64, u64), Fault> {
    let (from, to) = match *blocks {
        BlockRange::Hash(hash) => {
            let number = reader.block_number(hash)?.ok_or(Fault::UnknownBlock)?;
            return Ok((number, number));
        }
        BlockRange::Numbers { from, to } => (from, to),
    };
    let head = reader.head(HeadLabel::Unsafe)?.number;
    let resolve = |tag: Option<BlockNumberOrTag>| match tag {
        Some(BlockNumberOrTag::Number(number)) => Ok(number),
        tag => {
            let id = BlockId::Number(tag.unwrap_or_default());
            number_of(reader, id).map(|number| number.unwrap_or(head))
        }
    };
    let (from, to) = (resolve(from)?, resolve(to)?);
    if from > to {
        return Err(Fault::params("invalid block range params"));
    }
    if to > head {
        return Err(Fault::params(
            "block range extends beyond current head block",
        ));
    }
    Ok((from, to))
}

/// What one search may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    blocks: u64,
    results: usize,
    bytes: usize,
    time: Duration,
}

impl Limits {
    pub(super) fn of(api: &Api) -> Self {
        Self {
            blocks: api.config.max_log_blocks,
            results: api.config.max_log_results,
            bytes: api.config.max_log_bytes,
            time: Duration::from_millis(api.config.log_timeout_ms),
        }
    }

    /// In words, the limit that the search has hit.
    fn exceeded(&self, results: usize, bytes: usize, time: Duration) -> Option<String> {
        Some(if results > self.results {
            format!("returned more than {} results", self.results)
        } else if bytes > self.bytes {
            format!("returned more than {} bytes", self.bytes)
        } else if time > self.time {
            format!("took longer than {:?}", self.time)
        } else {
            return None;
        })
    }
}

/// What a search has found before it ended or hit a limit.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Every wanted log from the first block to `reached`.
    pub(super) logs: Vec<RpcLog>,
    /// The last block that was searched.
    pub(super) reached: u64,
    /// The limit that ended the search.
    exceeded: Option<String>,
}

/// Finds the logs of blocks `from` to `to`, or of as many of them as the limits allow.
///
/// The first block with a match is always taken as a whole: a limit that a single block exceeds
/// would leave nobody any range that works. So each search gets further by a block at least, and
/// one that ends at `reached` is within the limits.
pub(super) fn search(
    reader: &Reader,
    filter: &LogFilter,
    from: u64,
    to: u64,
    limits: &Limits,
) -> Result<Found, Fault> {
    let last = to.min(from.saturating_add(limits.blocks - 1));
    let mut found = Found {
        logs: Vec::new(),
        reached: last,
        exceeded: (last < to).then(|| format!("spans more than {} blocks", limits.blocks)),
    };
    let query = LogQuery {
        addresses: filter.addresses.clone(),
        topics: filter.topics.clone(),
        range: from..=last,
    };
    let started = Instant::now();
    let mut bytes = 0;
    for number in reader.log_blocks(&query)? {
        let before = found.logs.len();
        bytes += block_logs(reader, filter, number, &mut found.logs)?;
        let exceeded = limits.exceeded(found.logs.len(), bytes, started.elapsed());
        if exceeded.is_none() {
            continue;
        }
        found.exceeded = exceeded;
        found.reached = number;
        if before > 0 && found.logs.len() > before {
            // All below this block fitted.
            found.logs.truncate(before);
            found.reached = number - 1;
        }
        break;
    }
    Ok(found)
}

/// Appends the matching logs of one block; returns roughly their bytes.
pub(super) fn block_logs(
    reader: &Reader,
    filter: &LogFilter,
    number: u64,
    logs: &mut Vec<RpcLog>,
) -> Result<usize, Fault> {
    let missing = Fault::Inconsistent;
    let receipts = reader
        .receipts(number)?
        .ok_or(missing("receipts of a block are missing"))?;
    // Header and hashes are read only for a block that really matches.
    let mut head = None;
    let mut bytes = 0;
    let mut log_index = 0;
    for (transaction_index, receipt) in (0u64..).zip(receipts) {
        for log in receipt.logs {
            let index = log_index;
            log_index += 1;
            if !filter.matches(&log) {
                continue;
            }
            let (header, hashes) = match &head {
                Some(head) => head,
                None => head.insert((
                    reader
                        .header(number)?
                        .ok_or(missing("header of a block is missing"))?,
                    reader
                        .transaction_hashes(number)?
                        .ok_or(missing("transactions of a block are missing"))?,
                )),
            };
            let transaction_hash = usize::try_from(transaction_index)
                .ok()
                .and_then(|index| hashes.get(index).copied())
                .ok_or(missing("transaction of a log is missing"))?;
            let found = RpcLog {
                position: LogPosition {
                    block_hash: header.seal(),
                    block_number: number,
                    timestamp: header.timestamp,
                    transaction_hash,
                    transaction_index,
                    log_index: index,
                },
                log,
                removed: false,
            };
            bytes += found.bytes();
            logs.push(found);
        }
    }
    Ok(bytes)
}

/// The wanted logs of a block that is at hand.
pub(super) fn logs_in(
    wanted: impl Fn(&Log) -> bool,
    committed: &CommittedBlock,
    removed: bool,
) -> Vec<RpcLog> {
    let block = &committed.block;
    let mut log_index = 0;
    let mut found = Vec::new();
    let executed = block.transactions.iter().zip(&committed.receipts);
    for (transaction_index, (tx, receipt)) in (0u64..).zip(executed) {
        for log in &receipt.logs {
            if wanted(log) {
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
