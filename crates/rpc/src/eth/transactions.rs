//! Transactions and their receipts.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Bytes};
use aura_primitives::RecoveredTx;
use aura_storage::Reader;

use super::{
    blocks::{blob_gas_price, number_of},
    pending::{Pending, open_block},
};
use crate::{
    api::Api,
    errors::Fault,
    params::{self, Args},
    types::{Position, ReceiptParts, RpcReceipt, RpcTransaction},
};

/// A transaction that is accepted but in no durable block.
fn waiting(api: &Api, hash: B256) -> Option<Arc<RecoveredTx>> {
    api.pool.get(hash).or_else(|| {
        let open = open_block(api)?;
        let body = open.body.read();
        body.transactions
            .iter()
            .find(|tx| tx.hash() == hash)
            .cloned()
    })
}

fn mined(reader: &Reader, hash: B256) -> Result<Option<RpcTransaction>, Fault> {
    let Some(location) = reader.transaction_location(hash)? else {
        return Ok(None);
    };
    let tx = reader
        .transaction(&location)?
        .ok_or(Fault::Inconsistent("an indexed transaction is missing"))?;
    let position = position(reader, location.block_number, location.index)?;
    Ok(Some(RpcTransaction {
        tx: Arc::new(tx),
        position: Some(position),
    }))
}

pub(super) fn position(reader: &Reader, block_number: u64, index: u64) -> Result<Position, Fault> {
    let header = reader
        .header(block_number)?
        .ok_or(Fault::Inconsistent("header of a transaction is missing"))?;
    Ok(Position {
        block_hash: header.seal(),
        block_number,
        timestamp: header.timestamp,
        base_fee: header.base_fee_per_gas,
        index,
    })
}

/// `eth_getTransactionByHash(hash)`: mined, in the open block, or in the pool.
pub(crate) fn by_hash(api: &Api, mut args: Args<'_>) -> Result<Option<RpcTransaction>, Fault> {
    let hash = args.required("hash", params::hash)?;
    // The pool lets go of a transaction after its block is durable: one that is not found there
    // and is mined shows up in the snapshot, which is opened later.
    let waiting = waiting(api, hash);
    if let Some(found) = mined(&api.reader()?, hash)? {
        return Ok(Some(found));
    }
    Ok(waiting.map(|tx| RpcTransaction { tx, position: None }))
}

/// `eth_getRawTransactionByHash(hash)`; `0x` if it is unknown, as geth.
pub(crate) fn raw_by_hash(api: &Api, mut args: Args<'_>) -> Result<Bytes, Fault> {
    let hash = args.required("hash", params::hash)?;
    let waiting = waiting(api, hash);
    let tx = match mined(&api.reader()?, hash)? {
        Some(found) => Some(found.tx),
        None => waiting,
    };
    Ok(tx.map(|tx| tx.encoded().clone()).unwrap_or_default())
}

fn at_index(api: &Api, id: BlockId, index: u64) -> Result<Option<RpcTransaction>, Fault> {
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        let pending = Pending::new(api);
        let tx = usize::try_from(index)
            .ok()
            .and_then(|index| pending.transactions.get(index).cloned());
        return Ok(tx.map(|tx| RpcTransaction { tx, position: None }));
    }
    let reader = api.reader()?;
    let Some(number) = number_of(&reader, id)? else {
        return Ok(None);
    };
    let Some(tx) = reader.transaction_at(number, index)? else {
        return Ok(None);
    };
    Ok(Some(RpcTransaction {
        tx: Arc::new(tx),
        position: Some(position(&reader, number, index)?),
    }))
}

/// `eth_getTransactionByBlockHashAndIndex(hash, index)`.
pub(crate) fn by_block_hash_and_index(
    api: &Api,
    mut args: Args<'_>,
) -> Result<Option<RpcTransaction>, Fault> {
    let id = args.required("hash", params::hash).map(BlockId::hash)?;
    at_index(api, id, args.required("index", params::u64)?)
}

/// `eth_getTransactionByBlockNumberAndIndex(block, index)`.
pub(crate) fn by_block_number_and_index(
    api: &Api,
    mut args: Args<'_>,
) -> Result<Option<RpcTransaction>, Fault> {
    let id = args.required("block", params::block_id)?;
    at_index(api, id, args.required("index", params::u64)?)
}

/// `eth_getRawTransactionByBlockHashAndIndex(hash, index)`; `0x` if it is unknown, as geth.
pub(crate) fn raw_by_block_hash_and_index(api: &Api, args: Args<'_>) -> Result<Bytes, Fault> {
    by_block_hash_and_index(api, args).map(encoded)
}

/// `eth_getRawTransactionByBlockNumberAndIndex(block, index)`; `0x` if it is unknown, as geth.
pub(crate) fn raw_by_block_number_and_index(api: &Api, args: Args<'_>) -> Result<Bytes, Fault> {
    by_block_number_and_index(api, args).map(encoded)
}

fn encoded(found: Option<RpcTransaction>) -> Bytes {
    found
        .map(|found| found.tx.encoded().clone())
        .unwrap_or_default()
}

/// `eth_getTransactionReceipt(hash)`: `null` until the block is durable.
pub(crate) fn receipt(api: &Api, mut args: Args<'_>) -> Result<Option<RpcReceipt>, Fault> {
    let hash = args.required("hash", params::hash)?;
    receipt_of(api, &api.reader()?, hash)
}

/// Receipt of a mined transaction.
pub(crate) fn receipt_of(
    api: &Api,
    reader: &Reader,
    hash: B256,
) -> Result<Option<RpcReceipt>, Fault> {
    let Some(location) = reader.transaction_location(hash)? else {
        return Ok(None);
    };
    let missing = Fault::Inconsistent;
    let tx = reader
        .transaction(&location)?
        .ok_or(missing("an indexed transaction is missing"))?;
    let record = reader
        .receipt(&location)?
        .ok_or(missing("receipt of a transaction is missing"))?;
    let header = reader
        .header(location.block_number)?
        .ok_or(missing("header of a transaction is missing"))?;
    Ok(Some(RpcReceipt(ReceiptParts {
        tx: Arc::new(tx),
        receipt: record.receipt,
        position: Position {
            block_hash: header.seal(),
            block_number: location.block_number,
            timestamp: header.timestamp,
            base_fee: header.base_fee_per_gas,
            index: location.index,
        },
        gas_used: record.gas_used,
        first_log_index: record.first_log_index,
        blob_gas_price: blob_gas_price(api, &header),
    })))
}
