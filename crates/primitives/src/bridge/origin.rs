//! What L2 knows of L1.

use alloy_primitives::{B256, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

/// The L1 block that an L2 block refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, RlpEncodable, RlpDecodable)]
pub struct L1Origin {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, seconds; never after that of the L2 block.
    pub timestamp: u64,
    /// Its base fee, wei.
    pub base_fee: U256,
    /// Its blob base fee, wei.
    pub blob_base_fee: U256,
    /// Its `prevRandao`, which becomes that of the L2 block.
    pub prev_randao: B256,
    /// Its parent beacon block root, which becomes that of the L2 block.
    pub parent_beacon_block_root: B256,
}

/// What the system call before a block's transactions writes to `AuraL1Block`.
///
/// A block has one if its origin, or what it consumes of the queue, differs from the block before.
/// It is stored with the block, for it cannot be computed from the block alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, RlpEncodable, RlpDecodable)]
pub struct L1BlockInfo {
    /// The L1 block.
    pub origin: L1Origin,
    /// Queue entries consumed by all blocks up to and including this one.
    pub consumed: u64,
    /// Trimmed accumulator of the last of them; zero if there is none.
    pub queue_acc: B256,
}
