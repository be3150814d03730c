//! Figures of the transaction manager.

use alloy_primitives::U256;
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

/// The figures of one account, which is named by its role.
#[derive(Clone)]
pub(super) struct TxMetrics {
    role: &'static str,
    pub(super) sent: Counter,
    pub(super) raised: Counter,
    pub(super) dropped: Counter,
    pub(super) reorged: Counter,
    pub(super) displaced: Counter,
    pub(super) in_flight: Gauge,
    pub(super) queued: Gauge,
    pub(super) oldest: Gauge,
    pub(super) last_look: Gauge,
    balance: Gauge,
    empty: Gauge,
}

/// An integer as a gauge takes it; what is lost beyond 53 bits does not matter to a chart.
fn approximate(number: U256) -> f64 {
    f64::from(number)
}

impl TxMetrics {
    pub(super) fn new(role: &'static str) -> Self {
        describe();
        Self {
            role,
            sent: counter!("aura_l1_tx_sent_total", "role" => role),
            raised: counter!("aura_l1_tx_raised_total", "role" => role),
            dropped: counter!("aura_l1_tx_dropped_total", "role" => role),
            reorged: counter!("aura_l1_tx_reorged_total", "role" => role),
            displaced: counter!("aura_l1_tx_displaced_total", "role" => role),
            in_flight: gauge!("aura_l1_tx_in_flight", "role" => role),
            queued: gauge!("aura_l1_tx_queued", "role" => role),
            oldest: gauge!("aura_l1_tx_oldest_age_seconds", "role" => role),
            last_look: gauge!("aura_l1_tx_last_look_timestamp_seconds", "role" => role),
            balance: gauge!("aura_l1_wallet_balance_wei", "role" => role),
            empty: gauge!("aura_l1_wallet_empty", "role" => role),
        }
    }

    /// A transaction ended: `mined`, `reverted`, `refused` in simulation, or `cancelled`.
    pub(super) fn ended(&self, outcome: &'static str) {
        counter!("aura_l1_tx_ended_total", "role" => self.role, "outcome" => outcome).increment(1);
    }

    pub(super) fn waiting(&self, reason: &'static str, waits: bool) {
        let value = if waits { 1.0 } else { 0.0 };
        gauge!("aura_l1_tx_waiting", "role" => self.role, "reason" => reason).set(value);
    }

    pub(super) fn wallet(&self, balance: U256) {
        self.balance.set(approximate(balance));
    }

    pub(super) fn wallet_empty(&self, is_empty: bool) {
        self.empty.set(if is_empty { 1.0 } else { 0.0 });
    }
}

fn describe() {
    describe_counter!(
        "aura_l1_tx_sent_total",
        "Transactions sent to L1, raises and repetitions included"
    );
    describe_counter!(
        "aura_l1_tx_raised_total",
        "Transactions sent again with higher fees"
    );
    describe_counter!(
        "aura_l1_tx_dropped_total",
        "Transactions that L1's pool lost and got again"
    );
    describe_counter!(
        "aura_l1_tx_reorged_total",
        "Mined transactions that a reorganisation of L1 took back"
    );
    describe_counter!(
        "aura_l1_tx_displaced_total",
        "Nonces that somebody else used with our key"
    );
    describe_counter!(
        "aura_l1_tx_ended_total",
        "Transactions that ended, by outcome"
    );
    describe_gauge!(
        "aura_l1_tx_in_flight",
        "Signed transactions without enough confirmations"
    );
    describe_gauge!("aura_l1_tx_queued", "Transactions that are not signed yet");
    describe_gauge!(
        "aura_l1_tx_oldest_age_seconds",
        "Age of the oldest transaction that has not ended"
    );
    describe_gauge!(
        "aura_l1_tx_last_look_timestamp_seconds",
        "When L1 was last looked at with success, Unix time"
    );
    describe_gauge!(
        "aura_l1_tx_waiting",
        "1 while transactions wait for the reason"
    );
    describe_gauge!("aura_l1_wallet_balance_wei", "Balance of the account on L1");
    describe_gauge!(
        "aura_l1_wallet_empty",
        "1 while the account cannot pay for the next transaction, or has less than low_balance"
    );
}
