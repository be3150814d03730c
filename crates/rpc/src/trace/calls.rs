//! Traces of calls and of transactions that are in no block.

use std::sync::Arc;

use aura_evm::trace::{TraceCall, TraceTypes, trace_call, trace_calls, trace_signed};
use aura_primitives::RecoveredTx;
use serde_json::value::RawValue;

use super::{
    scene::{answer, limits, on_state},
    types,
};
use crate::{
    api::Api, errors::Fault, eth::calls::Moment, methods::Raw, params, types::call_request,
};

/// Calls of one `trace_callMany`.
const MAX_CALLS: usize = 1_000;

/// `trace_call(call, types, block, state overrides, block overrides)`.
pub(super) async fn call(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (call, types, id) = {
        let mut args = raw.args()?;
        let tx = args.required("transaction", call_request)?;
        let types = args.required("trace types", types)?;
        let id = args.block()?;
        let call = TraceCall {
            tx,
            state_overrides: args.optional("state overrides", params::json)?,
            block_overrides: args.optional("block overrides", params::json)?,
        };
        (call, types, id)
    };
    api.on_traces(move |api| {
        let limits = limits(api, None);
        answer(on_state(api, id, None, Moment::Within, |base| {
            trace_call(api.spec(), base, call, &types, limits)
        })?)
    })
    .await
}

/// A list of calls, each with the types that are wanted of it.
fn calls(raw: &RawValue) -> Result<Vec<(TraceCall, TraceTypes)>, String> {
    let list = params::list(raw)?;
    if list.len() > MAX_CALLS {
        return Err(format!("more than {MAX_CALLS} calls"));
    }
    let call = |raw: &RawValue| match params::list(raw)?[..] {
        [call, wanted] => {
            let call = TraceCall {
                tx: call_request(call)?,
                state_overrides: None,
                block_overrides: None,
            };
            Ok((call, types(wanted)?))
        }
        _ => Err("want pairs of a call and a list of trace types".to_owned()),
    };
    list.into_iter().map(call).collect()
}

/// `trace_callMany(calls, block)`.
pub(super) async fn call_many(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (calls, id) = {
        let mut args = raw.args()?;
        (args.required("calls", calls)?, args.block()?)
    };
    api.on_traces(move |api| {
        let limits = limits(api, None);
        answer(on_state(api, id, None, Moment::Within, |base| {
            trace_calls(api.spec(), base, calls, limits)
        })?)
    })
    .await
}

/// `trace_rawTransaction(bytes, types, block)`: as if it were sent and mined next.
pub(super) async fn raw_transaction(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let (bytes, types, id) = {
        let mut args = raw.args()?;
        let bytes = args.required("transaction", params::bytes)?;
        let types = args.required("trace types", types)?;
        (bytes, types, args.block()?)
    };
    api.on_traces(move |api| {
        let tx = RecoveredTx::try_decode(bytes)
            .map_err(|error| Fault::params(format!("invalid argument 0 (transaction): {error}")))?;
        let limits = limits(api, None);
        answer(on_state(api, id, None, Moment::After, |base| {
            trace_signed(api.spec(), base, &tx, &types, limits)
        })?)
    })
    .await
}
