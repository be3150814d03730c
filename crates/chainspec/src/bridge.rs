//! Which contracts on L1 a chain belongs to.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

/// The L1 side of a chain's bridge: the genesis's section `aura.bridge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BridgeSpec {
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// The portal: escrow and queue.
    pub portal: Address,
    /// The rollup: batches and roots.
    pub rollup: Address,
}
