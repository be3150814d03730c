//! L1 blocks as the rest of the node sees them.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_primitives::{B256, U256};
use aura_primitives::bridge::L1Origin;
use aura_storage::L1HeaderRecord;

use crate::BlobSchedule;

/// An L1 block by number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct L1Ref {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, seconds.
    pub timestamp: u64,
}

/// A header of L1 whose hash has been computed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L1Header {
    hash: B256,
    inner: Arc<Header>,
}

impl L1Header {
    /// Computes the hash of `inner`.
    pub fn new(inner: Header) -> Self {
        Self {
            hash: inner.hash_slow(),
            inner: Arc::new(inner),
        }
    }

    /// Its hash.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// Its fields.
    pub fn inner(&self) -> &Header {
        &self.inner
    }

    /// Number, hash and time.
    pub fn to_ref(&self) -> L1Ref {
        L1Ref {
            number: self.inner.number,
            hash: self.hash,
            timestamp: self.inner.timestamp,
        }
    }

    /// What is stored of it. The blob base fee is that of its own blobs, by `schedule`.
    pub fn to_record(&self, schedule: &BlobSchedule) -> L1HeaderRecord {
        let header = &self.inner;
        L1HeaderRecord {
            origin: L1Origin {
                number: header.number,
                hash: self.hash,
                timestamp: header.timestamp,
                base_fee: U256::from(header.base_fee_per_gas.unwrap_or_default()),
                blob_base_fee: schedule.blob_base_fee(header),
                prev_randao: header.mix_hash,
                parent_beacon_block_root: header.parent_beacon_block_root.unwrap_or_default(),
            },
            parent: header.parent_hash,
        }
    }
}

impl From<&L1Origin> for L1Ref {
    fn from(origin: &L1Origin) -> Self {
        Self {
            number: origin.number,
            hash: origin.hash,
            timestamp: origin.timestamp,
        }
    }
}

/// What the watcher knows of L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct L1Status {
    /// The newest block that the watcher has processed: everything up to it is in the database.
    pub head: L1Ref,
    /// The newest block that L1 calls safe, if it is at or below `head`; zero before there is one.
    pub safe: L1Ref,
    /// The newest block that L1 calls finalized, likewise.
    pub finalized: L1Ref,
    /// The newest block that has the confirmations that the configuration asks for. L2 uses nothing
    /// above it.
    pub usable: Option<L1Origin>,
    /// Queue entries of blocks up to `usable`.
    pub queue_len: u64,
    /// Whether the watcher has reached the head of L1 since the node started.
    pub synced: bool,
    /// Grows with each reorganisation: whoever has used data of L1 before looks at it again. Zero after
    /// a start of the node.
    pub generation: u64,
}
