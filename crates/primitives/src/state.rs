//! Accounts and the change that a block makes to the state.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256, map::HashMap};

use crate::GenesisState;

/// An account as the state holds it. It has no storage root: slots are leaves of the same tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// keccak256 of the code; [`KECCAK256_EMPTY`] without code.
    pub code_hash: B256,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK256_EMPTY,
        }
    }
}

impl Account {
    /// Returns `true` if the account is empty by EIP-161 and must not be stored.
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && !self.has_code()
    }

    /// Returns `true` if the account has code.
    pub fn has_code(&self) -> bool {
        self.code_hash != KECCAK256_EMPTY
    }
}

/// One account before and after a block; `None` is an absent account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountChange {
    /// Value in the parent's state.
    pub before: Option<Account>,
    /// Value after the block.
    pub after: Option<Account>,
}

/// One storage slot before and after a block; zero is an absent slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotChange {
    /// Value in the parent's state.
    pub before: U256,
    /// Value after the block.
    pub after: U256,
}

/// Everything a block changes in the state, with the values before it.
///
/// Entries whose value is the same before and after may be present; [`StateDiff::prune`] removes
/// them. Iteration order is random: sort by hashed key before anything that feeds a root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateDiff {
    /// Changed accounts.
    pub accounts: HashMap<Address, AccountChange>,
    /// Changed slots by account and slot number.
    pub slots: HashMap<Address, HashMap<U256, SlotChange>>,
    /// Code of new contracts by code hash.
    pub code: HashMap<B256, Bytes>,
}

impl StateDiff {
    /// Removes entries that changed nothing.
    pub fn prune(&mut self) {
        self.accounts
            .retain(|_, change| change.before != change.after);
        self.slots.retain(|_, slots| {
            slots.retain(|_, change| change.before != change.after);
            !slots.is_empty()
        });
    }

    /// Number of changed accounts and slots.
    pub fn len(&self) -> usize {
        self.accounts.len() + self.slots.values().map(HashMap::len).sum::<usize>()
    }

    /// Returns `true` if nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.slots.is_empty() && self.code.is_empty()
    }
}

/// Tree key of an account: `keccak256(address)`, 20 bytes in.
pub fn hashed_account_key(address: Address) -> B256 {
    keccak256(address)
}

/// Tree key of a slot: `keccak256(address ‖ slot)`, 52 bytes in, the slot big-endian.
pub fn hashed_slot_key(address: Address, slot: U256) -> B256 {
    let mut bytes = [0u8; 52];
    bytes[..20].copy_from_slice(address.as_slice());
    bytes[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    keccak256(bytes)
}

impl StateDiff {
    /// The change from the empty state to `state`.
    pub fn from_genesis(state: &GenesisState) -> Self {
        let mut diff = Self::default();
        for (address, account) in &state.accounts {
            let change = AccountChange {
                before: None,
                after: Some(*account),
            };
            diff.accounts.insert(*address, change);
        }
        for (address, slot, value) in &state.slots {
            let change = SlotChange {
                before: U256::ZERO,
                after: *value,
            };
            diff.slots
                .entry(*address)
                .or_default()
                .insert(*slot, change);
        }
        diff.code.extend(state.code.iter().cloned());
        diff
    }

    /// Appends the change of the next block: `self` then spans both.
    pub fn merge(&mut self, next: Self) {
        for (address, change) in next.accounts {
            self.accounts
                .entry(address)
                .and_modify(|both| both.after = change.after)
                .or_insert(change);
        }
        for (address, slots) in next.slots {
            let both = self.slots.entry(address).or_default();
            for (slot, change) in slots {
                both.entry(slot)
                    .and_modify(|both| both.after = change.after)
                    .or_insert(change);
            }
        }
        self.code.extend(next.code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_diff_keeps_the_oldest_before_and_the_newest_after() {
        let address = Address::repeat_byte(1);
        let account = |nonce| {
            Some(Account {
                nonce,
                ..Account::default()
            })
        };
        let mut both = StateDiff::default();
        both.accounts.insert(
            address,
            AccountChange {
                before: None,
                after: account(1),
            },
        );
        both.slots.entry(address).or_default().insert(
            U256::from(1),
            SlotChange {
                before: U256::from(5),
                after: U256::from(6),
            },
        );
        let mut next = StateDiff::default();
        next.accounts.insert(
            address,
            AccountChange {
                before: account(1),
                after: account(2),
            },
        );
        next.slots.entry(address).or_default().insert(
            U256::from(1),
            SlotChange {
                before: U256::from(6),
                after: U256::from(5),
            },
        );
        both.merge(next);
        assert_eq!(
            both.accounts[&address],
            AccountChange {
                before: None,
                after: account(2)
            }
        );
        assert_eq!(
            both.slots[&address][&U256::from(1)],
            SlotChange {
                before: U256::from(5),
                after: U256::from(5)
            }
        );
        both.prune();
        assert!(both.slots.is_empty());
        assert_eq!(both.len(), 1);
    }
}
