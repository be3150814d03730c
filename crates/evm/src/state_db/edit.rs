//! Changes of the state that no transaction makes: overrides of calls and simulations.

use alloy_primitives::{Address, Bytes, U256, keccak256};
use aura_primitives::{AccountChange, SlotChange};
use aura_storage::{StateView, StorageError};

use super::{ReadFailure, StateDb, StateReadError};

impl StateDb {
    /// The state below the layer.
    pub(crate) const fn view(&self) -> Option<&StateView> {
        self.view.as_ref()
    }

    /// Replaces what is given of an account, which is there afterwards even if it is empty.
    pub(crate) fn override_account(
        &mut self,
        address: Address,
        nonce: Option<u64>,
        balance: Option<U256>,
        code: Option<Bytes>,
    ) -> Result<(), StateReadError> {
        let before = self.parent_account(address)?;
        let mut layer = self.layer.write();
        let change = layer.accounts.entry(address).or_insert(AccountChange {
            before,
            after: before,
        });
        let mut account = change.after.unwrap_or_default();
        account.nonce = nonce.unwrap_or(account.nonce);
        account.balance = balance.unwrap_or(account.balance);
        if let Some(code) = &code {
            account.code_hash = keccak256(code);
        }
        change.after = Some(account);
        if let Some(code) = code.filter(|code| !code.is_empty()) {
            layer.code.insert(account.code_hash, code);
        }
        Ok(())
    }

    /// Sets one slot.
    pub(crate) fn override_slot(
        &mut self,
        address: Address,
        slot: U256,
        after: U256,
    ) -> Result<(), StateReadError> {
        let before = self.parent_slot(address, slot)?;
        let mut layer = self.layer.write();
        let slots = layer.slots.entry(address).or_default();
        let change = slots.entry(slot).or_insert(SlotChange { before, after });
        change.after = after;
        Ok(())
    }

    /// Sets every slot of an account to zero.
    ///
    /// On chains that cannot list an account's slots the diff does not name those that were never
    /// read; nobody computes a root from it there.
    pub(crate) fn clear_storage(&mut self, address: Address) -> Result<(), StateReadError> {
        let listed =
            self.view
                .as_ref()
                .map_or(Ok(Vec::new()), |view| match view.slots_of(address) {
                    Err(StorageError::NoPreimages) => Ok(Vec::new()),
                    listed => listed,
                });
        let listed = listed.map_err(|error| self.failure.put(ReadFailure::Storage(error)))?;
        let mut layer = self.layer.write();
        let slots = layer.slots.entry(address).or_default();
        slots
            .values_mut()
            .for_each(|change| change.after = U256::ZERO);
        for (slot, before) in listed {
            let after = U256::ZERO;
            slots.entry(slot).or_insert(SlotChange { before, after });
        }
        drop(layer);
        self.wiped.insert(address);
        Ok(())
    }
}
