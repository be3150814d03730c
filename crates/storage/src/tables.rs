//! The tables and their byte layouts.
//!
//! Integers are big-endian, so that byte order is number order; `‖` joins fields. `S` tables are
//! written in ascending order (append), the others are random inserts, sorted within a block.
//!
//! ```text
//! table              key                                     value
//! Meta               name                                    see `meta` in codec
//! Heads              label ("unsafe", "safe", "finalized")   number 8 ‖ hash 32
//! Headers          S number 8                                hash 32 ‖ header RLP
//! HeaderNumbers      block hash 32                           number 8
//! Bodies           S number 8                                first tx number 8 ‖ count 4 ‖ ommers RLP
//!                                                            [‖ withdrawals RLP]
//! Transactions     S tx number 8                             block number 8 ‖ sender 20 ‖ hash 32 ‖ EIP-2718 bytes
//! TransactionHashes  tx hash 32                              tx number 8
//! Receipts         S tx number 8                             type 1 ‖ success 1 ‖ varints: cumulative gas, gas used,
//!                                                            first log index, log count ‖ logs (codec/receipt.rs)
//! Flat               hashed key 32                           record (codec/leaf.rs): 0x00 account, 0x01 slot
//! History            hashed key 32 ‖ block 8                 record before that block; empty: absent
//! TouchedKeys      S block 8 ‖ part 4                        up to 62 hashed keys of 32, sorted over all parts
//! Code               code hash 32                            code
//! LogAddress         emitter 20 ‖ first block 8              posting list (log_index.rs)
//! LogTopic           position 1 ‖ folded topic 16 ‖ first block 8   posting list
//! ```
//!
//! A tx number counts all transactions of the chain from 0. Code is never removed: it is found by
//! its hash, and another account may share it.

use signet_libmdbx::{
    Database, DatabaseFlags, MdbxResult, Rw, TransactionKind,
    tx::{PtrUnsync, SyncKind, Tx},
};

/// Version of the table layouts; a database of another version is refused.
pub const SCHEMA_VERSION: u32 = 1;

/// Hashed keys in one value of `TouchedKeys`; two such values fill a page.
pub(crate) const TOUCHED_KEYS_PER_PART: usize = 62;

/// Most bytes in one value. The engine's own limit is about 2 GiB.
pub(crate) const MAX_VALUE_BYTES: usize = 1 << 30;

/// Every table; the discriminant is the index of its handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Table {
    Meta,
    Heads,
    Headers,
    HeaderNumbers,
    Bodies,
    Transactions,
    TransactionHashes,
    Receipts,
    Flat,
    History,
    TouchedKeys,
    Code,
    LogAddress,
    LogTopic,
}

impl Table {
    /// Every table in the order of the discriminants.
    pub(crate) const ALL: [Self; 14] = [
        Self::Meta,
        Self::Heads,
        Self::Headers,
        Self::HeaderNumbers,
        Self::Bodies,
        Self::Transactions,
        Self::TransactionHashes,
        Self::Receipts,
        Self::Flat,
        Self::History,
        Self::TouchedKeys,
        Self::Code,
        Self::LogAddress,
        Self::LogTopic,
    ];

    /// Name of the table in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "Meta",
            Self::Heads => "Heads",
            Self::Headers => "Headers",
            Self::HeaderNumbers => "HeaderNumbers",
            Self::Bodies => "Bodies",
            Self::Transactions => "Transactions",
            Self::TransactionHashes => "TransactionHashes",
            Self::Receipts => "Receipts",
            Self::Flat => "Flat",
            Self::History => "History",
            Self::TouchedKeys => "TouchedKeys",
            Self::Code => "Code",
            Self::LogAddress => "LogAddress",
            Self::LogTopic => "LogTopic",
        }
    }

    /// Whether a key of `len` bytes fits the layout above.
    pub(crate) const fn accepts_key(self, len: usize) -> bool {
        match self {
            Self::Meta | Self::Heads => len >= 1 && len <= 32,
            Self::Headers | Self::Bodies | Self::Transactions | Self::Receipts => len == 8,
            Self::HeaderNumbers | Self::TransactionHashes | Self::Flat | Self::Code => len == 32,
            Self::History => len == 40,
            Self::TouchedKeys => len == 12,
            Self::LogAddress => len == 28,
            Self::LogTopic => len == 25,
        }
    }
}

/// Handles of all tables, opened once for the life of the environment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables([Database; Table::ALL.len()]);

impl Tables {
    /// Creates the tables in a new environment.
    pub(crate) fn create(tx: &Tx<Rw, PtrUnsync>) -> MdbxResult<()> {
        for table in Table::ALL {
            tx.create_db(Some(table.name()), DatabaseFlags::empty())?;
        }
        Ok(())
    }

    /// Opens the handles. They stay valid after `tx` only if it is committed.
    pub(crate) fn open<K>(tx: &Tx<K>) -> MdbxResult<Self>
    where
        K: TransactionKind + SyncKind,
    {
        let mut handles = [Database::freelist_db(); Table::ALL.len()];
        for (handle, table) in handles.iter_mut().zip(Table::ALL) {
            *handle = tx.open_db_no_cache(Some(table.name()))?;
        }
        Ok(Self(handles))
    }

    /// Handle of `table`.
    pub(crate) const fn handle(&self, table: Table) -> Database {
        self.0[table as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discriminants_index_the_list_of_all_tables() {
        for (index, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(table as usize, index);
        }
    }
}
