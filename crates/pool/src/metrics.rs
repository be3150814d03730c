//! What the pool tells Prometheus.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use crate::state::Sizes;

/// Handles of the pool's metrics; made once, for a look-up by name costs more than the count.
#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) accepted: Counter,
    pub(crate) mined: Counter,
    pub(crate) handed_out: Counter,
    pub(crate) journal_errors: Counter,
    pub(crate) journal_bytes: Gauge,
    pending: Gauge,
    queued: Gauge,
    bytes: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        describe_counter!("aura_pool_accepted_total", "Transactions accepted");
        describe_counter!(
            "aura_pool_rejected_total",
            "Transactions refused, by reason"
        );
        describe_counter!(
            "aura_pool_dropped_total",
            "Accepted transactions that left the pool unmined, by reason"
        );
        describe_counter!(
            "aura_pool_mined_total",
            "Transactions of the pool in durable blocks"
        );
        describe_counter!(
            "aura_pool_handed_out_total",
            "Transactions handed to the sequencer"
        );
        describe_counter!(
            "aura_pool_journal_errors_total",
            "Failed writes of the journal"
        );
        describe_gauge!("aura_pool_journal_bytes", "Size of the journal");
        describe_gauge!(
            "aura_pool_pending",
            "Transactions without a nonce gap before them"
        );
        describe_gauge!("aura_pool_queued", "Transactions behind a nonce gap");
        describe_gauge!("aura_pool_bytes", "Memory of all transactions, about");
        Self {
            accepted: counter!("aura_pool_accepted_total"),
            mined: counter!("aura_pool_mined_total"),
            handed_out: counter!("aura_pool_handed_out_total"),
            journal_errors: counter!("aura_pool_journal_errors_total"),
            journal_bytes: gauge!("aura_pool_journal_bytes"),
            pending: gauge!("aura_pool_pending"),
            queued: gauge!("aura_pool_queued"),
            bytes: gauge!("aura_pool_bytes"),
        }
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        counter!("aura_pool_rejected_total", "reason" => reason).increment(1);
    }

    pub(crate) fn dropped(&self, reason: &'static str) {
        counter!("aura_pool_dropped_total", "reason" => reason).increment(1);
    }

    #[allow(clippy::cast_precision_loss)] // gauges are floats
    pub(crate) fn sizes(&self, sizes: &Sizes) {
        self.pending.set(sizes.pending as f64);
        self.queued.set(sizes.queued as f64);
        self.bytes.set(sizes.bytes as f64);
    }
}
