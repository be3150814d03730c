//! Metrics of the sequencer.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

/// Records a sealed block.
pub(crate) fn sealed(transactions: usize, gas_used: u64, elapsed: Duration) {
    counter!("aura_sequencer_blocks_total").increment(1);
    histogram!("aura_sequencer_block_gas").record(gas_used as f64);
    histogram!("aura_sequencer_block_transactions").record(transactions as f64);
    histogram!("aura_sequencer_seal_seconds").record(elapsed.as_secs_f64());
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    gauge!("aura_sequencer_last_seal_timestamp_seconds").set(now.as_secs_f64());
}

/// Counts a transaction that a block build refused.
pub(crate) fn refused(reason: &'static str) {
    counter!("aura_sequencer_refused_transactions_total", "reason" => reason).increment(1);
}

/// Counts blocks that were removed to be built anew.
pub(crate) fn rebuilt(reason: &'static str, blocks: u64) {
    counter!("aura_sequencer_rebuilt_blocks_total", "reason" => reason).increment(blocks);
}
