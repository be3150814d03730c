//! The open database.

use std::{path::Path, sync::Arc};

use aura_primitives::SealedBlock;

use crate::{
    ChainIdentity, GenesisState, Reader, ReaderStats, StorageError, StoreConfig, StoreStats, Writer,
};

/// The open database. Cheap to clone; closed when the last handle, reader and writer are gone.
#[derive(Debug, Clone)]
pub struct Store(#[allow(dead_code)] Arc<()>);

impl Store {
    /// Opens the database in directory `path`, or creates it if there is none.
    pub fn open(path: &Path, config: &StoreConfig) -> Result<Self, StorageError> {
        let _ = (path, config);
        todo!()
    }
    /// Which chain the database belongs to; `None` if it is new.
    pub fn identity(&self) -> Result<Option<ChainIdentity>, StorageError> {
        todo!()
    }
    /// Writes the genesis block and its state into a new database.
    pub fn init(
        &self,
        identity: ChainIdentity,
        genesis: &SealedBlock,
        state: &GenesisState,
    ) -> Result<(), StorageError> {
        let _ = (identity, genesis, state);
        todo!()
    }
    /// Fails unless the database belongs to `expected`.
    pub fn check_identity(&self, expected: &ChainIdentity) -> Result<(), StorageError> {
        let _ = expected;
        todo!()
    }
    /// Opens a snapshot of the newest commit.
    pub fn reader(&self) -> Result<Reader, StorageError> {
        todo!()
    }
    /// Starts the write transaction.
    pub fn writer(&self) -> Result<Writer, StorageError> {
        todo!()
    }
    /// Sizes of the tables and the file.
    pub fn stats(&self) -> Result<StoreStats, StorageError> {
        todo!()
    }
    /// Open snapshots of this process.
    pub fn reader_stats(&self) -> ReaderStats {
        todo!()
    }
}
