//! From a [`NodeConfig`] to running services.
//!
//! [`Node::start`] opens the database and the chain, replays the pool's journal, and starts the
//! writer, the sequencer, pool maintenance, RPC and metrics as supervised tasks: the first that
//! fails stops the node. It holds wiring only.

mod audit;
mod block_file;
pub mod bridge;
mod config;
mod error;
mod export;
mod import;
mod listeners;
mod node;
mod open;
mod proofs;
mod tree;

pub use audit::{AuditReport, audit, reexecute};
pub use aura_chainspec::{ChainSpec, Commitment};
pub use aura_l1::Confirmations;
pub use aura_rpc::RateLimit;
pub use aura_sequencer::SealPolicy;
pub use aura_settlement::{DaChoice, SettlementConfig};
pub use block_file::BlockFileError;
pub use bridge::{
    BridgeSection, ConfirmationRule, DevDeployment, FeeSection, KeySection, deploy_dev, has_bridge,
};
pub use config::{BlockTime, Interval, LogStyle, NodeConfig, SequencerSection, StorageSection};
pub use error::NodeError;
pub use export::{ExportRange, export};
pub use import::{Finality, ImportFault, ImportProgress, import};
pub use listeners::{AdminSection, EngineSection};
pub use node::Node;
pub use open::{
    ChainSource, GenesisAccounts, OpenedChain, initialise, open_chain, open_read_only,
    open_store_read_only,
};
pub use proofs::{Extent, ProofAudit, Provable, audit_proofs, provable};
pub use tree::TreeSection;
