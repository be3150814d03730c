//! The write transaction.

mod batches;
mod fold;
mod genesis;
mod l1;
mod l1_txs;
mod nodes;
mod preimages;
mod prune;
mod prune_nodes;
mod put;
mod unwind;
mod withdrawals;

use std::time::Instant;

use alloy_primitives::B256;
use aura_primitives::{BlockNumHash, CommittedBlock, HeadLabel, SealedBlock, StateDiff};
use signet_libmdbx::Rw;

use crate::{
    ChainIdentity, CommitStats, GenesisState, LeafRecord, NodePruneStats, PruneStats, StorageError,
    TreeChanges, UnwoundBlock,
    access::{Access, is_botched},
    codec,
    tables::Table,
};

/// The tip as the transaction sees it.
#[derive(Debug, Clone, Copy)]
struct Tip {
    head: BlockNumHash,
    next_tx: u64,
}

/// The one write transaction. Lives on one thread; dropping it discards everything.
///
/// After a failed write the transaction holds half of a change: nothing but dropping it works then.
#[derive(Debug)]
pub struct Writer {
    access: Access<Rw>,
    /// `None` in a new database.
    tip: Option<Tip>,
    keeps_preimages: bool,
    failed: bool,
    /// Buffer for one value.
    scratch: Vec<u8>,
    /// Heads of the keys that went into `Undo`.
    recent: Vec<u64>,
    /// How many of them the last fold has taken out again, if there was one.
    taken: Option<usize>,
}

impl Writer {
    pub(crate) fn new(access: Access<Rw>) -> Result<Self, StorageError> {
        let tip = match access.head(HeadLabel::Unsafe) {
            Ok(head) => {
                let next_tx =
                    access.require_as(Table::Meta, codec::META_NEXT_TX, codec::decode_u64)?;
                Some(Tip { head, next_tx })
            }
            Err(StorageError::NotInitialized) => None,
            Err(error) => return Err(error),
        };
        let keeps_preimages = access.has_preimages()?;
        Ok(Self {
            access,
            tip,
            keeps_preimages,
            failed: false,
            scratch: Vec::new(),
            recent: Vec::new(),
            taken: None,
        })
    }

    fn tip(&self) -> Result<Tip, StorageError> {
        self.tip.ok_or(StorageError::NotInitialized)
    }

    /// Runs a change and marks the transaction as failed unless it succeeds.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if self.failed {
            return Err(StorageError::TransactionFailed);
        }
        self.failed = true;
        let value = change(self)?;
        self.failed = false;
        Ok(value)
    }

    /// Fails unless a new database can begin with nodes down to `bottom`.
    fn check_init(&self, bottom: u8, genesis: u64) -> Result<(), StorageError> {
        if self.tip.is_some() {
            return Err(StorageError::AlreadyInitialized);
        }
        let tree = TreeChanges {
            bottom,
            ..TreeChanges::default()
        };
        nodes::check_tree(genesis, &tree)
    }

    pub(crate) fn init(
        &mut self,
        identity: &ChainIdentity,
        genesis: &SealedBlock,
        state: &GenesisState,
        bottom: u8,
        preimages: bool,
    ) -> Result<(), StorageError> {
        self.check_init(bottom, genesis.number())?;
        self.change(|writer| {
            writer.remove_loose_leaves()?;
            if preimages {
                writer.keep_preimages()?;
                writer.write_preimages(&StateDiff::from_genesis(state))?;
            }
            writer.append_leaves(None, genesis::sorted_leaves(state))?;
            writer.write_code(&state.code)?;
            writer.write_genesis(identity, genesis, bottom)
        })
    }

    /// First step of a load in several transactions.
    pub(crate) fn begin_load(&mut self, genesis: u64, bottom: u8) -> Result<(), StorageError> {
        self.check_init(bottom, genesis)?;
        self.change(|writer| writer.remove_loose_leaves())
    }

    /// Loads leaves that follow `last`; returns the last one.
    pub(crate) fn load(
        &mut self,
        last: Option<B256>,
        leaves: impl Iterator<Item = (B256, LeafRecord)>,
    ) -> Result<Option<B256>, StorageError> {
        if self.tip.is_some() {
            return Err(StorageError::AlreadyInitialized);
        }
        self.change(|writer| writer.append_leaves(last, leaves))
    }

    /// Last step of a load.
    pub(crate) fn finish_load(
        &mut self,
        identity: &ChainIdentity,
        genesis: &SealedBlock,
        bottom: u8,
    ) -> Result<(), StorageError> {
        self.check_init(bottom, genesis.number())?;
        self.change(|writer| writer.write_genesis(identity, genesis, bottom))
    }

    /// Writes `block` above the head: header, body, transactions, receipts, indexes, flat state,
    /// history, touched keys, nodes and log index; then moves the unsafe head to it.
    ///
    /// The `before` values of the diff become history as they are, without being read again. Keys
    /// are those of `tree`: nothing is hashed here. A boundary takes longer: it brings what all
    /// blocks since the last one replaced into the history table.
    ///
    /// # Errors
    /// [`StorageError::NotNextBlock`], [`StorageError::ReceiptCount`],
    /// [`StorageError::TreeChanges`] (nothing is changed then); [`StorageError::DiskFull`],
    /// [`StorageError::MapFull`]; damage.
    pub fn put_block(
        &mut self,
        block: &CommittedBlock,
        tree: &TreeChanges,
    ) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::TransactionFailed);
        }
        self.check_next(block)?;
        let started = Instant::now();
        let number = block.block.number();
        nodes::check_tree(number, tree)?;
        // A node that was not recorded for a while would seem unchanged to an unwind.
        let bottom = self
            .access
            .node_depths()?
            .bottom_at(number.saturating_sub(1));
        if tree.bottom < bottom {
            let reason = "the bottom is above that of the block before";
            return Err(StorageError::TreeChanges { number, reason });
        }
        put::check_leaves(number, &block.diff, &tree.leaves)?;
        self.change(|writer| writer.write_block(block, tree))?;
        let metrics = &self.access.shared().metrics;
        metrics.put_block_seconds.record(started.elapsed());
        metrics.blocks.increment(1);
        Ok(())
    }

    /// The head with `label`, as this transaction has it.
    ///
    /// # Errors
    /// [`StorageError::NotInitialized`], damage.
    pub fn head(&self, label: HeadLabel) -> Result<BlockNumHash, StorageError> {
        self.access.head(label)
    }

    /// Hash of block `number`, as this transaction has it.
    ///
    /// # Errors
    /// Damage.
    pub fn block_hash(&self, number: u64) -> Result<Option<B256>, StorageError> {
        self.access.block_hash(number)
    }

    /// Moves the head with `label` to a block of the chain. The unsafe head moves only with
    /// [`put_block`](Self::put_block) and [`unwind_block`](Self::unwind_block).
    ///
    /// # Errors
    /// [`StorageError::MissingBlock`] if the chain has no such block.
    pub fn set_head(&mut self, label: HeadLabel, block: BlockNumHash) -> Result<(), StorageError> {
        let is_known = self.block_hash(block.number)? == Some(block.hash);
        let is_tip = self.tip()?.head == block;
        if !is_known || (label == HeadLabel::Unsafe && !is_tip) {
            return Err(StorageError::MissingBlock {
                number: block.number,
            });
        }
        self.change(|writer| writer.write_head(label, block))
    }

    fn write_head(&mut self, label: HeadLabel, block: BlockNumHash) -> Result<(), StorageError> {
        let key = label.as_str().as_bytes();
        let value = codec::encode_head(block);
        self.access.put(Table::Heads, key, &value)
    }

    fn write_tip(&mut self, tip: Tip) -> Result<(), StorageError> {
        self.write_head(HeadLabel::Unsafe, tip.head)?;
        let next_tx = tip.next_tx.to_be_bytes();
        self.access
            .put(Table::Meta, codec::META_NEXT_TX, &next_tx)?;
        self.tip = Some(tip);
        Ok(())
    }

    /// Removes the tip block with all its rows and restores the flat state before it.
    ///
    /// Safe and finalized head move down with it, and its pin goes. Code stays, as other accounts can share it.
    ///
    /// # Errors
    /// [`StorageError::UnwindGenesis`]; [`StorageError::HistoryPruned`] if the state before the
    /// tip is no longer known (nothing is changed in both cases); damage.
    pub fn unwind_block(&mut self) -> Result<UnwoundBlock, StorageError> {
        self.check_unwind()?;
        let unwound = self.change(Self::remove_tip)?;
        self.access.shared().metrics.unwound_blocks.increment(1);
        Ok(unwound)
    }

    /// Forgets the states before block `below`, oldest first, in at most about `limit` rows of
    /// history and as many that proofs need.
    ///
    /// Afterwards the state of `below` is the oldest that can be read, and the deepest to which
    /// the chain can unwind. A `below` above the head counts as the head. Boundaries, pins and node
    /// diffs go with the states that need them.
    ///
    /// # Errors
    /// Damage, [`StorageError::DiskFull`], [`StorageError::MapFull`].
    pub fn prune_history(&mut self, below: u64, limit: usize) -> Result<PruneStats, StorageError> {
        let below = below.min(self.tip()?.head.number);
        let stats = self.change(|writer| {
            let history = writer.prune(below, limit)?;
            let (nodes, done) = writer.prune_old_nodes(history.first_history_block, limit)?;
            let metrics = &writer.access.shared().metrics;
            metrics.pruned_history.increment(history.removed as u64);
            metrics.pruned_nodes.increment(nodes as u64);
            Ok(PruneStats {
                removed: history.removed + nodes,
                done: history.done && done,
                ..history
            })
        })?;
        Ok(stats)
    }

    /// Forgets the node diffs of blocks below `window_below`, and pins that are below both
    /// `pins_below_block` and `pins_below_time`, in at most about `limit` rows.
    ///
    /// The diffs from a pinned block to the next boundary stay, and so do those of the open
    /// interval. A pin goes together with the diffs that only it kept.
    ///
    /// # Errors
    /// Damage, [`StorageError::DiskFull`], [`StorageError::MapFull`].
    pub fn prune_nodes(
        &mut self,
        window_below: u64,
        pins_below_block: u64,
        pins_below_time: u64,
        limit: usize,
    ) -> Result<NodePruneStats, StorageError> {
        let stats = self.change(|writer| {
            writer.prune_window(window_below, pins_below_block, pins_below_time, limit)
        })?;
        let metrics = &self.access.shared().metrics;
        metrics.pruned_nodes.increment(stats.removed as u64);
        Ok(stats)
    }

    /// Keeps `block` provable as long as its state can be read, or until
    /// [`prune_nodes`](Self::prune_nodes) is told to let go. Pinning twice changes nothing.
    ///
    /// # Errors
    /// [`StorageError::PinUnavailable`] if the block cannot be proven now,
    /// [`StorageError::MissingBlock`] if it is above the head (nothing is changed in both cases);
    /// damage.
    pub fn pin(&mut self, block: u64) -> Result<(), StorageError> {
        let timestamp = self.check_pin(block)?.to_be_bytes();
        self.change(|writer| {
            let key = block.to_be_bytes();
            writer.access.put(Table::Pins, &key, &timestamp)
        })
    }

    /// Oldest block whose state can be read.
    ///
    /// # Errors
    /// [`StorageError::NotInitialized`], damage.
    pub fn first_history_block(&self) -> Result<u64, StorageError> {
        self.access.first_history_block()
    }

    /// Makes everything visible to new snapshots; durable on return if so configured.
    ///
    /// # Errors
    /// [`StorageError::DiskFull`], [`StorageError::MapFull`], [`StorageError::TransactionFailed`]:
    /// the database stays as it was before the transaction.
    pub fn commit(self) -> Result<CommitStats, StorageError> {
        if self.failed {
            return Err(StorageError::TransactionFailed);
        }
        let (tx, shared) = self.access.into_parts();
        let id = tx.id().map_err(|error| shared.error("commit", error))?;
        shared.recent.add(&self.recent);
        let latency = tx.commit_with_latency().map_err(|error| {
            if is_botched(error) {
                StorageError::TransactionFailed
            } else {
                shared.error("commit", error)
            }
        })?;
        if let Some(taken) = self.taken {
            let later = self.recent.get(taken..).unwrap_or_default();
            shared.recent.begin(id, later);
        }
        shared.metrics.commit_seconds.record(latency.whole());
        Ok(CommitStats {
            total: latency.whole(),
            write: latency.write(),
            sync: latency.sync(),
        })
    }
}
