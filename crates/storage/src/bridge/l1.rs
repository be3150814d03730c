//! What the watcher has seen on L1.

use alloy_primitives::B256;
use alloy_rlp::{BufMut, Decodable, Encodable, RlpDecodable, RlpEncodable};
use aura_primitives::bridge::{BatchHeader, L1Origin, Output, QueueEntry, QueueSlot};

/// An L1 block of the canonical chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, RlpEncodable, RlpDecodable)]
pub struct L1HeaderRecord {
    /// What L2 is told of it.
    pub origin: L1Origin,
    /// Hash of the block before.
    pub parent: B256,
}

/// A batch that the rollup contract has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct L1BatchRecord {
    /// Its index; the genesis is 0 and has no record.
    pub index: u64,
    /// Its slot in the contract: hash and time.
    pub slot: QueueSlot,
    /// Where its data is: a [`DaKind`](aura_primitives::bridge::DaKind).
    pub da_kind: u8,
    /// Commitment to its data.
    pub da_hash: B256,
    /// What its poster says about it.
    pub header: BatchHeader,
    /// Number of its L1 block.
    pub l1_block: u64,
    /// Time of that block, seconds.
    pub l1_time: u64,
    /// L1 transaction that posted it.
    pub l1_tx: B256,
}

/// What became of a root; the contract's `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RootStatus {
    /// Posted.
    Pending = 0,
    /// Withdrawals under it can be paid, for ever.
    Final = 1,
    /// Disputed.
    Disputed = 2,
    /// Found to be wrong.
    Invalid = 3,
}

impl TryFrom<u8> for RootStatus {
    type Error = u8;

    fn try_from(status: u8) -> Result<Self, u8> {
        match status {
            0 => Ok(Self::Pending),
            1 => Ok(Self::Final),
            2 => Ok(Self::Disputed),
            3 => Ok(Self::Invalid),
            unknown => Err(unknown),
        }
    }
}

impl Encodable for RootStatus {
    fn length(&self) -> usize {
        (*self as u8).length()
    }

    fn encode(&self, out: &mut dyn BufMut) {
        (*self as u8).encode(out);
    }
}

impl Decodable for RootStatus {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        Self::try_from(u8::decode(buf)?).map_err(|_| alloy_rlp::Error::Custom("unknown status"))
    }
}

/// A root's status from an L1 block on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct L1RootChange {
    /// The new status.
    pub status: RootStatus,
    /// Number of the L1 block.
    pub l1_block: u64,
}

/// A root that was posted. Its changes of status are kept, so that an L1 reorg can take them back.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct L1RootRecord {
    /// Its id; that of the genesis is 0.
    pub id: u64,
    /// The claim.
    pub output: Output,
    /// Its hash.
    pub output_hash: B256,
    /// Number of its L1 block.
    pub l1_block: u64,
    /// Time of that block, seconds.
    pub l1_time: u64,
    /// L1 transaction that posted it.
    pub l1_tx: B256,
    /// What became of it, oldest first; empty while it is pending for the first time.
    pub changes: Vec<L1RootChange>,
}

impl L1RootRecord {
    /// Its status as of the newest L1 block seen.
    pub fn status(&self) -> RootStatus {
        self.changes
            .last()
            .map_or(RootStatus::Pending, |change| change.status)
    }

    /// Its status as of L1 block `number`.
    pub fn status_at(&self, number: u64) -> RootStatus {
        let seen = self
            .changes
            .iter()
            .rev()
            .find(|change| change.l1_block <= number);
        seen.map_or(RootStatus::Pending, |change| change.status)
    }

    /// L1 block in which it became final.
    pub fn finalized_block(&self) -> Option<u64> {
        let last = self.changes.last()?;
        (last.status == RootStatus::Final).then_some(last.l1_block)
    }
}

/// Consecutive L1 blocks and what they brought; written as one.
#[derive(Debug, Clone, Default)]
pub struct L1Chunk {
    /// The blocks, ascending; the first follows the newest stored one.
    pub headers: Vec<L1HeaderRecord>,
    /// Queue entries, ascending; the first follows the last stored one.
    pub entries: Vec<QueueEntry>,
    /// Batches, likewise.
    pub batches: Vec<L1BatchRecord>,
    /// Roots, likewise; without changes.
    pub roots: Vec<L1RootRecord>,
    /// Changes of roots by id, in the order of L1, among them those of the new ones.
    pub root_changes: Vec<(u64, L1RootChange)>,
}
