//! How far L1 is, in terms of our blocks.

use alloy_primitives::B256;
use aura_primitives::bridge::DaKind;
use aura_storage::{BatchRecord, L1BatchRecord, Reader};

use crate::{Rollup, SettlementError};

/// Batches that may be on L1 without being ours before it is looked at more closely.
const MAX_FOREIGN: usize = 256;

/// The newest batch on L1 whose blocks we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Its index; 0 for the genesis.
    pub(crate) index: u64,
    /// What the next batch names as its parent.
    pub(crate) parent: B256,
    /// Its last block.
    pub(crate) last_block: u64,
    /// Hash of that block.
    pub(crate) last_hash: B256,
}

/// What L1 has.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) position: Position,
    /// Its record, if it does not say yet which of several forms L1 took, or where.
    pub(crate) unconfirmed: Option<BatchRecord>,
    /// Forced batches after it, whose blocks are to be made.
    pub(crate) forced: Vec<L1BatchRecord>,
}

/// Compares L1 with our records, from the newest batch back. A batch names its parent by hash: if it
/// is ours, all before it are.
///
/// # Errors
/// [`SettlementError::ForeignBatch`], [`SettlementError::MissingBlock`] if the chain does not have the
/// blocks that L1 says it has; [`SettlementError::Storage`].
pub(crate) fn locate(reader: &Reader, rollup: &Rollup) -> Result<Located, SettlementError> {
    let mut index = reader.l1_last_batch()?.map_or(0, |last| last.index);
    let mut forced = Vec::new();
    while index > 0 {
        let Some(on_l1) = reader.l1_batch(index)? else {
            return Err(SettlementError::ForeignBatch { index });
        };
        if let Some(form) = form_on_l1(&reader.batch_forms(index)?, &on_l1) {
            let position = Position {
                index,
                parent: on_l1.slot.trim(),
                last_block: form.last_block,
                last_hash: form.last_hash,
            };
            forced.reverse();
            return finish(reader, position, Some((form, on_l1.l1_tx)), forced);
        }
        if on_l1.da_kind != DaKind::Forced as u8 || forced.len() == MAX_FOREIGN {
            return Err(SettlementError::ForeignBatch { index });
        }
        forced.push(on_l1);
        index -= 1;
    }
    forced.reverse();
    let genesis = Position {
        index: 0,
        parent: rollup.genesis_parent(),
        last_block: 0,
        last_hash: rollup.genesis_output.l2_block_hash,
    };
    finish(reader, genesis, None, forced)
}

/// The form of a batch of ours that L1 has.
fn form_on_l1(forms: &[BatchRecord], on_l1: &L1BatchRecord) -> Option<BatchRecord> {
    let same = |form: &&BatchRecord| {
        form.da_kind == on_l1.da_kind
            && form.da_hash == on_l1.da_hash
            && form.header == on_l1.header
    };
    forms.iter().find(same).copied()
}

fn finish(
    reader: &Reader,
    position: Position,
    form: Option<(BatchRecord, B256)>,
    forced: Vec<L1BatchRecord>,
) -> Result<Located, SettlementError> {
    if reader.block_hash(position.last_block)? != Some(position.last_hash) {
        return Err(SettlementError::MissingBlock(position.last_block));
    }
    let unconfirmed = form
        .filter(|(form, l1_tx)| form.l1_tx != *l1_tx)
        .map(|(form, l1_tx)| BatchRecord { l1_tx, ..form });
    Ok(Located {
        position,
        unconfirmed,
        forced,
    })
}
