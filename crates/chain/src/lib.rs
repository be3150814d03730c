//! The one writer: seals executed blocks, commits them durably, then publishes them.
//!
//! - [`Chain::seal`] computes the state root in the tree in RAM, seals the header and hands the
//!   block to the writer. The next block can be built at once on top of it.
//! - [`ChainWriter::run`] commits sealed blocks, several in one MDBX transaction when sealing is
//!   faster than the disk, and publishes a block only after its transaction is durable.
//! - At start the tree is rebuilt from the flat table and its root compared with the head's.
//!
//! - [`Chain::import`] verifies and adopts blocks that others have made.
//! - Chains of a plain Ethereum genesis commit to their state as Ethereum does (`mpt`).
//!
//! It never chooses transactions. Start reading at [`Chain`].

mod chain;
mod config;
mod error;
mod genesis;
mod import;
mod leaves;
mod metrics;
mod mpt;
mod prove;
mod rlp;
mod seal;
mod source;
mod tip;
mod views;
mod warm;
mod withdrawals;
mod witness;
mod writer;

pub use chain::{Chain, ChainEvent};
pub use config::ChainConfig;
pub use error::ChainError;
pub use genesis::genesis_block;
pub use leaves::tree_changes;
pub use mpt::{AccountProof, SlotProof};
pub use prove::StateProofs;
pub use rlp::{BlockDecodeError, UnrecoveredBlock, decode_block, encode_block, recover_block};
pub use writer::ChainWriter;
