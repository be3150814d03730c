//! Metrics of the chain.

use std::time::Duration;

use aura_primitives::CommittedBlock;
use metrics::{counter, gauge, histogram};

/// Records a commit of `blocks` blocks that took `elapsed`.
pub(crate) fn committed(blocks: &[std::sync::Arc<CommittedBlock>], elapsed: Duration) {
    histogram!("aura_chain_commit_seconds").record(elapsed.as_secs_f64());
    counter!("aura_chain_blocks_total").increment(blocks.len() as u64);
    let transactions: usize = blocks.iter().map(|block| block.receipts.len()).sum();
    counter!("aura_chain_transactions_total").increment(transactions as u64);
    if let Some(last) = blocks.last() {
        gauge!("aura_chain_head_number", "head" => "unsafe").set(last.block.number() as f64);
        gauge!("aura_chain_head_timestamp_seconds").set(last.block.header.timestamp as f64);
    }
}

/// Records the root computation of one block.
pub(crate) fn root_computed(changes: usize, elapsed: Duration) {
    histogram!("aura_chain_root_seconds").record(elapsed.as_secs_f64());
    counter!("aura_chain_leaf_updates_total").increment(changes as u64);
}

/// Records how many sealed blocks wait for the disk.
pub(crate) fn uncommitted(blocks: usize) {
    gauge!("aura_chain_uncommitted_blocks").set(blocks as f64);
}
