//! Fee history.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::Quantity;

/// Answer of `eth_feeHistory`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FeeHistory {
    /// Number of the first block.
    pub(crate) oldest_block: u64,
    /// One per block and one for the block after.
    pub(crate) base_fees: Vec<u128>,
    /// Gas used divided by gas limit.
    pub(crate) gas_used_ratios: Vec<f64>,
    /// One per block and one for the block after.
    pub(crate) blob_base_fees: Vec<u128>,
    /// Blob gas used divided by its limit.
    pub(crate) blob_gas_used_ratios: Vec<f64>,
    /// Tips at the wanted percentiles, if any were wanted.
    pub(crate) rewards: Option<Vec<Vec<u128>>>,
}

struct Quantities<'a>(&'a [u128]);

impl Serialize for Quantities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|value| Quantity(*value)))
    }
}

impl Serialize for FeeHistory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("oldestBlock", &Quantity(self.oldest_block))?;
        if let Some(rewards) = &self.rewards {
            let rewards: Vec<_> = rewards.iter().map(|row| Quantities(row)).collect();
            map.serialize_entry("reward", &rewards)?;
        }
        map.serialize_entry("baseFeePerGas", &Quantities(&self.base_fees))?;
        map.serialize_entry("gasUsedRatio", &self.gas_used_ratios)?;
        map.serialize_entry("baseFeePerBlobGas", &Quantities(&self.blob_base_fees))?;
        map.serialize_entry("blobGasUsedRatio", &self.blob_gas_used_ratios)?;
        map.end()
    }
}
