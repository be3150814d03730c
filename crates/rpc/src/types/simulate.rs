//! Answers of `eth_simulateV1`.

use alloy_primitives::Bytes;
use aura_evm::simulate::{CallOutcome, SimulatedBlock, SimulatedCall};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{BlockView, LogPosition, Quantity, log::LogView};
use crate::errors::CallFault;

/// A simulated block on the wire: a block, and what became of its calls.
pub(crate) struct SimulatedView<'a> {
    pub(crate) simulated: &'a SimulatedBlock,
    /// Transactions in full rather than their hashes.
    pub(crate) full: bool,
}

impl Serialize for SimulatedView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        BlockView::sealed(&self.simulated.block, self.full).entries(&mut map)?;
        map.serialize_entry("calls", &Calls(self.simulated))?;
        map.end()
    }
}

struct Calls<'a>(&'a SimulatedBlock);

impl Serialize for Calls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let simulated = self.0;
        serializer.collect_seq((0..).zip(&simulated.calls).map(|(index, call)| CallView {
            simulated,
            call,
            index,
        }))
    }
}

struct CallView<'a> {
    simulated: &'a SimulatedBlock,
    call: &'a SimulatedCall,
    index: usize,
}

impl Serialize for CallView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let call = self.call;
        let fault = CallFault::of(&call.outcome);
        // What a revert returned stands in its error.
        let empty = Bytes::new();
        let returned = match &call.outcome {
            CallOutcome::Success(data) => data,
            CallOutcome::Revert(_) | CallOutcome::Halt(_) => &empty,
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("returnData", returned)?;
        map.serialize_entry("logs", &Logs(self))?;
        map.serialize_entry("gasUsed", &Quantity(call.gas_used))?;
        map.serialize_entry("maxUsedGas", &Quantity(call.max_used_gas))?;
        map.serialize_entry("status", &Quantity(u64::from(fault.is_none())))?;
        if let Some(fault) = fault {
            map.serialize_entry("error", &fault)?;
        }
        map.end()
    }
}

struct Logs<'a>(&'a CallView<'a>);

impl Serialize for Logs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CallView {
            simulated,
            call,
            index,
        } = self.0;
        let block = &simulated.block;
        let hash = block.transactions.get(*index).map(|tx| tx.hash());
        serializer.collect_seq(call.logs.iter().map(|entry| LogView {
            log: &entry.log,
            position: LogPosition {
                block_hash: block.hash(),
                block_number: block.number(),
                timestamp: block.header.timestamp,
                transaction_hash: hash.unwrap_or_default(),
                transaction_index: *index as u64,
                log_index: entry.index,
            },
            removed: false,
        }))
    }
}
