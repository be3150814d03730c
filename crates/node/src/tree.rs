//! Settings of the state tree and its proofs.

use std::time::Duration;

use aura_chain::ChainConfig;
use serde::{Deserialize, Serialize};

/// State tree and proofs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TreeSection {
    /// Newest blocks of which every one can be proven.
    pub proof_window_blocks: u64,
    /// Of older blocks every so many-th can be proven, as far back as history reaches.
    pub proof_interval_blocks: u64,
    /// Blocks for which a posted one stays provable, whatever its time.
    pub pin_blocks: u64,
    /// Seconds for which a posted block stays provable, whatever its number.
    pub pin_time_secs: u64,
    /// Leaves kept in memory at most, 64 bytes each.
    pub cached_leaves: usize,
}

impl Default for TreeSection {
    fn default() -> Self {
        let config = ChainConfig::default();
        Self {
            proof_window_blocks: config.proof_window_blocks,
            proof_interval_blocks: config.proof_interval_blocks,
            pin_blocks: config.pin_blocks,
            pin_time_secs: config.pin_time.as_secs(),
            cached_leaves: config.cached_leaves,
        }
    }
}

impl TreeSection {
    /// Names the first setting that cannot work where `history_blocks` of state are kept.
    pub(crate) fn validate(&self, history_blocks: u64) -> Result<(), String> {
        for (name, blocks) in [
            ("proof_window_blocks", self.proof_window_blocks),
            ("proof_interval_blocks", self.proof_interval_blocks),
        ] {
            if blocks == 0 {
                return Err(format!("tree: {name} must be at least 1"));
            }
        }
        // A proof needs leaves as well as nodes.
        for (name, blocks) in [
            ("proof_window_blocks", self.proof_window_blocks),
            ("pin_blocks", self.pin_blocks),
        ] {
            if blocks > history_blocks {
                return Err(format!(
                    "tree: {name} {blocks} exceeds storage.history_blocks {history_blocks}"
                ));
            }
        }
        Ok(())
    }

    /// The chain's settings.
    pub fn to_config(&self, history_blocks: u64) -> ChainConfig {
        ChainConfig {
            history_blocks,
            proof_window_blocks: self.proof_window_blocks,
            proof_interval_blocks: self.proof_interval_blocks,
            pin_blocks: self.pin_blocks,
            pin_time: Duration::from_secs(self.pin_time_secs),
            cached_leaves: self.cached_leaves,
            ..ChainConfig::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_proofs_without_history_by_name() {
        let section = TreeSection::default();
        section.validate(1_000_000).unwrap();
        let error = section.validate(600_000 - 1).unwrap_err();
        assert!(error.contains("pin_blocks 600000 exceeds"), "{error}");
        let zero = TreeSection {
            proof_interval_blocks: 0,
            ..section
        };
        let error = zero.validate(1_000_000).unwrap_err();
        assert_eq!(error, "tree: proof_interval_blocks must be at least 1");
    }
}
