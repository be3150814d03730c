//! Read snapshots.

use alloy_primitives::{Address, B256, Bytes, U256};
use aura_primitives::{
    Account, BlockNumHash, HeadLabel, Receipt, RecoveredTx, SealedBlock, SealedHeader,
};

use crate::{BlockBody, Leaf, LogBlocks, LogQuery, ReceiptRecord, StorageError, TxLocation};

/// One snapshot of the database.
#[derive(Debug)]
pub struct Reader(#[allow(dead_code)] std::cell::Cell<()>);

macro_rules! sig {
    ($($(#[$m:meta])* fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => {
        impl Reader { $($(#[$m])* pub fn $name(&self, $($arg: $ty),*) -> Result<$ret, StorageError> { $(let _ = $arg;)* todo!() })* }
    };
}
sig! {
    /// A head.
    fn head(label: HeadLabel) -> BlockNumHash;
    /// Hash of a block.
    fn block_hash(number: u64) -> Option<B256>;
    /// Number of a block.
    fn block_number(hash: B256) -> Option<u64>;
    /// Header.
    fn header(number: u64) -> Option<SealedHeader>;
    /// Body without transactions.
    fn body(number: u64) -> Option<BlockBody>;
    /// Block with transactions.
    fn block(number: u64) -> Option<SealedBlock>;
    /// Number of transactions.
    fn transaction_count(number: u64) -> Option<u64>;
    /// Hashes of the transactions of a block.
    fn transaction_hashes(number: u64) -> Option<Vec<B256>>;
    /// Location.
    fn transaction_location(hash: B256) -> Option<TxLocation>;
    /// Transaction.
    fn transaction(location: &TxLocation) -> Option<RecoveredTx>;
    /// Transaction.
    fn transaction_at(number: u64, index: u64) -> Option<RecoveredTx>;
    /// Receipts.
    fn receipts(number: u64) -> Option<Vec<Receipt>>;
    /// Receipt.
    fn receipt(location: &TxLocation) -> Option<ReceiptRecord>;
    /// Account.
    fn account(address: Address) -> Option<Account>;
    /// Slot.
    fn slot(address: Address, slot: U256) -> U256;
    /// Account.
    fn account_at(address: Address, block: u64) -> Option<Account>;
    /// Slot.
    fn slot_at(address: Address, slot: U256, block: u64) -> U256;
    /// Code.
    fn code(code_hash: B256) -> Option<Bytes>;
    /// Leaves in key order.
    fn leaves(visit: impl FnMut(B256, Leaf)) -> ();
    /// Blocks.
    fn log_blocks(query: &LogQuery) -> LogBlocks;
    /// Oldest block whose state can be read.
    fn first_history_block() -> u64;
}
