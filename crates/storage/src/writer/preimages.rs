//! Names of accounts and slots, on chains that keep them.

use aura_primitives::StateDiff;

use super::Writer;
use crate::{StorageError, codec, tables::Table};

impl Writer {
    /// Keeps the names of every account and slot from now on.
    pub(super) fn keep_preimages(&mut self) -> Result<(), StorageError> {
        self.access.clear(Table::Preimages)?;
        self.keeps_preimages = true;
        let kept = &codec::PREIMAGES_KEPT;
        self.access.put(Table::Meta, codec::META_PREIMAGES, kept)
    }

    /// Adds what `diff` brings into the state, if the chain keeps names.
    pub(super) fn write_preimages(&self, diff: &StateDiff) -> Result<(), StorageError> {
        if !self.keeps_preimages {
            return Ok(());
        }
        let accounts = diff.accounts.iter();
        let accounts = accounts.filter(|(_, change)| change.after.is_some());
        let mut keys: Vec<Vec<u8>> = accounts.map(|(address, _)| address.to_vec()).collect();
        for (address, slots) in &diff.slots {
            let present = slots.iter().filter(|(_, change)| !change.after.is_zero());
            keys.extend(present.map(|(slot, _)| codec::slot_key(*address, *slot).to_vec()));
        }
        keys.sort_unstable();
        let mut rows = self.access.cursor(Table::Preimages)?;
        for key in keys {
            // Nearly all are there already, and a page that is not written to is not copied.
            if rows.find(&key)?.is_none() {
                rows.put(&key, &[])?;
            }
        }
        Ok(())
    }
}
