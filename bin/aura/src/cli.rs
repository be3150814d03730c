//! The command line.

use std::{net::IpAddr, path::PathBuf};

use alloy_primitives::{Address, B256, U256};
use aura_node::{BlockTime, ConfirmationRule, Interval, LogStyle};
use clap::{Args, Parser, Subcommand};

use crate::bridge::BridgeCommand;

/// Aura, an Ethereum-compatible layer-2 node.
#[derive(Debug, Parser)]
#[command(name = "aura", version, about)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a development chain with funded accounts; in memory unless --datadir is given
    Dev(DevArgs),
    /// Run a node
    Node(NodeArgs),
    /// Write the genesis of a chain into a data directory
    Init(InitArgs),
    /// Verify and add blocks from files; stops at the first one that is refused and keeps those before
    Import(ImportArgs),
    /// Write blocks into a file, as `aura import` reads them
    Export(ExportArgs),
    /// Check or print settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look into a data directory
    #[command(subcommand)]
    Db(DbCommand),
    /// Roots and proofs of the state tree
    #[command(subcommand)]
    State(StateCommand),
    /// Move value between L1 and L2
    #[command(subcommand)]
    Bridge(BridgeCommand),
    /// Print the version
    Version,
}

/// Flags of a development chain.
#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Flags of the node
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Port of the L1 that runs inside [default: 9545, or a free one if that is taken]
    #[arg(
        long,
        env = "AURA_L1_PORT",
        value_name = "PORT",
        conflicts_with = "l1_rpc"
    )]
    pub(crate) l1_port: Option<u16>,
    /// No L1: no deposits, nothing is posted
    #[arg(long, env = "AURA_NO_L1", conflicts_with_all = ["l1_port", "l1_rpc"])]
    pub(crate) no_l1: bool,
    /// Seconds until a posted root is final
    #[arg(long, env = "AURA_WINDOW", value_name = "SECONDS", default_value_t = 5)]
    pub(crate) window: u64,
    /// Where the deployment file goes as well
    #[arg(long, env = "AURA_DEPLOYMENT_OUT", value_name = "FILE")]
    pub(crate) deployment_out: Option<PathBuf>,
}

/// Flags of a running node. A flag beats its environment variable, which beats the file.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// Settings file (TOML); `aura config defaults` prints one
    #[arg(long, env = "AURA_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address that JSON-RPC listens on
    #[arg(long, env = "AURA_HOST")]
    pub(crate) host: Option<IpAddr>,
    /// Port of JSON-RPC over HTTP and WebSocket [default: 8545]
    #[arg(long, env = "AURA_PORT")]
    pub(crate) port: Option<u16>,
    /// Directory of database and journal
    #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
    pub(crate) datadir: Option<PathBuf>,
    /// Genesis file; not needed once the data directory is initialised
    #[arg(long, env = "AURA_CHAIN", value_name = "FILE")]
    pub(crate) chain: Option<PathBuf>,
    /// `instant`, or the shortest time between blocks: 1s, 250ms [default: dev instant, node 1s]
    #[arg(long, env = "AURA_BLOCK_TIME", value_name = "TIME")]
    pub(crate) block_time: Option<BlockTime>,
    /// Time after which a block without transactions is sealed, or `never`
    #[arg(long, env = "AURA_EMPTY_BLOCK_INTERVAL", value_name = "TIME")]
    pub(crate) empty_block_interval: Option<Interval>,
    /// Gas limit of new blocks; with a bridge L1 sets it [default: the genesis block's]
    #[arg(long, env = "AURA_GAS_LIMIT")]
    pub(crate) gas_limit: Option<u64>,
    /// Newest blocks of which every one can be proven [default: 1024]
    #[arg(long, env = "AURA_PROOF_WINDOW", value_name = "BLOCKS")]
    pub(crate) proof_window: Option<u64>,
    /// Of older blocks every so many-th can be proven [default: 32]
    #[arg(long, env = "AURA_PROOF_INTERVAL", value_name = "BLOCKS")]
    pub(crate) proof_interval: Option<u64>,
    /// Port of Prometheus metrics [default: none]
    #[arg(long, env = "AURA_METRICS_PORT", value_name = "PORT")]
    pub(crate) metrics_port: Option<u16>,
    /// Address of the operator's listener (admin_*) [default: 127.0.0.1]
    #[arg(long, env = "AURA_ADMIN_HOST")]
    pub(crate) admin_host: Option<IpAddr>,
    /// Port of the operator's listener (admin_*) [default: none]
    #[arg(long, env = "AURA_ADMIN_PORT", value_name = "PORT")]
    pub(crate) admin_port: Option<u16>,
    /// Address of the Engine API [default: 127.0.0.1]
    #[arg(long, env = "AURA_ENGINE_HOST")]
    pub(crate) engine_host: Option<IpAddr>,
    /// Port of the Engine API; needs --jwt-secret [default: none]
    #[arg(long, env = "AURA_ENGINE_PORT", value_name = "PORT")]
    pub(crate) engine_port: Option<u16>,
    /// File with the Engine API's secret, 32 bytes in hex
    #[arg(long, env = "AURA_JWT_SECRET", value_name = "FILE")]
    pub(crate) jwt_secret: Option<PathBuf>,
    /// Serve testing_*, which builds blocks to order; not for ports that strangers reach
    #[arg(long, env = "AURA_TESTING_API")]
    pub(crate) testing_api: bool,
    /// Endpoints of L1, the preferred one first, with commas between them; or PROVIDER_URL
    #[arg(long, env = "AURA_L1_RPC", value_name = "URL", value_delimiter = ',')]
    pub(crate) l1_rpc: Vec<String>,
    /// Deployment file of the bridge, which must fit the genesis
    #[arg(long, env = "AURA_DEPLOYMENT", value_name = "FILE")]
    pub(crate) deployment: Option<PathBuf>,
    /// Portal that the genesis must name
    #[arg(long, env = "BRIDGE_CONTRACT", value_name = "ADDRESS")]
    pub(crate) bridge_contract: Option<Address>,
    /// When L2 uses an L1 block: safe, finalized, or a number of blocks that follow it [default: safe, dev 0]
    #[arg(long, env = "AURA_L1_CONFIRMATIONS", value_name = "RULE")]
    pub(crate) l1_confirmations: Option<ConfirmationRule>,
    /// File with the key that posts batches
    #[arg(long, env = "AURA_SEQUENCER_KEY", value_name = "FILE")]
    pub(crate) sequencer_key: Option<PathBuf>,
    /// File with the key that posts roots
    #[arg(long, env = "AURA_PROPOSER_KEY", value_name = "FILE")]
    pub(crate) proposer_key: Option<PathBuf>,
    /// Leave L1's queue alone, as a hostile sequencer would; for tests
    #[arg(long, env = "AURA_TESTING_HOLD_QUEUE")]
    pub(crate) testing_hold_queue: bool,
    /// Log filter in the syntax of RUST_LOG [default: info]
    #[arg(long, env = "AURA_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// Form of log lines: text or json
    #[arg(long, env = "AURA_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: Option<LogStyle>,
}

/// Flags of `aura init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Genesis file in geth's format; with an `aura` section it is a chain of our own
    #[arg(long, env = "AURA_CHAIN", value_name = "FILE")]
    pub(crate) chain: PathBuf,
    /// Directory to initialise
    #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
    pub(crate) datadir: PathBuf,
}

/// Flags of `aura import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Genesis file; not needed once the data directory is initialised
    #[arg(long, alias = "chain", env = "AURA_CHAIN", value_name = "FILE")]
    pub(crate) genesis: Option<PathBuf>,
    /// Directory of the database
    #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
    pub(crate) datadir: PathBuf,
    /// Make the imported head the safe and finalized one; always so on a chain of a plain Ethereum genesis
    #[arg(long)]
    pub(crate) finalize: bool,
    /// Files of blocks: RLP, one block after the other
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Flags of `aura export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Directory of the database; a node may be running on it
    #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
    pub(crate) datadir: PathBuf,
    /// First block [default: 1]
    #[arg(long, value_name = "NUMBER", value_parser = block_number)]
    pub(crate) from: Option<u64>,
    /// Last block [default: the newest]
    #[arg(long, value_name = "NUMBER", value_parser = block_number)]
    pub(crate) to: Option<u64>,
    /// The file, or - for the standard output
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// `aura config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check a settings file
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print every setting with its default
    Defaults,
}

/// `aura db`.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Print entries and size of every table
    Stats {
        /// Data directory
        #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
        datadir: PathBuf,
    },
    /// Recompute the state root from all leaves and follow every block and index; the node must not be running
    Check {
        /// Data directory
        #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
        datadir: PathBuf,
        /// Execute every block again from genesis and compare each header
        #[arg(long)]
        reexecute: bool,
        /// Genesis file; needed by --reexecute unless the chain is the development chain
        #[arg(long, env = "AURA_CHAIN", value_name = "FILE")]
        chain: Option<PathBuf>,
    },
}

/// `aura state`.
#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Print the state root of a block, as aura_stateRoot answers it
    Root {
        /// Data directory
        #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
        datadir: PathBuf,
        /// Number of the block [default: the newest]
        #[arg(long, value_name = "NUMBER", value_parser = block_number)]
        block: Option<u64>,
    },
    /// Print an account and its slots with proofs, as aura_getProof answers it
    Proof {
        /// Data directory
        #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
        datadir: PathBuf,
        /// The account
        #[arg(long)]
        address: Address,
        /// A storage slot of the account; can be given more than once
        #[arg(long = "slot", value_name = "SLOT")]
        slots: Vec<U256>,
        /// Number of the block [default: the newest]
        #[arg(long, value_name = "NUMBER", value_parser = block_number)]
        block: Option<u64>,
    },
    /// Check an answer of aura_getProof without a node; the exit code says whether it holds
    Verify {
        /// The file, or - for the standard input
        file: PathBuf,
        /// The state root that the file must be about
        #[arg(long)]
        root: Option<B256>,
    },
    /// Recompute the state root from all leaves, and check proofs at past blocks; the node must not be running
    Audit {
        /// Data directory
        #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
        datadir: PathBuf,
        /// Check every recorded node and every leaf at every block that can be proven, not a sample
        #[arg(long)]
        full: bool,
    },
    /// Print size of the tree and which blocks can be proven
    Stats {
        /// Data directory
        #[arg(long, env = "AURA_DATADIR", value_name = "DIR")]
        datadir: PathBuf,
    },
}

/// A block number, decimal or hex with 0x.
fn block_number(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "expected a block number, decimal or hex with 0x".to_owned())
}
