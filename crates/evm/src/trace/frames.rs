//! Call frames one after the other, as explorers show them.

use alloy_primitives::{Address, Bytes, U256};
use alloy_rpc_types_trace::otterscan::InternalOperation;
use revm_inspectors::{
    otterscan::InternalOperationsInspector,
    tracing::{TracingInspector, TracingInspectorConfig, types::CallKind},
};

use super::{BlockScene, TraceError, TraceLimits, replay::Replay, watch::Nothing};

/// A call, creation or self-destruct within a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFrame {
    /// `CALL`, `CREATE2`, `SELFDESTRUCT`, …
    pub kind: &'static str,
    /// Frames around it; 0 for the transaction's own.
    pub depth: usize,
    /// Who calls.
    pub from: Address,
    /// Who is called, or came to be.
    pub to: Address,
    /// What is sent along; delegate and static calls send nothing.
    pub value: Option<U256>,
    /// Call data or init code.
    pub input: Bytes,
    /// What it returned, or its new code.
    pub output: Bytes,
}

/// Frames of the transaction at `index` in the order of their starts.
///
/// # Errors
/// Any [`TraceError`].
pub fn call_frames(
    scene: BlockScene<'_>,
    index: usize,
    limits: TraceLimits,
) -> Result<Vec<CallFrame>, TraceError> {
    let config = TracingInspectorConfig::none().set_record_inputs(true);
    let mut replay = Replay::open(scene, limits, TracingInspector::new(config))?;
    replay.watch_at(index)?;
    let mut frames = Vec::new();
    for node in replay.machine().recorder().traces().nodes() {
        let trace = &node.trace;
        let sends = !matches!(trace.kind, CallKind::DelegateCall | CallKind::StaticCall);
        frames.push(CallFrame {
            kind: trace.kind.to_str(),
            depth: trace.depth,
            from: trace.caller,
            to: trace.address,
            value: sends.then_some(trace.value),
            input: trace.data.clone(),
            output: trace.output.clone(),
        });
        if trace.is_selfdestruct() {
            frames.push(CallFrame {
                kind: "SELFDESTRUCT",
                depth: trace.depth + 1,
                from: trace.selfdestruct_address.unwrap_or(trace.address),
                to: trace.selfdestruct_refund_target.unwrap_or_default(),
                value: trace.selfdestruct_transferred_value,
                input: Bytes::new(),
                output: Bytes::new(),
            });
        }
    }
    Ok(frames)
}

/// Transfers, creations and self-destructs inside the transaction at `index`.
///
/// # Errors
/// Any [`TraceError`].
pub fn internal_operations(
    scene: BlockScene<'_>,
    index: usize,
    limits: TraceLimits,
) -> Result<Vec<InternalOperation>, TraceError> {
    let mut replay = Replay::open(scene, limits, InternalOperationsInspector::default())?;
    replay.watch_at(index)?;
    Ok(replay.machine().recorder().operations().to_vec())
}

/// What the transaction at `index` returned if it reverted; empty otherwise.
///
/// # Errors
/// Any [`TraceError`].
pub fn revert_data(
    scene: BlockScene<'_>,
    index: usize,
    limits: TraceLimits,
) -> Result<Bytes, TraceError> {
    let mut replay = Replay::open(scene, limits, Nothing)?;
    let result = replay.watch_at(index)?.outcome.result;
    if result.is_success() {
        return Ok(Bytes::new());
    }
    Ok(result.into_output().unwrap_or_default())
}
