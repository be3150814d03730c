//! The newest sealed block and the state commitment after it.

use alloy_consensus::Header;
use alloy_primitives::{B256, U256, map::HashMap};
use aura_primitives::{SealedHeader, StateDiff};
use aura_smt::{Change, LeafSource, NodeChange, NodeId, Tree, UpdateError};
use aura_storage::{LeafChange, StorageError};

use crate::{ChainConfig, ChainError, leaves, mpt::Tries};

/// The newest sealed block and the state commitment after it.
pub(crate) struct Tip {
    /// Empty, and never updated, where the commitment is Ethereum's.
    pub(crate) tree: Tree,
    /// Present where the commitment is Ethereum's.
    pub(crate) tries: Option<Tries>,
    /// Sum of all difficulties, where blocks before the merge can be: on chains with `tries`.
    pub(crate) total_difficulty: U256,
    /// Most accounts and slots in `tries`.
    max_entries: usize,
    pub(crate) header: SealedHeader,
    /// Recorded nodes that changed since the last boundary, with their hashes as of it. After an
    /// unwind it can hold nodes that did not change: their entries are as true.
    open_interval: HashMap<NodeId, B256>,
    /// Every so many blocks is a boundary.
    interval_blocks: u64,
}

/// What a block changes, in the forms that the commitments need.
pub(crate) struct BlockChanges<'a> {
    pub(crate) number: u64,
    /// Root in the header, if there is one: the block is refused if it is another one.
    pub(crate) expected: Option<B256>,
    pub(crate) diff: &'a StateDiff,
    /// Changed leaves before and after the block, sorted by key.
    pub(crate) changed: &'a [(B256, LeafChange)],
    /// What the tree gets of them.
    pub(crate) leaves: &'a [Change],
}

impl BlockChanges<'_> {
    fn check(&self, root: B256) -> Result<(), ChainError> {
        match self.expected {
            Some(expected) if expected != root => Err(ChainError::InvalidStateRoot {
                number: self.number,
                expected,
                computed: root,
            }),
            _ => Ok(()),
        }
    }
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
            tries: None,
            total_difficulty: U256::ZERO,
            max_entries: 0,
            header,
            open_interval: open_interval.collect(),
            interval_blocks: interval_blocks.max(1),
        }
    }

    /// A tip with Ethereum's state commitment.
    pub(crate) fn with_tries(
        tries: Tries,
        header: SealedHeader,
        total_difficulty: U256,
        config: &ChainConfig,
    ) -> Self {
        Self {
            tries: Some(tries),
            total_difficulty,
            max_entries: config.max_mpt_entries,
            ..Self::new(
                Tree::new(0),
                header,
                Vec::new(),
                config.proof_interval_blocks,
            )
        }
    }

    /// Applies the changes of a block. Nothing is changed if its root is not the expected one.
    pub(crate) fn apply<S: LeafSource<Error = StorageError>>(
        &mut self,
        block: &BlockChanges<'_>,
        source: &mut S,
    ) -> Result<Sealed, ChainError> {
        let (root, nodes) = match &mut self.tries {
            Some(tries) => {
                let changes = tries.changes(block.diff);
                changes.check_size(self.max_entries)?;
                let root = tries.root_with(&changes);
                block.check(root)?;
                tries.apply(changes);
                (root, Vec::new())
            }
            None => self.update_tree(block, source)?,
        };
        let is_boundary = block.number.is_multiple_of(self.interval_blocks);
        Ok(Sealed {
            root,
            bottom: self.tree.bottom(),
            nodes,
            interval: is_boundary.then(|| self.close_interval()),
        })
    }

    fn update_tree<S: LeafSource<Error = StorageError>>(
        &mut self,
        block: &BlockChanges<'_>,
        source: &mut S,
    ) -> Result<(B256, Vec<NodeChange>), ChainError> {
        let update = self.tree.update(block.leaves, source);
        let update = update.map_err(tree_error)?;
        if let Err(error) = block.check(update.root) {
            let former = leaves::former_leaves(block.changed);
            self.tree.clear_cache();
            self.tree.update(&former, source).map_err(tree_error)?;
            return Err(error);
        }
        for change in &update.nodes {
            let oldest = self.open_interval.entry(change.node);
            oldest.or_insert(change.before);
        }
        Ok((update.root, update.nodes))
    }

    /// Makes a block that was applied the tip.
    pub(crate) fn extend(&mut self, header: SealedHeader) {
        self.total_difficulty = self.total_difficulty.saturating_add(header.difficulty);
        self.header = header;
    }

    /// Fails unless a block with this header extends the tip.
    pub(crate) fn check_parent(&self, header: &Header) -> Result<(), ChainError> {
        let follows = self.header.number.checked_add(1) == Some(header.number);
        if follows && header.parent_hash == self.header.seal() {
            return Ok(());
        }
        Err(ChainError::WrongParent {
            number: header.number,
            parent: header.parent_hash,
            tip: self.header.seal(),
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

    /// Takes back the leaves of removed blocks, and their boundaries, newest first. Only for the tree.
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
