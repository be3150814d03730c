//! What a block takes from L1.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{B256, U256};
use aura_chainspec::BridgeSpec;
use aura_derivation::QueueRoom;
use aura_l1::L1View;
use aura_primitives::{
    RecoveredTx, TxDeposit,
    bridge::{BatchHeader, L1BlockInfo, L1Origin, QueueEntry, predeploys},
};
use aura_storage::{StateView, StorageError};

/// Entries that are read at once.
const PAGE: usize = 256;

/// What a block takes from L1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// The block's origin, and all that is consumed after it.
    pub(crate) cursor: L1BlockInfo,
    /// Whether that differs from the block before.
    pub(crate) is_new: bool,
    /// The queue's entries as transactions, in order.
    pub(crate) deposits: Vec<Arc<RecoveredTx>>,
}

/// Where the chain stands on L1 after the block of `header`, with `view` the state after it.
///
/// `AuraL1Block` has it: number, time and consumed count in slot 0, then hash, base fee, blob base fee
/// and accumulator.
pub(crate) fn cursor(view: &StateView, header: &Header) -> Result<L1BlockInfo, StorageError> {
    let slot = |index: u64| view.slot(predeploys::L1_BLOCK, U256::from(index));
    let packed = slot(0)?;
    let [number, timestamp, consumed, _] = packed.into_limbs();
    Ok(L1BlockInfo {
        origin: L1Origin {
            number,
            hash: B256::from(slot(1)?),
            timestamp,
            base_fee: slot(2)?,
            blob_base_fee: slot(3)?,
            prev_randao: header.mix_hash,
            parent_beacon_block_root: header.parent_beacon_block_root.unwrap_or_default(),
        },
        consumed,
        queue_acc: B256::from(slot(4)?),
    })
}

/// Plans blocks from what is known of L1.
#[derive(Debug)]
pub(crate) struct Planner {
    pub(crate) view: L1View,
    pub(crate) spec: BridgeSpec,
    /// Leaves the queue alone, as a hostile sequencer would.
    pub(crate) hold_queue: bool,
}

impl Planner {
    /// The next block after one that stands at `before`: the newest usable origin, and what of the
    /// queue fits into `gas_limit`.
    pub(crate) fn next(&self, before: L1BlockInfo, gas_limit: u64) -> Result<Plan, StorageError> {
        let usable = self.view.status().usable;
        let origin = usable
            .filter(|usable| usable.number > before.origin.number)
            .unwrap_or(before.origin);
        if self.hold_queue {
            return Ok(self.plan(before, origin, Vec::new()));
        }
        let is_known = |entry: &QueueEntry| entry.l1_block <= origin.number;
        let entries = self.entries(before.consumed, u64::MAX, gas_limit, is_known)?;
        Ok(self.plan(before, origin, entries))
    }

    /// Whether L1 has a newer usable block, or entries, for a block at `cursor`.
    pub(crate) fn has_news(&self, cursor: &L1BlockInfo) -> bool {
        let status = self.view.status();
        let origin = status.usable.map_or(0, |usable| usable.number);
        origin > cursor.origin.number || (!self.hold_queue && status.queue_len > cursor.consumed)
    }

    /// Whether all that a forced batch consumes is usable.
    pub(crate) fn can_force(&self, batch: &BatchHeader) -> Result<bool, StorageError> {
        let has_anchor = self.view.origin(batch.anchor_number)?.is_some();
        let consumed = self.view.queue_acc(batch.consumed)?;
        Ok(has_anchor
            && consumed == Some(batch.queue_acc)
            && self.view.status().queue_len >= batch.consumed)
    }

    /// The next block of a forced batch; `None` until the tracker has its anchor and entries.
    pub(crate) fn forced(
        &self,
        before: L1BlockInfo,
        batch: &BatchHeader,
        gas_limit: u64,
    ) -> Result<Option<Plan>, StorageError> {
        // Origins never go back, as `aura_derivation::fallback` has it.
        let number = batch.anchor_number.max(before.origin.number);
        let Some(origin) = self.view.origin(number)? else {
            return Ok(None);
        };
        let entries = self.entries(before.consumed, batch.consumed, gas_limit, |_| true)?;
        if entries.is_empty() && before.consumed < batch.consumed {
            return Ok(None);
        }
        Ok(Some(self.plan(before, origin, entries)))
    }

    fn plan(&self, before: L1BlockInfo, origin: L1Origin, entries: Vec<QueueEntry>) -> Plan {
        let cursor = L1BlockInfo {
            origin,
            consumed: before.consumed + entries.len() as u64,
            queue_acc: entries
                .last()
                .map_or(before.queue_acc, |entry| entry.slot.trim()),
        };
        let deposits = entries
            .iter()
            .map(|entry| {
                let message = &entry.message;
                let source = message.source_hash(self.spec.l1_chain_id, self.spec.portal);
                Arc::new(RecoveredTx::deposit(TxDeposit::from_message(
                    message, source,
                )))
            })
            .collect();
        Plan {
            cursor,
            is_new: origin.number != before.origin.number || !entries.is_empty(),
            deposits,
        }
    }

    /// Entries from `from` on, below `end`, that have room in a block together, of L1 blocks that
    /// `is_known` says may be used.
    fn entries(
        &self,
        from: u64,
        end: u64,
        gas_limit: u64,
        is_known: impl Fn(&QueueEntry) -> bool,
    ) -> Result<Vec<QueueEntry>, StorageError> {
        let mut room = QueueRoom::new(gas_limit);
        let mut entries = Vec::new();
        loop {
            let next = from + entries.len() as u64;
            let most = PAGE.min(usize::try_from(end.saturating_sub(next)).unwrap_or(PAGE));
            let page = self.view.entries(next, most)?;
            let is_last = page.len() < PAGE;
            for entry in page {
                if !is_known(&entry) || !room.take(&entry.message) {
                    return Ok(entries);
                }
                entries.push(entry);
            }
            if is_last {
                return Ok(entries);
            }
        }
    }
}
