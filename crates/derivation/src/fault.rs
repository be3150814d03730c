//! What can be wrong with a batch.

use thiserror::Error;

/// Why the data of a batch is not a batch. The whole batch then counts as malformed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BatchFault {
    /// The payload has no bytes.
    #[error("payload is empty")]
    Empty,
    /// The first byte names a version that does not exist.
    #[error("version {0} is unknown")]
    Version(u8),
    /// More than 1 MiB.
    #[error("payload of {0} bytes is too long")]
    PayloadLength(usize),
    /// Not a brotli stream, or not all of one.
    #[error("not a brotli stream")]
    Brotli,
    /// The stream wants a larger window than 2^22 bytes.
    #[error("brotli window is too large")]
    Window,
    /// Bytes follow the brotli stream.
    #[error("{0} bytes follow the brotli stream")]
    TrailingInput(usize),
    /// The body is longer than 16 MiB.
    #[error("body is longer than 16 MiB")]
    BodyLength,
    /// The body is not the RLP of blocks.
    #[error("body: {0}")]
    Rlp(alloy_rlp::Error),
    /// No block.
    #[error("no block")]
    NoBlocks,
    /// More than 4,096 blocks.
    #[error("more than 4096 blocks")]
    TooManyBlocks,
    /// Blobs do not have the form that the encoder gives them.
    #[error("blobs: {0}")]
    Blobs(&'static str),
    /// The first block is not at the header's first time, or before the block before it.
    #[error("first block is at {have}, the header says {want}")]
    FirstTime {
        /// Time of the block.
        have: u64,
        /// Time of the header, or of the block before if that is later.
        want: u64,
    },
    /// The last block is not at the header's last time.
    #[error("last block is at {have}, the header says {want}")]
    LastTime {
        /// Time of the block.
        have: u64,
        /// Time of the header.
        want: u64,
    },
    /// A sum of differences does not fit 64 bits.
    #[error("a difference of block {block} overflows")]
    Overflow {
        /// Position in the batch.
        block: usize,
    },
    /// A block is older than the L1 block it refers to.
    #[error("block {block} is older than its L1 origin")]
    BeforeOrigin {
        /// Position in the batch.
        block: usize,
    },
    /// A block refers to an L1 block above the anchor.
    #[error("block {block} refers to an L1 block above the anchor")]
    AboveAnchor {
        /// Position in the batch.
        block: usize,
    },
    /// The last block does not refer to the anchor.
    #[error("last block refers to L1 block {have}, the anchor is {want}")]
    Anchor {
        /// Origin of the block.
        have: u64,
        /// The anchor.
        want: u64,
    },
    /// The blocks do not consume what the header says.
    #[error("blocks consume another number of queue entries than the {want} of the header")]
    Consumed {
        /// Entries that the header consumes.
        want: u64,
    },
    /// The queue entries of a block need more gas, or have more bytes, than it has room for.
    #[error("queue entries of block {block} exceed its room")]
    QueueRoom {
        /// Position in the batch.
        block: usize,
    },
    /// A transaction that no batch can have.
    #[error("transaction {index} of block {block}: {reason}")]
    Transaction {
        /// Position of the block in the batch.
        block: usize,
        /// Position in the block.
        index: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The batch is malformed: [`fallback`](crate::fallback) says what it stands for.
    #[error("malformed batch: {0}")]
    Fault(#[from] BatchFault),
    /// The caller does not know an L1 block that the batch refers to. Says nothing about the batch.
    #[error("time of L1 block {0} is not known")]
    UnknownOrigin(u64),
    /// The caller has given other queue entries than those the header consumes.
    #[error("{have} queue entries given, the header consumes {want}")]
    Entries {
        /// Entries given.
        have: usize,
        /// Entries consumed.
        want: u64,
    },
}
