//! Figures of the database for the metrics endpoint.

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

/// Handles are taken once: looking a metric up costs more than a read.
#[derive(Clone)]
pub(crate) struct Metrics {
    /// `aura_storage_commit_seconds`
    pub(crate) commit_seconds: Histogram,
    /// `aura_storage_put_block_seconds`
    pub(crate) put_block_seconds: Histogram,
    /// `aura_storage_blocks_total`
    pub(crate) blocks: Counter,
    /// `aura_storage_unwound_blocks_total`
    pub(crate) unwound_blocks: Counter,
    /// `aura_storage_pruned_history_total`
    pub(crate) pruned_history: Counter,
    /// `aura_storage_pruned_nodes_total`
    pub(crate) pruned_nodes: Counter,
    /// `aura_storage_readers`
    pub(crate) readers: Gauge,
    /// `aura_storage_expired_readers_total`
    pub(crate) expired_readers: Counter,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        describe_histogram!("aura_storage_commit_seconds", "Duration of a commit");
        describe_histogram!(
            "aura_storage_put_block_seconds",
            "Duration of writing one block into the transaction"
        );
        describe_counter!("aura_storage_blocks_total", "Blocks written");
        describe_counter!("aura_storage_unwound_blocks_total", "Blocks unwound");
        describe_counter!(
            "aura_storage_pruned_history_total",
            "History entries pruned"
        );
        describe_counter!(
            "aura_storage_pruned_nodes_total",
            "Rows about former nodes of the state tree pruned"
        );
        describe_gauge!("aura_storage_readers", "Open read snapshots");
        describe_counter!(
            "aura_storage_expired_readers_total",
            "Reads refused because their snapshot was too old"
        );
        Self {
            commit_seconds: histogram!("aura_storage_commit_seconds"),
            put_block_seconds: histogram!("aura_storage_put_block_seconds"),
            blocks: counter!("aura_storage_blocks_total"),
            unwound_blocks: counter!("aura_storage_unwound_blocks_total"),
            pruned_history: counter!("aura_storage_pruned_history_total"),
            pruned_nodes: counter!("aura_storage_pruned_nodes_total"),
            readers: gauge!("aura_storage_readers"),
            expired_readers: counter!("aura_storage_expired_readers_total"),
        }
    }
}
