//! Opening a data directory: which chain it holds, and whether it is the one asked for.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::B256;
use aura_chain::{Chain, ChainConfig, ChainWriter, genesis_block};
use aura_chainspec::ChainSpec;
use aura_storage::{ChainIdentity, Store, StoreConfig};

use crate::NodeError;

/// The chain's rules, without the genesis state, as they were when the directory was initialised.
const CHAIN_FILE: &str = "chain.json";
/// Directory of the database inside the data directory.
const DATABASE_DIR: &str = "db";

/// Where the rules of the chain come from.
#[derive(Debug, Clone)]
pub enum ChainSource {
    /// A genesis file.
    File(PathBuf),
    /// The built-in development chain.
    Dev,
    /// The built-in L1 of the development chain.
    DevL1,
    /// Whatever the data directory was initialised with.
    Datadir,
}

impl ChainSource {
    fn load(&self) -> Result<Option<ChainSpec>, NodeError> {
        match self {
            Self::File(path) => Ok(Some(ChainSpec::from_genesis_file(path)?)),
            Self::Dev => Ok(Some(ChainSpec::dev())),
            Self::DevL1 => Ok(Some(ChainSpec::dev_l1())),
            Self::Datadir => Ok(None),
        }
    }
}

/// An open chain and the writer that must be run.
#[derive(Debug)]
pub struct OpenedChain {
    /// The chain.
    pub chain: Chain,
    /// Its writer.
    pub writer: ChainWriter,
}

/// Writes the genesis of a chain into an empty data directory and returns its identity.
///
/// # Errors
/// [`NodeError::AlreadyInitialised`], and those of reading the genesis and writing the database.
pub fn initialise(
    datadir: &Path,
    source: &ChainSource,
    store: &StoreConfig,
) -> Result<ChainIdentity, NodeError> {
    let Some(spec) = source.load()? else {
        return Err(NodeError::NoChain {
            path: datadir.to_owned(),
        });
    };
    let store = open_store(datadir, store)?;
    if let Some(found) = store.identity()? {
        return Err(NodeError::AlreadyInitialised {
            path: datadir.to_owned(),
            genesis: found.genesis_hash,
        });
    }
    write_chain_file(datadir, &spec)?;
    Chain::open(store.clone(), Arc::new(spec), ChainConfig::default())?;
    store.identity()?.ok_or_else(|| NodeError::NoChain {
        path: datadir.to_owned(),
    })
}

/// Whether the genesis accounts stay in memory once the chain is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenesisAccounts {
    /// To execute the chain again from its start.
    Keep,
    /// A running node has no use for them, and there may be millions.
    Drop,
}

/// Opens the chain of a data directory; initialises an empty one if `source` names a chain.
///
/// # Errors
/// [`NodeError::NoChain`], [`NodeError::WrongChain`], and those of the parts.
pub fn open_chain(
    datadir: &Path,
    source: &ChainSource,
    store: &StoreConfig,
    config: ChainConfig,
    accounts: GenesisAccounts,
) -> Result<OpenedChain, NodeError> {
    let given = source.load()?;
    if given.is_none() && !datadir.join(CHAIN_FILE).exists() {
        return Err(NodeError::NoChain {
            path: datadir.to_owned(),
        });
    }
    let store = open_store(datadir, store)?;
    let spec = match (store.identity()?, given) {
        (None, None) => {
            return Err(NodeError::NoChain {
                path: datadir.to_owned(),
            });
        }
        (None, Some(spec)) => {
            write_chain_file(datadir, &spec)?;
            let spec = Arc::new(spec);
            Chain::open(store.clone(), spec.clone(), ChainConfig::default())?;
            Arc::unwrap_or_clone(spec)
        }
        (Some(identity), Some(spec)) => {
            let (genesis, _) = genesis_block(&spec)?;
            check_identity(datadir, &identity, &spec, genesis.hash())?;
            spec
        }
        (Some(identity), None) => stored_spec(datadir, &store, &identity)?,
    };
    let spec = match accounts {
        GenesisAccounts::Keep => spec,
        GenesisAccounts::Drop => spec.without_accounts(),
    };
    let (chain, writer) = Chain::open(store, Arc::new(spec), config)?;
    Ok(OpenedChain { chain, writer })
}

/// Opens the database of a data directory for reading, also while a node writes to it.
///
/// # Errors
/// [`NodeError::NoChain`], [`NodeError::Storage`].
pub fn open_store_read_only(datadir: &Path, config: &StoreConfig) -> Result<Store, NodeError> {
    let path = datadir.join(DATABASE_DIR);
    if !path.is_dir() {
        return Err(NodeError::NoChain {
            path: datadir.to_owned(),
        });
    }
    Ok(Store::open_read_only(&path, config)?)
}

/// Opens the chain of a data directory for reading, also while a node writes to it: then the tree
/// is that of the moment, and what needs it (proofs) fails once there are newer blocks.
///
/// # Errors
/// [`NodeError::NoChain`], [`NodeError::WrongChain`], and those of the parts.
pub fn open_read_only(
    datadir: &Path,
    store: &StoreConfig,
    config: ChainConfig,
) -> Result<Chain, NodeError> {
    let store = open_store_read_only(datadir, store)?;
    let identity = store.identity()?.ok_or_else(|| NodeError::NoChain {
        path: datadir.to_owned(),
    })?;
    let spec = stored_spec(datadir, &store, &identity)?.without_accounts();
    // Without its writer the chain cannot grow.
    let (chain, _) = Chain::open(store, Arc::new(spec), config)?;
    Ok(chain)
}

/// The rules of the chain that would be opened, if there is one.
pub(crate) fn spec_of(
    datadir: &Path,
    source: &ChainSource,
) -> Result<Option<ChainSpec>, NodeError> {
    let file = datadir.join(CHAIN_FILE);
    match source.load()? {
        None if file.exists() => Ok(Some(ChainSpec::from_genesis_file(&file)?)),
        given => Ok(given),
    }
}

/// The rules that the data directory was initialised with.
fn stored_spec(
    datadir: &Path,
    store: &Store,
    identity: &ChainIdentity,
) -> Result<ChainSpec, NodeError> {
    let spec = ChainSpec::from_genesis_file(&datadir.join(CHAIN_FILE))?;
    let missing = aura_storage::StorageError::MissingBlock { number: 0 };
    let stored = store.reader()?.header(0)?.ok_or(missing)?;
    let genesis = spec.genesis_header(stored.state_root).hash_slow();
    check_identity(datadir, identity, &spec, genesis)?;
    Ok(spec)
}

fn open_store(datadir: &Path, config: &StoreConfig) -> Result<Store, NodeError> {
    let path = datadir.join(DATABASE_DIR);
    fs::create_dir_all(&path).map_err(|source| NodeError::File {
        path: path.clone(),
        source,
    })?;
    Ok(Store::open(&path, config)?)
}

fn check_identity(
    datadir: &Path,
    found: &ChainIdentity,
    spec: &ChainSpec,
    genesis_hash: B256,
) -> Result<(), NodeError> {
    // The genesis block does not commit to the chain id.
    let expected = ChainIdentity {
        chain_id: spec.chain_id(),
        genesis_hash,
    };
    if *found == expected {
        return Ok(());
    }
    Err(NodeError::WrongChain {
        path: datadir.to_owned(),
        found: Box::new(*found),
        expected: Box::new(expected),
    })
}

/// Written before the genesis, so that a database with a chain always has its rules beside it.
fn write_chain_file(datadir: &Path, spec: &ChainSpec) -> Result<(), NodeError> {
    let path = datadir.join(CHAIN_FILE);
    let write = || {
        let partial = path.with_extension("json.tmp");
        let mut file = fs::File::create(&partial)?;
        std::io::Write::write_all(&mut file, spec.rules_json().as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, &path)?;
        fs::File::open(datadir)?.sync_all()
    };
    write().map_err(|source| NodeError::File {
        path: path.clone(),
        source,
    })
}
