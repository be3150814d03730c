//! One event as a record, after what was read before it.

use alloy_primitives::B256;
use alloy_rpc_types_eth::Log;
use aura_bindings::{BatchAppended, MessageEnqueued, RootPosted};
use aura_primitives::bridge::{QueueEntry, QueueSlot};
use aura_storage::{L1BatchRecord, L1Chunk, L1RootRecord};

use super::{
    chunk::{Gap, Numbered},
    step::Position,
};
use crate::{L1Error, L1Header, Session};

/// Where a log is.
pub(super) struct Place {
    pub(super) number: u64,
    time: u64,
    tx: B256,
}

impl Place {
    /// Finds the block of a log among `headers`, and that the block allows it.
    pub(super) fn of(session: &Session, headers: &[L1Header], log: &Log) -> Result<Self, L1Error> {
        let missing = || session.malformed("eth_getLogs", "a log has no block or transaction");
        let number = log.block_number.ok_or_else(missing)?;
        let tx = log.transaction_hash.ok_or_else(missing)?;
        let first = headers.first().map_or(0, |header| header.inner().number);
        let header = number
            .checked_sub(first)
            .and_then(|index| headers.get(usize::try_from(index).ok()?))
            .ok_or_else(|| session.contradiction("a log is of a block that was not asked for"))?;
        if log.removed || log.block_hash != Some(header.hash()) {
            // A reorganisation between two answers looks the same.
            return Err(L1Error::UnknownBlock {
                block: log.block_hash.unwrap_or_default().to_string(),
            });
        }
        let bloom = &header.inner().logs_bloom;
        if !bloom.contains_raw_log(log.address(), log.topics()) {
            let what = format!("a log of block {number} is not in its bloom filter");
            return Err(session.contradiction(what));
        }
        Ok(Self {
            number,
            time: header.inner().timestamp,
            tx,
        })
    }
}

/// Compares the number of an event with the one that must come.
fn check_next(
    session: &Session,
    kind: Numbered,
    number: u64,
    expected: u64,
) -> Result<Option<Gap>, L1Error> {
    if number > expected {
        return Ok(Some(Gap {
            kinds: vec![kind],
            what: format!("number {number} of {kind:?} comes, not {expected}"),
        }));
    }
    if number < expected {
        return Err(session.contradiction(format!("number {number} of {kind:?} comes twice")));
    }
    Ok(None)
}

impl Position {
    pub(super) fn add_entry(
        &mut self,
        session: &Session,
        chunk: &mut L1Chunk,
        event: MessageEnqueued,
        place: &Place,
    ) -> Result<Option<Gap>, L1Error> {
        let id = event.message.id;
        let gap = check_next(session, Numbered::Entries, id, self.entries)?;
        if gap.is_some() {
            return Ok(gap);
        }
        if event.time != place.time {
            let what = format!("queue entry {id} does not have the time of its block");
            return Err(session.contradiction(what));
        }
        let slot = QueueSlot::link(self.queue_acc, event.message.hash(), event.time);
        self.queue_acc = slot.trim();
        self.entries += 1;
        chunk.entries.push(QueueEntry {
            message: event.message,
            slot,
            l1_block: place.number,
            l1_tx: place.tx,
        });
        Ok(None)
    }

    pub(super) fn add_batch(
        &mut self,
        session: &Session,
        chunk: &mut L1Chunk,
        event: BatchAppended,
        place: &Place,
    ) -> Result<Option<Gap>, L1Error> {
        let index = event.index;
        let gap = check_next(session, Numbered::Batches, index, self.batches)?;
        if gap.is_some() {
            return Ok(gap);
        }
        let BatchAppended {
            da_kind,
            da_hash,
            header,
            ..
        } = event;
        let slot = header.batch_slot(index, da_kind, da_hash, place.number, place.time);
        if slot != event.slot {
            let what = format!("batch {index} does not have its hash");
            return Err(session.contradiction(what));
        }
        // That of the genesis is in no event.
        let parent = self.batch_slot.map(|slot| slot.trim());
        if parent.is_some_and(|parent| parent != header.parent) {
            let what = format!("batch {index} does not follow the one before");
            return Err(session.contradiction(what));
        }
        self.batch_slot = Some(slot);
        self.batches += 1;
        chunk.batches.push(L1BatchRecord {
            index,
            slot,
            da_kind: da_kind as u8,
            da_hash,
            header,
            l1_block: place.number,
            l1_time: place.time,
            l1_tx: place.tx,
        });
        Ok(None)
    }

    pub(super) fn add_root(
        &mut self,
        session: &Session,
        chunk: &mut L1Chunk,
        event: RootPosted,
        place: &Place,
    ) -> Result<Option<Gap>, L1Error> {
        let gap = check_next(session, Numbered::Roots, event.id, self.roots)?;
        if gap.is_some() {
            return Ok(gap);
        }
        self.roots += 1;
        chunk.roots.push(L1RootRecord {
            id: event.id,
            output: event.output,
            output_hash: event.output_hash,
            l1_block: place.number,
            l1_time: place.time,
            l1_tx: place.tx,
            changes: Vec::new(),
        });
        Ok(None)
    }
}
