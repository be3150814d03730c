//! Settings of batcher and proposer.

use std::time::Duration;

use aura_derivation::{MAX_BLOBS, MAX_BLOCKS};
use serde::{Deserialize, Serialize};

/// Where the data of batches goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DaChoice {
    /// Wherever it is cheaper; small batches in calldata.
    #[default]
    Auto,
    /// Calldata.
    Calldata,
    /// Blobs.
    Blobs,
}

/// Settings of batcher and proposer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettlementConfig {
    /// Where the data of batches goes.
    pub da: DaChoice,
    /// Age of the oldest block that is not posted, milliseconds; then a batch is posted.
    pub batch_interval_ms: u64,
    /// Blobs of a batch; when they are full a batch is posted.
    pub max_blobs: usize,
    /// Bytes of a batch in calldata; L1's pools refuse transactions above 128 KiB.
    pub max_calldata_bytes: usize,
    /// Blocks of a batch.
    pub max_blocks: usize,
    /// L1 blocks that an anchor must have left before it is too old, or a newer one is asked for.
    pub anchor_margin: u64,
    /// Least time between two roots, milliseconds.
    pub root_interval_ms: u64,
    /// Whether roots are made final as soon as they can be.
    pub finalize: bool,
    /// Least time between two attempts at that, milliseconds.
    pub finalize_interval_ms: u64,
    /// Time between two looks if nothing happens, milliseconds.
    pub poll_interval_ms: u64,
    /// Least time after a refusal or failure until the next attempt, milliseconds.
    pub retry_after_ms: u64,
}

impl Default for SettlementConfig {
    fn default() -> Self {
        Self {
            da: DaChoice::Auto,
            batch_interval_ms: 300_000,
            max_blobs: 6,
            max_calldata_bytes: 120_000,
            max_blocks: MAX_BLOCKS,
            anchor_margin: 55,
            root_interval_ms: 3_600_000,
            finalize: true,
            finalize_interval_ms: 60_000,
            poll_interval_ms: 1_000,
            retry_after_ms: 12_000,
        }
    }
}

impl SettlementConfig {
    /// For development: a batch and a root every two seconds.
    pub fn dev() -> Self {
        Self {
            batch_interval_ms: 2_000,
            root_interval_ms: 0,
            finalize_interval_ms: 1_000,
            poll_interval_ms: 200,
            retry_after_ms: 500,
            ..Self::default()
        }
    }

    /// Names the first setting that is out of its bounds.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn validate(&self) -> Result<(), String> {
        if !(1..=MAX_BLOBS).contains(&self.max_blobs) {
            return Err(format!("max_blobs must be from 1 to {MAX_BLOBS}"));
        }
        if !(1..=MAX_BLOCKS).contains(&self.max_blocks) {
            return Err(format!("max_blocks must be from 1 to {MAX_BLOCKS}"));
        }
        if !(1_000..=130_000).contains(&self.max_calldata_bytes) {
            return Err("max_calldata_bytes must be from 1000 to 130000".to_owned());
        }
        if !(1..=200).contains(&self.anchor_margin) {
            return Err("anchor_margin must be from 1 to 200".to_owned());
        }
        for (name, value) in [
            ("poll_interval_ms", self.poll_interval_ms),
            ("retry_after_ms", self.retry_after_ms),
            ("finalize_interval_ms", self.finalize_interval_ms),
        ] {
            if value < 50 {
                return Err(format!("{name} must be at least 50"));
            }
        }
        Ok(())
    }

    pub(crate) const fn batch_interval(&self) -> Duration {
        Duration::from_millis(self.batch_interval_ms)
    }

    pub(crate) const fn root_interval(&self) -> Duration {
        Duration::from_millis(self.root_interval_ms)
    }

    pub(crate) const fn finalize_interval(&self) -> Duration {
        Duration::from_millis(self.finalize_interval_ms)
    }

    pub(crate) const fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    pub(crate) const fn retry_after(&self) -> Duration {
        Duration::from_millis(self.retry_after_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_bounds_are_kept() {
        SettlementConfig::default().validate().unwrap();
        SettlementConfig::dev().validate().unwrap();
        let bad = SettlementConfig {
            max_blobs: MAX_BLOBS + 1,
            ..Default::default()
        };
        assert!(bad.validate().unwrap_err().contains("max_blobs"));
    }
}
