//! From blocks to a batch.

use aura_derivation::{BatchBlock, BatchFault, encode_batch};
use aura_primitives::bridge::{BatchHeader, L1BlockInfo};
use aura_storage::{BatchRecord, Reader};

use crate::{SettlementError, ledger::Position, policy::Backlog};

/// First byte of transactions that come from the queue; a batch has none of them.
const DEPOSIT_TYPE: u8 = 0x7e;
/// Bytes of a block in a batch beside its transactions, about.
const BLOCK_BYTES: usize = 8;
/// A payload is about this much of a body, in percent: signatures do not compress.
const COMPRESSED_PERCENT: usize = 55;
/// Bytes of blocks that are tried at once, in multiples of the longest payload.
const MOST_BODIES: usize = 3;

/// What L1 says as of block `number`.
pub(crate) fn info_at(reader: &Reader, number: u64) -> Result<L1BlockInfo, SettlementError> {
    Ok(reader.l1_info_at(number)?.unwrap_or_default())
}

/// What is not posted, looked at block by block as it grows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scan {
    from: u64,
    bytes: usize,
    /// The last block that was looked at, with its hash.
    through: Option<(u64, alloy_primitives::B256)>,
}

impl Scan {
    /// Goes on to block `head`, or until there is more than a batch can hold. Returns the last block
    /// that was looked at.
    pub(crate) fn advance(
        &mut self,
        reader: &Reader,
        position: &Position,
        head: u64,
        longest: usize,
        max_blocks: usize,
    ) -> Result<u64, SettlementError> {
        let from = position.last_block + 1;
        let stands = match self.through {
            Some((number, hash)) => reader.block_hash(number)? == Some(hash),
            None => false,
        };
        if !stands || self.from != from {
            *self = Self {
                from,
                ..Self::default()
            };
        }
        let mut last = self
            .through
            .map_or(position.last_block, |(number, _)| number);
        let most = (position.last_block + max_blocks as u64).min(head);
        while last < most && self.bytes < longest * MOST_BODIES {
            let number = last + 1;
            let block = reader
                .block(number)?
                .ok_or(SettlementError::MissingBlock(number))?;
            let posted = block
                .transactions
                .iter()
                .map(|tx| tx.encoded())
                .filter(|tx| is_posted(tx));
            self.bytes += BLOCK_BYTES + posted.map(|tx| tx.len() + 3).sum::<usize>();
            self.through = Some((number, block.hash()));
            last = number;
        }
        Ok(last)
    }

    /// Bytes that the payload will have, about.
    pub(crate) const fn payload_bytes(&self) -> usize {
        self.bytes * COMPRESSED_PERCENT / 100
    }
}

fn is_posted(encoded: &[u8]) -> bool {
    encoded.first() != Some(&DEPOSIT_TYPE)
}

/// Summary of the blocks after `position` up to `last`.
pub(crate) fn backlog(
    reader: &Reader,
    position: &Position,
    last: u64,
    scan: &Scan,
) -> Result<Option<Backlog>, SettlementError> {
    if last <= position.last_block {
        return Ok(None);
    }
    let first = position.last_block + 1;
    let header = reader
        .header(first)?
        .ok_or(SettlementError::MissingBlock(first))?;
    let before = info_at(reader, position.last_block)?.consumed;
    let first_entry = if info_at(reader, last)?.consumed > before {
        reader
            .l1_queue_entry(before)?
            .map(|entry| entry.slot.time())
    } else {
        None
    };
    Ok(Some(Backlog {
        first_time: header.timestamp,
        payload_bytes: scan.payload_bytes(),
        blocks: last - position.last_block,
        first_entry,
    }))
}

/// A batch without a place for its data.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// `da_kind`, `da_hash` and `l1_tx` are not set.
    pub(crate) record: BatchRecord,
    pub(crate) payload: Vec<u8>,
    pub(crate) transactions: u64,
}

/// Makes the batch of as many blocks after `position` as fit `longest` bytes, at most up to `last`.
///
/// # Errors
/// [`SettlementError::Batch`] if one block alone does not fit.
pub(crate) fn make(
    reader: &Reader,
    position: &Position,
    last: u64,
    longest: usize,
) -> Result<Draft, SettlementError> {
    let first = position.last_block + 1;
    let mut blocks = read_blocks(reader, first, last)?;
    let payload = loop {
        let length = match encode_batch(&blocks) {
            Ok(payload) if payload.len() <= longest => break payload,
            Ok(payload) => payload.len(),
            Err(BatchFault::PayloadLength(length)) => length,
            // The body is too long: half of it is not.
            Err(BatchFault::BodyLength) if blocks.len() > 1 => longest * 2,
            Err(fault) => return Err(SettlementError::Batch { first, last, fault }),
        };
        if blocks.len() == 1 {
            let fault = BatchFault::PayloadLength(length);
            return Err(SettlementError::Batch {
                first,
                last: first,
                fault,
            });
        }
        let fitting = blocks.len() * longest / length * 19 / 20;
        blocks.truncate(fitting.clamp(1, blocks.len() - 1));
    };
    let last = position.last_block + blocks.len() as u64;
    let transactions = blocks.iter().map(|block| block.transactions.len() as u64);
    Ok(Draft {
        record: record(reader, position, last)?,
        payload,
        transactions: transactions.sum(),
    })
}

/// The payload of the blocks of a batch that exists.
pub(crate) fn payload_of(reader: &Reader, batch: &BatchRecord) -> Result<Vec<u8>, SettlementError> {
    let (first, last) = (batch.first_block, batch.last_block);
    let blocks = read_blocks(reader, first, last)?;
    encode_batch(&blocks).map_err(|fault| SettlementError::Batch { first, last, fault })
}

fn record(reader: &Reader, position: &Position, last: u64) -> Result<BatchRecord, SettlementError> {
    let first = position.last_block + 1;
    let missing = SettlementError::MissingBlock;
    let first_header = reader.header(first)?.ok_or(missing(first))?;
    let last_header = reader.header(last)?.ok_or(missing(last))?;
    let info = info_at(reader, last)?;
    Ok(BatchRecord {
        index: position.index + 1,
        first_block: first,
        last_block: last,
        last_hash: last_header.seal(),
        consumed: info.consumed,
        da_kind: 0,
        da_hash: Default::default(),
        header: BatchHeader {
            parent: position.parent,
            first_time: first_header.timestamp,
            last_time: last_header.timestamp,
            consumed: info.consumed,
            queue_acc: info.queue_acc,
            anchor_number: info.origin.number,
            anchor_hash: info.origin.hash,
        },
        l1_tx: Default::default(),
    })
}

fn read_blocks(reader: &Reader, first: u64, last: u64) -> Result<Vec<BatchBlock>, SettlementError> {
    let mut before = info_at(reader, first - 1)?;
    let mut time = None;
    let mut blocks = Vec::new();
    for number in first..=last {
        let block = reader
            .block(number)?
            .ok_or(SettlementError::MissingBlock(number))?;
        let info = info_at(reader, number)?;
        let timestamp = block.header.timestamp;
        let posted = block.transactions.iter().map(|tx| tx.encoded());
        blocks.push(BatchBlock {
            time_delta: timestamp.saturating_sub(time.unwrap_or(timestamp)),
            origin_delta: info.origin.number.saturating_sub(before.origin.number),
            consume: info.consumed.saturating_sub(before.consumed),
            transactions: posted.filter(|tx| is_posted(tx)).cloned().collect(),
        });
        before = info;
        time = Some(timestamp);
    }
    Ok(blocks)
}
