//! The keys that the state has ever had, on chains that keep them.

use alloy_primitives::{Address, U256};

use super::Reader;
use crate::{
    StorageError,
    access::{Access, Row},
    codec,
    tables::Table,
};

/// Rows between two looks at the deadline.
const CHECKED_AFTER: u32 = 256;

impl<K: signet_libmdbx::TransactionKind> Access<K> {
    /// Whether the names of accounts and slots are kept.
    pub(crate) fn has_preimages(&self) -> Result<bool, StorageError> {
        let kept = self.get_as(Table::Meta, codec::META_PREIMAGES, codec::decode_preimages)?;
        Ok(kept.is_some())
    }
}

impl Reader {
    /// Whether accounts and slots of this chain can be listed.
    ///
    /// # Errors
    /// As every read.
    pub fn has_preimages(&self) -> Result<bool, StorageError> {
        if let Some(has) = self.has_preimages.get() {
            return Ok(*has);
        }
        let has = self.live()?.has_preimages()?;
        Ok(*self.has_preimages.get_or_init(|| has))
    }

    fn require_preimages(&self) -> Result<(), StorageError> {
        if self.has_preimages()? {
            return Ok(());
        }
        Err(StorageError::NoPreimages)
    }

    /// Every address that has ever been in the state, ascending.
    ///
    /// # Errors
    /// [`StorageError::NoPreimages`], and as every read.
    pub fn known_addresses(&self) -> Result<Vec<Address>, StorageError> {
        self.require_preimages()?;
        let mut cursor = self.live()?.cursor(Table::Preimages)?;
        let mut found = Vec::new();
        let mut row: Option<Row<'_>> = cursor.first()?;
        for count in 1u32.. {
            let Some((key, _)) = row else { break };
            if count.is_multiple_of(CHECKED_AFTER) {
                self.check()?;
            }
            let address = codec::address_of(&key).map_err(|source| cursor.damage(&key, source))?;
            found.push(address);
            // Behind the greatest slot there can be; its own row is passed over below.
            let last = codec::slot_key(address, U256::MAX);
            row = match cursor.seek(&last)? {
                Some((key, _)) if *key == last => cursor.next_row()?,
                row => row,
            };
        }
        Ok(found)
    }

    /// Calls `visit` with the slots of `address` that have ever been in the state, ascending, until
    /// it says `false`.
    ///
    /// # Errors
    /// [`StorageError::NoPreimages`], those of `visit`, and as every read.
    pub(crate) fn known_slots(
        &self,
        address: Address,
        mut visit: impl FnMut(U256) -> Result<bool, StorageError>,
    ) -> Result<(), StorageError> {
        self.require_preimages()?;
        let mut cursor = self.live()?.cursor(Table::Preimages)?;
        let mut row = cursor.seek(&codec::slot_key(address, U256::ZERO))?;
        for count in 1u32.. {
            let Some((key, _)) = row.filter(|(key, _)| key.starts_with(address.as_slice())) else {
                break;
            };
            if count.is_multiple_of(CHECKED_AFTER) {
                self.check()?;
            }
            let slot = codec::slot_of(&key).map_err(|source| cursor.damage(&key, source))?;
            if let Some(slot) = slot
                && !visit(slot)?
            {
                break;
            }
            row = cursor.next_row()?;
        }
        Ok(())
    }
}
