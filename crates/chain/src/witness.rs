//! What somebody without the state needs to check a block's change of it.

use alloy_primitives::B256;
use aura_chainspec::Commitment;
use aura_evm::execute_block_with_reads;
use aura_smt::{BlockWitness, MultiProof};
use aura_storage::{LeafId, StateView, StorageError};

use crate::{Chain, ChainError, tree_changes};

impl Chain {
    /// Every leaf that `block` read or changed, proven in the state before it.
    ///
    /// Executes the block again to find what it read. The witness is verified to lead from the
    /// parent's state root to the block's before it is returned.
    ///
    /// # Errors
    /// As for [`prove`](Self::prove) at the parent; [`ChainError::Execution`] if the block does not
    /// execute as it did, which is damage; [`StorageError::MissingBlock`] for the genesis block and
    /// above the durable head.
    pub fn witness(&self, block: u64) -> Result<BlockWitness, ChainError> {
        if self.spec().commitment() == Commitment::Mpt {
            return Err(ChainError::NoTree);
        }
        let missing = StorageError::MissingBlock { number: block };
        let reader = self.store().reader()?;
        let Some(sealed) = reader.block(block)?.filter(|_| block > 0) else {
            return Err(missing.into());
        };
        let parent = reader.header(block - 1)?.ok_or(missing)?;
        let view = StateView::at(reader, block - 1);
        let ancestors = self.store().reader()?;
        // Chains with this kind of witness have no receipts with state roots.
        let (executed, reads) = execute_block_with_reads(
            self.spec(),
            &parent,
            &sealed,
            view,
            &ancestors,
            &mut |_, _| None,
        )
        .map_err(|source| {
            let source = Box::new(source);
            ChainError::Execution { block, source }
        })?;
        let (_, changes) = tree_changes(&executed.diff);
        let read = reads.into_iter().map(LeafId::hashed_key);
        let changed = changes.iter().map(|(key, _)| *key);
        let mut keys: Vec<B256> = read.chain(changed).collect();
        keys.sort_unstable();
        keys.dedup();
        let proofs = self.prove(block - 1, &keys)?.proofs;
        let damaged = |source| ChainError::WitnessMismatch { block, source };
        let witness = BlockWitness {
            parent_root: parent.state_root,
            root: sealed.header.state_root,
            proof: MultiProof::from_proofs(keys.into_iter().zip(proofs))
                .map_err(|error| damaged(error.into()))?,
        };
        witness.verify_update(&changes).map_err(damaged)?;
        Ok(witness)
    }
}
