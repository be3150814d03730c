//! All slots of an account at once: storage that ends with its account, and storage without code.

use aura_primitives::{SlotChange, StateDiff};

use super::{AccountInfo, Address, B256, KECCAK256_EMPTY, StateDb, StateReadError, U256};

/// Code hash that revm is given for an account with storage, but neither code nor nonce.
///
/// Nothing can be created at such an address (EIP-7610), and revm refuses a creation where the code
/// hash is not that of no code. Wherever else it matters, zero means no code to revm; but for
/// `EXTCODEHASH`, see [`crate::instructions`].
const STORAGE_ONLY: B256 = B256::ZERO;

impl StateDb {
    /// The code hash as revm has to see it.
    pub(super) fn marked_code_hash(
        &self,
        address: Address,
        account: &aura_primitives::Account,
    ) -> Result<B256, StateReadError> {
        if account.nonce == 0 && !account.has_code() && self.has_storage(address)? {
            return Ok(STORAGE_ONLY);
        }
        Ok(account.code_hash)
    }

    /// The code hash as it stands in the state.
    pub(super) fn unmarked_code_hash(code_hash: B256) -> B256 {
        if code_hash == STORAGE_ONLY {
            KECCAK256_EMPTY
        } else {
            code_hash
        }
    }

    /// Whether revm was told that the account has storage and nothing else to create a contract upon.
    pub(super) fn has_only_storage(info: &AccountInfo) -> bool {
        info.code_hash == STORAGE_ONLY
    }

    /// Whether any slot of `address` is not zero now.
    fn has_storage(&self, address: Address) -> Result<bool, StateReadError> {
        let layer = self.layer.read();
        let changes = layer.slots.get(&address);
        if changes.is_some_and(|slots| slots.values().any(|change| !change.after.is_zero())) {
            return Ok(true);
        }
        if self.wiped.contains(&address) {
            return Ok(false);
        }
        match changes {
            None => self.read(|view| view.has_storage(address)),
            // What the block has set to zero does not count.
            Some(changes) => self.read(|view| {
                if !view.has_storage(address)? {
                    return Ok(false);
                }
                let slots = view.slots_of(address)?;
                Ok(slots.iter().any(|(slot, _)| !changes.contains_key(slot)))
            }),
        }
    }

    /// Sets every slot of an account that ceases to be to zero.
    ///
    /// A failed read stays in the error slot and fails the block.
    pub(super) fn wipe_storage(
        &mut self,
        layer: &mut StateDiff,
        address: Address,
        is_created: bool,
    ) {
        if let Some(slots) = layer.slots.get_mut(&address) {
            slots
                .values_mut()
                .for_each(|change| change.after = U256::ZERO);
        }
        // Born and gone in one transaction (all that EIP-6780 leaves): no older storage.
        if is_created || !self.wiped.insert(address) {
            return;
        }
        let Ok(known) = self.read(|view| view.slots_of(address)) else {
            return;
        };
        if known.is_empty() {
            return;
        }
        let slots = layer.slots.entry(address).or_default();
        for (slot, before) in known {
            self.note_read(super::LeafId::Slot(address, slot));
            let after = U256::ZERO;
            slots.entry(slot).or_insert(SlotChange { before, after });
        }
    }
}
