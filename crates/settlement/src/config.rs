//! Settings of batcher and proposer.

use std::{ops::RangeInclusive, time::Duration};

use aura_derivation::{MAX_BLOBS, MAX_BLOCKS};
use serde::{Deserialize, Serialize};

use crate::cost;

/// Bounds of `max_calldata_bytes`. At the highest a batch needs 16 million gas (EIP-7623), just below
/// what a transaction may have (EIP-7825).
const CALLDATA_BYTES: RangeInclusive<usize> = 10_000..=400_000;

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
    /// Bytes of a batch in calldata; pools of Ethereum refuse transactions above 128 KiB.
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

    /// For a chain of development whose L1 is in the same process: it has no blobs, and takes longer
    /// transactions than L1s that gossip them.
    pub fn embedded() -> Self {
        Self {
            da: DaChoice::Calldata,
            max_calldata_bytes: *CALLDATA_BYTES.end(),
            ..Self::dev()
        }
    }

    /// Bytes that the transactions of a block may have together, so that a batch of this block alone
    /// can always be posted: random bytes become no shorter.
    pub fn max_block_bytes(&self) -> u64 {
        let longest = cost::longest_payload(self, true);
        // What brotli adds to bytes that do not compress, and the RLP of one block, rounded up.
        (longest - longest / 1_024 - 256) as u64
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
        if !CALLDATA_BYTES.contains(&self.max_calldata_bytes) {
            let (least, most) = (CALLDATA_BYTES.start(), CALLDATA_BYTES.end());
            return Err(format!("max_calldata_bytes must be from {least} to {most}"));
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
    use aura_derivation::BatchBlock;

    use super::*;

    #[test]
    fn defaults_are_valid_and_bounds_are_kept() {
        SettlementConfig::default().validate().unwrap();
        SettlementConfig::dev().validate().unwrap();
        SettlementConfig::embedded().validate().unwrap();
        let bad = SettlementConfig {
            max_blobs: MAX_BLOBS + 1,
            ..Default::default()
        };
        assert!(bad.validate().unwrap_err().contains("max_blobs"));
    }

    /// A block as large as it may be, of transactions of which no byte can be foreseen.
    #[test]
    fn the_largest_block_can_be_posted() {
        let mut state = 1_u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        for (config, tx_bytes) in [
            (SettlementConfig::default(), 100_000),
            (SettlementConfig::default(), 120),
            (SettlementConfig::embedded(), 131_072),
        ] {
            let (each, most) = (tx_bytes + 5, config.max_block_bytes() as usize);
            let mut sizes = vec![tx_bytes; most / each];
            sizes.push((most % each).saturating_sub(5));
            let block = BatchBlock {
                time_delta: u64::MAX,
                origin_delta: u64::MAX,
                consume: u64::MAX,
                transactions: sizes
                    .into_iter()
                    .map(|size| (0..size).map(|_| noise()).collect())
                    .collect(),
            };
            let payload = aura_derivation::encode_batch(&[block]).unwrap();
            let longest = cost::longest_payload(&config, true);
            assert!(payload.len() <= longest, "{} > {longest}", payload.len());
        }
    }
}
