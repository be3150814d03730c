//! The bridge as a whole.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use aura_primitives::HeadLabel;
use serde::Serialize;

use super::{bridge_of, roots::best_final, wire::PointView};
use crate::{api::Api, errors::Fault, methods::Raw, types::Quantity};

/// A batch on L1.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchView {
    index: Quantity<u64>,
    /// Blocks of L2, of a batch that this node has made.
    first_block: Option<Quantity<u64>>,
    last_block: Option<Quantity<u64>>,
    consumed: Quantity<u64>,
    l1_block_number: Quantity<u64>,
    l1_transaction_hash: B256,
    posted_at: Quantity<u64>,
}

/// A root on L1.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct RootView {
    id: Quantity<u64>,
    l2_block: Quantity<u64>,
    batch_index: Quantity<u64>,
    status: &'static str,
    posted_at: Quantity<u64>,
}

impl From<&aura_storage::L1RootRecord> for RootView {
    fn from(root: &aura_storage::L1RootRecord) -> Self {
        use aura_storage::RootStatus::{Disputed, Final, Invalid, Pending};
        Self {
            id: Quantity(root.id),
            l2_block: Quantity(root.output.l2_block),
            batch_index: Quantity(root.output.batch_index),
            status: match root.status() {
                Pending => "pending",
                Final => "final",
                Disputed => "disputed",
                Invalid => "invalid",
            },
            posted_at: Quantity(root.l1_time),
        }
    }
}

/// The bridge as a whole.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BridgeStatus {
    l1_chain_id: Quantity<u64>,
    l2_chain_id: Quantity<u64>,
    portal: Address,
    rollup: Address,
    l1_head: PointView,
    l1_safe: PointView,
    l1_finalized: PointView,
    /// Blocks from the L1 block that L2 refers to, to the head of L1.
    lag: Quantity<u64>,
    synced: bool,
    /// Entries of the queue that this node has seen.
    queue_length: Quantity<u64>,
    /// Those that L2 may take already.
    queue_usable: Quantity<u64>,
    /// Those that L2 has taken.
    consumed: Quantity<u64>,
    next_batch: Quantity<u64>,
    last_batch: Option<BatchView>,
    last_root: Option<RootView>,
    best_final_root: Option<RootView>,
    withdrawal_count: Quantity<u64>,
    /// Withdrawals that no final root covers.
    pending_withdrawals: Quantity<u64>,
    batcher: Option<Address>,
    proposer: Option<Address>,
}

/// `aura_bridgeStatus()`.
pub(crate) async fn status(api: Arc<Api>, raw: Raw) -> Result<BridgeStatus, Fault> {
    raw.args()?;
    api.on_scans(read).await
}

fn read(api: &Api) -> Result<BridgeStatus, Fault> {
    let (spec, context) = bridge_of(api)?;
    let heads = (context.heads)();
    let reader = api.reader()?;
    let info = reader.l1_info_at(reader.head(HeadLabel::Unsafe)?.number)?;
    let (origin, consumed) = info.map_or((0, 0), |info| (info.origin.number, info.consumed));
    let last_batch = reader.l1_last_batch()?;
    let next_batch = last_batch.map_or(1, |batch| batch.index.saturating_add(1));
    let last_batch = match last_batch {
        Some(batch) => {
            let ours = reader.batch(batch.index)?;
            Some(BatchView {
                index: Quantity(batch.index),
                first_block: ours.map(|ours| Quantity(ours.first_block)),
                last_block: ours.map(|ours| Quantity(ours.last_block)),
                consumed: Quantity(batch.header.consumed),
                l1_block_number: Quantity(batch.l1_block),
                l1_transaction_hash: batch.l1_tx,
                posted_at: Quantity(batch.l1_time),
            })
        }
        None => None,
    };
    let best_final = best_final(&reader)?;
    let withdrawals = reader.withdrawal_count()?;
    let settled = match &best_final {
        Some(root) => reader.withdrawal_count_at(root.output.l2_block)?,
        None => 0,
    };
    let queue_length = reader.l1_last_queue_entry()?;
    Ok(BridgeStatus {
        l1_chain_id: Quantity(spec.l1_chain_id),
        l2_chain_id: Quantity(api.spec().chain_id()),
        portal: spec.portal,
        rollup: spec.rollup,
        l1_head: heads.head.into(),
        l1_safe: heads.safe.into(),
        l1_finalized: heads.finalized.into(),
        lag: Quantity(heads.head.number.saturating_sub(origin)),
        synced: heads.synced,
        queue_length: Quantity(queue_length.map_or(0, |entry| entry.message.id.saturating_add(1))),
        queue_usable: Quantity(heads.queue_len),
        consumed: Quantity(consumed),
        next_batch: Quantity(next_batch),
        last_batch,
        last_root: reader.l1_last_root()?.as_ref().map(RootView::from),
        best_final_root: best_final.as_ref().map(RootView::from),
        withdrawal_count: Quantity(withdrawals),
        pending_withdrawals: Quantity(withdrawals.saturating_sub(settled)),
        batcher: context.batcher,
        proposer: context.proposer,
    })
}
