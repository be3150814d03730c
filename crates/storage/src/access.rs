//! Reads and writes of raw rows: the one door to the engine.
//!
//! The binding checks key and value sizes in debug builds only, and the engine aborts the process
//! on a violation. Every write therefore goes through [`TableCursor::put`] or
//! [`TableCursor::append`], which check against the table's layout.

use std::{borrow::Cow, sync::Arc};

use signet_libmdbx::{
    Cursor, MdbxError, MdbxResult, ReadResult, Rw, TransactionKind, WriteFlags, tx::Tx,
};

use crate::{
    DecodeError, StorageError,
    environment::Shared,
    error::engine_error,
    tables::{MAX_VALUE_BYTES, Table},
};

/// A row: key and value.
pub(crate) type Row<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// A value of a write transaction, which the binding has copied.
///
/// It could borrow from pages that the transaction has not changed, but finds out which page that is
/// by the address of the value. An empty value can stand at the end of its page: then the binding
/// asks about the page behind, and fails if that is none.
fn copied<'a>(value: Option<Vec<u8>>) -> Option<Cow<'a, [u8]>> {
    value.map(Cow::Owned)
}

/// As [`copied`], for a row.
fn copied_row<'a>(row: Option<(Vec<u8>, Vec<u8>)>) -> Option<Row<'a>> {
    row.map(|(key, value)| (Cow::Owned(key), Cow::Owned(value)))
}

/// A transaction of either kind with what it needs to name its errors.
#[derive(Debug)]
pub(crate) struct Access<K: TransactionKind> {
    tx: Tx<K>,
    shared: Arc<Shared>,
}

impl<K: TransactionKind> Access<K> {
    pub(crate) const fn new(tx: Tx<K>, shared: Arc<Shared>) -> Self {
        Self { tx, shared }
    }

    pub(crate) const fn tx(&self) -> &Tx<K> {
        &self.tx
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Value under `key`, borrowed from the page if the transaction is for reading.
    pub(crate) fn get(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<Cow<'_, [u8]>>, StorageError> {
        let table = self.shared.tables.handle(table).dbi();
        let value = if K::IS_READ_ONLY {
            self.tx.get(table, key)
        } else {
            self.tx.get(table, key).map(copied)
        };
        value.map_err(|error| self.shared.error("read", engine_error(error)))
    }

    /// Value under `key`, decoded.
    pub(crate) fn get_as<T>(
        &self,
        table: Table,
        key: &[u8],
        decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, StorageError> {
        let Some(value) = self.get(table, key)? else {
            return Ok(None);
        };
        decode(&value)
            .map(Some)
            .map_err(|source| StorageError::decode(table.name(), key, source))
    }

    /// Value under `key` that another row says is there.
    pub(crate) fn require_as<T>(
        &self,
        table: Table,
        key: &[u8],
        decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, StorageError> {
        self.get_as(table, key, decode)?
            .ok_or_else(|| StorageError::decode(table.name(), key, DecodeError::Missing))
    }

    /// Number of rows of `table`.
    pub(crate) fn rows(&self, table: Table) -> Result<u64, StorageError> {
        let stat = self.tx.db_stat(&self.shared.tables.handle(table));
        let stat = stat.map_err(|error| self.shared.error("read statistics", error))?;
        Ok(stat.entries() as u64)
    }

    /// A cursor on `table`.
    pub(crate) fn cursor(&self, table: Table) -> Result<TableCursor<'_, K>, StorageError> {
        let cursor = self
            .tx
            .cursor(self.shared.tables.handle(table))
            .map_err(|error| self.shared.error("open cursor", error))?;
        Ok(TableCursor {
            cursor,
            table,
            shared: &self.shared,
        })
    }
}

impl Access<Rw> {
    /// Writes one row outside of any order.
    pub(crate) fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.cursor(table)?.put(key, value)
    }

    /// Removes one row; returns whether it was there.
    pub(crate) fn delete(&self, table: Table, key: &[u8]) -> Result<bool, StorageError> {
        self.tx
            .del(self.shared.tables.handle(table), key, None)
            .map_err(|error| self.shared.error("delete", error))
    }

    /// Removes every row of `table`.
    pub(crate) fn clear(&self, table: Table) -> Result<(), StorageError> {
        self.tx
            .clear_db(self.shared.tables.handle(table))
            .map_err(|error| self.shared.error("clear", error))
    }

    /// Ends the transaction and hands it over for the commit.
    pub(crate) fn into_parts(self) -> (Tx<Rw>, Arc<Shared>) {
        (self.tx, self.shared)
    }
}

/// A position in one table.
#[derive(Debug)]
pub(crate) struct TableCursor<'a, K: TransactionKind> {
    cursor: Cursor<'a, K>,
    table: Table,
    shared: &'a Shared,
}

impl<'a, K: TransactionKind> TableCursor<'a, K> {
    fn read<T>(&self, result: ReadResult<T>) -> Result<T, StorageError> {
        result.map_err(|error| self.shared.error("read", engine_error(error)))
    }

    /// The first row at or after `key`.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<Option<Row<'a>>, StorageError> {
        let row = if K::IS_READ_ONLY {
            self.cursor.set_range(key)
        } else {
            self.cursor.set_range(key).map(copied_row)
        };
        self.read(row)
    }

    /// The last row before `key`.
    pub(crate) fn seek_before(&mut self, key: &[u8]) -> Result<Option<Row<'a>>, StorageError> {
        // Only the position is needed of the row at or after `key`.
        let found: ReadResult<Option<((), ())>> = self.cursor.set_range(key);
        let row = match (self.read(found)?, K::IS_READ_ONLY) {
            (Some(_), true) => self.cursor.prev(),
            (Some(_), false) => self.cursor.prev().map(copied_row),
            (None, true) => self.cursor.last(),
            (None, false) => self.cursor.last().map(copied_row),
        };
        self.read(row)
    }

    /// The row under exactly `key`.
    pub(crate) fn find(&mut self, key: &[u8]) -> Result<Option<Cow<'a, [u8]>>, StorageError> {
        let value = if K::IS_READ_ONLY {
            self.cursor.set(key)
        } else {
            self.cursor.set(key).map(copied)
        };
        self.read(value)
    }

    /// The first row of the table.
    pub(crate) fn first(&mut self) -> Result<Option<Row<'a>>, StorageError> {
        let row = if K::IS_READ_ONLY {
            self.cursor.first()
        } else {
            self.cursor.first().map(copied_row)
        };
        self.read(row)
    }

    /// The next row.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'a>>, StorageError> {
        let row = if K::IS_READ_ONLY {
            self.cursor.next()
        } else {
            self.cursor.next().map(copied_row)
        };
        self.read(row)
    }

    /// A [`StorageError::Decode`] of this table.
    pub(crate) fn damage(&self, key: &[u8], source: DecodeError) -> StorageError {
        StorageError::decode(self.table.name(), key, source)
    }
}

impl TableCursor<'_, Rw> {
    fn check(&self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        let table = self.table.name();
        if !self.table.accepts_key(key.len()) {
            return Err(StorageError::KeySize {
                table,
                len: key.len(),
            });
        }
        if value.len() > MAX_VALUE_BYTES {
            return Err(StorageError::ValueTooLarge {
                table,
                len: value.len(),
                max: MAX_VALUE_BYTES,
            });
        }
        Ok(())
    }

    fn written(&self, result: MdbxResult<()>) -> Result<(), StorageError> {
        result.map_err(|error| self.shared.error("write", error))
    }

    /// Writes a row, replacing an old one. Cheapest if keys come in ascending order.
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.check(key, value)?;
        let result = self.cursor.put(key, value, WriteFlags::UPSERT);
        self.written(result)
    }

    /// Writes a row whose key is above every other of the table.
    pub(crate) fn append(&mut self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.check(key, value)?;
        let result = self.cursor.append(key, value);
        self.written(result)
    }

    /// Removes the row at the cursor.
    pub(crate) fn delete_current(&mut self) -> Result<(), StorageError> {
        let result = self.cursor.del();
        self.written(result)
    }

    /// Removes the row under `key`; returns whether it was there.
    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<bool, StorageError> {
        let found: ReadResult<Option<()>> = self.cursor.set(key);
        if self.read(found)?.is_none() {
            return Ok(false);
        }
        self.delete_current()?;
        Ok(true)
    }
}

/// The error for a commit that the engine turned into an abort.
pub(crate) const fn is_botched(error: MdbxError) -> bool {
    matches!(error, MdbxError::BotchedTransaction | MdbxError::BadTxn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, StoreConfig};

    #[test]
    fn wrong_key_widths_and_huge_values_are_refused_before_the_engine_sees_them() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &StoreConfig::default()).unwrap();
        let tx = store.shared().env.begin_rw_unsync().unwrap();
        let access = Access::new(tx, Arc::clone(store.shared()));
        for (table, len) in [(Table::Flat, 31), (Table::Headers, 9), (Table::Meta, 33)] {
            let error = access.put(table, &vec![1; len], b"x").unwrap_err();
            assert!(matches!(error, StorageError::KeySize { len: l, .. } if l == len));
        }
        // Zero pages are not touched until they are read: this costs address space only.
        let huge = vec![0; MAX_VALUE_BYTES + 1];
        let error = access.put(Table::Code, &[1; 32], &huge).unwrap_err();
        assert!(matches!(
            error,
            StorageError::ValueTooLarge { table: "Code", .. }
        ));
    }

    #[test]
    fn empty_values_are_read_wherever_they_stand_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &StoreConfig::default()).unwrap();
        let access = || {
            let tx = store.shared().env.begin_rw_unsync().unwrap();
            Access::new(tx, Arc::clone(store.shared()))
        };
        let tables = [Table::Flat, Table::HeaderNumbers, Table::TransactionHashes];
        for n in 0..8u8 {
            let rows = access();
            for table in tables {
                rows.put(table, &[n; 32], &[]).unwrap();
                rows.put(Table::Code, &[n; 32], &[n; 3_000]).unwrap();
            }
            // The first value of a page ends where the page does. Behind it there are now pages
            // that nobody has ever written.
            rows.clear(Table::Code).unwrap();
            rows.into_parts().0.commit().unwrap();
            let rows = access();
            for table in tables {
                let found = rows.get(table, &[n; 32]).unwrap().unwrap();
                assert!(found.is_empty());
                let mut cursor = rows.cursor(table).unwrap();
                assert!(cursor.first().unwrap().unwrap().1.is_empty());
                for key in [[0; 32], [n; 32]] {
                    assert!(cursor.find(&key).unwrap().unwrap().is_empty());
                    assert!(cursor.seek(&key).unwrap().unwrap().1.is_empty());
                }
                assert_eq!(cursor.next_row().unwrap(), None);
                assert!(cursor.seek_before(&[99; 32]).unwrap().unwrap().1.is_empty());
            }
        }
    }
}
