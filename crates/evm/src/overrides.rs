//! State overrides of calls and simulations.

use alloy_primitives::{Address, map::AddressSet};
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use aura_storage::StorageError;

use crate::{
    StateDb,
    precompiles::CallPrecompiles,
    state_db::{ErrorSlot, ReadFailure, StateReadError},
};

/// Why state overrides cannot be applied; the words are geth's where it has any.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// Only precompiles can be moved.
    #[error("account {0} is not a precompile")]
    NotAPrecompile(Address),
    /// A precompile is moved to where it is.
    #[error("precompile {0} is moved to itself")]
    MovedToItself(Address),
    /// Two precompiles are moved to one address.
    #[error("two precompiles are moved to {0}")]
    MovedTwice(Address),
    /// A precompile is moved to an account that is overridden as well.
    #[error("account {0} is already overridden")]
    AlreadyOverridden(Address),
    /// Storage is both replaced and amended.
    #[error("account {0} has both 'state' and 'stateDiff'")]
    StateAndStateDiff(Address),
    /// The state cannot be read.
    #[error("state cannot be read")]
    State(#[source] StorageError),
    /// A read was asked of a database without a view: a fault of ours.
    #[error("no state view is attached")]
    Detached,
}

/// Applies `overrides` to `db`, in the order of addresses.
///
/// A precompile that is overridden in any way is one no more: `movePrecompileToAddress` keeps it
/// alive elsewhere. Accounts that an override makes stay even if they are empty.
pub(crate) fn apply(
    overrides: StateOverride,
    db: &mut StateDb,
    precompiles: &mut CallPrecompiles,
) -> Result<(), OverrideError> {
    let failure = db.error_slot();
    let mut overrides: Vec<_> = overrides.into_iter().collect();
    overrides.sort_unstable_by_key(|(address, _)| *address);
    let overridden: AddressSet = overrides.iter().map(|(address, _)| *address).collect();
    let mut targets = AddressSet::default();
    for (address, account) in overrides {
        if let Some(target) = account.move_precompile_to {
            if !precompiles.has(&address) {
                return Err(OverrideError::NotAPrecompile(address));
            }
            if target == address {
                return Err(OverrideError::MovedToItself(address));
            }
            if overridden.contains(&target) {
                return Err(OverrideError::AlreadyOverridden(target));
            }
            if !targets.insert(target) {
                return Err(OverrideError::MovedTwice(target));
            }
        }
        precompiles.displace(&address, account.move_precompile_to);
        if account.state.is_some() && account.state_diff.is_some() {
            return Err(OverrideError::StateAndStateDiff(address));
        }
        apply_account(address, account, db).map_err(|error| cause(&failure, error))?;
    }
    Ok(())
}

fn apply_account(
    address: Address,
    account: AccountOverride,
    db: &mut StateDb,
) -> Result<(), StateReadError> {
    let AccountOverride {
        balance,
        nonce,
        code,
        state,
        state_diff,
        move_precompile_to: _,
    } = account;
    let is_empty = balance.is_none()
        && nonce.is_none()
        && code.is_none()
        && state.is_none()
        && state_diff.is_none();
    if is_empty {
        return Ok(());
    }
    db.override_account(address, nonce, balance, code)?;
    if state.is_some() {
        db.clear_storage(address)?;
    }
    for (slot, value) in state.or(state_diff).into_iter().flatten() {
        db.override_slot(address, slot.into(), value.into())?;
    }
    Ok(())
}

fn cause(failure: &ErrorSlot, _: StateReadError) -> OverrideError {
    match failure.take() {
        Some(ReadFailure::Storage(error)) => OverrideError::State(error),
        Some(ReadFailure::Detached) | None => OverrideError::Detached,
    }
}
