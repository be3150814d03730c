//! Proofs of an account and its slots, with the values that they prove.

use alloy_primitives::{Address, B256, U256};
use aura_chain::{Chain, ChainError};
use aura_primitives::{BlockNumHash, hashed_account_key, hashed_slot_key};
use aura_smt::{Proof, account_value};
use aura_storage::{Reader, StorageError};

use crate::types::{PathProof, SlotProof, StateProof, StateRoot};

/// Keys that are proven in one go: while the chain proves, no block is sealed.
const KEYS_AT_ONCE: usize = 32;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The chain has no such block, cannot prove it any more, or is damaged.
    #[error("proof")]
    Chain(#[from] ChainError),
    /// The block was removed from the chain while it was being proven.
    #[error("block {number} was removed from the chain")]
    Unwound {
        /// Its number.
        number: u64,
    },
    /// State and tree do not say the same: our own data is wrong.
    #[error("leaf {key} at block {block} is {tree} in the state tree but {state} in the state")]
    Mismatch {
        /// Number of the block.
        block: u64,
        /// The tree's key.
        key: B256,
        /// Value that the proof shows; zero is an absent leaf.
        tree: B256,
        /// Value of what the state has.
        state: B256,
    },
}

impl From<StorageError> for ProofError {
    fn from(error: StorageError) -> Self {
        Self::Chain(error.into())
    }
}

impl ProofError {
    /// Returns `true` if our own data is wrong: stop.
    pub const fn is_damage(&self) -> bool {
        match self {
            Self::Mismatch { .. } | Self::Chain(ChainError::ProofMismatch { .. }) => true,
            Self::Chain(ChainError::Storage(error)) => error.is_damage(),
            Self::Chain(_) | Self::Unwound { .. } => false,
        }
    }
}

impl StateRoot {
    /// Roots of `block`; `None` if there is no such block.
    ///
    /// # Errors
    /// As every read.
    pub fn read(reader: &Reader, block: u64) -> Result<Option<Self>, StorageError> {
        Ok(reader.header(block)?.map(|header| Self {
            state_root: header.state_root,
            withdrawal_root: header.withdrawals_root,
            block_number: header.number,
            block_hash: header.seal(),
        }))
    }
}

impl StateProof {
    /// Proves the account at `address` and its `slots` in the state after `block`.
    ///
    /// # Errors
    /// [`ProofError::Unwound`] if the block is not the one with that hash; otherwise
    /// [`ProofError::Chain`] and [`ProofError::Mismatch`].
    pub fn read(
        chain: &Chain,
        block: BlockNumHash,
        address: Address,
        slots: &[U256],
    ) -> Result<Self, ProofError> {
        let number = block.number;
        let keys: Vec<B256> = std::iter::once(hashed_account_key(address))
            .chain(slots.iter().map(|slot| hashed_slot_key(address, *slot)))
            .collect();
        let mut proofs = Vec::with_capacity(keys.len());
        let mut state_root = B256::ZERO;
        for keys in keys.chunks(KEYS_AT_ONCE) {
            let proven = chain.prove(number, keys)?;
            if proven.block.hash != block.hash {
                return Err(ProofError::Unwound { number });
            }
            state_root = proven.state_root;
            proofs.extend(proven.proofs);
        }
        let reader = chain.store().reader()?;
        if reader.block_hash(number)? != Some(block.hash) {
            return Err(ProofError::Unwound { number });
        }
        let account = reader.account_at(address, number)?;
        let value = account.map(|a| account_value(a.nonce, a.balance, a.code_hash));
        let mut paths = keys.iter().zip(&proofs);
        let mut next = |state: B256| path(number, &mut paths, state);
        let account_proof = next(value.unwrap_or_default())?;
        let mut storage_proof = Vec::with_capacity(slots.len());
        for slot in slots {
            let value = B256::from(reader.slot_at(address, *slot, number)?);
            storage_proof.push(SlotProof {
                key: B256::from(*slot),
                value,
                proof: next(value)?,
            });
        }
        Ok(Self {
            address,
            balance: account.map(|account| account.balance).unwrap_or_default(),
            nonce: account.map(|account| account.nonce).unwrap_or_default(),
            code_hash: account.map(|account| account.code_hash).unwrap_or_default(),
            account_proof,
            storage_proof,
            state_root,
            block_number: number,
            block_hash: block.hash,
        })
    }
}

/// The next proof, which must show what the state has.
fn path<'a>(
    block: u64,
    paths: &mut impl Iterator<Item = (&'a B256, &'a Proof)>,
    state: B256,
) -> Result<PathProof, ProofError> {
    let (key, proof) = paths.next().expect("there is a proof for each key");
    let shown = proof.leaf.filter(|(leaf_key, _)| leaf_key == key);
    let tree = shown.map(|(_, value)| value).unwrap_or_default();
    if tree != state {
        let key = *key;
        return Err(ProofError::Mismatch {
            block,
            key,
            tree,
            state,
        });
    }
    Ok(PathProof::new(*key, proof))
}
