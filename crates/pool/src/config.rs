//! Limits of the pool.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// Limits of the pool. Every default is finite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolConfig {
    /// Transactions in the pool; beyond it the cheapest is dropped.
    pub max_transactions: usize,
    /// Memory of all transactions in the pool, in bytes, about; beyond it the cheapest is dropped.
    pub max_bytes: usize,
    /// Transactions of one sender.
    pub max_per_sender: usize,
    /// Transactions of one sender that wait for a missing nonce.
    pub max_queued_per_sender: usize,
    /// Encoded size of one transaction, in bytes.
    pub max_tx_bytes: usize,
    /// By how much a replacement must raise the fee cap and the tip, in percent.
    pub price_bump_percent: u64,
    /// Lowest priority fee per gas that is accepted, in wei.
    pub min_tip_wei: u64,
    /// How long a transaction may wait for a missing nonce.
    #[serde(with = "duration")]
    pub max_queued_lifetime: Duration,
    /// How long the hash of a transaction that broke a block build is refused.
    #[serde(with = "duration")]
    pub quarantine_lifetime: Duration,
    /// Hashes of dropped transactions whose reason is remembered.
    pub max_remembered_drops: usize,
    /// Gas limit of coming blocks, if the sequencer builds others than the head's.
    pub block_gas_limit: Option<u64>,
    /// File that accepted transactions are written to; `None` keeps them in memory only.
    pub journal: Option<PathBuf>,
    /// Flush the journal to disk before a transaction is accepted.
    ///
    /// Without it an accepted transaction survives the death of the process, but not of the
    /// machine. With it every submission waits for the disk.
    pub journal_sync: bool,
    /// Size below which the journal is not rewritten, in bytes.
    pub journal_rotate_bytes: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_transactions: 200_000,
            max_bytes: 256 << 20,
            max_per_sender: 16_384,
            max_queued_per_sender: 1_024,
            max_tx_bytes: 128 << 10,
            price_bump_percent: 10,
            min_tip_wei: 0,
            max_queued_lifetime: Duration::from_secs(3 * 3600),
            quarantine_lifetime: Duration::from_secs(3600),
            max_remembered_drops: 65_536,
            block_gas_limit: None,
            journal: None,
            journal_sync: false,
            journal_rotate_bytes: 16 << 20,
        }
    }
}

impl PoolConfig {
    /// Checks that the limits make sense together.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub fn validate(&self) -> Result<(), &'static str> {
        if self.max_transactions == 0 {
            return Err("max_transactions must be at least 1");
        }
        if self.max_per_sender == 0 {
            return Err("max_per_sender must be at least 1");
        }
        if self.max_tx_bytes == 0 {
            return Err("max_tx_bytes must be at least 1");
        }
        if self.max_bytes < self.max_tx_bytes.saturating_mul(2) {
            return Err("max_bytes must hold at least two transactions of max_tx_bytes");
        }
        if self.price_bump_percent > 1_000 {
            return Err("price_bump_percent must be at most 1000");
        }
        Ok(())
    }
}

/// A [`Duration`] as text: `3h`, `90s`.
mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&humantime::format_duration(*value))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        humantime::parse_duration(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_limits_are_valid() {
        assert_eq!(PoolConfig::default().validate(), Ok(()));
    }

    #[test]
    fn rejects_limits_that_hold_no_transaction() {
        let config = PoolConfig {
            max_bytes: 1_000,
            ..PoolConfig::default()
        };
        assert!(config.validate().unwrap_err().contains("max_bytes"));
        let config = PoolConfig {
            max_transactions: 0,
            ..PoolConfig::default()
        };
        assert!(config.validate().unwrap_err().contains("max_transactions"));
    }
}
