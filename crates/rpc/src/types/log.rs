//! Logs.

use alloy_primitives::{B256, Log};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::Quantity;

/// The hash of a block, which an open one does not have: zero stands for that.
pub(super) fn sealed_hash(hash: B256) -> Option<B256> {
    (!hash.is_zero()).then_some(hash)
}

/// Where a log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogPosition {
    /// Hash of the block.
    pub(crate) block_hash: B256,
    /// Number of the block.
    pub(crate) block_number: u64,
    /// Time of the block.
    pub(crate) timestamp: u64,
    /// Hash of the transaction.
    pub(crate) transaction_hash: B256,
    /// Index of the transaction in the block.
    pub(crate) transaction_index: u64,
    /// Index of the log in the block.
    pub(crate) log_index: u64,
}

/// A log on the wire.
#[derive(Debug, Clone)]
pub(crate) struct RpcLog {
    pub(crate) log: Log,
    pub(crate) position: LogPosition,
    /// Whether its block was removed from the chain.
    pub(crate) removed: bool,
}

impl RpcLog {
    /// Bytes of its data and topics.
    pub(crate) fn bytes(&self) -> usize {
        self.log.data.data.len() + 32 * self.log.topics().len()
    }
}

impl Serialize for RpcLog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        LogView {
            log: &self.log,
            position: self.position,
            removed: self.removed,
        }
        .serialize(serializer)
    }
}

/// A log on the wire, borrowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogView<'a> {
    pub(super) log: &'a Log,
    pub(super) position: LogPosition,
    pub(super) removed: bool,
}

impl Serialize for LogView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let at = &self.position;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("address", &self.log.address)?;
        map.serialize_entry("topics", self.log.topics())?;
        map.serialize_entry("data", &self.log.data.data)?;
        map.serialize_entry("blockNumber", &Quantity(at.block_number))?;
        map.serialize_entry("transactionHash", &at.transaction_hash)?;
        map.serialize_entry("transactionIndex", &Quantity(at.transaction_index))?;
        map.serialize_entry("blockHash", &sealed_hash(at.block_hash))?;
        map.serialize_entry("blockTimestamp", &Quantity(at.timestamp))?;
        map.serialize_entry("logIndex", &Quantity(at.log_index))?;
        map.serialize_entry("removed", &self.removed)?;
        map.end()
    }
}
