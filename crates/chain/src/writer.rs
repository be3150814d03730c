//! The writer: one thread, one database transaction per group of blocks.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender},
    },
    time::Instant,
};

use aura_primitives::{BlockNumHash, CommittedBlock, HeadLabel, StateDiff};
use aura_storage::{StorageError, TreeChanges, Writer};

use crate::{
    ChainError,
    chain::{ChainEvent, Command, Shared, UnwindOutcome},
    leaves, metrics, withdrawals,
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
                    Command::Commit(block, tree) => next = self.commit_group(block, &tree)?,
                    Command::Pin { block, reply } => Self::answer(&reply, self.pin(block)),
                    Command::Write(job) => job(&self.shared),
                    Command::Damaged => return Err(ChainError::Damaged),
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

    fn answer<T>(reply: &SyncSender<Result<T, ChainError>>, outcome: Result<T, ChainError>) {
        // A caller that is gone has no use for the answer.
        reply.send(outcome).ok();
    }

    /// Commits `first` and the blocks queued behind it in one transaction. Returns the command
    /// that ended the group, if it was another one.
    fn commit_group(
        &self,
        first: Arc<CommittedBlock>,
        tree: &TreeChanges,
    ) -> Result<Option<Command>, ChainError> {
        let started = Instant::now();
        let mut writer = self.shared.store.writer()?;
        self.put(&mut writer, &first, tree)?;
        let mut group = vec![first];
        let mut other = None;
        while group.len() < self.shared.config.max_group_blocks {
            match self.inbox.try_recv() {
                Ok(Command::Commit(block, tree)) => {
                    self.put(&mut writer, &block, &tree)?;
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

    fn put(
        &self,
        writer: &mut Writer,
        block: &CommittedBlock,
        tree: &TreeChanges,
    ) -> Result<(), ChainError> {
        writer.put_block(block, tree)?;
        match withdrawals::domain(&self.shared.spec) {
            Some(domain) => withdrawals::append(writer, block, &domain),
            None => Ok(()),
        }
    }

    fn prune(
        &self,
        writer: &mut Writer,
        group: &[Arc<CommittedBlock>],
    ) -> Result<(), StorageError> {
        let Some(tip) = group.last().map(|block| &block.block.header) else {
            return Ok(());
        };
        let config = &self.shared.config;
        // Twice what these blocks add, so that pruning catches up after a window shrank.
        let added: usize = group.iter().map(|block| block.diff.len()).sum();
        let limit = 2 * added + MIN_PRUNED;
        let below = tip.number.saturating_sub(config.history_blocks);
        if below > 0 {
            writer.prune_history(below, limit)?;
        }
        let window = tip.number.saturating_sub(config.proof_window_blocks);
        if window > 0 {
            let pins_below = tip.number.saturating_sub(config.pin_blocks);
            let pins_before = tip.timestamp.saturating_sub(config.pin_time.as_secs());
            writer.prune_nodes(window, pins_below, pins_before, limit)?;
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
        let mut intervals = Vec::new();
        for _ in to..head {
            let unwound = writer.unwind_block()?;
            intervals.extend(unwound.interval);
            restored.extend(
                unwound
                    .restored
                    .iter()
                    .map(|(key, leaf)| (*key, leaf.as_ref().map(leaves::stored_leaf))),
            );
            let diff = Arc::new(StateDiff::default());
            blocks.push(Arc::new(CommittedBlock {
                block: unwound.block,
                receipts: unwound.receipts,
                diff,
            }));
        }
        writer.commit()?;
        Ok(UnwindOutcome {
            blocks,
            restored,
            intervals,
        })
    }

    fn pin(&self, block: u64) -> Result<(), ChainError> {
        let mut writer = self.shared.store.writer()?;
        writer.pin(block)?;
        writer.commit()?;
        Ok(())
    }

    fn set_head(&self, label: HeadLabel, to: BlockNumHash) -> Result<(), ChainError> {
        let mut writer = self.shared.store.writer()?;
        writer.set_head(label, to)?;
        writer.commit()?;
        Ok(())
    }
}
