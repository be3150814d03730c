//! Traces of stored blocks and transactions.

use std::sync::Arc;

use alloy_eips::{BlockId, eip1898::BlockNumHash};
use alloy_primitives::B256;
use alloy_rpc_types_trace::parity::{LocalizedTransactionTrace, RewardAction, RewardType};
use aura_chainspec::ChainSpec;
use aura_evm::trace::{
    JsonText, TraceLimits, TraceTypes, block_rewards, replay_block, replay_transaction,
    trace_block, trace_transaction,
};
use aura_primitives::SealedBlock;
use serde_json::value::RawValue;

use super::{
    scene::{StoredBlock, answer, limits, traceable},
    types,
};
use crate::{api::Api, errors::Fault, eth::blocks::number_of, methods::Raw, params};

/// What a miner and the miners of the uncles were paid.
fn rewards(spec: &ChainSpec, block: &SealedBlock) -> Vec<LocalizedTransactionTrace> {
    let Some(rewards) = block_rewards(spec, &block.header, &block.ommers) else {
        return Vec::new();
    };
    let at = BlockNumHash::new(block.number(), block.hash());
    let author = (block.header.beneficiary, RewardType::Block, rewards.block);
    let uncles = rewards.uncles.into_iter();
    let uncles = uncles.map(|(author, value)| (author, RewardType::Uncle, value));
    std::iter::once(author)
        .chain(uncles)
        .map(|(author, reward_type, value)| {
            let action = RewardAction {
                author,
                reward_type,
                value,
            };
            action.into_localized_trace(at)
        })
        .collect()
}

/// Calls of a block's transactions, and its rewards.
pub(super) fn block_traces(
    api: &Api,
    stored: StoredBlock,
    limits: TraceLimits,
) -> Result<Vec<LocalizedTransactionTrace>, Fault> {
    let rewards = rewards(api.spec(), &stored.block);
    if stored.block.transactions.is_empty() {
        return Ok(rewards);
    }
    let mut traces = stored.trace(api, |scene| trace_block(scene, limits))?;
    traces.extend(rewards);
    Ok(traces)
}

fn listed(
    traces: &[LocalizedTransactionTrace],
    limits: TraceLimits,
) -> Result<Box<RawValue>, Fault> {
    let mut text = JsonText::new(limits.max_bytes);
    text.list(traces, |text, trace| text.value(trace))?;
    answer(text.into_string())
}

/// The block, or what to answer without one: `null` if it is unknown, an empty list for the first.
fn find(api: &Api, id: BlockId) -> Result<Result<StoredBlock, Option<Box<RawValue>>>, Fault> {
    let reader = api.reader()?;
    match number_of(&reader, id)? {
        None => Ok(Err(None)),
        Some(0) => Ok(Err(Some(answer("[]".to_owned())?))),
        Some(_) => {
            let number = traceable(&reader, id)?;
            StoredBlock::at(reader, number).map(Ok)
        }
    }
}

/// `trace_block(block)`.
pub(super) async fn block(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let id = raw.args()?.required("block", params::block_id)?;
    api.on_traces(move |api| {
        let stored = match find(api, id)? {
            Ok(stored) => stored,
            Err(answer) => return Ok(answer),
        };
        let limits = limits(api, None);
        listed(&block_traces(api, stored, limits)?, limits).map(Some)
    })
    .await
}

/// `trace_replayBlockTransactions(block, types)`.
pub(super) async fn replay(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (id, types) = {
        let mut args = raw.args()?;
        let id = args.required("block", params::block_id)?;
        (id, args.required("trace types", types)?)
    };
    api.on_traces(move |api| {
        let stored = match find(api, id)? {
            Ok(stored) => stored,
            Err(answer) => return Ok(answer),
        };
        let limits = limits(api, None);
        let traces = stored.trace(api, |scene| replay_block(scene, &types, limits))?;
        answer(traces).map(Some)
    })
    .await
}

fn transaction_traces(
    api: &Api,
    hash: B256,
    limits: TraceLimits,
) -> Result<Option<Vec<LocalizedTransactionTrace>>, Fault> {
    let Some((stored, index)) = StoredBlock::of_transaction(api, hash)? else {
        return Ok(None);
    };
    stored
        .trace(api, |scene| trace_transaction(scene, index, limits))
        .map(Some)
}

/// `trace_transaction(hash)`: `null` if it is unknown.
pub(super) async fn transaction(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let hash = raw.args()?.required("hash", params::hash)?;
    api.on_traces(move |api| {
        let limits = limits(api, None);
        let traces = transaction_traces(api, hash, limits)?;
        traces.map(|traces| listed(&traces, limits)).transpose()
    })
    .await
}

fn path(raw: &RawValue) -> Result<Vec<u64>, String> {
    params::list(raw)?.into_iter().map(params::u64).collect()
}

/// `trace_get(hash, path)`: the call at the end of the path through the tree of calls.
pub(super) async fn get(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (hash, path) = {
        let mut args = raw.args()?;
        let hash = args.required("hash", params::hash)?;
        (hash, args.required("indices", path)?)
    };
    api.on_traces(move |api| {
        let limits = limits(api, None);
        let traces = transaction_traces(api, hash, limits)?.unwrap_or_default();
        let found = traces.iter().find(|trace| {
            let address = trace.trace.trace_address.iter();
            address.map(|index| *index as u64).eq(path.iter().copied())
        });
        let Some(found) = found else {
            return Ok(None);
        };
        let mut text = JsonText::new(limits.max_bytes);
        text.value(found)?;
        answer(text.into_string()).map(Some)
    })
    .await
}

/// `trace_replayTransaction(hash, types)`.
pub(super) async fn replay_one(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (hash, types): (B256, TraceTypes) = {
        let mut args = raw.args()?;
        let hash = args.required("hash", params::hash)?;
        (hash, args.required("trace types", types)?)
    };
    api.on_traces(move |api| {
        let (stored, index) = StoredBlock::of_transaction(api, hash)?
            .ok_or(Fault::Untraceable("transaction not found".into()))?;
        let limits = limits(api, None);
        answer(stored.trace(api, |scene| {
            replay_transaction(scene, index, &types, limits)
        })?)
    })
    .await
}
