//! Sealing: the state root, and the block on its way to the writer.

use std::{sync::Arc, time::Instant};

use alloy_consensus::Sealable;
use aura_primitives::{CommittedBlock, ExecutedBlock, SealedBlock, SealedHeader};
use aura_storage::TreeChanges;

use crate::{
    Chain, ChainError,
    chain::{Command, SealedLayer},
    leaves, metrics,
    source::StoredLeaves,
    tip::{BlockChanges, Sealed, Tip},
};

impl Chain {
    /// Computes the state root of `block`, seals it and queues it for the writer.
    ///
    /// On return the block is the new tip, but not durable: it is published after its commit.
    /// Waits while the writer's queue is full.
    ///
    /// # Errors
    /// [`ChainError::WrongParent`] if the block does not extend the tip (nothing is changed);
    /// [`ChainError::StateTooLarge`] on chains with Ethereum's state commitment;
    /// [`ChainError::Stopped`] and [`ChainError::Tree`], which are fatal.
    pub fn seal(&self, block: ExecutedBlock) -> Result<SealedHeader, ChainError> {
        self.append(block, None)
    }

    /// As [`seal`](Self::seal), for a block that has a header. It is refused, and nothing changed, if
    /// its state root is another one.
    pub(crate) fn append(
        &self,
        block: ExecutedBlock,
        header: Option<SealedHeader>,
    ) -> Result<SealedHeader, ChainError> {
        let started = Instant::now();
        let (changed, changes) = leaves::tree_changes(&block.diff);
        let mut tip = self.shared.tip.write();
        tip.check_parent(&block.header)?;
        let block_changes = BlockChanges {
            number: block.header.number,
            expected: header.as_ref().map(|header| header.state_root),
            diff: &block.diff,
            changed: &changed,
            leaves: &changes,
        };
        let sealed = self.apply(&mut tip, &block_changes)?;
        metrics::root_computed(changes.len(), started.elapsed());
        let header = header.unwrap_or_else(|| {
            let mut header = block.header;
            header.state_root = sealed.root;
            header.seal_slow()
        });
        let tree = Arc::new(TreeChanges {
            leaves: changed,
            bottom: sealed.bottom,
            nodes: sealed.nodes,
            interval: sealed.interval,
        });
        let diff = Arc::new(block.diff);
        let sealed_block = SealedBlock {
            header: header.clone(),
            transactions: block.transactions,
            ommers: block.ommers,
            withdrawals: block.withdrawals,
            l1_info: block.l1_info,
        };
        self.push_layer(SealedLayer {
            number: sealed_block.number(),
            hash: sealed_block.hash(),
            header: header.clone(),
            ommers: sealed_block.ommers.as_slice().into(),
            diff: diff.clone(),
            leaves: changes.into(),
            tree: tree.clone(),
        });
        tip.extend(header.clone());
        let committed = Arc::new(CommittedBlock {
            block: sealed_block,
            receipts: block.receipts,
            diff,
        });
        self.shared
            .commands
            .send(Command::Commit(committed, tree))
            .map_err(|_| ChainError::Stopped)?;
        Ok(header)
    }

    fn apply(&self, tip: &mut Tip, block: &BlockChanges<'_>) -> Result<Sealed, ChainError> {
        // Layers first: what is not in them is in the snapshot.
        let layers = self.shared.layers.load_full();
        let reader = self.shared.store.reader()?;
        let above = layers.iter().rev().map(|layer| layer.leaves.clone());
        let mut source = StoredLeaves {
            reader: &reader,
            above: above.collect(),
        };
        tip.apply(block, &mut source)
    }

    fn push_layer(&self, layer: SealedLayer) {
        self.shared.layers.rcu(|layers| {
            let mut next = Vec::with_capacity(layers.len() + 1);
            next.push(layer.clone());
            next.extend(layers.iter().cloned());
            next
        });
        self.shared.uncommitted.send_modify(|count| *count += 1);
        metrics::uncommitted(self.uncommitted());
    }
}
