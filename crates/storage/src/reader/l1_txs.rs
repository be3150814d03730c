//! Our transactions on L1.

use alloy_primitives::Address;

use super::Reader;
use crate::{
    DecodeError, L1TxRecord, StorageError,
    codec::{self, Input},
    tables::Table,
};

/// Key of a transaction: `account ‖ nonce`, big-endian.
pub(crate) fn l1_tx_key(lane: Address, nonce: u64) -> [u8; 28] {
    let mut key = [0; 28];
    key[..20].copy_from_slice(lane.as_slice());
    key[20..].copy_from_slice(&nonce.to_be_bytes());
    key
}

fn decode(key: &[u8], value: &[u8]) -> Result<L1TxRecord, StorageError> {
    let decode = || {
        let record: L1TxRecord = codec::decode_record(value)?;
        let mut input = Input::new(key);
        let owner = (input.address()?, input.u64()?);
        input.finish()?;
        if owner == (record.lane, record.nonce) {
            Ok(record)
        } else {
            Err(DecodeError::WrongOwner)
        }
    };
    decode().map_err(|source| StorageError::decode(Table::L1Txs.name(), key, source))
}

impl Reader {
    /// The transactions of account `lane` that are not confirmed, by nonce.
    ///
    /// # Errors
    /// As every read.
    pub fn l1_txs(&self, lane: Address) -> Result<Vec<L1TxRecord>, StorageError> {
        let mut found = Vec::new();
        let mut cursor = self.live()?.cursor(Table::L1Txs)?;
        let mut row = cursor.seek(&l1_tx_key(lane, 0))?;
        while let Some((key, value)) = row
            && key.starts_with(lane.as_slice())
        {
            found.push(decode(&key, &value)?);
            row = cursor.next_row()?;
        }
        Ok(found)
    }
}
