//! Limits of the chain.

/// Limits of the writer and of what it keeps.
#[derive(Debug, Clone)]
pub struct ChainConfig {
    /// Blocks whose former state is kept, for reads of the past and for unwinding.
    pub history_blocks: u64,
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
            max_uncommitted_blocks: 8,
            max_group_blocks: 8,
            event_buffer: 64,
        }
    }
}
