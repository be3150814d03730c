//! From state to tree: keys and values of leaves.

use alloy_primitives::{Address, B256, U256};
use aura_primitives::{
    Account, AccountChange, SlotChange, StateDiff, hashed_account_key, hashed_slot_key,
};
use aura_smt::account_value;
use aura_storage::Leaf;
use rayon::prelude::*;

/// A tree key and its new value; `None` removes the leaf.
pub type Change = (B256, Option<B256>);

/// Below this many changes a second thread costs more than it saves.
const PARALLEL_FROM: usize = 256;

/// Value of an account leaf.
pub(crate) fn account_leaf(account: &Account) -> B256 {
    account_value(account.nonce, account.balance, account.code_hash)
}

/// Value of a slot leaf; zero is an absent leaf.
fn slot_leaf(value: U256) -> Option<B256> {
    (!value.is_zero()).then(|| B256::from(value))
}

/// Value of a stored leaf; `None` for a zero slot.
pub(crate) fn stored_leaf(leaf: &Leaf) -> Option<B256> {
    match leaf {
        Leaf::Account(account) => Some(account_leaf(account)),
        Leaf::Slot(value) => slot_leaf(*value),
    }
}

/// The tree's changes that follow from a change of the state, sorted by key.
pub fn tree_changes(diff: &StateDiff) -> Vec<Change> {
    let accounts: Vec<_> = diff
        .accounts
        .iter()
        .filter(|(_, c)| c.before != c.after)
        .collect();
    let account = |(address, change): &(&Address, &AccountChange)| {
        (
            hashed_account_key(**address),
            change.after.as_ref().map(account_leaf),
        )
    };
    let slots: Vec<_> = diff
        .slots
        .iter()
        .flat_map(|(address, slots)| {
            slots
                .iter()
                .map(move |(slot, change)| (address, slot, change))
        })
        .filter(|(_, _, change)| change.before != change.after)
        .collect();
    let slot = |(address, slot, change): &(&Address, &U256, &SlotChange)| {
        (hashed_slot_key(**address, **slot), slot_leaf(change.after))
    };
    let mut changes: Vec<Change> = if accounts.len() + slots.len() < PARALLEL_FROM {
        accounts
            .iter()
            .map(account)
            .chain(slots.iter().map(slot))
            .collect()
    } else {
        accounts
            .par_iter()
            .map(account)
            .chain(slots.par_iter().map(slot))
            .collect()
    };
    changes.par_sort_unstable_by(|a, b| a.0.cmp(&b.0));
    changes
}
