//! Metrics of batcher and proposer.

use std::time::SystemTime;

use metrics::{counter, gauge, histogram};

use crate::{RebuildReason, refusal::Refusal};

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default()
        .as_secs()
}

/// A batch was mined.
pub(crate) fn batch_mined(kind: &'static str, bytes: usize, txs: u64, blocks: u64, wei: u128) {
    counter!("aura_settlement_batches_total", "da" => kind).increment(1);
    counter!("aura_settlement_batch_transactions_total").increment(txs);
    counter!("aura_settlement_batch_blocks_total").increment(blocks);
    histogram!("aura_settlement_batch_bytes").record(bytes as f64);
    histogram!("aura_settlement_batch_cost_wei").record(wei as f64);
    if txs > 0 {
        histogram!("aura_settlement_transaction_cost_wei").record(wei as f64 / txs as f64);
    }
    gauge!("aura_settlement_last_batch_timestamp_seconds").set(now() as f64);
}

/// What is not on L1 yet.
pub(crate) fn lag(blocks: u64, seconds: u64) {
    gauge!("aura_settlement_lag_blocks").set(blocks as f64);
    gauge!("aura_settlement_lag_seconds").set(seconds as f64);
}

/// Age of the oldest queue entry that no block has consumed, 0 if there is none, and the age from which
/// the contract insists on it.
pub(crate) fn queue_lag(seconds: u64, force_delay: u64) {
    gauge!("aura_settlement_oldest_entry_age_seconds").set(seconds as f64);
    gauge!("aura_settlement_force_delay_seconds").set(force_delay as f64);
}

/// The contract refused something.
pub(crate) fn refused(what: &'static str, refusal: Refusal) {
    counter!("aura_settlement_refused_total", "what" => what, "reason" => refusal.as_str())
        .increment(1);
}

/// The sequencer is asked to build blocks anew.
pub(crate) fn rebuild(reason: RebuildReason) {
    counter!("aura_settlement_rebuilds_total", "reason" => reason.as_str()).increment(1);
}

/// A root was mined.
pub(crate) fn root_mined(wei: u128) {
    counter!("aura_settlement_roots_total").increment(1);
    histogram!("aura_settlement_root_cost_wei").record(wei as f64);
    gauge!("aura_settlement_last_root_timestamp_seconds").set(now() as f64);
}

/// Roots by what became of them.
pub(crate) fn roots(pending: usize, disputed: usize, invalid: usize) {
    gauge!("aura_settlement_roots", "status" => "pending").set(pending as f64);
    gauge!("aura_settlement_roots", "status" => "disputed").set(disputed as f64);
    gauge!("aura_settlement_roots", "status" => "invalid").set(invalid as f64);
}

/// A loop has looked at everything and nothing failed.
pub(crate) fn looked(role: &'static str) {
    gauge!("aura_settlement_last_success_timestamp_seconds", "role" => role).set(now() as f64);
}
