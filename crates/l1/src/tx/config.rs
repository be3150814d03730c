//! Settings of the transaction manager.

use std::time::Duration;

use alloy_primitives::U256;

const GWEI: u128 = 1_000_000_000;

/// Settings of the transaction manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxConfig {
    /// Chain id of L1.
    pub chain_id: u64,
    /// Blocks, its own included, until a mined transaction counts. At least 1.
    pub confirmations: u64,
    /// Time between two looks at L1.
    pub poll_interval: Duration,
    /// A transaction that is not mined for so long gets higher fees.
    pub resubmit_after: Duration,
    /// Most that is paid for gas, wei.
    pub max_fee_per_gas: u128,
    /// Most that is paid for blob gas, wei.
    pub max_fee_per_blob_gas: u128,
    /// Most that one transaction may cost beside its value, wei.
    pub max_cost: U256,
    /// Least tip, wei; L1's nodes refuse transactions without one.
    pub min_tip: u128,
    /// Transactions in L1's pool at a time.
    pub max_in_flight: usize,
    /// Transactions that wait for their turn; more are refused.
    pub max_queued: usize,
    /// Balance below which an alert is raised although there is enough for the next transaction, wei.
    pub low_balance: U256,
    /// Least time between two lines of the log about the same trouble.
    pub remind_after: Duration,
}

impl Default for TxConfig {
    fn default() -> Self {
        Self {
            chain_id: 1,
            confirmations: 1,
            poll_interval: Duration::from_secs(2),
            resubmit_after: Duration::from_secs(48),
            max_fee_per_gas: 300 * GWEI,
            max_fee_per_blob_gas: 300 * GWEI,
            max_cost: U256::from(10).pow(U256::from(18)),
            min_tip: GWEI / 10,
            max_in_flight: 4,
            max_queued: 64,
            low_balance: U256::from(10).pow(U256::from(17)),
            remind_after: Duration::from_secs(60),
        }
    }
}

impl TxConfig {
    /// Refuses settings that cannot work; the message names the setting.
    ///
    /// # Errors
    /// The message.
    pub fn validate(&self) -> Result<(), &'static str> {
        let rules = [
            (self.confirmations == 0, "confirmations is 0"),
            (self.poll_interval.is_zero(), "poll_interval is 0"),
            (self.resubmit_after.is_zero(), "resubmit_after is 0"),
            (self.max_in_flight == 0, "max_in_flight is 0"),
            (self.max_queued == 0, "max_queued is 0"),
            (self.max_fee_per_gas == 0, "max_fee_per_gas is 0"),
            (self.max_fee_per_blob_gas == 0, "max_fee_per_blob_gas is 0"),
            (self.max_cost.is_zero(), "max_cost is 0"),
            (
                self.min_tip > self.max_fee_per_gas,
                "min_tip is above max_fee_per_gas",
            ),
        ];
        match rules.into_iter().find(|(is_wrong, _)| *is_wrong) {
            None => Ok(()),
            Some((_, message)) => Err(message),
        }
    }
}
