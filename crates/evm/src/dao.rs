//! The irregular state change of the DAO fork.

use alloy_evm::eth::dao_fork::{DAO_HARDFORK_ACCOUNTS, DAO_HARDFORK_BENEFICIARY};
use alloy_primitives::U256;
use revm::Database;

use crate::{StateDb, state_db::StateReadError};

/// Moves the balances of the DAO and its children to the contract that pays them back.
///
/// Done before the block's transactions. Accounts are not deleted, for that came with a later fork.
pub(crate) fn move_balances(db: &mut StateDb) -> Result<(), StateReadError> {
    let mut total = U256::ZERO;
    for address in DAO_HARDFORK_ACCOUNTS {
        if let Some(account) = db.basic(address)? {
            total += account.balance;
            db.override_account(address, None, Some(U256::ZERO), None)?;
        }
    }
    let beneficiary = db.basic(DAO_HARDFORK_BENEFICIARY)?.unwrap_or_default();
    let balance = beneficiary.balance + total;
    db.override_account(DAO_HARDFORK_BENEFICIARY, None, Some(balance), None)
}
