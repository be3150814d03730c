//! Leaves of a generated state: a pure function of their index, the same on every machine.
//!
//! Every third leaf is an account, the others are slots of those accounts, each up to
//! [`LEAVES_PER_OWNER`] leaves another one. A leaf's *version* tells its values apart; version 0 is
//! that of the generated state. Words are 32 bytes wide, which is the most that a word costs.

use alloy_primitives::{Address, B256, U256};
use aura_primitives::Account;
use aura_smt::account_values;
use aura_storage::{LeafId, LeafRecord};
use std::ops::Range;

/// Leaves from one owner of slots to the next.
const LEAVES_PER_OWNER: u64 = 3_000;

/// What the numbers drawn for a leaf are for.
#[derive(Clone, Copy)]
enum Purpose {
    Address = 1,
    Slot = 2,
    Word = 3,
    Balance = 4,
}

/// A sequence of numbers that looks random (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    /// The sequence of `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn of_leaf(purpose: Purpose, index: u64, version: u32) -> Self {
        let mut seed = Self(index.wrapping_mul(8).wrapping_add(purpose as u64));
        Self(seed.next() ^ Self(u64::from(version)).next())
    }

    /// The next number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn word(&mut self) -> U256 {
        U256::from_limbs([self.next(), self.next(), self.next(), self.next()])
    }
}

/// Whether the leaf is an account.
pub(crate) const fn is_account(index: u64) -> bool {
    index.is_multiple_of(3)
}

fn address(index: u64) -> Address {
    let word = Numbers::of_leaf(Purpose::Address, index, 0).word();
    Address::from_word(B256::from(word))
}

fn owner_and_slot(index: u64) -> (Address, U256) {
    let owner = index - index % LEAVES_PER_OWNER;
    let slot = Numbers::of_leaf(Purpose::Slot, index, 0).word();
    (address(owner), slot)
}

/// Which leaf it is.
pub(crate) fn id(index: u64) -> LeafId {
    if is_account(index) {
        return LeafId::Account(address(index));
    }
    let (owner, slot) = owner_and_slot(index);
    LeafId::Slot(owner, slot)
}

/// Value of an account leaf.
pub(crate) fn account(index: u64, version: u32) -> Account {
    let mut numbers = Numbers::of_leaf(Purpose::Balance, index, version);
    Account {
        nonce: u64::from(version),
        // Up to 18 ether in wei, and never empty.
        balance: U256::from(numbers.next() | 1),
        ..Account::default()
    }
}

/// Value of a slot leaf; never zero.
pub(crate) fn word(index: u64, version: u32) -> U256 {
    Numbers::of_leaf(Purpose::Word, index, version).word() | U256::ONE
}

/// The leaf as the database takes it.
pub(crate) fn record(index: u64, version: u32) -> LeafRecord {
    match id(index) {
        LeafId::Account(address) => LeafRecord::Account(address, account(index, version)),
        LeafId::Slot(..) => LeafRecord::Slot(word(index, version)),
    }
}

/// Hashed keys of the leaves `indexes`, ascending, with the index of each.
pub(crate) fn sorted_keys(indexes: Range<u32>) -> Vec<(B256, u32)> {
    let (accounts, slots): (Vec<u32>, Vec<u32>) =
        indexes.partition(|index| is_account(u64::from(*index)));
    let mut keys = Vec::with_capacity(accounts.len() + slots.len());
    aura_keccak::hash_with::<20>(
        accounts.len(),
        |position, message| *message = address(accounts[position].into()).into_array(),
        |position, key| keys.push((B256::new(*key), accounts[position])),
    );
    aura_keccak::hash_with::<52>(
        slots.len(),
        |position, message| {
            let (owner, slot) = owner_and_slot(slots[position].into());
            message[..20].copy_from_slice(owner.as_slice());
            message[20..].copy_from_slice(&slot.to_be_bytes::<32>());
        },
        |position, key| keys.push((B256::new(*key), slots[position])),
    );
    keys.sort_unstable_by_key(|(key, _)| *key);
    keys
}

/// Keys and values in the tree, of the generated state.
pub(crate) fn values(keys: &[(B256, u32)]) -> Vec<(B256, B256)> {
    let mut values: Vec<_> = keys
        .iter()
        .map(|(key, index)| (*key, B256::from(word(u64::from(*index), 0))))
        .collect();
    let accounts: Vec<usize> = (0..keys.len())
        .filter(|position| is_account(keys[*position].1.into()))
        .collect();
    account_values(
        accounts.len(),
        |position| {
            let account = account(keys[accounts[position]].1.into(), 0);
            (account.nonce, account.balance, account.code_hash)
        },
        |position, value| values[accounts[position]].1 = value,
    );
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use aura_smt::account_value;

    #[test]
    fn keys_and_values_are_those_of_the_leaves_one_by_one() {
        let keys = sorted_keys(0..1_000);
        assert!(keys.is_sorted_by(|(a, _), (b, _)| a < b));
        let accounts = keys.iter().filter(|(_, index)| is_account((*index).into()));
        assert_eq!(accounts.count(), 334);
        for ((key, index), (value_key, value)) in keys.iter().zip(values(&keys)) {
            let index = u64::from(*index);
            assert_eq!((*key, *key), (id(index).hashed_key(), value_key));
            let expected = match record(index, 0) {
                LeafRecord::Account(_, a) => account_value(a.nonce, a.balance, a.code_hash),
                LeafRecord::Slot(word) => B256::from(word),
            };
            assert_eq!(value, expected);
        }
    }

    #[test]
    fn versions_and_leaves_differ() {
        assert_ne!(word(1, 0), word(1, 1));
        assert_ne!(word(1, 0), word(2, 0));
        assert_ne!(account(3, 0), account(3, 1));
        assert_ne!(id(1), id(2));
        assert!(matches!(id(0), LeafId::Account(_)));
        assert!(matches!(id(4), LeafId::Slot(..)));
    }
}
