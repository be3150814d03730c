//! Results of `debug_trace*`.

use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use alloy_rpc_types_trace::geth::GethDebugTracingOptions;
use aura_chainspec::ChainSpec;

use super::{
    BlockScene, CallBase, JsonText, TraceCall, TraceError, TraceLimits,
    calls::Calls,
    geth::Tracer,
    machine::Machine,
    replay::{Replay, Watch},
};

/// Calls of `debug_traceCallMany` that run in one block.
#[derive(Debug, Clone)]
pub struct CallBundle {
    /// The calls, in order.
    pub calls: Vec<TransactionRequest>,
    /// Fields of the block environment to be changed for all of them.
    pub block_overrides: Option<BlockOverrides>,
}

fn write(
    machine: &mut Machine<Tracer>,
    watch: &Watch,
    text: &mut JsonText,
) -> Result<(), TraceError> {
    let (tracer, before) = machine.recorded();
    let written = tracer.write(watch.info, &watch.tx, &watch.outcome, &before, text);
    // The cause of a failed read comes before what it led to.
    machine.check_state()?;
    written
}

/// Traces the transaction at `index`.
///
/// # Errors
/// Any [`TraceError`].
pub fn debug_transaction(
    scene: BlockScene<'_>,
    index: usize,
    options: GethDebugTracingOptions,
    limits: TraceLimits,
) -> Result<String, TraceError> {
    let mut replay = Replay::open(scene, limits, Tracer::new(options)?)?;
    let watch = replay.watch_at(index)?;
    let mut text = JsonText::new(limits.max_bytes);
    write(replay.machine(), &watch, &mut text)?;
    Ok(text.into_string())
}

/// Traces every transaction of the block in one pass.
///
/// # Errors
/// Any [`TraceError`]; the limits are those of the whole.
pub fn debug_block(
    scene: BlockScene<'_>,
    options: GethDebugTracingOptions,
    limits: TraceLimits,
) -> Result<String, TraceError> {
    let mut replay = Replay::open(scene, limits, Tracer::new(options)?)?;
    let mut text = JsonText::new(limits.max_bytes);
    text.push(b"[")?;
    let mut separator: &[u8] = b"";
    while let Some(watch) = replay.watch_next(text.left())? {
        text.push(separator)?;
        text.push(b"{\"txHash\":")?;
        text.value(&watch.info.hash)?;
        text.push(b",\"result\":")?;
        write(replay.machine(), &watch, &mut text)?;
        text.push(b"}")?;
        replay.machine().commit(watch.outcome.state)?;
        separator = b",";
    }
    text.push(b"]")?;
    Ok(text.into_string())
}

/// Traces a call.
///
/// # Errors
/// Any [`TraceError`].
pub fn debug_call(
    spec: &ChainSpec,
    base: CallBase<'_>,
    call: TraceCall,
    options: GethDebugTracingOptions,
    limits: TraceLimits,
) -> Result<String, TraceError> {
    let mut calls = Calls::open(spec, base, limits, Tracer::new(options)?)?;
    let watch = calls.watch(call, limits.max_bytes)?;
    let mut text = JsonText::new(limits.max_bytes);
    write(calls.machine(), &watch, &mut text)?;
    Ok(text.into_string())
}

/// Traces calls that build on each other; `state_overrides` come before the first.
///
/// # Errors
/// Any [`TraceError`]; the limits are those of the whole.
pub fn debug_bundles(
    spec: &ChainSpec,
    base: CallBase<'_>,
    bundles: Vec<CallBundle>,
    mut state_overrides: Option<StateOverride>,
    options: GethDebugTracingOptions,
    limits: TraceLimits,
) -> Result<String, TraceError> {
    let mut calls = Calls::open(spec, base, limits, Tracer::new(options)?)?;
    let mut text = JsonText::new(limits.max_bytes);
    text.list(bundles, |text, bundle| {
        text.list(bundle.calls, |text, tx| {
            let call = TraceCall {
                tx,
                state_overrides: state_overrides.take(),
                block_overrides: bundle.block_overrides.clone().map(Box::new),
            };
            let watch = calls.watch(call, text.left())?;
            write(calls.machine(), &watch, text)?;
            calls.machine().commit(watch.outcome.state)
        })
    })?;
    Ok(text.into_string())
}
