//! The state that a chain starts with.

use alloy_primitives::{Address, B256, Bytes, U256};

use crate::Account;

/// Accounts, slots and code of block 0, as `aura-chainspec` reads them and `aura-storage` writes them.
///
/// Every list is sorted strictly by its key, so there are no duplicates. Accounts that are empty by
/// EIP-161 and slots that hold zero are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GenesisState {
    /// Accounts, sorted by address.
    pub accounts: Vec<(Address, Account)>,
    /// Non-zero slots as (account, slot, value), sorted by account, then slot.
    pub slots: Vec<(Address, U256, U256)>,
    /// Code by keccak256 of the code, sorted by hash.
    pub code: Vec<(B256, Bytes)>,
}
