//! What the caller says about leaves and nodes of the state tree.

use alloy_primitives::{Address, B256, U256};
use aura_primitives::{
    Account, AccountChange, SlotChange, StateDiff, hashed_account_key, hashed_slot_key,
};
use aura_smt::NodeChange;

use crate::codec::{self, LeafBytes};

/// Which leaf of the state is meant.
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

/// A leaf before and after a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafChange {
    /// The account at an address.
    Account(Address, AccountChange),
    /// A slot.
    Slot(SlotChange),
}

impl LeafChange {
    /// Whether the leaf is another one afterwards.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Account(_, change) => change.before != change.after,
            Self::Slot(change) => change.before != change.after,
        }
    }

    pub(crate) fn before(&self) -> Option<LeafBytes> {
        match self {
            Self::Account(address, change) => account_bytes(*address, change.before),
            Self::Slot(change) => slot_bytes(change.before),
        }
    }

    pub(crate) fn after(&self) -> Option<LeafBytes> {
        match self {
            Self::Account(address, change) => account_bytes(*address, change.after),
            Self::Slot(change) => slot_bytes(change.after),
        }
    }
}

fn account_bytes(address: Address, account: Option<Account>) -> Option<LeafBytes> {
    account.map(|account| codec::encode_account(address, &account))
}

fn slot_bytes(word: U256) -> Option<LeafBytes> {
    (!word.is_zero()).then(|| codec::encode_slot(word))
}

/// What a block does to the state tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeChanges {
    /// The leaves that really change, as the block's diff has them, under their hashed keys;
    /// ascending.
    pub leaves: Vec<(B256, LeafChange)>,
    /// Depth of the lowest recorded nodes from this block on: a multiple of 4, 0 for none; never less
    /// than that of the block before.
    pub bottom: u8,
    /// Recorded nodes that the block changes, ascending, with their hashes before it.
    pub nodes: Vec<NodeChange>,
    /// Present if the block is a boundary: every recorded node that changed since the boundary
    /// before, ascending, with its hash as of that boundary.
    pub interval: Option<Vec<NodeChange>>,
}

impl TreeChanges {
    /// The leaves of `diff`, hashed one by one, and no recorded nodes: for stores without proofs.
    pub fn without_nodes(diff: &StateDiff) -> Self {
        let accounts = diff.accounts.iter().map(|(address, change)| {
            let key = hashed_account_key(*address);
            (key, LeafChange::Account(*address, *change))
        });
        let slots = diff.slots.iter().flat_map(|(address, slots)| {
            slots.iter().map(|(slot, change)| {
                let key = hashed_slot_key(*address, *slot);
                (key, LeafChange::Slot(*change))
            })
        });
        let leaves = accounts.chain(slots);
        let mut leaves: Vec<_> = leaves.filter(|(_, change)| change.is_change()).collect();
        leaves.sort_unstable_by_key(|(key, _)| *key);
        Self {
            leaves,
            ..Self::default()
        }
    }
}
