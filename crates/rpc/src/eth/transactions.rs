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
    bridge::DepositIds,
    errors::Fault,
    params::{self, Args},
    types::{Position, ReceiptParts, RpcReceipt, RpcTransaction},
};

/// A transaction that is accepted but in no durable block.
fn waiting(api: &Api, hash: B256) -> Option<RpcTransaction> {
    if let Some(tx) = api.pool.get(hash) {
        return Some(RpcTransaction::pooled(tx));
    }
    let open = open_block(api)?;
    let body = open.body.read();
    let mut transactions = (0..).zip(&body.transactions);
    let (index, tx) = transactions.find(|(_, tx)| tx.hash() == hash)?;
    Some(RpcTransaction {
        tx: tx.clone(),
        position: None,
        deposit_id: DepositIds::of_open(&open).of(index),
    })
}

fn mined(reader: &Reader, hash: B256) -> Result<Option<RpcTransaction>, Fault> {
    let Some(location) = reader.transaction_location(hash)? else {
        return Ok(None);
    };
    let tx = reader
        .transaction(&location)?
        .ok_or(Fault::Inconsistent("an indexed transaction is missing"))?;
    in_block(reader, Arc::new(tx), location.block_number, location.index).map(Some)
}

/// The transaction at `index` of a block.
pub(super) fn in_block(
    reader: &Reader,
    tx: Arc<RecoveredTx>,
    block_number: u64,
    index: u64,
) -> Result<RpcTransaction, Fault> {
    Ok(RpcTransaction {
        deposit_id: deposit_id(reader, &tx, block_number, index)?,
        position: Some(position(reader, block_number, index)?),
        tx,
    })
}

/// Id in the queue of the transaction at `index` of a block; nothing is read if it is no deposit.
fn deposit_id(
    reader: &Reader,
    tx: &RecoveredTx,
    block_number: u64,
    index: u64,
) -> Result<Option<u64>, Fault> {
    if !tx.envelope().is_deposit() {
        return Ok(None);
    }
    Ok(DepositIds::at(reader, block_number)?.of(index))
}

fn position(reader: &Reader, block_number: u64, index: u64) -> Result<Position, Fault> {
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
    Ok(waiting)
}

/// `eth_getRawTransactionByHash(hash)`; `0x` if it is unknown, as geth.
pub(crate) fn raw_by_hash(api: &Api, mut args: Args<'_>) -> Result<Bytes, Fault> {
    let hash = args.required("hash", params::hash)?;
    let waiting = waiting(api, hash);
    Ok(encoded(mined(&api.reader()?, hash)?.or(waiting)))
}

fn at_index(api: &Api, id: BlockId, index: u64) -> Result<Option<RpcTransaction>, Fault> {
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        let pending = Pending::new(api);
        let tx = usize::try_from(index)
            .ok()
            .and_then(|index| pending.transactions.get(index).cloned());
        return Ok(tx.map(|tx| RpcTransaction {
            tx,
            position: None,
            deposit_id: pending.deposits.of(index),
        }));
    }
    let reader = api.reader()?;
    let Some(number) = number_of(&reader, id)? else {
        return Ok(None);
    };
    let Some(tx) = reader.transaction_at(number, index)? else {
        return Ok(None);
    };
    in_block(&reader, Arc::new(tx), number, index).map(Some)
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
        deposit_id: deposit_id(reader, &tx, location.block_number, location.index)?,
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
