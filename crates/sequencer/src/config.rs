//! When and how blocks are built.

use std::time::Duration;

/// When the open block is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealPolicy {
    /// As soon as it holds a transaction and the block before it is durable. Transactions that
    /// arrive during that commit share the next block, so latency is at most two commits.
    Instant,
    /// At most once in this time, at least 50 ms.
    Interval(Duration),
}

/// Settings of the sequencer.
#[derive(Debug, Clone)]
pub struct SequencerConfig {
    /// When to seal.
    pub policy: SealPolicy,
    /// How long to wait before a block without transactions is sealed; `None` for never.
    pub empty_block_interval: Option<Duration>,
    /// Gas limit of new blocks.
    pub gas_limit: u64,
    /// Bytes that the transactions of a block may have together, without those of the queue: what is
    /// posted to L1 must fit there. `None` where nothing is posted.
    pub max_posted_bytes: Option<u64>,
    /// `extraData` of new blocks, at most 32 bytes.
    pub extra_data: alloy_primitives::Bytes,
}

impl SequencerConfig {
    /// Shortest interval between blocks.
    pub const MIN_INTERVAL: Duration = Duration::from_millis(50);
    /// Lowest gas limit of a block (Ethereum's floor).
    pub const MIN_GAS_LIMIT: u64 = 5_000;

    /// Whether every transaction is mined at once, and nothing else makes blocks.
    pub const fn is_automine(&self) -> bool {
        matches!(self.policy, SealPolicy::Instant) && self.empty_block_interval.is_none()
    }

    /// Names the first setting that is out of its bounds.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn validate(&self) -> Result<(), String> {
        if let SealPolicy::Interval(interval) = self.policy
            && interval < Self::MIN_INTERVAL
        {
            return Err(format!(
                "block time {interval:?} is below the minimum of {:?}",
                Self::MIN_INTERVAL
            ));
        }
        if self.gas_limit < Self::MIN_GAS_LIMIT {
            return Err(format!(
                "gas limit {} is below the minimum of {}",
                self.gas_limit,
                Self::MIN_GAS_LIMIT
            ));
        }
        if self.extra_data.len() > 32 {
            return Err(format!(
                "extra data has {} bytes, the limit is 32",
                self.extra_data.len()
            ));
        }
        Ok(())
    }
}
