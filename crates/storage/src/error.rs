//! What can go wrong in the database.

use std::{fmt, io, path::PathBuf, time::Duration};

use alloy_primitives::{B256, Bytes};
use signet_libmdbx::{MdbxError, ReadError};

use crate::ChainIdentity;

/// Why a value in the database is not what its table promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("value ends too early")]
    TooShort,
    /// Bytes follow the value.
    #[error("bytes follow the value")]
    TrailingBytes,
    /// The first byte names no known kind of record.
    #[error("unknown record kind {0}")]
    UnknownTag(u8),
    /// A field holds a value that the encoder never writes.
    #[error("{0} is not in canonical form")]
    NotCanonical(&'static str),
    /// A nested RLP item is damaged.
    #[error("rlp: {0}")]
    Rlp(alloy_rlp::Error),
    /// A stored transaction does not decode.
    #[error("stored transaction does not decode")]
    Transaction,
    /// A roaring bitmap is damaged.
    #[error("bitmap does not decode")]
    Bitmap,
    /// The record belongs to another key.
    #[error("record belongs to another key")]
    WrongOwner,
    /// A row that another row refers to is absent.
    #[error("row is missing")]
    Missing,
}

/// Blocks beside one that cannot be proven, as part of a message.
struct Nearest((Option<u64>, Option<u64>));

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            (Some(below), Some(above)) => write!(f, ", nearest are {below} and {above}"),
            (Some(block), None) | (None, Some(block)) => write!(f, ", nearest is {block}"),
            (None, None) => Ok(()),
        }
    }
}

/// Failures of the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Another process, or another handle in this one, has the database open.
    #[error("database {path} is in use by another process")]
    Locked {
        /// Directory of the database.
        path: PathBuf,
    },
    /// The database belongs to another chain.
    #[error(
        "database belongs to chain {} with genesis {}, expected chain {} with genesis {}",
        found.chain_id, found.genesis_hash, expected.chain_id, expected.genesis_hash
    )]
    WrongChain {
        /// What the database says.
        found: ChainIdentity,
        /// What the node was started for.
        expected: ChainIdentity,
    },
    /// The database was written by another version of the table layouts.
    #[error("database has schema version {found}, this program reads version {expected}")]
    SchemaMismatch {
        /// Version in the database.
        found: u32,
        /// Version of this program.
        expected: u32,
    },
    /// The directory holds a file that is not an Aura database.
    #[error("{path} is not an aura database")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file's structure is damaged: stop and restore.
    #[error("database {path} is damaged")]
    Corrupted {
        /// Directory of the database.
        path: PathBuf,
        /// What the engine found.
        #[source]
        source: MdbxError,
    },
    /// A record does not decode: stop and restore.
    #[error("damaged record in table {table} under key {key}")]
    Decode {
        /// Table name.
        table: &'static str,
        /// Key of the record.
        key: Bytes,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// No space is left on the device; the database stays at its last commit.
    #[error("no space left on the device of the database")]
    DiskFull,
    /// The file has reached its configured largest size.
    #[error("database has reached its configured size of {max_size_bytes} bytes")]
    MapFull {
        /// `max_size_bytes` of the configuration.
        max_size_bytes: u64,
    },
    /// The snapshot is older than the configured limit.
    #[error("read snapshot expired after {limit:?}")]
    ReaderExpired {
        /// The limit.
        limit: Duration,
    },
    /// Every reader slot is taken.
    #[error("all {max_readers} read snapshots are in use")]
    TooManyReaders {
        /// `max_readers` of the configuration.
        max_readers: u32,
    },
    /// State this old has been pruned.
    #[error("state of block {requested} is pruned, the oldest available is {first_available}")]
    HistoryPruned {
        /// The block asked for.
        requested: u64,
        /// Oldest block whose state can be read.
        first_available: u64,
    },
    /// The nodes that a proof at this block needs are pruned.
    #[error(
        "no proof at block {requested}: every block from {first_available} on can be proven{}",
        Nearest(*nearest)
    )]
    ProofUnavailable {
        /// The block asked for.
        requested: u64,
        /// From here on every block can be proven.
        first_available: u64,
        /// The last block below and the first above that can be proven.
        nearest: (Option<u64>, Option<u64>),
    },
    /// A block that cannot be proven now cannot be pinned.
    #[error(
        "block {requested} cannot be pinned: every block from {first_available} on can be proven{}",
        Nearest(*nearest)
    )]
    PinUnavailable {
        /// The block asked for.
        requested: u64,
        /// From here on every block can be proven.
        first_available: u64,
        /// The last block below and the first above that can be proven.
        nearest: (Option<u64>, Option<u64>),
    },
    /// The chain has no such block.
    #[error("block {number} is not in the database")]
    MissingBlock {
        /// Its number.
        number: u64,
    },
    /// The block to be written does not follow the head.
    #[error("block {number} with parent {parent} does not follow head {head_number} {head_hash}")]
    NotNextBlock {
        /// Its number.
        number: u64,
        /// Its parent hash.
        parent: B256,
        /// Number of the head.
        head_number: u64,
        /// Hash of the head.
        head_hash: B256,
    },
    /// The block to be written does not have one receipt per transaction.
    #[error("block {number} has {transactions} transactions but {receipts} receipts")]
    ReceiptCount {
        /// Its number.
        number: u64,
        /// Transactions in it.
        transactions: usize,
        /// Receipts given.
        receipts: usize,
    },
    /// What was said about the state tree does not fit the block.
    #[error("tree changes of block {number} do not fit it: {reason}")]
    TreeChanges {
        /// Its number.
        number: u64,
        /// What does not fit.
        reason: &'static str,
    },
    /// What was seen on L1 does not follow what is stored of it.
    #[error("events of L1 do not follow those that are stored: {reason}")]
    L1Chunk {
        /// What does not fit.
        reason: &'static str,
    },
    /// What left L2 does not follow what is stored of it.
    #[error("withdrawal {index} of block {block} does not follow, the next is {next}")]
    Withdrawals {
        /// The block.
        block: u64,
        /// Its withdrawal.
        index: u64,
        /// Number of those that are stored.
        next: u64,
    },
    /// A leaf of a new state cannot be stored.
    #[error("leaf {key} of a new state {reason}")]
    InvalidLeaf {
        /// Its hashed key.
        key: B256,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Accounts and slots cannot be listed: the chain keeps their hashes only.
    #[error("accounts and slots of this chain cannot be listed: only their hashes are kept")]
    NoPreimages,
    /// The genesis block cannot be unwound.
    #[error("the genesis block cannot be unwound")]
    UnwindGenesis,
    /// The database has no genesis block yet.
    #[error("database is empty")]
    NotInitialized,
    /// The database has a genesis block already.
    #[error("database is not empty")]
    AlreadyInitialized,
    /// A write was asked of a database opened for reading.
    #[error("database is open for reading only")]
    ReadOnly,
    /// An earlier write of the transaction failed: it can only be dropped.
    #[error("write transaction has failed and cannot go on")]
    TransactionFailed,
    /// A value is larger than any table may hold.
    #[error("value of {len} bytes for table {table} exceeds {max}")]
    ValueTooLarge {
        /// Table name.
        table: &'static str,
        /// Length of the value.
        len: usize,
        /// Largest allowed.
        max: usize,
    },
    /// A key does not have the width of its table.
    #[error("key of {len} bytes for table {table}")]
    KeySize {
        /// Table name.
        table: &'static str,
        /// Length of the key.
        len: usize,
    },
    /// A file operation around the database failed.
    #[error("{operation} {path} failed")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The engine failed in a way that has no name of its own.
    #[error("database operation failed: {operation}")]
    Engine {
        /// What was tried.
        operation: &'static str,
        /// The engine's error.
        #[source]
        source: MdbxError,
    },
}

impl StorageError {
    /// Returns `true` if repeating the step (with a new snapshot) can succeed.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::ReaderExpired { .. } | Self::TooManyReaders { .. }
        )
    }

    /// Returns `true` if our own data is wrong: log, flush and stop.
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupted { .. } | Self::Decode { .. })
    }

    pub(crate) fn decode(table: &'static str, key: &[u8], source: DecodeError) -> Self {
        Self::Decode {
            table,
            key: Bytes::copy_from_slice(key),
            source,
        }
    }
}

/// The engine's part of a read error. Our reads decode to byte slices, which cannot fail.
pub(crate) fn engine_error(error: ReadError) -> MdbxError {
    match error {
        ReadError::Mdbx(error) => error,
        ReadError::Decoding(_) => MdbxError::DecodeError,
    }
}
