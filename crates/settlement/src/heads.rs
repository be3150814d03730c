//! The safe and the finalized head.

use aura_l1::{L1Ref, L1Status};
use aura_primitives::{BlockNumHash, HeadLabel};
use aura_storage::Reader;

use crate::{SettlementError, ledger::Position};

/// The heads that have to move: the last block of the newest batch of ours at or below L1's safe and
/// finalized block.
pub(crate) fn moved(
    reader: &Reader,
    position: &Position,
    status: &L1Status,
) -> Result<Vec<(HeadLabel, BlockNumHash)>, SettlementError> {
    let mut moved = Vec::new();
    for (label, below) in [
        (HeadLabel::Safe, status.safe),
        (HeadLabel::Finalized, status.finalized),
    ] {
        if let Some(head) = last_block_below(reader, position, below)?
            && reader.head(label)? != head
        {
            moved.push((label, head));
        }
    }
    Ok(moved)
}

fn last_block_below(
    reader: &Reader,
    position: &Position,
    below: L1Ref,
) -> Result<Option<BlockNumHash>, SettlementError> {
    for index in (1..=position.index).rev() {
        let Some(on_l1) = reader.l1_batch(index)? else {
            return Ok(None);
        };
        if on_l1.l1_block <= below.number {
            let head = reader.batch(index)?.map(|batch| BlockNumHash {
                number: batch.last_block,
                hash: batch.last_hash,
            });
            return match head {
                // The block is not there while the chain is being rebuilt.
                Some(head) if reader.block_hash(head.number)? != Some(head.hash) => Ok(None),
                head => Ok(head),
            };
        }
    }
    Ok(None)
}
