//! From a batch to the blocks that it stands for.

use alloc::vec::Vec;

use alloy_primitives::Bytes;
use aura_primitives::bridge::{BatchHeader, QueueEntry};

use crate::{
    BatchBlock, BatchFault, PlanError, QueueRoom, check_transaction, decode_batch, gas_limit_after,
};

/// A block to execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedBlock {
    /// Its timestamp, seconds.
    pub time: u64,
    /// Number of its L1 origin.
    pub origin_number: u64,
    /// Entries of the queue that come first in it, in the queue's order.
    pub consume: u64,
    /// Encoded transactions that follow. One that is invalid at its turn is left out.
    pub transactions: Vec<Bytes>,
}

/// The L2 block before the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Previous {
    /// Its timestamp, seconds.
    pub time: u64,
    /// Number of its L1 origin; 0 in the genesis.
    pub origin_number: u64,
    /// Queue entries consumed up to it.
    pub consumed: u64,
}

/// What the chain and L1 say, besides the batch.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Chain id of L2.
    pub chain_id: u64,
    /// Gas limit of the first block, by the state before the batch.
    pub block_gas_limit: u64,
    /// The L2 block before the batch.
    pub previous: Previous,
    /// The queue's entries from `previous.consumed` up to the header's `consumed`.
    pub entries: &'a [QueueEntry],
    /// Time of an L1 block, if the caller knows it: see [`origins`].
    pub origin_time: &'a dyn Fn(u64) -> Option<u64>,
}

impl core::fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inputs")
            .field("chain_id", &self.chain_id)
            .field("block_gas_limit", &self.block_gas_limit)
            .field("previous", &self.previous)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl Inputs<'_> {
    fn time_of(&self, origin: u64) -> Result<u64, PlanError> {
        (self.origin_time)(origin).ok_or(PlanError::UnknownOrigin(origin))
    }

    /// Entries that `header` consumes, if those given are as many.
    fn expect_entries(&self, header: &BatchHeader) -> Result<u64, PlanError> {
        let want = header.consumed.saturating_sub(self.previous.consumed);
        if self.entries.len() as u64 == want {
            Ok(want)
        } else {
            Err(PlanError::Entries {
                have: self.entries.len(),
                want,
            })
        }
    }
}

/// The L1 blocks that a batch's blocks refer to, ascending, each once: those whose time [`check`]
/// asks for.
///
/// # Errors
/// [`BatchFault`] if they overflow or go above the anchor.
pub fn origins(
    blocks: &[BatchBlock],
    header: &BatchHeader,
    previous: &Previous,
) -> Result<Vec<u64>, BatchFault> {
    let mut found: Vec<u64> = Vec::new();
    let mut origin = previous.origin_number;
    for (index, block) in blocks.iter().enumerate() {
        origin = next_origin(origin, block, index, header)?;
        if found.last() != Some(&origin) {
            found.push(origin);
        }
    }
    Ok(found)
}

fn next_origin(
    before: u64,
    block: &BatchBlock,
    index: usize,
    header: &BatchHeader,
) -> Result<u64, BatchFault> {
    let origin = before
        .checked_add(block.origin_delta)
        .ok_or(BatchFault::Overflow { block: index })?;
    if origin > header.anchor_number {
        return Err(BatchFault::AboveAnchor { block: index });
    }
    Ok(origin)
}

/// The blocks that a posted batch stands for, if its payload is what a payload has to be: all of it
/// or nothing. Executes nothing.
///
/// # Errors
/// [`PlanError::Fault`] if the batch is malformed, and [`fallback`] applies. The others say that the
/// caller has not given what is needed, and nothing about the batch.
pub fn check(
    payload: &[u8],
    header: &BatchHeader,
    inputs: &Inputs<'_>,
) -> Result<Vec<PlannedBlock>, PlanError> {
    let want = inputs.expect_entries(header)?;
    let blocks = decode_batch(payload)?;
    let mut plan = Vec::with_capacity(blocks.len());
    let mut time = header.first_time;
    let mut origin = inputs.previous.origin_number;
    let mut entries = inputs.entries;
    let mut gas_limit = inputs.block_gas_limit;
    for (index, block) in blocks.into_iter().enumerate() {
        time = time
            .checked_add(block.time_delta)
            .ok_or(BatchFault::Overflow { block: index })?;
        let earliest = header.first_time.max(inputs.previous.time);
        if index == 0 && (time != header.first_time || time < earliest) {
            return Err(BatchFault::FirstTime {
                have: time,
                want: earliest,
            }
            .into());
        }
        origin = next_origin(origin, &block, index, header)?;
        let consumed = usize::try_from(block.consume)
            .ok()
            .and_then(|consume| entries.split_at_checked(consume));
        let (consumed, rest) = consumed.ok_or(BatchFault::Consumed { want })?;
        entries = rest;
        if !fits(consumed, gas_limit) {
            return Err(BatchFault::QueueRoom { block: index }.into());
        }
        gas_limit = gas_limit_of_next(consumed, gas_limit);
        check_transactions(&block, index, inputs.chain_id)?;
        plan.push(PlannedBlock {
            time,
            origin_number: origin,
            consume: block.consume,
            transactions: block.transactions,
        });
    }
    if !entries.is_empty() {
        return Err(BatchFault::Consumed { want }.into());
    }
    check_end(header, time, origin)?;
    // Last, so that what is wrong with the batch itself never depends on what the caller knows of L1.
    check_origin_times(&plan, inputs)?;
    Ok(plan)
}

fn check_end(header: &BatchHeader, time: u64, origin: u64) -> Result<(), BatchFault> {
    if time != header.last_time {
        return Err(BatchFault::LastTime {
            have: time,
            want: header.last_time,
        });
    }
    if origin != header.anchor_number {
        return Err(BatchFault::Anchor {
            have: origin,
            want: header.anchor_number,
        });
    }
    Ok(())
}

fn check_origin_times(plan: &[PlannedBlock], inputs: &Inputs<'_>) -> Result<(), PlanError> {
    let mut known: Option<(u64, u64)> = None;
    for (index, block) in plan.iter().enumerate() {
        let origin_time = match known {
            Some((number, time)) if number == block.origin_number => time,
            _ => inputs.time_of(block.origin_number)?,
        };
        known = Some((block.origin_number, origin_time));
        if block.time < origin_time {
            return Err(BatchFault::BeforeOrigin { block: index }.into());
        }
    }
    Ok(())
}

fn check_transactions(block: &BatchBlock, at: usize, chain_id: u64) -> Result<(), BatchFault> {
    for (index, transaction) in block.transactions.iter().enumerate() {
        check_transaction(transaction, chain_id).map_err(|reason| BatchFault::Transaction {
            block: at,
            index,
            reason,
        })?;
    }
    Ok(())
}

/// The gas limit of the block after one that takes `entries`.
fn gas_limit_of_next(entries: &[QueueEntry], limit: u64) -> u64 {
    let messages = entries.iter().map(|entry| &entry.message);
    messages.fold(limit, |limit, message| gas_limit_after(message, limit))
}

/// Whether entries fit one block. One alone always does.
fn fits(entries: &[QueueEntry], limit: u64) -> bool {
    let mut room = QueueRoom::new(limit);
    entries.iter().all(|entry| room.take(&entry.message))
}

/// What a forced or a malformed batch stands for: blocks that only consume the queue, as few as
/// their room allows and at least one, all at the header's last time, with the anchor as their origin.
/// Neither time nor origin ever goes back, and no block is older than its origin.
///
/// # Errors
/// [`PlanError::UnknownOrigin`] and [`PlanError::Entries`] if the caller has not given what is needed.
pub fn fallback(header: &BatchHeader, inputs: &Inputs<'_>) -> Result<Vec<PlannedBlock>, PlanError> {
    inputs.expect_entries(header)?;
    let origin_number = inputs.previous.origin_number.max(header.anchor_number);
    let origin_time = inputs.time_of(origin_number)?;
    let time = inputs.previous.time.max(header.last_time).max(origin_time);
    let block = |consume: u64| PlannedBlock {
        time,
        origin_number,
        consume,
        transactions: Vec::new(),
    };
    let mut plan = Vec::new();
    let mut entries = inputs.entries;
    let mut gas_limit = inputs.block_gas_limit;
    loop {
        let mut room = QueueRoom::new(gas_limit);
        let fitting = entries.iter().take_while(|entry| room.take(&entry.message));
        let (taken, rest) = entries.split_at(fitting.count());
        plan.push(block(taken.len() as u64));
        if rest.is_empty() {
            return Ok(plan);
        }
        gas_limit = gas_limit_of_next(taken, gas_limit);
        entries = rest;
    }
}
