//! Ethereum's state commitment: a Merkle Patricia trie of accounts, and one of each account's slots.
//!
//! Made for chains of conformance size: the state is in memory as two levels of sorted maps, and a
//! root is computed from all accounts and from the slots of the accounts that changed. [`Tries`] is
//! "this state", [`Changes`] "plus this diff".

mod proof;

use std::{collections::BTreeMap, iter};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount};
use aura_primitives::{Account, GenesisState, StateDiff};
use aura_storage::StateView;

pub use proof::{AccountProof, SlotProof};

use crate::ChainError;

/// An account and the trie of its slots.
#[derive(Debug, Clone)]
struct Entry {
    account: Account,
    /// By `keccak256(slot)`; none is zero.
    slots: BTreeMap<B256, U256>,
    storage_root: B256,
}

/// The state of one block by hashed address, with the storage root of every account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tries {
    accounts: BTreeMap<B256, Entry>,
    /// Accounts and slots.
    entries: usize,
}

/// An account after a change. Slots that became zero are in it as zero.
#[derive(Debug)]
struct Changed {
    account: Account,
    slots: BTreeMap<B256, U256>,
    storage_root: B256,
}

/// What a diff does to [`Tries`]; `None` is an account that is gone.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    accounts: BTreeMap<B256, Option<Changed>>,
    /// Accounts and slots of the state with the changes.
    entries: usize,
}

/// Entries of `base` and, in their place, of `above`, in order. `None` takes an entry out.
fn merged<T>(
    base: impl Iterator<Item = (B256, T)>,
    above: impl Iterator<Item = (B256, Option<T>)>,
) -> impl Iterator<Item = (B256, T)> {
    let (mut base, mut above) = (base.peekable(), above.peekable());
    iter::from_fn(move || {
        loop {
            match (base.peek(), above.peek()) {
                (Some(_), None) => return base.next(),
                (Some((old, _)), Some((new, _))) if old < new => return base.next(),
                (Some((old, _)), Some((new, _))) if old == new => drop(base.next()),
                _ => {}
            }
            let (key, value) = above.next()?;
            if let Some(value) = value {
                return Some((key, value));
            }
        }
    })
}

fn add_slots(builder: &mut HashBuilder, slots: impl Iterator<Item = (B256, U256)>) {
    for (key, word) in slots {
        builder.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode_fixed_size(&word));
    }
}

fn add_accounts(builder: &mut HashBuilder, accounts: impl Iterator<Item = (B256, TrieAccount)>) {
    let mut leaf = Vec::new();
    for (key, account) in accounts {
        leaf.clear();
        alloy_rlp::Encodable::encode(&account, &mut leaf);
        builder.add_leaf(Nibbles::unpack(key), &leaf);
    }
}

fn storage_root(slots: impl Iterator<Item = (B256, U256)>) -> B256 {
    let mut builder = HashBuilder::default();
    add_slots(&mut builder, slots);
    builder.root()
}

const fn trie_account(account: &Account, storage_root: B256) -> TrieAccount {
    TrieAccount::new(
        account.nonce,
        account.balance,
        storage_root,
        account.code_hash,
    )
}

fn hashed_slot(slot: U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

impl Tries {
    /// The state that a chain starts with.
    pub(crate) fn of_genesis(state: &GenesisState) -> Self {
        let mut tries = Self::default();
        tries.apply(tries.changes(&StateDiff::from_genesis(state)));
        tries
    }

    /// Reads the state of `view`. Storage roots of accounts with the same slots as in `known` are
    /// taken from there.
    ///
    /// # Errors
    /// [`ChainError::StateTooLarge`], [`ChainError::Storage`].
    pub(crate) fn load(
        view: &StateView,
        max_entries: usize,
        known: Option<&Self>,
    ) -> Result<Self, ChainError> {
        let mut tries = Self::default();
        for (address, account) in view.accounts()? {
            let slots = view.slots_of(address)?.into_iter();
            let slots: BTreeMap<_, _> = slots.map(|(slot, w)| (hashed_slot(slot), w)).collect();
            let key = keccak256(address);
            tries.entries += 1 + slots.len();
            check_entries(tries.entries, max_entries)?;
            let storage_root = match known.and_then(|known| known.accounts.get(&key)) {
                Some(known) if known.slots == slots => known.storage_root,
                _ => storage_root(slots.iter().map(|(key, word)| (*key, *word))),
            };
            let entry = Entry {
                account,
                slots,
                storage_root,
            };
            tries.accounts.insert(key, entry);
        }
        Ok(tries)
    }

    /// What `diff` does to this state.
    pub(crate) fn changes(&self, diff: &StateDiff) -> Changes {
        let mut changes = Changes {
            accounts: BTreeMap::new(),
            entries: self.entries,
        };
        let touched = diff.accounts.keys();
        let only_slots = diff.slots.keys();
        let only_slots = only_slots.filter(|address| !diff.accounts.contains_key(*address));
        for address in touched.chain(only_slots) {
            let key = keccak256(address);
            let old = self.accounts.get(&key);
            let old_entries = old.map_or(0, |old| 1 + old.slots.len());
            let (new, new_entries) = changed(old, address, diff);
            changes.entries = changes.entries - old_entries + new_entries;
            changes.accounts.insert(key, new);
        }
        changes
    }

    /// Root of this state plus `changes`.
    pub(crate) fn root_with(&self, changes: &Changes) -> B256 {
        let mut builder = HashBuilder::default();
        add_accounts(&mut builder, self.leaves_with(changes));
        builder.root()
    }

    /// Root of this state.
    pub(crate) fn root(&self) -> B256 {
        self.root_with(&Changes::default())
    }

    /// Fails if this state has more than `max_entries` accounts and slots.
    ///
    /// # Errors
    /// [`ChainError::StateTooLarge`].
    pub(crate) fn check_size(&self, max_entries: usize) -> Result<(), ChainError> {
        check_entries(self.entries, max_entries)
    }

    fn leaves_with(&self, changes: &Changes) -> impl Iterator<Item = (B256, TrieAccount)> {
        let old = self.accounts.iter();
        let old = old.map(|(key, e)| (*key, trie_account(&e.account, e.storage_root)));
        let new = changes.accounts.iter().map(|(key, changed)| {
            let leaf = changed.as_ref();
            (*key, leaf.map(|c| trie_account(&c.account, c.storage_root)))
        });
        merged(old, new)
    }

    /// Makes `changes`, which were computed for this state, part of it.
    pub(crate) fn apply(&mut self, changes: Changes) {
        self.entries = changes.entries;
        for (key, changed) in changes.accounts {
            let Some(changed) = changed else {
                self.accounts.remove(&key);
                continue;
            };
            let entry = self.accounts.entry(key).or_insert_with(|| Entry {
                account: changed.account,
                slots: BTreeMap::new(),
                storage_root: EMPTY_ROOT_HASH,
            });
            entry.account = changed.account;
            entry.storage_root = changed.storage_root;
            for (slot, word) in changed.slots {
                if word.is_zero() {
                    entry.slots.remove(&slot);
                } else {
                    entry.slots.insert(slot, word);
                }
            }
        }
    }
}

impl Changes {
    /// Fails if the state would have more than `max_entries` accounts and slots.
    ///
    /// # Errors
    /// [`ChainError::StateTooLarge`].
    pub(crate) fn check_size(&self, max_entries: usize) -> Result<(), ChainError> {
        check_entries(self.entries, max_entries)
    }
}

fn check_entries(entries: usize, max: usize) -> Result<(), ChainError> {
    if entries > max {
        return Err(ChainError::StateTooLarge { entries, max });
    }
    Ok(())
}

/// The account at `address` after `diff`, and how many entries it has.
fn changed(old: Option<&Entry>, address: &Address, diff: &StateDiff) -> (Option<Changed>, usize) {
    let account = match diff.accounts.get(address) {
        Some(change) => change.after,
        None => old.map(|old| old.account),
    };
    let Some(account) = account else {
        return (None, 0);
    };
    let none = BTreeMap::new();
    let old_slots = old.map_or(&none, |old| &old.slots);
    let slots: BTreeMap<B256, U256> = diff.slots.get(address).map_or_else(BTreeMap::new, |slots| {
        let slots = slots.iter();
        slots
            .map(|(slot, c)| (hashed_slot(*slot), c.after))
            .collect()
    });
    let mut count = old_slots.len();
    for (key, word) in &slots {
        match (old_slots.contains_key(key), word.is_zero()) {
            (true, true) => count -= 1,
            (false, false) => count += 1,
            _ => {}
        }
    }
    let storage_root = match old {
        Some(old) if slots.is_empty() => old.storage_root,
        _ => {
            let base = old_slots.iter().map(|(key, word)| (*key, *word));
            let above = slots.iter();
            let above = above.map(|(key, word)| (*key, Some(*word).filter(|w| !w.is_zero())));
            storage_root(merged(base, above))
        }
    };
    let changed = Changed {
        account,
        slots,
        storage_root,
    };
    (Some(changed), 1 + count)
}
