//! Our transactions on L1.

use alloy_primitives::Address;
use alloy_rlp::Encodable;

use super::Writer;
use crate::{L1TxRecord, StorageError, reader::l1_tx_key, tables::Table};

impl Writer {
    /// Writes a transaction, over the one with the same account and nonce.
    ///
    /// # Errors
    /// Damage.
    pub fn put_l1_tx(&mut self, record: &L1TxRecord) -> Result<(), StorageError> {
        self.change(|writer| {
            writer.scratch.clear();
            record.encode(&mut writer.scratch);
            let key = l1_tx_key(record.lane, record.nonce);
            writer.access.put(Table::L1Txs, &key, &writer.scratch)
        })
    }

    /// Forgets a transaction, if it is there.
    ///
    /// # Errors
    /// Damage.
    pub fn delete_l1_tx(&mut self, lane: Address, nonce: u64) -> Result<(), StorageError> {
        self.change(|writer| {
            writer
                .access
                .delete(Table::L1Txs, &l1_tx_key(lane, nonce))
                .map(|_| ())
        })
    }
}
