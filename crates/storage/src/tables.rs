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
//! Undo             S block 8 ‖ last key 32                   first key 32 ‖ as many as fit 1,988 bytes of:
//!                                                            hashed key 32 ‖ length 1 ‖ record before the block
//! History            hashed key 32 ‖ block 8                 record before that block; empty: absent
//! TouchedKeys      S block 8 ‖ part 4                        up to 62 hashed keys of 32, sorted over all parts
//! Code               code hash 32                            code
//! LogAddress         emitter 20 ‖ first block 8              posting list (log_index.rs)
//! LogTopic           position 1 ‖ folded topic 16 ‖ first block 8   posting list
//! NodeDiffs        S block 8 ‖ end 5                         begin 5 ‖ up to 54 of: node 5 ‖ hash before the block 32
//! NodeHistory        node 5 ‖ boundary 8                     hash 32 as of the boundary before
//! Boundaries       S block 8 ‖ part 4                        up to 400 nodes of 5, sorted over all parts: those with
//!                                                            a row of this boundary in NodeHistory
//! Pins               block 8                                 timestamp of the block 8
//! Preimages          address 20 [‖ slot 32]                  empty
//! L1Info           S block 8                                 RLP of L1BlockInfo; only blocks that have one
//! L1Headers        S L1 block 8                              RLP of L1HeaderRecord; the newest L1 blocks
//! L1Queue          S id 8                                    RLP of QueueEntry
//! L1Batches        S batch index 8                           RLP of L1BatchRecord
//! L1Roots          S root id 8                               RLP of L1RootRecord
//! Batches          S batch index 8                           RLP list of BatchRecord: a batch of ours as it was posted, newest
//!                                                            form first; one as soon as L1 has it
//! Payloads         S batch index 8                           data of a batch of ours, as posted
//! L1Txs              nonce lane 20 ‖ nonce 8                 RLP of L1TxRecord: our transactions on L1
//! WithdrawalNodes    level 1 ‖ index 8                       hash 32; complete subtrees of the withdrawal tree
//! Withdrawals      S index 8                                 RLP of WithdrawalRecord: the leaf and its block
//! ```
//!
//! The tables from `L1Headers` to `L1Txs` are written by the bridge's services, in transactions of
//! their own on the writer's thread; `L1Info`, `WithdrawalNodes` and `Withdrawals` with the block.
//!
//! Of the blocks above `folded` (in `Meta`) `Undo` has what they replaced, of all others `History`
//! and `TouchedKeys` have it: a block that folds brings everything from `Undo` there at once. In both
//! an empty record is an absent leaf. Parts of a block in `Undo` cover all keys without a gap: each
//! has the changed keys from `first key` to `last key`; the first begins with the key `0x00…`, the
//! last ends with `0xff…`. So one seek finds the part that a key must be in, and a missing part is
//! noticed.
//!
//! A node of the state tree is `depth 1 ‖ index 4`. Parts of a block in `NodeDiffs` cover all nodes
//! without a gap: each has the changed nodes above `begin` up to and including `end`, where `begin`
//! is the end of the part before (zeros in the first) and the last `end` is `0xff…`. So one seek
//! finds the part that a node must be in, and a missing part is noticed. A list in `Boundaries` or
//! `TouchedKeys` ends with a part that is not full, which can be empty.
//!
//! `Preimages` is filled only where `Meta` says so (`preimages`): with every account and non-zero slot
//! that the chain has ever had. Its rows are never removed, so that past states can be listed as well.
//!
//! A tx number counts all transactions of the chain from 0. Code is never removed: it is found by
//! its hash, and another account may share it.

use signet_libmdbx::{
    Database, DatabaseFlags, MdbxResult, Rw, TransactionKind,
    tx::{PtrUnsync, SyncKind, Tx},
};

/// Version of the table layouts; a database of another version is refused.
pub const SCHEMA_VERSION: u32 = 4;

/// Hashed keys in one value of `TouchedKeys`; two such values fill a page.
pub(crate) const TOUCHED_KEYS_PER_PART: usize = 62;

/// Most bytes in one value of `Undo`; two such values fill a page.
pub(crate) const UNDO_PART_BYTES: usize = 1_988;

/// Changed nodes in one value of `NodeDiffs`; two such values fill a page.
pub(crate) const NODE_CHANGES_PER_PART: usize = 54;

/// Nodes in one value of `Boundaries`; two such values fill a page.
pub(crate) const BOUNDARY_NODES_PER_PART: usize = 400;

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
    NodeDiffs,
    NodeHistory,
    Boundaries,
    Pins,
    Undo,
    Preimages,
    L1Info,
    L1Headers,
    L1Queue,
    L1Batches,
    L1Roots,
    Batches,
    Payloads,
    L1Txs,
    WithdrawalNodes,
    Withdrawals,
}

impl Table {
    /// Every table in the order of the discriminants.
    pub(crate) const ALL: [Self; 30] = [
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
        Self::NodeDiffs,
        Self::NodeHistory,
        Self::Boundaries,
        Self::Pins,
        Self::Undo,
        Self::Preimages,
        Self::L1Info,
        Self::L1Headers,
        Self::L1Queue,
        Self::L1Batches,
        Self::L1Roots,
        Self::Batches,
        Self::Payloads,
        Self::L1Txs,
        Self::WithdrawalNodes,
        Self::Withdrawals,
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
            Self::NodeDiffs => "NodeDiffs",
            Self::NodeHistory => "NodeHistory",
            Self::Boundaries => "Boundaries",
            Self::Pins => "Pins",
            Self::Undo => "Undo",
            Self::Preimages => "Preimages",
            Self::L1Info => "L1Info",
            Self::L1Headers => "L1Headers",
            Self::L1Queue => "L1Queue",
            Self::L1Batches => "L1Batches",
            Self::L1Roots => "L1Roots",
            Self::Batches => "Batches",
            Self::Payloads => "Payloads",
            Self::L1Txs => "L1Txs",
            Self::WithdrawalNodes => "WithdrawalNodes",
            Self::Withdrawals => "Withdrawals",
        }
    }

    /// Whether a key of `len` bytes fits the layout above.
    pub(crate) const fn accepts_key(self, len: usize) -> bool {
        match self {
            Self::Meta | Self::Heads => len >= 1 && len <= 32,
            Self::Headers
            | Self::Bodies
            | Self::Transactions
            | Self::Receipts
            | Self::Pins
            | Self::L1Info
            | Self::L1Headers
            | Self::L1Queue
            | Self::L1Batches
            | Self::L1Roots
            | Self::Batches
            | Self::Payloads
            | Self::Withdrawals => len == 8,
            Self::WithdrawalNodes => len == 9,
            Self::HeaderNumbers | Self::TransactionHashes | Self::Flat | Self::Code => len == 32,
            Self::History | Self::Undo => len == 40,
            Self::TouchedKeys | Self::Boundaries => len == 12,
            Self::NodeDiffs | Self::NodeHistory => len == 13,
            Self::LogAddress | Self::L1Txs => len == 28,
            Self::LogTopic => len == 25,
            Self::Preimages => len == 20 || len == 52,
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
