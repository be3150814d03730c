//! From state to tree: keys and values of leaves.

use alloy_primitives::B256;
use aura_primitives::{Account, StateDiff};
use aura_smt::{Change, account_value, account_values};
use aura_storage::{Leaf, LeafId};

/// Value of a stored leaf.
pub(crate) fn stored_leaf(leaf: &Leaf) -> B256 {
    match leaf {
        Leaf::Account(account) => account_value(account.nonce, account.balance, account.code_hash),
        Leaf::Slot(word) => B256::from(*word),
    }
}

/// Leaves whose values are computed together: those of accounts are hashes.
#[derive(Debug, Default)]
pub(crate) struct LeafValues {
    entries: Vec<(B256, B256)>,
    accounts: Vec<(usize, Account)>,
}

impl LeafValues {
    /// Adds a leaf; an account's value comes with [`finish`](Self::finish).
    pub(crate) fn push(&mut self, key: B256, leaf: Leaf) {
        match leaf {
            Leaf::Account(account) => {
                self.accounts.push((self.entries.len(), account));
                self.entries.push((key, B256::ZERO));
            }
            Leaf::Slot(word) => self.entries.push((key, B256::from(word))),
        }
    }

    /// Number of leaves.
    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Keys and values in the order in which they were added; empties the list.
    pub(crate) fn finish(&mut self) -> Vec<(B256, B256)> {
        let mut entries = std::mem::take(&mut self.entries);
        let accounts = std::mem::take(&mut self.accounts);
        account_values(
            accounts.len(),
            |position| {
                let account = &accounts[position].1;
                (account.nonce, account.balance, account.code_hash)
            },
            |position, value| entries[accounts[position].0].1 = value,
        );
        entries
    }
}

/// The leaves that `diff` really changes, sorted by key: which they are, and what the tree gets.
pub fn tree_changes(diff: &StateDiff) -> (Vec<(B256, LeafId)>, Vec<Change>) {
    let mut changes = Vec::with_capacity(diff.len());
    account_changes(diff, &mut changes);
    slot_changes(diff, &mut changes);
    changes.sort_unstable_by_key(|(key, _, _)| *key);
    changes
        .into_iter()
        .map(|(key, leaf, value)| ((key, leaf), (key, value)))
        .unzip()
}

type LeafChange = (B256, LeafId, Option<B256>);

fn account_changes(diff: &StateDiff, changes: &mut Vec<LeafChange>) {
    let accounts: Vec<_> = diff
        .accounts
        .iter()
        .filter(|(_, change)| change.before != change.after)
        .collect();
    aura_keccak::hash_with::<20>(
        accounts.len(),
        |position, message| *message = accounts[position].0.into_array(),
        |position, key| {
            let id = LeafId::Account(*accounts[position].0);
            changes.push((B256::new(*key), id, None));
        },
    );
    let present: Vec<_> = accounts
        .iter()
        .enumerate()
        .filter_map(|(position, (_, change))| Some((position, change.after?)))
        .collect();
    account_values(
        present.len(),
        |position| {
            let account = &present[position].1;
            (account.nonce, account.balance, account.code_hash)
        },
        |position, value| changes[present[position].0].2 = Some(value),
    );
}

fn slot_changes(diff: &StateDiff, changes: &mut Vec<LeafChange>) {
    let slots: Vec<_> = diff
        .slots
        .iter()
        .flat_map(|(address, slots)| slots.iter().map(move |(slot, c)| (address, slot, c)))
        .filter(|(_, _, change)| change.before != change.after)
        .collect();
    aura_keccak::hash_with::<52>(
        slots.len(),
        |position, message| {
            let (address, slot, _) = slots[position];
            message[..20].copy_from_slice(address.as_slice());
            message[20..].copy_from_slice(&slot.to_be_bytes::<32>());
        },
        |position, key| {
            let (address, slot, change) = slots[position];
            let value = (!change.after.is_zero()).then(|| B256::from(change.after));
            changes.push((B256::new(*key), LeafId::Slot(*address, *slot), value));
        },
    );
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, U256};
    use aura_primitives::{AccountChange, SlotChange, hashed_account_key, hashed_slot_key};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn changes_are_those_of_the_leaves_one_by_one() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut diff = StateDiff::default();
        let mut expected = Vec::new();
        for index in 0..200u64 {
            let address = Address::from(rng.random::<[u8; 20]>());
            let account = |nonce| Account {
                nonce,
                ..Default::default()
            };
            let (before, after) = (
                (index % 3 != 0).then(|| account(1)),
                (index % 5 != 0).then(|| account(index % 4)),
            );
            diff.accounts
                .insert(address, AccountChange { before, after });
            if before != after {
                let value = after.map(|account| stored_leaf(&Leaf::Account(account)));
                let id = LeafId::Account(address);
                expected.push((hashed_account_key(address), id, value));
            }
            let (slot, before, after) = (U256::from(index), index % 2, index % 3);
            let (before, after) = (U256::from(before), U256::from(after));
            let slots = diff.slots.entry(address).or_default();
            slots.insert(slot, SlotChange { before, after });
            if before != after {
                let value = (!after.is_zero()).then(|| B256::from(after));
                expected.push((
                    hashed_slot_key(address, slot),
                    LeafId::Slot(address, slot),
                    value,
                ));
            }
        }
        expected.sort_by_key(|(key, _, _)| *key);
        let (keys, changes) = tree_changes(&diff);
        assert_eq!(
            keys,
            expected
                .iter()
                .map(|(key, id, _)| (*key, *id))
                .collect::<Vec<_>>()
        );
        assert_eq!(
            changes,
            expected
                .iter()
                .map(|(key, _, value)| (*key, *value))
                .collect::<Vec<_>>()
        );
    }
}
