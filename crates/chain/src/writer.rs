//! The writer: one thread, one database transaction per group of blocks.

use std::{sync::Arc, time::Instant};

use aura_primitives::{BlockNumHash, CommittedBlock, HeadLabel, StateDiff};
use aura_storage::{StorageError, Writer};
use crossbeam_channel::{Receiver, Sender};

use crate::{
    ChainError,
    chain::{ChainEvent, Command, Shared, UnwindOutcome},
    leaves, metrics,
};

/// History entries that one commit prunes at least, if there are so many below the window.
const MIN_PRUNED: usize = 1_024;

/// Commits what [`Chain`](crate::Chain) seals. The only holder of database write transactions.
pub struct ChainWriter {
    shared: Arc<Shared>,
    inbox: Receiver<Command>,
}

impl std::fmt::Debug for ChainWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChainWriter").finish_non_exhaustive()
    }
}

impl ChainWriter {
    pub(crate) fn new(shared: Arc<Shared>, inbox: Receiver<Command>) -> Self {
        Self { shared, inbox }
    }

    /// Commits blocks until [`Chain::shutdown`](crate::Chain::shutdown).
    ///
    /// # Errors
    /// A failed commit ends the writer and must end the process: nothing of the failed group is
    /// stored or published, and the chain accepts no more blocks.
    pub fn run(self) -> Result<(), ChainError> {
        while let Ok(command) = self.inbox.recv() {
            let mut next = Some(command);
            while let Some(command) = next.take() {
                match command {
                    Command::Commit(block) => next = self.commit_group(block)?,
                    Command::Unwind { to, reply } => Self::answer(&reply, self.unwind(to)),
                    Command::SetHead { label, to, reply } => {
                        Self::answer(&reply, self.set_head(label, to));
                    }
                    Command::Shutdown => return Ok(()),
                }
            }
        }
        Ok(())
    }

    fn answer<T>(reply: &Sender<Result<T, ChainError>>, outcome: Result<T, ChainError>) {
        // A caller that is gone has no use for the answer.
        reply.send(outcome).ok();
    }

    /// Commits `first` and the blocks queued behind it in one transaction. Returns the command
    /// that ended the group, if it was another one.
    fn commit_group(&self, first: Arc<CommittedBlock>) -> Result<Option<Command>, ChainError> {
        let started = Instant::now();
        let mut writer = self.shared.store.writer()?;
        writer.put_block(&first)?;
        let mut group = vec![first];
        let mut other = None;
        while group.len() < self.shared.config.max_group_blocks {
            match self.inbox.try_recv() {
                Ok(Command::Commit(block)) => {
                    writer.put_block(&block)?;
                    group.push(block);
                }
                Ok(command) => {
                    other = Some(command);
                    break;
                }
                Err(_) => break,
            }
        }
        self.prune(&mut writer, &group)?;
        writer.commit()?;
        metrics::committed(&group, started.elapsed());
        self.publish(&group);
        Ok(other)
    }

    fn prune(
        &self,
        writer: &mut Writer,
        group: &[Arc<CommittedBlock>],
    ) -> Result<(), StorageError> {
        let tip = group.last().map_or(0, |block| block.block.number());
        let below = tip.saturating_sub(self.shared.config.history_blocks);
        if below > 0 {
            // Twice what these blocks add, so that pruning catches up after the window shrank.
            let added: usize = group.iter().map(|block| block.diff.len()).sum();
            writer.prune_history(below, 2 * added + MIN_PRUNED)?;
        }
        Ok(())
    }

    fn publish(&self, group: &[Arc<CommittedBlock>]) {
        let last = group.last().map_or(0, |block| block.block.number());
        self.shared.layers.rcu(|layers| {
            layers
                .iter()
                .filter(|l| l.number > last)
                .cloned()
                .collect::<Vec<_>>()
        });
        for block in group {
            // Nobody listens: nobody needs to know.
            self.shared
                .events
                .send(ChainEvent::Committed(block.clone()))
                .ok();
        }
        self.shared
            .uncommitted
            .send_modify(|count| *count -= group.len());
        metrics::uncommitted(*self.shared.uncommitted.borrow());
    }

    fn unwind(&self, to: u64) -> Result<UnwindOutcome, ChainError> {
        let mut writer = self.shared.store.writer()?;
        let head = writer.head(HeadLabel::Unsafe)?.number;
        let mut blocks = Vec::new();
        let mut restored = Vec::new();
        for _ in to..head {
            let unwound = writer.unwind_block()?;
            restored.extend(
                unwound
                    .restored
                    .iter()
                    .map(|(key, leaf)| (*key, leaf.as_ref().and_then(leaves::stored_leaf))),
            );
            let diff = Arc::new(StateDiff::default());
            blocks.push(Arc::new(CommittedBlock {
                block: unwound.block,
                receipts: unwound.receipts,
                diff,
            }));
        }
        writer.commit()?;
        Ok(UnwindOutcome { blocks, restored })
    }

    fn set_head(&self, label: HeadLabel, to: BlockNumHash) -> Result<(), ChainError> {
        let mut writer = self.shared.store.writer()?;
        writer.set_head(label, to)?;
        writer.commit()?;
        Ok(())
    }
}
