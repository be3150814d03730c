//! Reads of blocks, transactions and receipts, for transactions of both kinds.

use std::sync::Arc;

use alloy_primitives::B256;
use aura_primitives::{Receipt, RecoveredTx, SealedBlock, SealedHeader, bridge::L1BlockInfo};
use signet_libmdbx::TransactionKind;

use super::Reader;
use crate::{
    BlockBody, DecodeError, StorageError, TxLocation,
    access::Access,
    codec::{self, BODY_FIXED_BYTES, Input, TxRow},
    tables::Table,
};

fn decode_span(bytes: &[u8]) -> Result<(u64, u32), DecodeError> {
    let mut input = Input::new(bytes);
    let first = input.u64()?;
    let count = input.u32()?;
    debug_assert_eq!(bytes.len() - input.rest().len(), BODY_FIXED_BYTES);
    Ok((first, count))
}

impl Reader {
    /// What the newest block at or below `number` that says something of L1 says of it: the origin
    /// and the consumed part of the queue as of that block.
    ///
    /// # Errors
    /// Damage, an expired reader.
    pub fn l1_info_at(&self, number: u64) -> Result<Option<L1BlockInfo>, StorageError> {
        self.check()?;
        let table = Table::L1Info;
        let mut rows = self.access.cursor(table)?;
        // No block has the highest number.
        let row = rows.seek_before(&number.saturating_add(1).to_be_bytes())?;
        row.map(|(key, value)| {
            codec::decode_record(&value).map_err(|source| rows.damage(&key, source))
        })
        .transpose()
    }
}

impl<K: TransactionKind> Access<K> {
    pub(crate) fn l1_info(&self, number: u64) -> Result<Option<L1BlockInfo>, StorageError> {
        self.get_as(Table::L1Info, &number.to_be_bytes(), codec::decode_record)
    }

    pub(crate) fn block_hash(&self, number: u64) -> Result<Option<B256>, StorageError> {
        self.get_as(Table::Headers, &number.to_be_bytes(), |bytes| {
            Input::new(bytes).b256()
        })
    }

    pub(crate) fn header(&self, number: u64) -> Result<Option<SealedHeader>, StorageError> {
        self.get_as(Table::Headers, &number.to_be_bytes(), codec::decode_header)
    }

    pub(crate) fn body(&self, number: u64) -> Result<Option<BlockBody>, StorageError> {
        self.get_as(Table::Bodies, &number.to_be_bytes(), codec::decode_body)
    }

    /// First tx number and number of transactions of a block.
    pub(crate) fn tx_span(&self, number: u64) -> Result<Option<(u64, u32)>, StorageError> {
        self.get_as(Table::Bodies, &number.to_be_bytes(), decode_span)
    }

    pub(crate) fn block(&self, number: u64) -> Result<Option<SealedBlock>, StorageError> {
        let Some(header) = self.header(number)? else {
            return Ok(None);
        };
        let body = self.require_as(Table::Bodies, &number.to_be_bytes(), codec::decode_body)?;
        let span = (body.first_tx_number, body.transaction_count);
        let transactions = self.scan(Table::Transactions, span, |bytes| {
            TxRow::split(bytes)?.decode().map(Arc::new)
        })?;
        Ok(Some(SealedBlock {
            header,
            transactions,
            ommers: body.ommers,
            withdrawals: body.withdrawals,
            l1_info: self.l1_info(number)?,
        }))
    }

    /// The rows of a block in one of the tables keyed by tx number.
    fn scan<T>(
        &self,
        table: Table,
        (first, count): (u64, u32),
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, StorageError> {
        let mut items = Vec::new();
        if count == 0 {
            return Ok(items);
        }
        let mut cursor = self.cursor(table)?;
        let mut row = cursor.seek(&first.to_be_bytes())?;
        for number in (first..).take(count as usize) {
            let expected = number.to_be_bytes();
            let Some((_, value)) = row.filter(|(key, _)| **key == expected) else {
                return Err(cursor.damage(&expected, DecodeError::Missing));
            };
            items.push(decode(&value).map_err(|source| cursor.damage(&expected, source))?);
            row = cursor.next_row()?;
        }
        Ok(items)
    }

    pub(crate) fn transaction_hashes(
        &self,
        number: u64,
    ) -> Result<Option<Vec<B256>>, StorageError> {
        let Some(span) = self.tx_span(number)? else {
            return Ok(None);
        };
        self.scan(Table::Transactions, span, |bytes| {
            TxRow::split(bytes).map(|row| row.hash)
        })
        .map(Some)
    }

    pub(crate) fn receipts(&self, number: u64) -> Result<Option<Vec<Receipt>>, StorageError> {
        let Some(span) = self.tx_span(number)? else {
            return Ok(None);
        };
        self.scan(Table::Receipts, span, |bytes| {
            codec::decode_receipt(bytes).map(|record| record.receipt)
        })
        .map(Some)
    }

    pub(crate) fn transaction(&self, tx_number: u64) -> Result<Option<RecoveredTx>, StorageError> {
        self.get_as(Table::Transactions, &tx_number.to_be_bytes(), |bytes| {
            TxRow::split(bytes)?.decode()
        })
    }

    pub(crate) fn transaction_location(
        &self,
        hash: B256,
    ) -> Result<Option<TxLocation>, StorageError> {
        let number = self.get_as(Table::TransactionHashes, hash.as_slice(), codec::decode_u64)?;
        let Some(tx_number) = number else {
            return Ok(None);
        };
        let row = tx_number.to_be_bytes();
        let block_number =
            self.require_as(Table::Transactions, &row, |bytes| Input::new(bytes).u64())?;
        let block = block_number.to_be_bytes();
        let (first, _) = self.require_as(Table::Bodies, &block, decode_span)?;
        let block_hash =
            self.require_as(Table::Headers, &block, |bytes| Input::new(bytes).b256())?;
        let index = tx_number.checked_sub(first).ok_or_else(|| {
            StorageError::decode(Table::Bodies.name(), &block, DecodeError::WrongOwner)
        })?;
        Ok(Some(TxLocation {
            block_number,
            block_hash,
            index,
            tx_number,
        }))
    }
}
