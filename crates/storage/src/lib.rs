//! Aura's database: one MDBX environment with every table of the node.
//!
//! It owns the tables and their byte layouts (`tables.rs` has the list), the typed codecs, read
//! snapshots with a deadline ([`Reader`]), the one write transaction ([`Writer`]), the history that
//! serves past states, undo and pruning, and the posting lists behind `eth_getLogs`.
//!
//! It must never execute, validate consensus rules, compute roots or decide which block is right:
//! it stores what `aura-chain` gives it, all of a block in one transaction.
//!
//! Every change in place keeps the value *before* the block, first in a list of the block, then, with
//! the next boundary (or after 64 blocks), in the history table under `hashed key ‖ block`, where
//! many blocks come together: a row alone would cost a page. The state at block `B` is the first
//! history entry above `B`, else that of the first list above `B` which has the key, else the latest
//! value: one seek for older states, one per later block for those since the last boundary. The
//! process that writes has the keys of those blocks in memory, and seeks for no other key. Unwind
//! walks the list of a block, or that of the keys that it touched; pruning does as well.
//!
//! For proofs in past states it also keeps former hashes of some nodes of the state tree
//! ([`TreeChanges`] has which): of every block the nodes it changed, for the blocks of a window and
//! those that follow a pinned block; and at every *boundary* (each so many blocks) the nodes that
//! changed since the boundary before, as long as history reaches. See [`NodesAt`].
//!
//! Start reading at [`Store`], then `tables.rs`.

mod access;
mod bridge;
mod codec;
mod config;
mod environment;
mod error;
mod header;
mod log_index;
mod metrics;
mod reader;
mod recent;
mod store;
mod tables;
mod tree;
mod types;
mod view;
mod writer;

pub use aura_primitives::GenesisState;
pub use bridge::{
    BatchRecord, L1BatchRecord, L1Chunk, L1HeaderRecord, L1RootChange, L1RootRecord, L1TxAttempt,
    L1TxRecord, RootStatus, WithdrawalRecord,
};
pub use config::StoreConfig;
pub use error::{DecodeError, StorageError};
pub use log_index::LogBlocks;
pub use reader::{NodesAt, Reader};
pub use store::Store;
pub use tables::SCHEMA_VERSION;
pub use tree::{LeafChange, LeafId, LeafRecord, TreeChanges};
pub use types::{
    BlockBody, ChainIdentity, CommitStats, Leaf, LogQuery, NodePruneStats, Pin, PruneStats,
    ReaderStats, ReceiptRecord, StoreStats, TableStats, TxLocation, UnwoundBlock,
};
pub use view::{Layer, StateView};
pub use writer::Writer;
