//! The write transaction.

mod genesis;
mod prune;
mod put;
mod unwind;

use std::time::Instant;

use alloy_primitives::B256;
use aura_primitives::{BlockNumHash, CommittedBlock, HeadLabel, SealedBlock};
use signet_libmdbx::Rw;

use crate::{
    ChainIdentity, CommitStats, GenesisState, PruneStats, StorageError, UnwoundBlock,
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
    failed: bool,
    /// Buffer for one value.
    scratch: Vec<u8>,
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
        Ok(Self {
            access,
            tip,
            failed: false,
            scratch: Vec::new(),
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

    pub(crate) fn init(
        &mut self,
        identity: &ChainIdentity,
        genesis: &SealedBlock,
        state: &GenesisState,
    ) -> Result<(), StorageError> {
        if self.tip.is_some() {
            return Err(StorageError::AlreadyInitialized);
        }
        self.change(|writer| writer.write_genesis(identity, genesis, state))
    }

    /// Writes `block` above the head: header, body, transactions, receipts, indexes, flat state,
    /// history, touched keys and log index; then moves the unsafe head to it.
    ///
    /// The `before` values of the diff become history as they are, without being read again.
    ///
    /// # Errors
    /// [`StorageError::NotNextBlock`], [`StorageError::ReceiptCount`] (nothing is changed then);
    /// [`StorageError::DiskFull`], [`StorageError::MapFull`].
    pub fn put_block(&mut self, block: &CommittedBlock) -> Result<(), StorageError> {
        self.check_next(block)?;
        let started = Instant::now();
        self.change(|writer| writer.write_block(block))?;
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
    /// Safe and finalized head move down with it. Code stays, as other accounts can share it.
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

    /// Forgets the states before block `below`, oldest first, in at most about `limit` rows.
    ///
    /// Afterwards the state of `below` is the oldest that can be read, and the deepest to which
    /// the chain can unwind. A `below` above the head counts as the head.
    ///
    /// # Errors
    /// Damage, [`StorageError::DiskFull`], [`StorageError::MapFull`].
    pub fn prune_history(&mut self, below: u64, limit: usize) -> Result<PruneStats, StorageError> {
        let below = below.min(self.tip()?.head.number);
        let stats = self.change(|writer| writer.prune(below, limit))?;
        let metrics = &self.access.shared().metrics;
        metrics.pruned_history.increment(stats.removed as u64);
        Ok(stats)
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
        let latency = tx.commit_with_latency().map_err(|error| {
            if is_botched(error) {
                StorageError::TransactionFailed
            } else {
                shared.error("commit", error)
            }
        })?;
        shared.metrics.commit_seconds.record(latency.whole());
        Ok(CommitStats {
            total: latency.whole(),
            write: latency.write(),
            sync: latency.sync(),
        })
    }
}
