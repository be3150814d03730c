//! Opening the MDBX environment, and what every transaction shares.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use signet_libmdbx::{
    Environment, EnvironmentFlags, Geometry, MdbxError, Mode, SyncMode, WriteFlags, sys::PageSize,
};

use crate::{
    SCHEMA_VERSION, StorageError, StoreConfig, codec,
    error::engine_error,
    header::{self, Header, PAGE_BYTES},
    metrics::Metrics,
    reader::Registry,
    recent::RecentKeys,
    tables::{Table, Tables},
};

const DATA_FILE: &str = "mdbx.dat";
const LOCK_FILE: &str = "aura.lock";
const MAX_TABLES: usize = 64;

/// `EIO`: what the engine also answers when the disk took only part of a write.
const INPUT_OUTPUT_ERROR: i32 = 5;
const SPACE_FILE: &str = "aura.space";

/// Without durable commits the engine still flushes this often, so that freed pages are reused.
const RELAXED_SYNC_BYTES: usize = 64 << 20;
const RELAXED_SYNC_PERIOD: Duration = Duration::from_secs(5);

/// What readers and the writer share. The fields are dropped in this order: the lock goes last.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) env: Environment,
    pub(crate) tables: Tables,
    pub(crate) path: PathBuf,
    pub(crate) config: StoreConfig,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: Metrics,
    /// Only complete in the process that writes.
    pub(crate) recent: RecentKeys,
    /// Held while the database is open for writing; `None` if it is open for reading.
    pub(crate) lock: Option<File>,
}

impl Shared {
    /// Names the engine's error.
    pub(crate) fn error(&self, operation: &'static str, error: MdbxError) -> StorageError {
        translate(&self.path, &self.config, operation, error)
    }

    /// Length of the data file.
    pub(crate) fn file_bytes(&self) -> Result<u64, StorageError> {
        let path = self.path.join(DATA_FILE);
        fs::metadata(&path)
            .map(|metadata| metadata.len())
            .map_err(|source| io_error("read size of", &path, source))
    }

    /// Opens the database for writing; creates it if the directory holds none.
    ///
    /// An existing file is first opened for reading only: whatever is wrong with it is found
    /// before anything could be written.
    pub(crate) fn open(path: &Path, config: &StoreConfig) -> Result<Self, StorageError> {
        fs::create_dir_all(path).map_err(|source| io_error("create directory", path, source))?;
        let lock = take_lock(path)?;
        let is_new = !has_data(path)? || probe(path, config)? == Probe::Empty;
        let env = builder(
            config,
            Mode::ReadWrite {
                sync_mode: sync_mode(config),
            },
        )
        .set_geometry(Geometry {
            size: Some(0..bytes_for_engine(config.max_size_bytes)),
            growth_step: Some(bytes_for_engine(config.growth_step_bytes).cast_signed()),
            shrink_threshold: None,
            page_size: Some(PageSize::Set(PAGE_BYTES)),
        })
        .open(path)
        .map_err(|error| translate(path, config, "open", error))?;
        if is_new {
            create_tables(&env).map_err(|e| translate(path, config, "create tables", e))?;
            tracing::info!(path = %path.display(), "created database");
        }
        Self::new(env, path, config, Some(lock))
    }

    /// Opens an existing database for reading; another process may be writing to it.
    pub(crate) fn open_read_only(path: &Path, config: &StoreConfig) -> Result<Self, StorageError> {
        if !has_data(path)? || probe(path, config)? == Probe::Empty {
            return Err(StorageError::NotADatabase {
                path: path.join(DATA_FILE),
            });
        }
        let env = builder(config, Mode::ReadOnly)
            .open(path)
            .map_err(|error| translate(path, config, "open", error))?;
        Self::new(env, path, config, None)
    }

    fn new(
        env: Environment,
        path: &Path,
        config: &StoreConfig,
        lock: Option<File>,
    ) -> Result<Self, StorageError> {
        let tables = open_tables(&env).map_err(|e| translate(path, config, "open tables", e))?;
        Ok(Self {
            env,
            tables,
            path: path.to_owned(),
            config: config.clone(),
            registry: Arc::default(),
            metrics: Metrics::new(),
            recent: RecentKeys::unknown(),
            lock,
        })
    }
}

/// The engine takes `usize`; on a 64-bit machine nothing is cut off.
fn bytes_for_engine(bytes: u64) -> usize {
    usize::try_from(bytes)
        .unwrap_or(usize::MAX)
        .min(isize::MAX.unsigned_abs())
}

const fn sync_mode(config: &StoreConfig) -> SyncMode {
    if config.durable {
        SyncMode::Durable
    } else {
        SyncMode::SafeNoSync
    }
}

fn builder(config: &StoreConfig, mode: Mode) -> signet_libmdbx::EnvironmentBuilder {
    let mut builder = Environment::builder();
    builder
        .set_flags(EnvironmentFlags {
            no_rdahead: true,
            mode,
            ..EnvironmentFlags::default()
        })
        .set_max_dbs(MAX_TABLES)
        .set_max_readers(u64::from(config.max_readers));
    if !config.durable && matches!(mode, Mode::ReadWrite { .. }) {
        builder
            .set_sync_bytes(RELAXED_SYNC_BYTES)
            .set_sync_period(RELAXED_SYNC_PERIOD);
    }
    builder
}

fn take_lock(path: &Path) -> Result<File, StorageError> {
    let file = path.join(LOCK_FILE);
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&file)
        .map_err(|source| io_error("open lock file", &file, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StorageError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(io_error("lock", &file, source)),
    }
}

fn has_data(path: &Path) -> Result<bool, StorageError> {
    let file = path.join(DATA_FILE);
    match fs::metadata(&file) {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(io_error("read size of", &file, source)),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Probe {
    /// An environment without tables: its creation was interrupted.
    Empty,
    /// An Aura database of our schema version.
    Ours,
}

/// Looks at an existing file without writing to it.
fn probe(path: &Path, config: &StoreConfig) -> Result<Probe, StorageError> {
    let file = path.join(DATA_FILE);
    match header::inspect(&file).map_err(|source| io_error("read", &file, source))? {
        Header::Plausible => {}
        Header::Foreign => return Err(StorageError::NotADatabase { path: file }),
        Header::CutOff => return Err(translate(path, config, "open", MdbxError::Corrupted)),
    }
    let env = match builder(config, Mode::ReadOnly).open(path) {
        Ok(env) => env,
        // After a power cut without durable commits only a writer can step back to the last
        // flushed commit. Nothing is wrong with the file, and the caller looks at the schema row.
        Err(MdbxError::WannaRecovery) => recover(path, config)?,
        Err(error) => return Err(translate(path, config, "open", error)),
    };
    let engine = |error| translate(path, config, "read", error);
    let not_ours = || StorageError::NotADatabase {
        path: path.join(DATA_FILE),
    };
    let tx = env.begin_ro_unsync().map_err(engine)?;
    let main = tx.open_db_no_cache(None).map_err(engine)?;
    if tx.db_stat(&main).map_err(engine)?.entries() == 0 {
        return Ok(Probe::Empty);
    }
    let meta = match tx.open_db_no_cache(Some(Table::Meta.name())) {
        Ok(meta) => meta,
        Err(MdbxError::NotFound | MdbxError::Incompatible) => return Err(not_ours()),
        Err(error) => return Err(engine(error)),
    };
    let row: Option<Vec<u8>> = tx
        .get(meta.dbi(), codec::META_SCHEMA)
        .map_err(|error| engine(engine_error(error)))?;
    let row = row.ok_or_else(not_ours)?;
    let found = codec::decode_u32(&row)
        .map_err(|source| StorageError::decode(Table::Meta.name(), codec::META_SCHEMA, source))?;
    if found != SCHEMA_VERSION {
        return Err(StorageError::SchemaMismatch {
            found,
            expected: SCHEMA_VERSION,
        });
    }
    Ok(Probe::Ours)
}

fn recover(path: &Path, config: &StoreConfig) -> Result<Environment, StorageError> {
    tracing::warn!(path = %path.display(), "database steps back to its last flushed commit");
    builder(
        config,
        Mode::ReadWrite {
            sync_mode: sync_mode(config),
        },
    )
    .open(path)
    .map_err(|error| translate(path, config, "recover", error))
}

fn create_tables(env: &Environment) -> Result<(), MdbxError> {
    let tx = env.begin_rw_unsync()?;
    Tables::create(&tx)?;
    let meta = tx.open_db_no_cache(Some(Table::Meta.name()))?;
    let version = SCHEMA_VERSION.to_be_bytes();
    tx.put(meta, codec::META_SCHEMA, version, WriteFlags::UPSERT)?;
    tx.commit()
}

fn open_tables(env: &Environment) -> Result<Tables, MdbxError> {
    let tx = env.begin_ro_unsync()?;
    // The schema row says that every table is there.
    let tables = Tables::open(&tx).map_err(|error| match error {
        MdbxError::NotFound => MdbxError::Corrupted,
        other => other,
    })?;
    // An aborted transaction would close the handles again.
    tx.commit()?;
    Ok(tables)
}

/// Whether the disk refuses even a small file.
fn is_disk_full(path: &Path) -> bool {
    let file = path.join(SPACE_FILE);
    let refused = match fs::write(&file, [1; 16 * PAGE_BYTES]) {
        Ok(()) => false,
        Err(error) => matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ),
    };
    // If it cannot be removed, it is in nobody's way.
    let _ = fs::remove_file(&file);
    refused
}

fn io_error(operation: &'static str, path: &Path, source: io::Error) -> StorageError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageError::DiskFull,
        _ => StorageError::Io {
            operation,
            path: path.to_owned(),
            source,
        },
    }
}

fn translate(
    path: &Path,
    config: &StoreConfig,
    operation: &'static str,
    error: MdbxError,
) -> StorageError {
    match error {
        MdbxError::MapFull => StorageError::MapFull {
            max_size_bytes: config.max_size_bytes,
        },
        MdbxError::ReadersFull => StorageError::TooManyReaders {
            max_readers: config.max_readers,
        },
        MdbxError::Invalid | MdbxError::VersionMismatch => StorageError::NotADatabase {
            path: path.join(DATA_FILE),
        },
        MdbxError::Corrupted | MdbxError::PageNotFound | MdbxError::CursorFull => {
            StorageError::Corrupted {
                path: path.to_owned(),
                source: error,
            }
        }
        MdbxError::Busy if operation == "open" => StorageError::Locked {
            path: path.to_owned(),
        },
        MdbxError::Other(INPUT_OUTPUT_ERROR) if is_disk_full(path) => StorageError::DiskFull,
        // Positive codes are the operating system's; EINVAL alone the engine uses for itself.
        MdbxError::Access | MdbxError::Permission | MdbxError::Other(1..) => io_error(
            operation,
            path,
            io::Error::from_raw_os_error(error.to_err_code()),
        ),
        source => StorageError::Engine { operation, source },
    }
}
