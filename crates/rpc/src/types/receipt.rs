//! Receipts.

use std::sync::Arc;

use alloy_consensus::{Eip658Value, Transaction as _, TxReceipt, Typed2718};
use alloy_primitives::Log;
use aura_primitives::{Receipt, RecoveredTx, SealedBlock};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    LogPosition, Position, Quantity,
    deposit::{effective_gas_price, serialize_entry},
    log::{LogView, sealed_hash},
};
use crate::bridge::DepositIds;

/// What a receipt on the wire is made of.
#[derive(Debug, Clone)]
pub(crate) struct ReceiptParts {
    pub(crate) tx: Arc<RecoveredTx>,
    pub(crate) receipt: Receipt,
    pub(crate) position: Position,
    /// Gas used by this transaction alone.
    pub(crate) gas_used: u64,
    /// Index of its first log in the block.
    pub(crate) first_log_index: u64,
    /// Price of blob gas in the block.
    pub(crate) blob_gas_price: Option<u128>,
    /// Id of its entry in the queue, if it is a deposit and that is known.
    pub(crate) deposit_id: Option<u64>,
}

/// A receipt on the wire.
#[derive(Debug, Clone)]
pub(crate) struct RpcReceipt(pub(crate) ReceiptParts);

struct Logs<'a> {
    logs: &'a [Log],
    parts: &'a ReceiptParts,
}

impl Serialize for Logs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let at = &self.parts.position;
        serializer.collect_seq((self.parts.first_log_index..).zip(self.logs).map(
            |(log_index, log)| LogView {
                log,
                position: LogPosition {
                    block_hash: at.block_hash,
                    block_number: at.block_number,
                    timestamp: at.timestamp,
                    transaction_hash: self.parts.tx.hash(),
                    transaction_index: at.index,
                    log_index,
                },
                removed: false,
            },
        ))
    }
}

impl Serialize for RpcReceipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = &self.0;
        let (receipt, at) = (&parts.receipt, &parts.position);
        let envelope = parts.tx.envelope();
        let sender = parts.tx.sender();
        let to = envelope.to();
        let created = to.is_none().then(|| sender.create(envelope.nonce()));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("blockHash", &sealed_hash(at.block_hash))?;
        map.serialize_entry("blockNumber", &Quantity(at.block_number))?;
        map.serialize_entry("contractAddress", &created)?;
        map.serialize_entry("cumulativeGasUsed", &Quantity(receipt.cumulative_gas_used))?;
        map.serialize_entry(
            "effectiveGasPrice",
            &Quantity(effective_gas_price(envelope, at.base_fee)),
        )?;
        map.serialize_entry("from", &sender)?;
        map.serialize_entry("gasUsed", &Quantity(parts.gas_used))?;
        if let Some(blob_gas_used) = envelope.blob_gas_used() {
            map.serialize_entry("blobGasUsed", &Quantity(blob_gas_used))?;
            map.serialize_entry("blobGasPrice", &Quantity(parts.blob_gas_price))?;
        }
        map.serialize_entry(
            "logs",
            &Logs {
                logs: &receipt.logs,
                parts,
            },
        )?;
        map.serialize_entry("logsBloom", &receipt.bloom())?;
        match receipt.status {
            Eip658Value::Eip658(success) => {
                map.serialize_entry("status", &Quantity(u64::from(success)))?;
            }
            Eip658Value::PostState(root) => map.serialize_entry("root", &root)?,
        }
        map.serialize_entry("to", &to)?;
        map.serialize_entry("transactionHash", &parts.tx.hash())?;
        map.serialize_entry("transactionIndex", &Quantity(at.index))?;
        map.serialize_entry("type", &Quantity(u64::from(envelope.ty())))?;
        if let Some(deposit) = envelope.as_deposit() {
            serialize_entry(&mut map, deposit, parts.deposit_id)?;
        }
        map.end()
    }
}

/// The receipts of a block, in order.
pub(crate) fn receipts_of_block(
    block: &SealedBlock,
    receipts: &[Receipt],
    blob_gas_price: Option<u128>,
) -> Vec<RpcReceipt> {
    let mut cumulative = 0;
    let mut first_log_index = 0;
    let deposits = DepositIds::of_block(block);
    let position = |index| Position {
        block_hash: block.hash(),
        block_number: block.number(),
        timestamp: block.header.timestamp,
        base_fee: block.header.base_fee_per_gas,
        index,
    };
    block
        .transactions
        .iter()
        .zip(receipts)
        .zip(0..)
        .map(|((tx, receipt), index)| {
            let parts = ReceiptParts {
                tx: tx.clone(),
                receipt: receipt.clone(),
                position: position(index),
                gas_used: receipt.cumulative_gas_used.saturating_sub(cumulative),
                first_log_index,
                blob_gas_price,
                deposit_id: deposits.of(index),
            };
            cumulative = receipt.cumulative_gas_used;
            first_log_index += receipt.logs.len() as u64;
            RpcReceipt(parts)
        })
        .collect()
}
