//! Which root a withdrawal can be proven under.

use std::ops::ControlFlow;

use aura_storage::{L1RootRecord, Reader, RootStatus, StorageError, WithdrawalRecord};

/// Roots that are read at once.
const CHUNK: u64 = 256;

/// Shows `visit` the roots, newest first, until it has enough.
fn newest_first(
    reader: &Reader,
    mut visit: impl FnMut(L1RootRecord) -> Result<ControlFlow<()>, StorageError>,
) -> Result<(), StorageError> {
    let last = reader.l1_last_root()?;
    let mut end = last.map_or(0, |root| root.id.saturating_add(1));
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        let roots = reader.l1_roots(start, (end - start) as usize)?;
        for root in roots.into_iter().rev() {
            if visit(root)?.is_break() {
                return Ok(());
            }
        }
        end = start;
    }
    Ok(())
}

/// Whether the root is about a block of this chain.
fn is_ours(reader: &Reader, root: &L1RootRecord) -> Result<bool, StorageError> {
    let hash = reader.block_hash(root.output.l2_block)?;
    Ok(hash == Some(root.output.l2_block_hash))
}

/// Whether the tree of the root has the withdrawal.
pub(crate) fn covers(
    reader: &Reader,
    root: &L1RootRecord,
    record: &WithdrawalRecord,
) -> Result<bool, StorageError> {
    Ok(root.output.l2_block >= record.block && is_ours(reader, root)?)
}

/// The root for a withdrawal: the newest final one that covers it, else the oldest pending one, else one
/// in dispute; `None` if there is none of these.
pub(crate) fn best_for(
    reader: &Reader,
    record: &WithdrawalRecord,
) -> Result<Option<L1RootRecord>, StorageError> {
    let (mut settled, mut pending, mut disputed) = (None, None, None);
    let mut misses = 0;
    newest_first(reader, |root| {
        if !covers(reader, &root, record)? {
            misses += 1;
            // Roots need not be in the order of their blocks, but are never far from it.
            return Ok(if misses == CHUNK {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            });
        }
        misses = 0;
        match root.status() {
            RootStatus::Final => {
                settled = Some(root);
                return Ok(ControlFlow::Break(()));
            }
            RootStatus::Pending => pending = Some(root),
            RootStatus::Disputed => disputed = Some(root),
            RootStatus::Invalid => {}
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(settled.or(pending).or(disputed))
}

/// The final root with the highest batch.
pub(crate) fn best_final(reader: &Reader) -> Result<Option<L1RootRecord>, StorageError> {
    let mut best: Option<L1RootRecord> = None;
    let mut seen = 0;
    newest_first(reader, |root| {
        let batch = root.output.batch_index;
        let is_final = root.status() == RootStatus::Final;
        if is_final && best.as_ref().is_none_or(|b| b.output.batch_index < batch) {
            best = Some(root);
        }
        // An older root that became final later can have a higher batch, but is never far away.
        seen += u64::from(best.is_some());
        Ok(if seen > CHUNK {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(best)
}

/// Index of the batch on L1 that has L2 block `number`; `None` as long as there is none.
pub(crate) fn batch_of(reader: &Reader, number: u64) -> Result<Option<u64>, StorageError> {
    let on_l1 = reader.l1_last_batch()?.map_or(0, |batch| batch.index);
    let ours = reader.last_batch()?.map_or(0, |batch| batch.index);
    let (mut low, mut high) = (1, on_l1.min(ours).saturating_add(1));
    let end = high;
    // Batches below `low` end before the block, those from `high` on do not.
    while low < high {
        let middle = low + (high - low) / 2;
        match reader.batch(middle)? {
            Some(batch) if batch.last_block >= number => high = middle,
            // One without a record is older than all that this node has posted.
            _ => low = middle + 1,
        }
    }
    if low == end {
        return Ok(None);
    }
    let found = reader.batch(low)?;
    Ok(found
        .filter(|batch| batch.first_block <= number)
        .map(|batch| batch.index))
}
