//! Settings of the database.

use std::time::Duration;

const GIB: u64 = 1 << 30;

/// How a [`Store`](crate::Store) is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Largest size of the data file; this much address space is reserved, not disk.
    pub max_size_bytes: u64,
    /// Step by which the data file grows.
    pub growth_step_bytes: u64,
    /// Snapshots that can be open at once, over all processes.
    pub max_readers: u32,
    /// Age at which a snapshot answers [`ReaderExpired`](crate::StorageError::ReaderExpired).
    pub reader_deadline: Duration,
    /// Whether a commit is on disk when it returns. Without it a power cut can lose the newest
    /// blocks (never the consistency of the file): for throw-away chains only.
    pub durable: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            max_size_bytes: 1024 * GIB,
            growth_step_bytes: GIB / 4,
            max_readers: 1024,
            reader_deadline: Duration::from_secs(60),
            durable: true,
        }
    }
}
