//! The chain of a data directory, with its writer on a thread of its own, as a node has it.

use super::generate;
use alloy_consensus::Header;
use aura_chain::{Chain, ChainConfig, ChainError};
use aura_primitives::{ExecutedBlock, StateDiff};
use aura_storage::{Store, StoreConfig};
use eyre::{Result, ensure, eyre};
use std::{
    path::Path,
    sync::Arc,
    thread::{Builder, JoinHandle},
    time::Duration,
};
use tokio::{runtime::Runtime, time::timeout};

/// Seconds between blocks.
const BLOCK_TIME: u64 = 1;
/// Time between two looks at whether the writer still works.
const WRITER_LOOK: Duration = Duration::from_secs(1);

/// An open chain.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) chain: Chain,
    writer: JoinHandle<Result<(), ChainError>>,
    waiting: Runtime,
}

impl Node {
    /// Opens the chain of a generated directory. Up to `group` blocks share a transaction.
    pub(crate) fn open(datadir: &Path, group: usize) -> Result<Self> {
        let config = ChainConfig {
            max_uncommitted_blocks: group,
            max_group_blocks: group,
            ..ChainConfig::default()
        };
        Self::open_with(datadir, &StoreConfig::default(), config)
    }

    /// Opens the chain of a generated directory with other settings.
    pub(crate) fn open_with(
        datadir: &Path,
        store: &StoreConfig,
        config: ChainConfig,
    ) -> Result<Self> {
        let store = Store::open(&generate::database(datadir), store)?;
        let (chain, writer) = Chain::open(store, Arc::new(generate::spec()), config)?;
        let thread = Builder::new().name("writer".to_owned());
        let writer = thread.spawn(move || writer.run())?;
        Ok(Self {
            chain,
            writer,
            waiting: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()?,
        })
    }

    /// Seals blocks with these changes, and has them committed in one transaction.
    pub(crate) fn commit(&self, diffs: Vec<StateDiff>) -> Result<()> {
        // The writer waits for the transaction, and then finds all blocks in its queue.
        let held = self.chain.store().writer()?;
        for diff in diffs {
            self.seal(diff)?;
        }
        drop(held);
        self.wait()
    }

    /// Seals a block with these changes. Waits while the writer's queue is full.
    pub(crate) fn seal(&self, diff: StateDiff) -> Result<()> {
        let tip = self.chain.tip();
        let header = Header {
            parent_hash: tip.seal(),
            number: tip.number + 1,
            timestamp: tip.timestamp + BLOCK_TIME,
            ..Header::default()
        };
        self.chain.seal(ExecutedBlock {
            l1_info: None,
            header,
            transactions: Vec::new(),
            ommers: Vec::new(),
            withdrawals: None,
            receipts: Vec::new(),
            diff,
        })?;
        Ok(())
    }

    /// Waits until all sealed blocks are committed.
    pub(crate) fn wait(&self) -> Result<()> {
        while self.chain.uncommitted() > 0 {
            ensure!(!self.writer.is_finished(), "the writer has stopped");
            // A writer that fails wakes nobody.
            let limited = async { timeout(WRITER_LOOK, self.chain.wait_uncommitted(0)).await };
            self.waiting.block_on(limited).ok();
        }
        Ok(())
    }

    /// Ends the writer.
    pub(crate) fn close(self) -> Result<()> {
        self.chain.shutdown();
        let ended = self.writer.join();
        ended.map_err(|_| eyre!("the writer has panicked"))??;
        Ok(())
    }
}
