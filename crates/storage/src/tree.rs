//! What the caller says about leaves and nodes of the state tree.

use alloy_primitives::{Address, B256, U256};
use aura_primitives::{Account, StateDiff, hashed_account_key, hashed_slot_key};
use aura_smt::NodeChange;

/// Which leaf of a [`StateDiff`] is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeafId {
    /// The account at an address.
    Account(Address),
    /// A slot of an account.
    Slot(Address, U256),
}

impl LeafId {
    /// The leaf's key in the tree.
    pub fn hashed_key(self) -> B256 {
        match self {
            Self::Account(address) => hashed_account_key(address),
            Self::Slot(address, slot) => hashed_slot_key(address, slot),
        }
    }
}

/// A leaf as the flat table holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafRecord {
    /// An account with its address.
    Account(Address, Account),
    /// A storage word, not zero.
    Slot(U256),
}

/// What a block does to the state tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeChanges {
    /// Hashed keys of exactly the leaves that really change, ascending.
    pub keys: Vec<(B256, LeafId)>,
    /// Depth of the lowest recorded nodes from this block on: a multiple of 4, 0 for none.
    pub bottom: u8,
    /// Recorded nodes that the block changes, ascending, with their hashes before it.
    pub nodes: Vec<NodeChange>,
    /// Present if the block is a boundary: every recorded node that changed since the boundary
    /// before, ascending, with its hash as of that boundary.
    pub interval: Option<Vec<NodeChange>>,
}

impl TreeChanges {
    /// The keys of `diff`, hashed one by one, and no recorded nodes: for stores without proofs.
    pub fn without_nodes(diff: &StateDiff) -> Self {
        let mut keys = Vec::with_capacity(diff.len());
        for (address, change) in &diff.accounts {
            if change.before != change.after {
                keys.push(LeafId::Account(*address));
            }
        }
        for (address, slots) in &diff.slots {
            for (slot, change) in slots {
                if change.before != change.after {
                    keys.push(LeafId::Slot(*address, *slot));
                }
            }
        }
        let mut keys: Vec<_> = keys.into_iter().map(|id| (id.hashed_key(), id)).collect();
        keys.sort_unstable_by_key(|(key, _)| *key);
        Self {
            keys,
            ..Self::default()
        }
    }
}
