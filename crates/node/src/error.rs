//! Why a node does not start.

use std::path::PathBuf;

use alloy_primitives::B256;
use aura_bindings::DeploymentError;
use aura_chain::ChainError;
use aura_chainspec::ChainSpecError;
use aura_evm::ExecutionError;
use aura_l1::{
    L1Error,
    tx::{SignerError, TxError},
};
use aura_settlement::SettlementError;
use aura_storage::{ChainIdentity, StorageError};

use crate::{ImportFault, bridge::DeployError};

/// Failures of opening, starting and auditing a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// A setting is out of its bounds.
    #[error("config: {0}")]
    Config(String),
    /// A key cannot be used.
    #[error("key of bridge.{what}")]
    Key {
        /// The setting.
        what: &'static str,
        /// Reason.
        #[source]
        source: SignerError,
    },
    /// L1 cannot be used.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// Transactions to L1 cannot be sent.
    #[error(transparent)]
    L1Tx(#[from] TxError),
    /// Batches or roots cannot be posted.
    #[error(transparent)]
    Settlement(#[from] SettlementError),
    /// The deployment file cannot be used.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
    /// The contracts cannot be deployed.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The genesis file is not acceptable.
    #[error("chain spec")]
    ChainSpec(#[from] ChainSpecError),
    /// The data directory holds no chain and none was given.
    #[error("{path} holds no chain: give one with --chain FILE, or run `aura init` first")]
    NoChain {
        /// The data directory.
        path: PathBuf,
    },
    /// A file of blocks cannot hold what blocks say of L1.
    #[error(
        "blocks of a bridged chain follow from L1: a file of blocks cannot hold what they say of it"
    )]
    NeedsL1,
    /// `aura init` on a data directory that holds a chain.
    #[error("{path} already holds the chain with genesis {genesis}")]
    AlreadyInitialised {
        /// The data directory.
        path: PathBuf,
        /// Hash of the chain's genesis block.
        genesis: B256,
    },
    /// The data directory belongs to another chain than the given one.
    #[error(
        "{path} holds chain {} with genesis {}, not chain {} with genesis {}",
        found.chain_id, found.genesis_hash, expected.chain_id, expected.genesis_hash
    )]
    WrongChain {
        /// The data directory.
        path: PathBuf,
        /// The chain in the database.
        found: Box<ChainIdentity>,
        /// The chain that was asked for.
        expected: Box<ChainIdentity>,
    },
    /// A file of the data directory cannot be read or written.
    #[error("{path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// A file of blocks cannot be imported to its end; the blocks before are kept.
    #[error("{path}")]
    Import {
        /// The file.
        path: PathBuf,
        /// The block, and what is wrong with it.
        #[source]
        source: Box<ImportFault>,
    },
    /// Exported blocks cannot be written.
    #[error("blocks cannot be written")]
    Output(#[source] std::io::Error),
    /// The database failed.
    #[error("storage")]
    Storage(#[from] StorageError),
    /// The chain could not be opened.
    #[error("chain")]
    Chain(#[from] ChainError),
    /// A block of the database does not execute to what its header says.
    #[error("re-execution of block {number}")]
    Execution {
        /// Number of the block.
        number: u64,
        /// What differs.
        #[source]
        source: ExecutionError,
    },
    /// The pool could not be opened.
    #[error("pool")]
    Pool(#[from] aura_pool::PoolError),
    /// The Engine API's secret cannot be read.
    #[error("engine")]
    JwtSecret(#[from] aura_rpc::JwtError),
    /// The RPC server could not be started.
    #[error("rpc")]
    Rpc(#[from] aura_rpc::RpcError),
}
