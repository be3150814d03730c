//! Batches as L1 sees them.

use alloy_primitives::{B256, U256, keccak256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

use super::{QueueSlot, Word, hash_words};

/// Where the data of a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DaKind {
    /// In the calldata of the transaction.
    Calldata = 0,
    /// In its blobs.
    Blobs = 1,
    /// Nowhere: the batch was forced and only consumes the queue.
    Forced = 2,
}

impl DaKind {
    /// The commitment to `payload` in calldata.
    pub fn calldata_hash(payload: &[u8]) -> B256 {
        keccak256(payload)
    }

    /// The commitment to blobs, by their versioned hashes in the order of the transaction.
    pub fn blobs_hash(versioned_hashes: &[B256]) -> B256 {
        keccak256(versioned_hashes.concat())
    }
}

impl TryFrom<u8> for DaKind {
    type Error = u8;

    fn try_from(kind: u8) -> Result<Self, u8> {
        match kind {
            0 => Ok(Self::Calldata),
            1 => Ok(Self::Blobs),
            2 => Ok(Self::Forced),
            unknown => Err(unknown),
        }
    }
}

/// What the poster of a batch says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, RlpEncodable, RlpDecodable)]
pub struct BatchHeader {
    /// Trimmed hash of the batch before.
    pub parent: B256,
    /// Timestamp of the first L2 block, seconds.
    pub first_time: u64,
    /// Timestamp of the last L2 block.
    pub last_time: u64,
    /// Queue entries consumed by all batches up to and including this one.
    pub consumed: u64,
    /// Trimmed accumulator of the last of them; zero if there is none.
    pub queue_acc: B256,
    /// Newest L1 block that a block of the batch refers to.
    pub anchor_number: u64,
    /// Its hash.
    pub anchor_hash: B256,
}

impl BatchHeader {
    /// Slot of this batch in the rollup: its hash with the time of the L1 block that took it.
    pub fn batch_slot(
        &self,
        index: u64,
        da_kind: DaKind,
        da_hash: B256,
        l1_block: u64,
        l1_time: u64,
    ) -> QueueSlot {
        let kind = U256::from(da_kind as u8);
        let words: [&dyn Word; 12] = [
            &index,
            &kind,
            &da_hash,
            &self.parent,
            &self.first_time,
            &self.last_time,
            &self.consumed,
            &self.queue_acc,
            &self.anchor_number,
            &self.anchor_hash,
            &l1_block,
            &l1_time,
        ];
        QueueSlot::pack(hash_words(&words), l1_time)
    }
}
