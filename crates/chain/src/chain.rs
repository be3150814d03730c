//! The handle to the chain.

use std::sync::{
    Arc,
    mpsc::{SyncSender, sync_channel},
};

use alloy_consensus::Header;
use alloy_primitives::B256;
use arc_swap::{ArcSwap, ArcSwapOption};
use aura_chainspec::ChainSpec;
use aura_evm::OpenBlock;
use aura_primitives::{BlockNumHash, CommittedBlock, HeadLabel, SealedHeader, StateDiff};
use aura_smt::{Change, NodeChange, TreeStats};
use aura_storage::{StateView, StorageError, Store, TreeChanges, Writer};
use parking_lot::RwLock;
use tokio::sync::{broadcast, watch};

use crate::{
    ChainConfig, ChainError, ChainWriter, genesis, mpt::Tries, source::StoredLeaves, tip::Tip,
    warm::ReadAhead,
};

/// Open blocks that a follower may lag behind; each holds its state until it is looked at.
const OPENED_BLOCKS: usize = 64;

/// What happened to the chain. Published only after it is durable.
#[derive(Debug, Clone)]
pub enum ChainEvent {
    /// A block is committed.
    Committed(Arc<CommittedBlock>),
    /// Blocks were removed from the chain.
    Unwound {
        /// The new head.
        to: BlockNumHash,
        /// Removed blocks with their receipts (and empty diffs), newest first.
        blocks: Vec<Arc<CommittedBlock>>,
    },
}

/// A sealed block that is not durable yet, as a layer above the database.
#[derive(Debug, Clone)]
pub(crate) struct SealedLayer {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    pub(crate) header: SealedHeader,
    pub(crate) ommers: Arc<[Header]>,
    pub(crate) diff: Arc<StateDiff>,
    /// The changed leaves, sorted by key.
    pub(crate) leaves: Arc<[Change]>,
    pub(crate) tree: Arc<TreeChanges>,
}

/// What [`Chain::write`] runs on the writer's thread, answer included.
pub(crate) type WriteJob = Box<dyn FnOnce(&Shared) + Send>;

/// What the writer is asked to do.
pub(crate) enum Command {
    Commit(Arc<CommittedBlock>, Arc<TreeChanges>),
    Pin {
        block: u64,
        reply: SyncSender<Result<(), ChainError>>,
    },
    Unwind {
        to: u64,
        reply: SyncSender<Result<UnwindOutcome, ChainError>>,
    },
    SetHead {
        label: HeadLabel,
        to: BlockNumHash,
        reply: SyncSender<Result<(), ChainError>>,
    },
    /// Lets the writer's thread write what is no block.
    Write(WriteJob),
    /// Our own data is wrong.
    Damaged,
    Shutdown,
}

/// What an unwind gave back, newest first: removed blocks, restored leaves, boundaries.
pub(crate) struct UnwindOutcome {
    pub(crate) blocks: Vec<Arc<CommittedBlock>>,
    pub(crate) restored: Vec<Change>,
    pub(crate) intervals: Vec<Vec<NodeChange>>,
}

pub(crate) struct Shared {
    pub(crate) spec: Arc<ChainSpec>,
    pub(crate) store: Store,
    pub(crate) config: ChainConfig,
    /// Sealed, not yet durable blocks, newest first.
    pub(crate) layers: ArcSwap<Vec<SealedLayer>>,
    pub(crate) open_block: ArcSwapOption<OpenBlock>,
    /// Every open block in turn, for those who follow what is executed.
    pub(crate) opened: broadcast::Sender<Arc<OpenBlock>>,
    /// Changes when the open block has grown.
    pub(crate) grown: watch::Sender<()>,
    pub(crate) events: broadcast::Sender<ChainEvent>,
    pub(crate) uncommitted: watch::Sender<usize>,
    pub(crate) tip: RwLock<Tip>,
    pub(crate) read_ahead: ReadAhead,
    /// Of the standard library: when the writer ends, commands that still wait are dropped with
    /// their reply channels, so nobody waits for an answer for ever. crossbeam's keep them.
    pub(crate) commands: SyncSender<Command>,
}

/// The chain. Clones share one state.
#[derive(Clone)]
pub struct Chain {
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain")
            .field("tip", &self.tip().number)
            .finish_non_exhaustive()
    }
}

impl Chain {
    /// Opens the chain in `store` and returns it with its writer, whose
    /// [`run`](ChainWriter::run) the caller must keep on a thread of its own.
    ///
    /// A new store gets the genesis block of `spec`. In an existing one the state tree is rebuilt
    /// and its root compared with the head's, which audits the whole state.
    ///
    /// # Errors
    /// [`ChainError::StateRootMismatch`] if the audit fails; [`ChainError::Storage`].
    pub fn open(
        store: Store,
        spec: Arc<ChainSpec>,
        config: ChainConfig,
    ) -> Result<(Self, ChainWriter), ChainError> {
        let tip = genesis::open(&store, &spec, &config)?;
        let (commands, inbox) = sync_channel(config.max_uncommitted_blocks.max(1));
        let shared = Arc::new(Shared {
            spec,
            store,
            layers: ArcSwap::from_pointee(Vec::new()),
            open_block: ArcSwapOption::empty(),
            opened: broadcast::Sender::new(OPENED_BLOCKS),
            grown: watch::Sender::new(()),
            events: broadcast::Sender::new(config.event_buffer),
            uncommitted: watch::Sender::new(0),
            tip: RwLock::new(tip),
            read_ahead: ReadAhead::default(),
            commands,
            config,
        });
        Ok((
            Self {
                shared: shared.clone(),
            },
            ChainWriter::new(shared, inbox),
        ))
    }

    /// Rules of the chain.
    pub fn spec(&self) -> &Arc<ChainSpec> {
        &self.shared.spec
    }

    /// The database, for readers.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The newest sealed block, durable or not: the parent of the next one.
    pub fn tip(&self) -> SealedHeader {
        self.shared.tip.read().header.clone()
    }

    /// Size of the state tree.
    pub fn tree_stats(&self) -> TreeStats {
        self.shared.tip.read().tree.stats()
    }

    /// Sealed blocks that are not durable yet.
    pub fn uncommitted(&self) -> usize {
        *self.shared.uncommitted.borrow()
    }

    /// Waits until at most `count` sealed blocks are not durable yet.
    pub async fn wait_uncommitted(&self, count: usize) {
        let mut uncommitted = self.shared.uncommitted.subscribe();
        // The sender lives as long as `self`.
        uncommitted.wait_for(|current| *current <= count).await.ok();
    }

    /// Events from now on. A receiver that lags more than the buffer is told how many it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        self.shared.events.subscribe()
    }

    /// Shows (or hides) the open block to readers of `pending`.
    pub fn set_open_block(&self, open: Option<Arc<OpenBlock>>) {
        self.shared.open_block.store(open.clone());
        if let Some(open) = open {
            // Nobody follows: nobody needs to know.
            self.shared.opened.send(open).ok();
        }
    }

    /// Says that the open block has more transactions than before.
    pub fn open_block_grew(&self) {
        self.shared.grown.send_replace(());
    }

    /// Every block that is opened from now on, and a sign whenever the open one has grown. An open
    /// block whose number is not above the one before it replaces it: what that one held is void.
    pub fn follow_open_blocks(&self) -> (broadcast::Receiver<Arc<OpenBlock>>, watch::Receiver<()>) {
        (
            self.shared.opened.subscribe(),
            self.shared.grown.subscribe(),
        )
    }

    /// The block that the sequencer is filling.
    pub fn open_block(&self) -> Option<Arc<OpenBlock>> {
        self.shared.open_block.load_full()
    }

    /// Removes all blocks above `to` and restores the state after it, exactly.
    ///
    /// Blocks the caller until durable.
    ///
    /// # Errors
    /// [`ChainError::UnwindTarget`] if `to` is above the tip; [`ChainError::Storage`] if the
    /// history needed is pruned (nothing is changed);
    /// [`ChainError::StateRootMismatch`] if the restored state is damaged (fatal).
    pub fn unwind(&self, to: u64) -> Result<(), ChainError> {
        let mut tip = self.shared.tip.write();
        if to > tip.header.number {
            return Err(ChainError::UnwindTarget {
                to,
                tip: tip.header.number,
            });
        }
        let UnwindOutcome {
            blocks,
            mut restored,
            intervals,
        } = self.request(|reply| Command::Unwind { to, reply })?;
        let reader = self.shared.store.reader()?;
        let header = reader
            .header(to)?
            .ok_or(aura_storage::StorageError::MissingBlock { number: to })?;
        let root = if tip.tries.is_some() {
            let view = StateView::latest(self.shared.store.reader()?);
            let max = self.shared.config.max_mpt_entries;
            let tries = Tries::load(&view, max, tip.tries.as_ref())?;
            tip.tries.insert(tries).root()
        } else {
            // Newest first: of several entries for one key the last is the oldest, and it counts.
            restored.reverse();
            restored.sort_by_key(|(key, _)| *key);
            restored.dedup_by(|later, first| later.0 == first.0);
            tip.restore(&restored, intervals, &mut StoredLeaves::newest(&reader))?
        };
        if root != header.state_root {
            return Err(ChainError::StateRootMismatch {
                number: to,
                expected: header.state_root,
                computed: root,
            });
        }
        tip.total_difficulty = blocks.iter().fold(tip.total_difficulty, |total, removed| {
            total.saturating_sub(removed.block.header.difficulty)
        });
        let head = BlockNumHash {
            number: to,
            hash: header.seal(),
        };
        tip.header = header;
        self.set_open_block(None);
        // Nobody listens: nobody needs to know.
        self.shared
            .events
            .send(ChainEvent::Unwound { to: head, blocks })
            .ok();
        Ok(())
    }

    /// Keeps `block` provable for as long as the configuration says: its root was posted to L1.
    ///
    /// # Errors
    /// [`StorageError::PinUnavailable`](aura_storage::StorageError::PinUnavailable) if it is too
    /// late, [`ChainError::Storage`] or [`ChainError::Stopped`].
    pub fn pin(&self, block: u64) -> Result<(), ChainError> {
        self.request(|reply| Command::Pin { block, reply })
    }

    /// Says that our own data turned out to be wrong: the writer, and with it the node, stops.
    pub fn report_damage(&self, error: &(dyn std::error::Error + 'static)) {
        tracing::error!(error, "the database is damaged; stopping");
        // A writer that has already stopped needs no telling.
        self.shared.commands.send(Command::Damaged).ok();
    }

    /// Moves the safe or finalized head, durably.
    ///
    /// # Errors
    /// [`ChainError::Storage`] or [`ChainError::Stopped`].
    pub fn set_head(&self, label: HeadLabel, to: BlockNumHash) -> Result<(), ChainError> {
        self.request(|reply| Command::SetHead { label, to, reply })
    }

    /// Writes what is no block, in a durable transaction of its own: `write` runs on the writer's
    /// thread, between blocks. If it fails nothing is changed. Blocks until it is durable.
    ///
    /// # Errors
    /// That of `write`, [`ChainError::Storage`], or [`ChainError::Stopped`].
    pub fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Writer) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, ChainError> {
        self.request(|reply| {
            Command::Write(Box::new(move |shared| {
                let outcome = shared.store.writer().and_then(|mut writer| {
                    let written = write(&mut writer)?;
                    writer.commit()?;
                    Ok(written)
                });
                // A caller that is gone has no use for the answer.
                reply.send(outcome.map_err(Into::into)).ok();
            }))
        })
    }

    fn request<T>(
        &self,
        command: impl FnOnce(SyncSender<Result<T, ChainError>>) -> Command,
    ) -> Result<T, ChainError> {
        let (reply, answer) = sync_channel(1);
        self.shared
            .commands
            .send(command(reply))
            .map_err(|_| ChainError::Stopped)?;
        answer.recv().map_err(|_| ChainError::Stopped)?
    }

    /// Lets the writer finish what is queued and end. Sealing fails from then on.
    pub fn shutdown(&self) {
        self.end_read_ahead();
        // A writer that has already stopped needs no telling.
        self.shared.commands.send(Command::Shutdown).ok();
    }
}
