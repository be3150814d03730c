//! `trace_*`: traces in Parity's forms.

mod blocks;
mod calls;
mod filter;
pub(crate) mod scene;

use aura_evm::trace::TraceTypes;
use jsonrpsee::core::RegisterMethodError;
use serde_json::value::RawValue;

use crate::{methods::Table, params};

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.wait("trace_block", 1, blocks::block)?;
    table.wait("trace_transaction", 1, blocks::transaction)?;
    table.wait("trace_get", 2, blocks::get)?;
    table.wait("trace_replayTransaction", 2, blocks::replay_one)?;
    table.wait("trace_replayBlockTransactions", 2, blocks::replay)?;
    table.wait("trace_call", 5, calls::call)?;
    table.wait("trace_callMany", 2, calls::call_many)?;
    table.wait("trace_rawTransaction", 3, calls::raw_transaction)?;
    table.wait("trace_filter", 1, filter::trace_filter)
}

/// A list of `trace`, `vmTrace` and `stateDiff`.
fn types(raw: &RawValue) -> Result<TraceTypes, String> {
    if !raw.get().starts_with('[') {
        return Err("want a list of trace, vmTrace, stateDiff".to_owned());
    }
    params::json(raw)
}
