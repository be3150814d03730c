//! Batches of ours.

use alloy_primitives::B256;
use alloy_rlp::{RlpDecodable, RlpEncodable};
use aura_primitives::bridge::BatchHeader;

/// Which blocks a batch holds that we have made, or that somebody forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct BatchRecord {
    /// Its index on L1; the genesis is 0 and has no record.
    pub index: u64,
    /// Number of its first L2 block.
    pub first_block: u64,
    /// Number of its last L2 block.
    pub last_block: u64,
    /// Hash of that block.
    pub last_hash: B256,
    /// Queue entries consumed up to it.
    pub consumed: u64,
    /// Where its data is: a [`DaKind`](aura_primitives::bridge::DaKind).
    pub da_kind: u8,
    /// Commitment to its data.
    pub da_hash: B256,
    /// What it says about itself.
    pub header: BatchHeader,
    /// L1 transaction that posted it; zero until it was seen on L1.
    pub l1_tx: B256,
}

impl BatchRecord {
    /// Whether both are the same batch to L1, wherever and whenever it was posted.
    pub fn is_same_batch(&self, other: &Self) -> bool {
        self.index == other.index
            && self.da_kind == other.da_kind
            && self.da_hash == other.da_hash
            && self.header == other.header
    }
}
