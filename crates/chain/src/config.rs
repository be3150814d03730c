//! Limits of the chain.

use std::time::Duration;

/// Limits of the writer and of what it keeps.
#[derive(Debug, Clone)]
pub struct ChainConfig {
    /// Blocks whose former state is kept, for reads of the past and for unwinding.
    pub history_blocks: u64,
    /// Newest blocks of which every one can be proven.
    pub proof_window_blocks: u64,
    /// Of older blocks every so many-th can be proven, as far back as history reaches.
    pub proof_interval_blocks: u64,
    /// Blocks for which a pinned (posted) one stays provable, whatever its time.
    pub pin_blocks: u64,
    /// Time for which a pinned block stays provable, whatever its number.
    pub pin_time: Duration,
    /// Leaves of the state tree that are kept in memory at most, 64 bytes each.
    pub cached_leaves: usize,
    /// Accounts and slots that the state of a chain with Ethereum's state commitment may have: its
    /// root is computed from all of them.
    pub max_mpt_entries: usize,
    /// Sealed blocks that may wait for the disk; [`Chain::seal`](crate::Chain::seal) waits beyond.
    pub max_uncommitted_blocks: usize,
    /// Blocks that share one database transaction at most.
    pub max_group_blocks: usize,
    /// Events that a slow subscriber may lag behind before it is told that it missed some.
    pub event_buffer: usize,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            history_blocks: 1_000_000,
            proof_window_blocks: 1_024,
            proof_interval_blocks: 32,
            pin_blocks: 600_000,
            pin_time: Duration::from_secs(30 * 24 * 60 * 60),
            cached_leaves: 2_000_000,
            max_mpt_entries: 200_000,
            max_uncommitted_blocks: 8,
            max_group_blocks: 8,
            event_buffer: 64,
        }
    }
}
