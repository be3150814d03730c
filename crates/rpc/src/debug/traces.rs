//! `debug_trace*`.

use std::sync::Arc;

use alloy_eips::BlockId;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use aura_evm::trace::{
    CallBundle, TraceCall, debug_block, debug_bundles, debug_call, debug_transaction,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    options::{Options, call_options, transaction_index},
    raw::decode,
};
use crate::{
    api::Api,
    errors::Fault,
    eth::calls::Moment,
    methods::Raw,
    params,
    trace::scene::{StoredBlock, answer, limits, on_state},
    types::call_request,
};

/// Bundles of one `debug_traceCallMany`, and calls of all its bundles.
const MAX_CALLS: usize = 1_000;

/// `debug_traceTransaction(hash, config)`.
pub(super) async fn transaction(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (hash, options) = {
        let mut args = raw.args()?;
        let hash = args.required("hash", params::hash)?;
        (hash, Options::parse(&mut args)?)
    };
    api.on_traces(move |api| {
        let (stored, index) = StoredBlock::of_transaction(api, hash)?
            .ok_or(Fault::Untraceable("transaction not found".into()))?;
        let limits = limits(api, options.timeout);
        answer(stored.trace(api, |scene| {
            debug_transaction(scene, index, options.tracer, limits)
        })?)
    })
    .await
}

fn trace_block(api: &Api, stored: StoredBlock, options: Options) -> Result<Box<RawValue>, Fault> {
    let limits = limits(api, options.timeout);
    answer(stored.trace(api, |scene| debug_block(scene, options.tracer, limits))?)
}

async fn block(api: Arc<Api>, id: BlockId, options: Options) -> Result<Box<RawValue>, Fault> {
    api.on_traces(move |api| trace_block(api, StoredBlock::open(api, id)?, options))
        .await
}

/// `debug_traceBlockByNumber(block, config)`.
pub(super) async fn block_by_number(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (id, options) = {
        let mut args = raw.args()?;
        let id = args.required("block", params::block_id)?;
        (id, Options::parse(&mut args)?)
    };
    block(api, id, options).await
}

/// `debug_traceBlockByHash(hash, config)`.
pub(super) async fn block_by_hash(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (hash, options) = {
        let mut args = raw.args()?;
        let hash = args.required("hash", params::hash)?;
        (hash, Options::parse(&mut args)?)
    };
    block(api, BlockId::hash(hash), options).await
}

/// `debug_traceBlock(rlp, config)`: a block that the chain need not have.
pub(super) async fn block_by_rlp(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (bytes, options) = {
        let mut args = raw.args()?;
        let bytes = args.required("block", params::bytes)?;
        (bytes, Options::parse(&mut args)?)
    };
    api.on_traces(move |api| {
        let block = decode(&bytes)?;
        trace_block(api, StoredBlock::offered(api, block)?, options)
    })
    .await
}

/// `debug_traceCall(call, block, config)`.
pub(super) async fn call(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (tx, id, options, around) = {
        let mut args = raw.args()?;
        let tx = args.required("transaction", call_request)?;
        let id = args.block()?;
        let (options, around) = call_options(&mut args)?;
        (tx, id, options, around)
    };
    api.on_traces(move |api| {
        let limits = limits(api, options.timeout);
        let call = TraceCall {
            tx,
            state_overrides: around.state_overrides,
            block_overrides: around.block_overrides.map(Box::new),
        };
        let trace = on_state(api, id, around.tx_index, Moment::Within, |base| {
            debug_call(api.spec(), base, call, options.tracer, limits)
        });
        answer(trace?)
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BundleObject<'a> {
    #[serde(borrow)]
    transactions: Vec<&'a RawValue>,
    #[serde(default)]
    block_override: Option<BlockOverrides>,
}

fn bundles(raw: &RawValue) -> Result<Vec<CallBundle>, String> {
    let mut count = 0;
    let mut bundles = Vec::new();
    for raw in params::list(raw)? {
        let object: BundleObject<'_> = params::json(raw)?;
        count += object.transactions.len().max(1);
        if count > MAX_CALLS {
            return Err(format!("more than {MAX_CALLS} calls"));
        }
        let calls = object.transactions.into_iter().map(call_request);
        bundles.push(CallBundle {
            calls: calls.collect::<Result<Vec<TransactionRequest>, _>>()?,
            block_overrides: object.block_override,
        });
    }
    Ok(bundles)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContextObject<'a> {
    #[serde(borrow, default)]
    block_number: Option<&'a RawValue>,
    #[serde(borrow, default)]
    transaction_index: Option<&'a RawValue>,
}

/// Block and index of a state context.
fn context(raw: &RawValue) -> Result<(BlockId, Option<u64>), String> {
    let object: ContextObject<'_> = params::json(raw)?;
    let id = object.block_number.map(params::block_id).transpose()?;
    let index = object
        .transaction_index
        .map(transaction_index)
        .transpose()?;
    Ok((id.unwrap_or_default(), index.flatten()))
}

/// `debug_traceCallMany(bundles, state context, config)`.
pub(super) async fn call_many(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (bundles, (id, index), options, around) = {
        let mut args = raw.args()?;
        let bundles = args.required("bundles", bundles)?;
        let context = args.optional("state context", context)?;
        let (options, around) = call_options(&mut args)?;
        (bundles, context.unwrap_or_default(), options, around)
    };
    api.on_traces(move |api| {
        let limits = limits(api, options.timeout);
        let (overrides, tracer) = (around.state_overrides, options.tracer);
        let traces = on_state(api, id, index, Moment::Within, |base| {
            debug_bundles(api.spec(), base, bundles, overrides, tracer, limits)
        });
        answer(traces?)
    })
    .await
}
