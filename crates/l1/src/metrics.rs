//! Metrics of the watcher.

use std::time::SystemTime;

use metrics::{counter, gauge};

use crate::{L1Error, L1Status};

fn now() -> f64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    now.as_secs_f64()
}

/// Counts a failure.
pub(crate) fn failed(error: &L1Error) {
    counter!("aura_l1_errors_total", "kind" => error.label()).increment(1);
}

/// Counts a connection that was made.
pub(crate) fn connected() {
    counter!("aura_l1_connections_total").increment(1);
}

/// Counts a switch to another endpoint, with the place of the new one in the list.
pub(crate) fn switched(index: usize) {
    counter!("aura_l1_endpoint_switches_total").increment(1);
    gauge!("aura_l1_endpoint").set(index as f64);
}

/// Counts a reorganisation and its depth.
pub(crate) fn reorganised(blocks: u64) {
    counter!("aura_l1_reorgs_total").increment(1);
    gauge!("aura_l1_last_reorg_blocks").set(blocks as f64);
}

/// Says where the watcher is; `best` is the number of L1's head.
pub(crate) fn progress(status: &L1Status, best: u64) {
    gauge!("aura_l1_head").set(status.head.number as f64);
    gauge!("aura_l1_safe").set(status.safe.number as f64);
    gauge!("aura_l1_finalized").set(status.finalized.number as f64);
    gauge!("aura_l1_lag_blocks").set(best.saturating_sub(status.head.number) as f64);
    gauge!("aura_l1_lag_seconds").set((now() - status.head.timestamp as f64).max(0.0));
    gauge!("aura_l1_queue_entries").set(status.queue_len as f64);
    gauge!("aura_l1_last_success_timestamp_seconds").set(now());
}
