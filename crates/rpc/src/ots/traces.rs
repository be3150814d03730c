//! What happens inside a transaction.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use aura_evm::trace::{
    CallFrame, JsonText, call_frames, internal_operations as operations, revert_data,
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params,
    trace::scene::{StoredBlock, answer, limits},
};

fn hash(raw: &Raw) -> Result<B256, Fault> {
    raw.args()?.required("hash", params::hash)
}

fn find(api: &Api, hash: B256) -> Result<(StoredBlock, usize), Fault> {
    StoredBlock::of_transaction(api, hash)?
        .ok_or(Fault::Untraceable("transaction not found".into()))
}

/// `ots_getInternalOperations(hash)`.
pub(super) async fn internal_operations(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let hash = hash(&raw)?;
    api.on_traces(move |api| {
        let (stored, index) = find(api, hash)?;
        let limits = limits(api, None);
        let found = stored.trace(api, |scene| operations(scene, index, limits))?;
        let mut text = JsonText::new(limits.max_bytes);
        text.value(&found)?;
        answer(text.into_string())
    })
    .await
}

/// `ots_getTransactionError(hash)`: revert data, `0x` if there is none.
pub(super) async fn transaction_error(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let hash = hash(&raw)?;
    api.on_traces(move |api| {
        let (stored, index) = find(api, hash)?;
        let limits = limits(api, None);
        stored.trace(api, |scene| revert_data(scene, index, limits))
    })
    .await
}

/// A frame as Otterscan reads it.
#[derive(Debug, Serialize)]
struct FrameView<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    depth: usize,
    from: Address,
    to: Address,
    value: Option<U256>,
    input: &'a Bytes,
    output: &'a Bytes,
}

impl<'a> From<&'a CallFrame> for FrameView<'a> {
    fn from(frame: &'a CallFrame) -> Self {
        Self {
            kind: frame.kind,
            depth: frame.depth,
            from: frame.from,
            to: frame.to,
            value: frame.value,
            input: &frame.input,
            output: &frame.output,
        }
    }
}

/// `ots_traceTransaction(hash)`.
pub(super) async fn trace_transaction(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let hash = hash(&raw)?;
    api.on_traces(move |api| {
        let (stored, index) = find(api, hash)?;
        let limits = limits(api, None);
        let frames = stored.trace(api, |scene| call_frames(scene, index, limits))?;
        let mut text = JsonText::new(limits.max_bytes);
        text.list(&frames, |text, frame| text.value(&FrameView::from(frame)))?;
        answer(text.into_string())
    })
    .await
}
