//! Leaves of the state in ranges of their keys.

use alloy_primitives::B256;
use aura_smt::Prefix;
use signet_libmdbx::TransactionKind;

use super::{Reader, past::PastLeaves};
use crate::{
    DecodeError, Leaf, StorageError,
    access::{Row, TableCursor},
    codec,
    tables::Table,
};

/// Keys between two looks at the deadline.
const CHECKED_AFTER: u32 = 256;

fn leaf_key<K: TransactionKind>(
    cursor: &TableCursor<'_, K>,
    key: &[u8],
) -> Result<B256, StorageError> {
    B256::try_from(key).map_err(|_| cursor.damage(key, DecodeError::NotCanonical("key")))
}

fn leaf<K: TransactionKind>(
    cursor: &TableCursor<'_, K>,
    key: &[u8],
    value: &[u8],
) -> Result<Leaf, StorageError> {
    let (leaf, _) = codec::decode_leaf(value).map_err(|source| cursor.damage(key, source))?;
    Ok(leaf)
}

impl Reader {
    /// Calls `visit` with every leaf of the newest state in the order of hashed keys.
    ///
    /// Meant for building the tree at start: it runs to its end whatever the deadline.
    ///
    /// # Errors
    /// Damage.
    pub fn leaves(&self, mut visit: impl FnMut(B256, Leaf)) -> Result<(), StorageError> {
        let mut cursor = self.access.cursor(Table::Flat)?;
        let mut row = cursor.first()?;
        while let Some((key, value)) = row {
            visit(leaf_key(&cursor, &key)?, leaf(&cursor, &key, &value)?);
            row = cursor.next_row()?;
        }
        Ok(())
    }

    /// Calls `visit` with the leaves of the newest state below each of `prefixes`, one prefix after
    /// the other, each in the order of hashed keys; with the position of the prefix.
    ///
    /// Cost: one seek per prefix, none where the prefix follows the one before and no leaf is in
    /// between.
    ///
    /// # Errors
    /// As every read.
    pub fn leaves_in(
        &self,
        prefixes: &[Prefix],
        mut visit: impl FnMut(usize, B256, Leaf),
    ) -> Result<(), StorageError> {
        let mut cursor = self.live()?.cursor(Table::Flat)?;
        let mut row: Option<Row<'_>> = None;
        // `row` is the first after this key.
        let mut after: Option<B256> = None;
        for (position, prefix) in prefixes.iter().enumerate() {
            let (first, last) = (prefix.first_key(), prefix.last_key());
            let is_behind = |(key, _): &Row<'_>| **key >= first[..];
            if after.is_none_or(|after| after >= *first) || !row.as_ref().is_none_or(is_behind) {
                row = cursor.seek(first.as_slice())?;
            }
            while let Some((key, value)) = &row {
                let hashed = leaf_key(&cursor, key)?;
                if hashed > last {
                    break;
                }
                visit(position, hashed, leaf(&cursor, key, value)?);
                row = cursor.next_row()?;
            }
            after = Some(last);
        }
        Ok(())
    }

    /// Calls `visit` with the leaves below `prefix` in the state after `block`, in the order of
    /// hashed keys.
    ///
    /// Cost: the leaves below the prefix in the newest state, at most three seeks for each key that
    /// changed since history begins, however often it did, and one seek for each recent block.
    ///
    /// # Errors
    /// [`StorageError::HistoryPruned`], [`StorageError::MissingBlock`] if the block is above the
    /// head, and as every read.
    pub fn leaves_in_at(
        &self,
        prefix: &Prefix,
        block: u64,
        mut visit: impl FnMut(B256, Leaf),
    ) -> Result<(), StorageError> {
        let access = self.live()?;
        if self.is_newest(block)? {
            return self.leaves_in(&[*prefix], |_, key, leaf| visit(key, leaf));
        }
        let last = prefix.last_key();
        let mut past = PastLeaves::new(self, prefix, block)?;
        let mut flat = access.cursor(Table::Flat)?;
        let mut row = flat.seek(prefix.first_key().as_slice())?;
        let mut next_past = past.next()?;
        for count in 1u32.. {
            if count.is_multiple_of(CHECKED_AFTER) {
                self.check()?;
            }
            let newest = match &row {
                Some((key, _)) => Some(leaf_key(&flat, key)?).filter(|key| *key <= last),
                None => None,
            };
            match (newest, next_past.take()) {
                (None, None) => break,
                (newest, Some((key, leaf))) if newest.is_none_or(|n| key <= n) => {
                    if let Some(leaf) = leaf {
                        visit(key, leaf);
                    }
                    if newest == Some(key) {
                        row = flat.next_row()?;
                    }
                    next_past = past.next()?;
                }
                (_, waiting) => {
                    if let Some((key, value)) = &row
                        && let Some(newest) = newest
                    {
                        visit(newest, leaf(&flat, key, value)?);
                    }
                    row = flat.next_row()?;
                    next_past = waiting;
                }
            }
        }
        Ok(())
    }

    /// Number of leaves of the newest state.
    ///
    /// # Errors
    /// As every read.
    pub fn leaf_count(&self) -> Result<u64, StorageError> {
        self.live()?.rows(Table::Flat)
    }
}
