//! The newest sealed block and the state tree after it.

use alloy_primitives::{B256, map::HashMap};
use aura_primitives::SealedHeader;
use aura_smt::{Change, LeafSource, NodeChange, NodeId, Tree, UpdateError};
use aura_storage::StorageError;

use crate::ChainError;

/// The newest sealed block and the state tree after it.
pub(crate) struct Tip {
    pub(crate) tree: Tree,
    pub(crate) header: SealedHeader,
    /// Recorded nodes that changed since the last boundary, with their hashes as of it. After an
    /// unwind it can hold nodes that did not change: their entries are as true.
    open_interval: HashMap<NodeId, B256>,
    /// Every so many blocks is a boundary.
    interval_blocks: u64,
}

/// What sealing a block did to the tree.
pub(crate) struct Sealed {
    pub(crate) root: B256,
    pub(crate) bottom: u8,
    pub(crate) nodes: Vec<NodeChange>,
    pub(crate) interval: Option<Vec<NodeChange>>,
}

impl Tip {
    pub(crate) fn new(
        tree: Tree,
        header: SealedHeader,
        open_interval: Vec<NodeChange>,
        interval_blocks: u64,
    ) -> Self {
        let open_interval = open_interval.into_iter().map(|c| (c.node, c.before));
        Self {
            tree,
            header,
            open_interval: open_interval.collect(),
            interval_blocks: interval_blocks.max(1),
        }
    }

    /// Applies the changes of block `number` to the tree.
    pub(crate) fn apply<S: LeafSource<Error = StorageError>>(
        &mut self,
        number: u64,
        changes: &[Change],
        source: &mut S,
    ) -> Result<Sealed, ChainError> {
        let update = self.tree.update(changes, source).map_err(tree_error)?;
        for change in &update.nodes {
            let oldest = self.open_interval.entry(change.node);
            oldest.or_insert(change.before);
        }
        let is_boundary = number.is_multiple_of(self.interval_blocks);
        Ok(Sealed {
            root: update.root,
            bottom: update.bottom,
            nodes: update.nodes,
            interval: is_boundary.then(|| self.close_interval()),
        })
    }

    fn close_interval(&mut self) -> Vec<NodeChange> {
        let open = std::mem::take(&mut self.open_interval).into_iter();
        let mut closed: Vec<_> = open
            .map(|(node, before)| NodeChange { node, before })
            .collect();
        closed.sort_unstable_by_key(|change| change.node);
        closed
    }

    /// Takes back the leaves of removed blocks, and their boundaries, newest first.
    pub(crate) fn restore<S: LeafSource<Error = StorageError>>(
        &mut self,
        leaves: &[Change],
        intervals: Vec<Vec<NodeChange>>,
        source: &mut S,
    ) -> Result<B256, ChainError> {
        self.tree.clear_cache();
        for interval in intervals {
            // The older boundary counts.
            let interval = interval.into_iter().map(|c| (c.node, c.before));
            self.open_interval.extend(interval);
        }
        let update = self.tree.update(leaves, source).map_err(tree_error)?;
        Ok(update.root)
    }

    /// Hash of a node as of the last boundary, if it may have changed since.
    pub(crate) fn at_last_boundary(&self, node: NodeId) -> Option<B256> {
        self.open_interval.get(&node).copied()
    }
}

fn tree_error(error: UpdateError<StorageError>) -> ChainError {
    match error {
        UpdateError::Batch(error) => ChainError::Tree(error),
        UpdateError::Source(error) => ChainError::Storage(error),
    }
}
