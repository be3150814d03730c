//! What the methods of the bridge need from outside.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use alloy_primitives::{Address, B256};

/// An L1 block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct L1Point {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, seconds.
    pub timestamp: u64,
}

/// L1 as the watcher sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct L1Heads {
    /// The newest block that was processed.
    pub head: L1Point,
    /// The newest that L1 calls safe.
    pub safe: L1Point,
    /// The newest that L1 calls finalized.
    pub finalized: L1Point,
    /// Queue entries that L2 may take.
    pub queue_len: u64,
    /// Whether the watcher has reached the head since the node started.
    pub synced: bool,
}

/// When the rollup lets a root become final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FinalityRule {
    /// Age with `k_slow` signatures, seconds.
    pub window: u64,
    /// Age with `k_fast` signatures, seconds.
    pub fast: u64,
    /// Signatures of verifiers that are always needed.
    pub k_slow: u8,
    /// Signatures that shorten the wait.
    pub k_fast: u8,
}

/// The bridge of a node that follows L1.
#[derive(Clone)]
pub struct BridgeContext {
    /// Settings of the rollup, once it has answered.
    pub finality: Arc<OnceLock<FinalityRule>>,
    /// Account that posts batches, if this node does.
    pub batcher: Option<Address>,
    /// Account that posts roots, if this node does.
    pub proposer: Option<Address>,
    /// The watcher's newest view; must not block.
    pub heads: Arc<dyn Fn() -> L1Heads + Send + Sync>,
}

impl fmt::Debug for BridgeContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BridgeContext")
            .field("finality", &self.finality)
            .field("batcher", &self.batcher)
            .field("proposer", &self.proposer)
            .finish_non_exhaustive()
    }
}
