//! From state to tree: keys and values of leaves.

use alloy_primitives::{Address, B256, U256};
use aura_primitives::{Account, StateDiff};
use aura_smt::{Change, account_value, account_values};
use aura_storage::{Leaf, LeafChange};

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

/// The changes that take `changed` back.
pub(crate) fn former_leaves(changed: &[(B256, LeafChange)]) -> Vec<Change> {
    let former = changed.iter().map(|(key, change)| {
        let leaf = match change {
            LeafChange::Account(_, change) => change.before.map(Leaf::Account),
            LeafChange::Slot(change) => Some(change.before)
                .filter(|word| !word.is_zero())
                .map(Leaf::Slot),
        };
        (*key, leaf.as_ref().map(stored_leaf))
    });
    former.collect()
}

/// The leaves that `diff` really changes, sorted by key: before and after, and what the tree gets.
pub fn tree_changes(diff: &StateDiff) -> (Vec<(B256, LeafChange)>, Vec<Change>) {
    let mut found = Found::default();
    found.add_accounts(diff);
    found.add_slots(diff);
    // Keys are sorted with positions: the leaves themselves are large.
    found.keys.sort_unstable();
    let found_at = |(key, position): &(B256, u32)| {
        let (change, value) = found.leaves[*position as usize];
        ((*key, change), (*key, value))
    };
    found.keys.iter().map(found_at).unzip()
}

/// Changed leaves with the tree's new value of each, and their keys with positions.
#[derive(Default)]
struct Found {
    leaves: Vec<(LeafChange, Option<B256>)>,
    keys: Vec<(B256, u32)>,
}

impl Found {
    fn add_accounts(&mut self, diff: &StateDiff) {
        let first = self.leaves.len();
        let changes = diff.accounts.iter();
        let changes = changes.map(|(address, c)| (LeafChange::Account(*address, *c), None));
        self.leaves
            .extend(changes.filter(|(change, _)| change.is_change()));
        let Self { leaves, keys } = self;
        let addresses: Vec<Address> = leaves[first..]
            .iter()
            .filter_map(|(change, _)| match change {
                LeafChange::Account(address, _) => Some(*address),
                LeafChange::Slot(_) => None,
            })
            .collect();
        aura_keccak::hash_with::<20>(
            addresses.len(),
            |position, message| *message = addresses[position].into_array(),
            // A block changes fewer than 2^32 leaves.
            |position, key| keys.push((B256::new(*key), (first + position) as u32)),
        );
        let present: Vec<(usize, Account)> = leaves[first..]
            .iter()
            .enumerate()
            .filter_map(|(position, (change, _))| match change {
                LeafChange::Account(_, change) => Some((first + position, change.after?)),
                LeafChange::Slot(_) => None,
            })
            .collect();
        account_values(
            present.len(),
            |position| {
                let account = &present[position].1;
                (account.nonce, account.balance, account.code_hash)
            },
            |position, value| leaves[present[position].0].1 = Some(value),
        );
    }

    fn add_slots(&mut self, diff: &StateDiff) {
        let first = self.leaves.len();
        let mut names: Vec<(Address, U256)> = Vec::new();
        for (address, slots) in &diff.slots {
            for (slot, change) in slots.iter().filter(|(_, c)| c.before != c.after) {
                let value = (!change.after.is_zero()).then(|| B256::from(change.after));
                self.leaves.push((LeafChange::Slot(*change), value));
                names.push((*address, *slot));
            }
        }
        aura_keccak::hash_with::<52>(
            names.len(),
            |position, message| {
                let (address, slot) = names[position];
                message[..20].copy_from_slice(address.as_slice());
                message[20..].copy_from_slice(&slot.to_be_bytes::<32>());
            },
            |position, key| self.keys.push((B256::new(*key), (first + position) as u32)),
        );
    }
}

#[cfg(test)]
mod tests {
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
            let change = AccountChange { before, after };
            diff.accounts.insert(address, change);
            if before != after {
                let value = after.map(|account| stored_leaf(&Leaf::Account(account)));
                let id = LeafChange::Account(address, change);
                expected.push((hashed_account_key(address), id, value));
            }
            let (slot, before, after) = (U256::from(index), index % 2, index % 3);
            let (before, after) = (U256::from(before), U256::from(after));
            let slots = diff.slots.entry(address).or_default();
            let change = SlotChange { before, after };
            slots.insert(slot, change);
            if before != after {
                let value = (!after.is_zero()).then(|| B256::from(after));
                expected.push((
                    hashed_slot_key(address, slot),
                    LeafChange::Slot(change),
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
