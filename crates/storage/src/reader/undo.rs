//! Records that recent blocks replaced, for transactions of both kinds.

use alloy_primitives::B256;
use signet_libmdbx::TransactionKind;

use crate::{
    DecodeError, StorageError,
    access::{Access, TableCursor},
    codec::{self, LAST_KEY, UndoPart},
    tables::Table,
};

/// Every key.
pub(crate) const ALL_KEYS: (B256, B256) = (B256::ZERO, LAST_KEY);

/// Damage in a record of `part`.
pub(crate) fn undo_damage(part: &UndoPart<'_>, source: DecodeError) -> StorageError {
    StorageError::decode(Table::Undo.name(), &part.key(), source)
}

impl<K: TransactionKind> Access<K> {
    /// The last block whose former records are in `History`. Those of every later one are in `Undo`.
    pub(crate) fn folded(&self) -> Result<u64, StorageError> {
        self.require_as(Table::Meta, codec::META_FOLDED, codec::decode_u64)
    }

    /// Calls `visit` with the parts of the list of `block` that cover the keys from `first` to
    /// `last`. The list must be there.
    pub(crate) fn undo_parts(
        &self,
        cursor: &mut TableCursor<'_, K>,
        block: u64,
        (mut first, last): (B256, B256),
        mut visit: impl FnMut(&UndoPart<'_>) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let mut follows = false;
        let mut row = cursor.seek(&codec::undo_key(block, &first))?;
        loop {
            let missing = |cursor: &TableCursor<'_, K>| {
                cursor.damage(&codec::undo_key(block, &first), DecodeError::Missing)
            };
            let Some((key, value)) = row.filter(|(key, _)| key.starts_with(&block.to_be_bytes()))
            else {
                return Err(missing(cursor));
            };
            let part =
                UndoPart::decode(&key, value).map_err(|source| cursor.damage(&key, source))?;
            if !part.covers(&first) || (follows && part.first != first) {
                return Err(missing(cursor));
            }
            visit(&part)?;
            let next = codec::successor(&part.last).filter(|next| *next <= last);
            let Some(next) = next else {
                return Ok(());
            };
            first = next;
            follows = true;
            row = cursor.next_row()?;
        }
    }

    /// The hashed keys that `block` changed, if it is above the last folded one.
    pub(crate) fn undo_keys(&self, block: u64) -> Result<Vec<B256>, StorageError> {
        let mut cursor = self.cursor(Table::Undo)?;
        let mut keys = Vec::new();
        self.undo_parts(&mut cursor, block, ALL_KEYS, |part| {
            keys.extend(part.formers().map(|(key, _)| key));
            Ok(())
        })?;
        Ok(keys)
    }
}
