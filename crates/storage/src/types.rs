//! Plain values that go in and out of the database.

use std::{ops::RangeInclusive, time::Duration};

use alloy_consensus::Header;
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{Address, B256, U256};
use aura_primitives::{Account, Receipt, SealedBlock};
use aura_smt::NodeChange;

/// Which chain a database belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainIdentity {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of block 0.
    pub genesis_hash: B256,
}

/// A value of the flat state: what stands at one hashed key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// An account.
    Account(Account),
    /// A storage word, never zero.
    Slot(U256),
}

/// Where a transaction stands in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxLocation {
    /// Number of its block.
    pub block_number: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// Index in the block.
    pub index: u64,
    /// Position among all transactions of the chain, from 0.
    pub tx_number: u64,
}

/// A receipt with what would otherwise need the receipts before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRecord {
    /// The receipt.
    pub receipt: Receipt,
    /// Gas used by this transaction alone.
    pub gas_used: u64,
    /// Index of the receipt's first log among the logs of the block.
    pub first_log_index: u64,
}

/// What a block holds besides header and transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockBody {
    /// Position of the block's first transaction among all of the chain.
    pub first_tx_number: u64,
    /// Number of transactions.
    pub transaction_count: u32,
    /// Uncle headers.
    pub ommers: Vec<Header>,
    /// Withdrawals, present from Shanghai on.
    pub withdrawals: Option<Withdrawals>,
}

/// Which blocks `eth_getLogs` is looking for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Emitters, any of them; empty matches every emitter.
    pub addresses: Vec<Address>,
    /// For each topic position any of the values; empty matches everything.
    pub topics: [Vec<B256>; 4],
    /// Block numbers.
    pub range: RangeInclusive<u64>,
}

/// The tip block that an unwind removed.
#[derive(Debug, Clone)]
pub struct UnwoundBlock {
    /// The removed block.
    pub block: SealedBlock,
    /// Its receipts.
    pub receipts: Vec<Receipt>,
    /// Leaves as they stand now, sorted by hashed key; `None` is an absent leaf.
    pub restored: Vec<(B256, Option<Leaf>)>,
    /// Present if the block was a boundary: the nodes that changed since the boundary before, with
    /// their hashes as of that boundary. They are the open interval again.
    pub interval: Option<Vec<NodeChange>>,
}

/// What one call of `prune_history` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneStats {
    /// Rows removed: history entries, hashes of nodes, parts of lists.
    pub removed: usize,
    /// Oldest block whose state can still be read.
    pub first_history_block: u64,
    /// Whether nothing is left to prune below the asked-for block.
    pub done: bool,
}

/// What one call of `prune_nodes` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodePruneStats {
    /// Rows removed.
    pub removed: usize,
    /// Every block from here on can be proven, as far as history reaches.
    pub first_window_block: u64,
    /// Whether nothing is left to remove.
    pub done: bool,
}

/// A block whose state can be proven whatever its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// Number of the block.
    pub block: u64,
    /// Its timestamp.
    pub timestamp: u64,
}

/// Where the time of a commit went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommitStats {
    /// All of the commit.
    pub total: Duration,
    /// Writing pages to the file.
    pub write: Duration,
    /// Waiting for the disk.
    pub sync: Duration,
}

/// Size of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStats {
    /// Table name.
    pub name: &'static str,
    /// Number of rows.
    pub entries: u64,
    /// Pages of all kinds.
    pub pages: u64,
    /// Pages times page size.
    pub bytes: u64,
    /// Height of the B-tree.
    pub depth: u32,
}

/// Size of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStats {
    /// Every table, in the order of their declaration.
    pub tables: Vec<TableStats>,
    /// Length of the data file.
    pub file_bytes: u64,
    /// Part of the file that pages occupy, free ones included.
    pub used_bytes: u64,
    /// Pages that the next write transactions can reuse, in bytes.
    pub free_bytes: u64,
    /// Size of a page.
    pub page_bytes: u32,
}

/// Open snapshots of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderStats {
    /// How many are open.
    pub open: usize,
    /// Age of the oldest.
    pub oldest: Option<Duration>,
}
