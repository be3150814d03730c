//! Proofs of leaves in the newest durable state and in past ones.

use alloy_primitives::B256;
use aura_primitives::{BlockNumHash, HeadLabel};
use aura_smt::{
    LeafSource, Leaves, NodeChange, NodeId, PastState, Prefix, Proof, prove_past, verify,
};
use aura_storage::{NodesAt, Reader, StorageError};

use crate::{
    Chain, ChainError, chain::SealedLayer, leaves::LeafValues, source::StoredLeaves, tip::Tip,
};

/// Proofs of several leaves in the same state.
#[derive(Debug, Clone)]
pub struct StateProofs {
    /// The block whose state it is.
    pub block: BlockNumHash,
    /// Root that the proofs verify against.
    pub state_root: B256,
    /// A proof for each key that was asked for, in the same order.
    pub proofs: Vec<Proof>,
}

impl Chain {
    /// Proves the values, or the absence, of `keys` in the state after `block`.
    ///
    /// Every proof is verified against the header's root before it is returned.
    ///
    /// # Errors
    /// - [`StorageError::MissingBlock`] if `block` is above the durable head.
    /// - [`StorageError::ProofUnavailable`] if the block is too old, with the first one that is not.
    /// - [`ChainError::NoTree`] on a chain with Ethereum's state commitment.
    /// - [`ChainError::ProofMismatch`] if the history is damaged; the node must stop.
    pub fn prove(&self, block: u64, keys: &[B256]) -> Result<StateProofs, ChainError> {
        // While the tip is held no block is sealed. Layers are read before the snapshot is taken:
        // what is in neither of them is in the tree.
        let tip = self.shared.tip.read();
        if tip.tries.is_some() {
            return Err(ChainError::NoTree);
        }
        let layers = self.shared.layers.load_full();
        let reader = self.shared.store.reader()?;
        let durable = reader.head(HeadLabel::Unsafe)?.number;
        let header = reader
            .header(block)?
            .ok_or(StorageError::MissingBlock { number: block })?;
        let proofs = if block == durable && durable == tip.header.number {
            let mut source = StoredLeaves::newest(&reader);
            let proofs = keys.iter().map(|key| tip.tree.prove(*key, &mut source));
            proofs.collect::<Result<Vec<_>, _>>()?
        } else {
            let mut past = Past::new(&reader, block, &tip, &layers, durable)?;
            let bottom = past.nodes.bottom();
            let proofs = keys.iter().map(|key| prove_past(*key, bottom, &mut past));
            proofs.collect::<Result<Vec<_>, _>>()?
        };
        drop(tip);
        for (key, proof) in keys.iter().zip(&proofs) {
            if let Err(source) = verify(header.state_root, *key, proof) {
                let key = *key;
                let error = ChainError::ProofMismatch { block, key, source };
                self.report_damage(&error);
                return Err(error);
            }
        }
        Ok(StateProofs {
            block: BlockNumHash {
                number: block,
                hash: header.seal(),
            },
            state_root: header.state_root,
            proofs,
        })
    }
}

/// What is known of a state below the tip.
struct Past<'a> {
    reader: &'a Reader,
    block: u64,
    nodes: NodesAt<'a>,
    tip: &'a Tip,
    /// Sealed blocks that the snapshot does not have, oldest first.
    above: Vec<&'a SealedLayer>,
}

impl<'a> Past<'a> {
    fn new(
        reader: &'a Reader,
        block: u64,
        tip: &'a Tip,
        layers: &'a [SealedLayer],
        durable: u64,
    ) -> Result<Self, StorageError> {
        let above = layers.iter().rev().filter(|layer| layer.number > durable);
        Ok(Self {
            reader,
            block,
            nodes: reader.nodes_at(block)?,
            tip,
            above: above.collect(),
        })
    }
}

impl LeafSource for Past<'_> {
    type Error = StorageError;

    fn read(&mut self, prefixes: &[Prefix], leaves: &mut Leaves) -> Result<(), StorageError> {
        for prefix in prefixes {
            let mut values = LeafValues::default();
            self.reader
                .leaves_in_at(prefix, self.block, |key, leaf| values.push(key, leaf))?;
            for (key, value) in values.finish() {
                leaves.push(key, value);
            }
            leaves.end_prefix();
        }
        Ok(())
    }
}

impl PastState for Past<'_> {
    fn node(&mut self, node: NodeId) -> Result<B256, StorageError> {
        if let Some(before) = self.nodes.before(node)? {
            return Ok(before);
        }
        let tree = &self.tip.tree;
        if self.nodes.is_in_open_interval() {
            let blocks = self.above.iter();
            let before = blocks
                .filter_map(|layer| find(&layer.tree.nodes, node))
                .next();
            return Ok(before.unwrap_or_else(|| tree.node(node)));
        }
        // Boundaries that are sealed but not durable come before the open interval.
        let boundaries = self.above.iter();
        let before = boundaries
            .filter_map(|layer| find(layer.tree.interval.as_deref()?, node))
            .next()
            .or_else(|| self.tip.at_last_boundary(node));
        Ok(before.unwrap_or_else(|| tree.node(node)))
    }
}

fn find(changes: &[NodeChange], node: NodeId) -> Option<B256> {
    let found = changes.binary_search_by_key(&node, |change| change.node);
    found.ok().map(|position| changes[position].before)
}
