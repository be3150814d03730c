//! A built block as `engine_getPayloadV5` answers it.

use alloy_consensus::{Header, Transaction};
use alloy_eips::{eip4895::Withdrawals, eip7685::Requests};
use alloy_primitives::{B256, Bytes, U256};
use aura_primitives::ExecutedBlock;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::types::Quantity;

/// A built block on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    payload: Payload,
    /// What the fee recipient earns, in wei.
    value: U256,
    requests: Vec<Bytes>,
}

#[derive(Debug, Clone)]
struct Payload {
    header: Header,
    hash: B256,
    transactions: Vec<Bytes>,
    withdrawals: Withdrawals,
}

/// No blobs come with blob transactions here: their sidecars are not part of a block.
#[derive(Serialize)]
struct BlobsBundle {
    commitments: [Bytes; 0],
    proofs: [Bytes; 0],
    blobs: [Bytes; 0],
}

impl Built {
    /// `block` has its state root; requests are those of EIP-7685.
    pub(super) fn new(block: ExecutedBlock, requests: &Requests) -> Self {
        debug_assert!(
            block.transactions.len() == block.receipts.len(),
            "one receipt for each transaction"
        );
        let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
        let mut before = 0;
        let mut value = U256::ZERO;
        for (tx, receipt) in block.transactions.iter().zip(&block.receipts) {
            let gas = receipt.cumulative_gas_used.saturating_sub(before);
            before = receipt.cumulative_gas_used;
            let tip = tx.envelope().effective_tip_per_gas(base_fee);
            value += U256::from(tip.unwrap_or_default()) * U256::from(gas);
        }
        Self {
            payload: Payload {
                hash: block.header.hash_slow(),
                transactions: block
                    .transactions
                    .iter()
                    .map(|tx| tx.encoded().clone())
                    .collect(),
                withdrawals: block.withdrawals.unwrap_or_default(),
                header: block.header,
            },
            value,
            requests: requests
                .iter()
                // A request of its type byte alone is none.
                .filter(|request| request.len() > 1)
                .cloned()
                .collect(),
        }
    }
}

impl Serialize for Built {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("executionPayload", &self.payload)?;
        map.serialize_entry("blockValue", &Quantity(self.value))?;
        map.serialize_entry(
            "blobsBundle",
            &BlobsBundle {
                commitments: [],
                proofs: [],
                blobs: [],
            },
        )?;
        map.serialize_entry("executionRequests", &self.requests)?;
        map.serialize_entry("shouldOverrideBuilder", &false)?;
        map.end()
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let header = &self.header;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("parentHash", &header.parent_hash)?;
        map.serialize_entry("feeRecipient", &header.beneficiary)?;
        map.serialize_entry("stateRoot", &header.state_root)?;
        map.serialize_entry("receiptsRoot", &header.receipts_root)?;
        map.serialize_entry("logsBloom", &header.logs_bloom)?;
        map.serialize_entry("prevRandao", &header.mix_hash)?;
        map.serialize_entry("blockNumber", &Quantity(header.number))?;
        map.serialize_entry("gasLimit", &Quantity(header.gas_limit))?;
        map.serialize_entry("gasUsed", &Quantity(header.gas_used))?;
        map.serialize_entry("timestamp", &Quantity(header.timestamp))?;
        map.serialize_entry("extraData", &header.extra_data)?;
        let base_fee = header.base_fee_per_gas.unwrap_or_default();
        map.serialize_entry("baseFeePerGas", &Quantity(base_fee))?;
        map.serialize_entry("blockHash", &self.hash)?;
        map.serialize_entry("transactions", &self.transactions)?;
        map.serialize_entry("withdrawals", &self.withdrawals)?;
        let blob_gas_used = header.blob_gas_used.unwrap_or_default();
        map.serialize_entry("blobGasUsed", &Quantity(blob_gas_used))?;
        let excess_blob_gas = header.excess_blob_gas.unwrap_or_default();
        map.serialize_entry("excessBlobGas", &Quantity(excess_blob_gas))?;
        map.end()
    }
}
