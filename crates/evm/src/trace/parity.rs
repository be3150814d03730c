//! Results of `trace_*`, in Parity's form.

use alloy_primitives::{B256, map::HashSet};
use alloy_rpc_types_trace::parity::{
    LocalizedTransactionTrace, TraceResults, TraceResultsWithTransactionHash, TraceType,
};
use aura_chainspec::ChainSpec;
use aura_primitives::RecoveredTx;
use revm_inspectors::tracing::{TracingInspector, TracingInspectorConfig};

use super::{
    BlockScene, CallBase, JsonText, TraceCall, TraceError, TraceLimits,
    calls::Calls,
    machine::Machine,
    replay::{Replay, Watch},
};

/// Which of Parity's traces are wanted.
pub type TraceTypes = HashSet<TraceType>;

fn recorder(types: &TraceTypes) -> TracingInspector {
    TracingInspector::new(TracingInspectorConfig::from_parity_config(types))
}

fn results(
    machine: &mut Machine<TracingInspector>,
    watch: &Watch,
    types: &TraceTypes,
) -> Result<TraceResults, TraceError> {
    let (inspector, before) = machine.recorded();
    let builder = inspector.clone().into_parity_builder();
    let outcome = &watch.outcome;
    let results = builder.into_trace_results_with_state(outcome, types, &before);
    machine.check_state()?;
    results.map_err(|error| crate::CallError::Evm(error.to_string()).into())
}

fn localized(
    machine: &mut Machine<TracingInspector>,
    watch: &Watch,
) -> Vec<LocalizedTransactionTrace> {
    let builder = machine.recorder().clone().into_parity_builder();
    builder.into_localized_transaction_traces(watch.info)
}

/// Calls of all transactions of the block, without its rewards.
///
/// # Errors
/// Any [`TraceError`]; the limits are those of the whole.
pub fn trace_block(
    scene: BlockScene<'_>,
    limits: TraceLimits,
) -> Result<Vec<LocalizedTransactionTrace>, TraceError> {
    let inspector = TracingInspector::new(TracingInspectorConfig::default_parity());
    let mut replay = Replay::open(scene, limits, inspector)?;
    let mut traces = Vec::new();
    let mut left = limits.max_bytes;
    while let Some(watch) = replay.watch_next(left)? {
        traces.extend(localized(replay.machine(), &watch));
        left = replay.machine().left();
        replay.machine().commit(watch.outcome.state)?;
    }
    Ok(traces)
}

/// Calls of the transaction at `index`.
///
/// # Errors
/// Any [`TraceError`].
pub fn trace_transaction(
    scene: BlockScene<'_>,
    index: usize,
    limits: TraceLimits,
) -> Result<Vec<LocalizedTransactionTrace>, TraceError> {
    let inspector = TracingInspector::new(TracingInspectorConfig::default_parity());
    let mut replay = Replay::open(scene, limits, inspector)?;
    let watch = replay.watch_at(index)?;
    Ok(localized(replay.machine(), &watch))
}

/// Traces of the wanted types of the transaction at `index`.
///
/// # Errors
/// Any [`TraceError`].
pub fn replay_transaction(
    scene: BlockScene<'_>,
    index: usize,
    types: &TraceTypes,
    limits: TraceLimits,
) -> Result<String, TraceError> {
    let mut replay = Replay::open(scene, limits, recorder(types))?;
    let watch = replay.watch_at(index)?;
    let mut text = JsonText::new(limits.max_bytes);
    text.value(&results(replay.machine(), &watch, types)?)?;
    Ok(text.into_string())
}

/// Traces of the wanted types of every transaction of the block.
///
/// # Errors
/// Any [`TraceError`]; the limits are those of the whole.
pub fn replay_block(
    scene: BlockScene<'_>,
    types: &TraceTypes,
    limits: TraceLimits,
) -> Result<String, TraceError> {
    let mut replay = Replay::open(scene, limits, recorder(types))?;
    let mut text = JsonText::new(limits.max_bytes);
    text.push(b"[")?;
    let mut separator: &[u8] = b"";
    while let Some(watch) = replay.watch_next(text.left())? {
        text.push(separator)?;
        text.value(&TraceResultsWithTransactionHash {
            full_trace: results(replay.machine(), &watch, types)?,
            transaction_hash: watch.info.hash.unwrap_or(B256::ZERO),
        })?;
        replay.machine().commit(watch.outcome.state)?;
        separator = b",";
    }
    text.push(b"]")?;
    Ok(text.into_string())
}

/// Traces of the wanted types of a call.
///
/// # Errors
/// Any [`TraceError`].
pub fn trace_call(
    spec: &ChainSpec,
    base: CallBase<'_>,
    call: TraceCall,
    types: &TraceTypes,
    limits: TraceLimits,
) -> Result<String, TraceError> {
    let mut calls = Calls::open(spec, base, limits, recorder(types))?;
    let watch = calls.watch(call, limits.max_bytes)?;
    let mut text = JsonText::new(limits.max_bytes);
    text.value(&results(calls.machine(), &watch, types)?)?;
    Ok(text.into_string())
}

/// Traces of calls that build on each other, each with the types that are wanted of it.
///
/// # Errors
/// Any [`TraceError`]; the limits are those of the whole.
pub fn trace_calls(
    spec: &ChainSpec,
    base: CallBase<'_>,
    calls: Vec<(TraceCall, TraceTypes)>,
    limits: TraceLimits,
) -> Result<String, TraceError> {
    let mut session = Calls::open(spec, base, limits, recorder(&TraceTypes::default()))?;
    let mut text = JsonText::new(limits.max_bytes);
    text.list(calls, |text, (call, types)| {
        *session.machine().recorder() = recorder(&types);
        let watch = session.watch(call, text.left())?;
        text.value(&results(session.machine(), &watch, &types)?)?;
        session.machine().commit(watch.outcome.state)
    })?;
    Ok(text.into_string())
}

/// Traces of the wanted types of a signed transaction that is in no block.
///
/// # Errors
/// Any [`TraceError`]; the transaction must be one that the next block could hold.
pub fn trace_signed(
    spec: &ChainSpec,
    base: CallBase<'_>,
    tx: &RecoveredTx,
    types: &TraceTypes,
    limits: TraceLimits,
) -> Result<String, TraceError> {
    let mut calls = Calls::open(spec, base, limits, recorder(types))?;
    let watch = calls.watch_signed(tx, limits.max_bytes)?;
    let mut text = JsonText::new(limits.max_bytes);
    text.value(&results(calls.machine(), &watch, types)?)?;
    Ok(text.into_string())
}
