//! The open database.

use std::{path::Path, sync::Arc};

use alloy_primitives::B256;
use aura_primitives::SealedBlock;

use crate::{
    ChainIdentity, GenesisState, LeafRecord, Reader, ReaderStats, StorageError, StoreConfig,
    StoreStats, TableStats, Writer, access::Access, codec, environment::Shared, tables::Table,
};

/// Leaves in one transaction of a load; their pages take about 60 MB.
const LEAVES_PER_COMMIT: usize = 1_000_000;

/// The open database. Cheap to clone; closed when the last handle, reader and writer are gone.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

impl Store {
    /// Opens the database in directory `path` for reading and writing, or creates it.
    ///
    /// An existing database that is not ours, damaged, in use or of another schema is not written.
    ///
    /// # Errors
    /// [`StorageError::Locked`], [`StorageError::NotADatabase`], [`StorageError::Corrupted`],
    /// [`StorageError::SchemaMismatch`], [`StorageError::DiskFull`], [`StorageError::Io`].
    pub fn open(path: &Path, config: &StoreConfig) -> Result<Self, StorageError> {
        let store = Shared::open(path, config).map(Self::from_shared)?;
        if let Err(error) = store.reader()?.load_recent_keys() {
            // Reads that need the damaged rows name them.
            tracing::warn!(%error, "reads of recent states will be slow");
        }
        Ok(store)
    }

    /// Opens an existing database for reading, also while a node is writing to it.
    ///
    /// # Errors
    /// As for [`open`](Self::open), but never [`StorageError::Locked`].
    pub fn open_read_only(path: &Path, config: &StoreConfig) -> Result<Self, StorageError> {
        Shared::open_read_only(path, config).map(Self::from_shared)
    }

    fn from_shared(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    #[cfg(test)]
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Which chain the database belongs to; `None` if it has no genesis block yet.
    ///
    /// # Errors
    /// Damage.
    pub fn identity(&self) -> Result<Option<ChainIdentity>, StorageError> {
        self.reader()?
            .access()
            .get_as(Table::Meta, codec::META_CHAIN, codec::decode_identity)
    }

    /// Writes the genesis block and its state into a new database, in one transaction.
    ///
    /// The block is a boundary; `bottom` is the depth of the lowest recorded nodes from then on.
    ///
    /// # Errors
    /// [`StorageError::AlreadyInitialized`], [`StorageError::DiskFull`],
    /// [`StorageError::MapFull`]; [`StorageError::TreeChanges`] for a wrong `bottom`.
    pub fn init(
        &self,
        identity: ChainIdentity,
        genesis: &SealedBlock,
        state: &GenesisState,
        bottom: u8,
    ) -> Result<(), StorageError> {
        let mut writer = self.writer()?;
        writer.init(&identity, genesis, state, bottom, false)?;
        writer.commit().map(drop)
    }

    /// As [`init`](Self::init), and the database keeps the addresses and slots of its keys: accounts
    /// and slots of every state can be listed then, at the price of another table of the state's size.
    ///
    /// # Errors
    /// As for [`init`](Self::init).
    pub fn init_with_preimages(
        &self,
        identity: ChainIdentity,
        genesis: &SealedBlock,
        state: &GenesisState,
        bottom: u8,
    ) -> Result<(), StorageError> {
        let mut writer = self.writer()?;
        writer.init(&identity, genesis, state, bottom, true)?;
        writer.commit().map(drop)
    }

    /// As [`init`](Self::init) for a large state, in several transactions: leaves in the order of
    /// their hashed keys, without code.
    ///
    /// The genesis block comes last. Without it the database counts as new, and the next attempt
    /// removes the leaves of one that did not come to its end.
    ///
    /// # Errors
    /// As for [`init`](Self::init), and [`StorageError::InvalidLeaf`].
    pub fn init_with(
        &self,
        identity: ChainIdentity,
        genesis: &SealedBlock,
        bottom: u8,
        leaves: impl IntoIterator<Item = (B256, LeafRecord)>,
    ) -> Result<(), StorageError> {
        let mut writer = self.writer()?;
        writer.begin_load(genesis.number(), bottom)?;
        let mut leaves = leaves.into_iter().peekable();
        let mut last = None;
        while leaves.peek().is_some() {
            last = writer.load(last, leaves.by_ref().take(LEAVES_PER_COMMIT))?;
            writer.commit()?;
            writer = self.writer()?;
        }
        writer.finish_load(&identity, genesis, bottom)?;
        writer.commit().map(drop)
    }

    /// Fails unless the database belongs to `expected`.
    ///
    /// # Errors
    /// [`StorageError::WrongChain`], [`StorageError::NotInitialized`].
    pub fn check_identity(&self, expected: &ChainIdentity) -> Result<(), StorageError> {
        let found = self.identity()?.ok_or(StorageError::NotInitialized)?;
        if found == *expected {
            return Ok(());
        }
        Err(StorageError::WrongChain {
            found,
            expected: *expected,
        })
    }

    /// Opens a snapshot of the newest commit.
    ///
    /// # Errors
    /// [`StorageError::TooManyReaders`].
    pub fn reader(&self) -> Result<Reader, StorageError> {
        Reader::open(&self.shared)
    }

    /// Starts the write transaction. Waits while another thread has one.
    ///
    /// # Errors
    /// [`StorageError::ReadOnly`].
    pub fn writer(&self) -> Result<Writer, StorageError> {
        if self.shared.lock.is_none() {
            return Err(StorageError::ReadOnly);
        }
        let tx = self
            .shared
            .env
            .begin_rw_unsync()
            .map_err(|error| self.shared.error("begin write", error))?;
        Writer::new(Access::new(tx, Arc::clone(&self.shared)))
    }

    /// Sizes of the tables and of the file.
    ///
    /// # Errors
    /// Damage, [`StorageError::Io`].
    pub fn stats(&self) -> Result<StoreStats, StorageError> {
        let engine = |error| self.shared.error("read statistics", error);
        let reader = self.reader()?;
        let tx = reader.access().tx();
        let mut tables = Vec::with_capacity(Table::ALL.len());
        for table in Table::ALL {
            let stat = tx
                .db_stat(&self.shared.tables.handle(table))
                .map_err(engine)?;
            let pages = stat.branch_pages() + stat.leaf_pages() + stat.overflow_pages();
            tables.push(TableStats {
                name: table.name(),
                entries: stat.entries() as u64,
                pages: pages as u64,
                bytes: pages as u64 * u64::from(stat.page_size()),
                depth: stat.depth(),
            });
        }
        let env = &self.shared.env;
        let page_bytes = env.stat().map_err(engine)?.page_size();
        let free_pages = env
            .freelist()
            .map_err(|error| engine(crate::error::engine_error(error)))?;
        let last_page = env.info().map_err(engine)?.last_pgno();
        Ok(StoreStats {
            tables,
            file_bytes: self.shared.file_bytes()?,
            used_bytes: (last_page as u64 + 1) * u64::from(page_bytes),
            free_bytes: free_pages as u64 * u64::from(page_bytes),
            page_bytes,
        })
    }

    /// Snapshots that this process has open.
    pub fn reader_stats(&self) -> ReaderStats {
        self.shared.registry.stats()
    }
}
