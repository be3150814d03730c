//! `eth_getLogs`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_eips::{BlockId, BlockNumberOrTag};
use aura_primitives::HeadLabel;
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
    api.on_logs(move |api| {
        let reader = api.reader()?;
        let (from, to) = bounds(&reader, &filter.blocks)?;
        let limits = Limits::of(api);
        if to - from >= limits.blocks {
            return Err(too_much(
                &format!("block range of more than {} blocks", limits.blocks),
                from,
                from + limits.blocks - 1,
            ));
        }
        api.to_json(&search(&reader, &filter, from, to, &limits)?)
    })
    .await
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
struct Limits {
    blocks: u64,
    results: usize,
    bytes: usize,
    time: Duration,
}

impl Limits {
    fn of(api: &Api) -> Self {
        Self {
            blocks: api.config.max_log_blocks,
            results: api.config.max_log_results,
            bytes: api.config.max_log_bytes,
            time: Duration::from_millis(api.config.log_timeout_ms),
        }
    }
}

/// An error whose range is within the limit that was hit, so that repeating with it makes progress.
fn too_much(what: &str, from: u64, to: u64) -> Fault {
    Fault::Limit(format!(
        "query exceeds limits: {what}; try the block range [{from:#x}, {to:#x}]"
    ))
}

/// Finds the logs of blocks `from` to `to`.
///
/// The first block with a match is always answered in full: a limit that a single block exceeds
/// would leave the client without any range that works.
fn search(
    reader: &Reader,
    filter: &LogFilter,
    from: u64,
    to: u64,
    limits: &Limits,
) -> Result<Vec<RpcLog>, Fault> {
    let query = LogQuery {
        addresses: filter.addresses.clone(),
        topics: filter.topics.clone(),
        range: from..=to,
    };
    let started = Instant::now();
    let mut logs = Vec::new();
    let mut bytes = 0;
    for number in reader.log_blocks(&query)? {
        let before = logs.len();
        bytes += block_logs(reader, filter, number, &mut logs)?;
        let exceeded = if logs.len() > limits.results {
            format!("more than {} results", limits.results)
        } else if bytes > limits.bytes {
            format!("more than {} bytes of results", limits.bytes)
        } else if started.elapsed() > limits.time {
            format!("more than {:?} of searching", limits.time)
        } else {
            continue;
        };
        // Everything below this block fitted; a block that is the first to match is served alone.
        if number > from && before > 0 {
            return Err(too_much(&exceeded, from, number - 1));
        }
        if number < to {
            return Err(too_much(&exceeded, from, number));
        }
    }
    Ok(logs)
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
            bytes += log.data.data.len() + 32 * log.topics().len();
            logs.push(RpcLog {
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
            });
        }
    }
    Ok(bytes)
}
