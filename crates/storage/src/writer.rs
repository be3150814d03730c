//! The write transaction.

use aura_primitives::{BlockNumHash, CommittedBlock, HeadLabel};

use crate::{CommitStats, PruneStats, StorageError, UnwoundBlock};

/// The write transaction.
#[derive(Debug)]
pub struct Writer(#[allow(dead_code)] std::marker::PhantomData<*const ()>);

impl Writer {
    /// Writes a block.
    pub fn put_block(&mut self, block: &CommittedBlock) -> Result<(), StorageError> {
        let _ = block;
        todo!()
    }
    /// A head.
    pub fn head(&self, label: HeadLabel) -> Result<BlockNumHash, StorageError> {
        let _ = label;
        todo!()
    }
    /// Moves a head.
    pub fn set_head(&mut self, label: HeadLabel, block: BlockNumHash) -> Result<(), StorageError> {
        let _ = (label, block);
        todo!()
    }
    /// Removes the tip block.
    pub fn unwind_block(&mut self) -> Result<UnwoundBlock, StorageError> {
        todo!()
    }
    /// Prunes history.
    pub fn prune_history(&mut self, below: u64, limit: usize) -> Result<PruneStats, StorageError> {
        let _ = (below, limit);
        todo!()
    }
    /// Oldest block whose state can be read.
    pub fn first_history_block(&self) -> Result<u64, StorageError> {
        todo!()
    }
    /// Commits.
    pub fn commit(self) -> Result<CommitStats, StorageError> {
        todo!()
    }
}
