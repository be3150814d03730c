//! Wire shapes, field by field as geth answers them.
//!
//! They serialise straight from the node's own types: alloy's RPC types would clone each
//! transaction and buffer flattened maps, and leave out fields that geth has as `null`.

mod block;
mod call;
mod deposit;
mod fees;
mod filter;
mod log;
mod proof;
mod quantity;
mod receipt;
mod simulate;
mod transaction;

pub(crate) use block::{BlockView, HeaderView, UncleView};
pub(crate) use call::call_request;
pub(crate) use deposit::effective_gas_price;
pub(crate) use fees::FeeHistory;
pub(crate) use filter::{BlockRange, LogFilter, log_filter};
pub(crate) use log::{LogPosition, RpcLog};
pub use proof::{Claim, InvalidProof, PathProof, SlotProof, StateProof, StateRoot, WitnessLeaf};
pub(crate) use quantity::Quantity;
pub(crate) use receipt::{ReceiptParts, RpcReceipt, receipts_of_block};
pub(crate) use simulate::SimulatedView;
pub(crate) use transaction::{Position, RpcTransaction, TransactionView};

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// JSON made once and answered many times.
#[derive(Debug, Clone)]
pub(crate) struct SharedJson(Arc<RawValue>);

impl SharedJson {
    /// Serialises `value`.
    pub(crate) fn new(value: &impl Serialize) -> Self {
        // Our own shapes have string keys and finite numbers, so they always serialise.
        let raw = serde_json::value::to_raw_value(value).expect("own shapes serialise");
        Self(Arc::from(raw))
    }

    /// Length of the text in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.get().len()
    }

    /// A copy for a sink that wants its own.
    pub(crate) fn to_raw(&self) -> Box<RawValue> {
        (*self.0).to_owned()
    }
}

impl Serialize for SharedJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
