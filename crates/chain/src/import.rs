//! Blocks that others have made.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, U256};
use aura_evm::{Ancestors, ExecutionError, execute_block};
use aura_primitives::{SealedBlock, SealedHeader, StateDiff};
use aura_storage::{Reader, StateView, StorageError};

use crate::{
    Chain, ChainError,
    chain::SealedLayer,
    mpt::{AccountProof, Tries},
    tip::Tip,
};

/// The error for a block that cannot be executed, whoever is to blame.
fn refused(number: u64, error: ExecutionError) -> ChainError {
    match error {
        ExecutionError::State(error) => ChainError::Storage(error),
        error => ChainError::InvalidBlock {
            number,
            source: Box::new(error),
        },
    }
}

/// The chain that ends with the tip.
struct TipAncestors<'a> {
    tip: &'a Tip,
    /// Read before the snapshot was opened: a block is in either of them, or in both.
    layers: &'a [SealedLayer],
    reader: Reader,
}

impl TipAncestors<'_> {
    fn layer(&self, number: u64) -> Option<&SealedLayer> {
        self.layers.iter().find(|layer| layer.number == number)
    }
}

impl Ancestors for TipAncestors<'_> {
    fn header(&self, number: u64) -> Result<Option<SealedHeader>, StorageError> {
        match self.layer(number) {
            Some(layer) => Ok(Some(layer.header.clone())),
            None => self.reader.header(number),
        }
    }

    fn ommers(&self, number: u64) -> Result<Vec<Header>, StorageError> {
        match self.layer(number) {
            Some(layer) => Ok(layer.ommers.to_vec()),
            None => Ancestors::ommers(&self.reader, number),
        }
    }

    fn total_difficulty(&self, block: &SealedHeader) -> Result<U256, StorageError> {
        // Of the tip it is known; rules of uncles ask about blocks a few below it.
        let mut total = self.tip.total_difficulty;
        for number in block.number + 1..=self.tip.header.number {
            let above = self.header(number)?;
            let above = above.ok_or(StorageError::MissingBlock { number })?;
            total = total.saturating_sub(above.difficulty);
        }
        Ok(total)
    }
}

impl Chain {
    /// Executes `block` on the tip, compares every field of its header with the outcome, and makes it
    /// the new tip, with its header as it is.
    ///
    /// As after [`seal`](Self::seal) the block is not durable on return.
    ///
    /// # Errors
    /// [`ChainError::WrongParent`], [`ChainError::InvalidBlock`], [`ChainError::InvalidStateRoot`],
    /// [`ChainError::StateTooLarge`]: nothing is changed then. [`ChainError::Storage`],
    /// [`ChainError::Stopped`] and [`ChainError::Tree`] say nothing about the block.
    pub fn import(&self, block: SealedBlock) -> Result<SealedHeader, ChainError> {
        let number = block.number();
        let executed = {
            // While the tip is held no block is sealed: its state is that of the view.
            let tip = self.shared.tip.read();
            tip.check_parent(block.header.inner())?;
            let view = self.tip_view()?;
            let layers = self.shared.layers.load_full();
            let ancestors = TipAncestors {
                tip: &tip,
                layers: &layers,
                reader: self.shared.store.reader()?,
            };
            let mut post_state = |_: &StateView, diff: &StateDiff| {
                let tries = tip.tries.as_ref()?;
                Some(tries.root_with(&tries.changes(diff)))
            };
            execute_block(
                self.spec(),
                &tip.header,
                &block,
                view,
                &ancestors,
                &mut post_state,
            )
            .map_err(|error| refused(number, error))?
        };
        self.append(executed, Some(block.header))
    }

    /// Ethereum's root of the state of `view` plus `diff`; `None` on a chain that commits to its
    /// state by the sparse Merkle tree.
    ///
    /// Cost: the whole state is read.
    ///
    /// # Errors
    /// [`ChainError::StateTooLarge`], [`ChainError::Storage`].
    pub fn state_root_with(
        &self,
        view: &StateView,
        diff: &StateDiff,
    ) -> Result<Option<B256>, ChainError> {
        let Some(tries) = self.tries_of(view)? else {
            return Ok(None);
        };
        let changes = tries.changes(diff);
        changes.check_size(self.shared.config.max_mpt_entries)?;
        Ok(Some(tries.root_with(&changes)))
    }

    /// Proves the account at `address` and `slots` of it, present or absent, in the state of `view`
    /// as EIP-1186 says; `None` on a chain that commits to its state by the sparse Merkle tree.
    ///
    /// Cost: the whole state is read.
    ///
    /// # Errors
    /// [`ChainError::StateTooLarge`], [`ChainError::Storage`].
    pub fn account_proof(
        &self,
        view: &StateView,
        address: Address,
        slots: &[U256],
    ) -> Result<Option<AccountProof>, ChainError> {
        let tries = self.tries_of(view)?;
        Ok(tries.map(|tries| tries.prove(address, slots)))
    }

    fn tries_of(&self, view: &StateView) -> Result<Option<Tries>, ChainError> {
        let tip = self.shared.tip.read();
        let max = self.shared.config.max_mpt_entries;
        let known = tip.tries.as_ref();
        known
            .map(|known| Tries::load(view, max, Some(known)))
            .transpose()
    }
}
