//! Transactions.

use std::sync::Arc;

use alloy_consensus::{Transaction as _, Typed2718};
use alloy_primitives::{B256, U256};
use aura_primitives::{RecoveredTx, TxDeposit, TxEnvelope};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    Quantity,
    deposit::{effective_gas_price, serialize_entry},
};

/// Where a mined transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Hash of the block.
    pub(crate) block_hash: B256,
    /// Number of the block.
    pub(crate) block_number: u64,
    /// Time of the block.
    pub(crate) timestamp: u64,
    /// Base fee of the block, for the effective price.
    pub(crate) base_fee: Option<u64>,
    /// Index in the block.
    pub(crate) index: u64,
}

/// A transaction on the wire, borrowed; without a position it waits in the pool or open block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TransactionView<'a> {
    pub(crate) tx: &'a RecoveredTx,
    pub(crate) position: Option<Position>,
    /// Id of its entry in the queue, if it is a deposit and that is known.
    pub(crate) deposit_id: Option<u64>,
}

/// A transaction on the wire.
#[derive(Debug, Clone)]
pub(crate) struct RpcTransaction {
    pub(crate) tx: Arc<RecoveredTx>,
    pub(crate) position: Option<Position>,
    /// Id of its entry in the queue, if it is a deposit and that is known.
    pub(crate) deposit_id: Option<u64>,
}

impl RpcTransaction {
    /// A transaction of the pool, which has no deposits.
    pub(crate) const fn pooled(tx: Arc<RecoveredTx>) -> Self {
        Self {
            tx,
            position: None,
            deposit_id: None,
        }
    }
}

impl Serialize for RpcTransaction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TransactionView {
            tx: &self.tx,
            position: self.position,
            deposit_id: self.deposit_id,
        }
        .serialize(serializer)
    }
}

/// `v`: parity for typed transactions; EIP-155 or 27/28 for legacy ones.
fn v(envelope: &TxEnvelope, parity: bool) -> u128 {
    let parity = u128::from(parity);
    if envelope.signature().r().is_zero() {
        // Deposits and transactions of simulations are not signed.
        return 0;
    }
    match envelope.chain_id() {
        Some(chain_id) if envelope.is_legacy() => u128::from(chain_id) * 2 + 35 + parity,
        None if envelope.is_legacy() => 27 + parity,
        _ => parity,
    }
}

/// What a deposit has beside the members of every transaction, in the names of OP chains, and its
/// entry in the queue.
fn serialize_deposit<M: SerializeMap>(
    map: &mut M,
    deposit: &TxDeposit,
    id: Option<u64>,
) -> Result<(), M::Error> {
    map.serialize_entry("sourceHash", &deposit.source_hash)?;
    map.serialize_entry("mint", &Quantity(deposit.mint))?;
    map.serialize_entry("isSystemTx", &deposit.is_system)?;
    serialize_entry(map, deposit, id)
}

impl Serialize for TransactionView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let envelope = self.tx.envelope();
        let at = self.position.as_ref();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("blockHash", &at.map(|at| at.block_hash))?;
        map.serialize_entry("blockNumber", &Quantity(at.map(|at| at.block_number)))?;
        map.serialize_entry("blockTimestamp", &Quantity(at.map(|at| at.timestamp)))?;
        map.serialize_entry("from", &self.tx.sender())?;
        map.serialize_entry("gas", &Quantity(envelope.gas_limit()))?;
        let base_fee = at.and_then(|at| at.base_fee);
        map.serialize_entry(
            "gasPrice",
            &Quantity(effective_gas_price(envelope, base_fee)),
        )?;
        if envelope.is_dynamic_fee() {
            map.serialize_entry("maxFeePerGas", &Quantity(envelope.max_fee_per_gas()))?;
            map.serialize_entry(
                "maxPriorityFeePerGas",
                &Quantity(envelope.max_priority_fee_per_gas()),
            )?;
        }
        if let Some(fee) = envelope.max_fee_per_blob_gas() {
            map.serialize_entry("maxFeePerBlobGas", &Quantity(fee))?;
        }
        map.serialize_entry("hash", &self.tx.hash())?;
        map.serialize_entry("input", envelope.input())?;
        map.serialize_entry("nonce", &Quantity(envelope.nonce()))?;
        map.serialize_entry("to", &envelope.to())?;
        map.serialize_entry("transactionIndex", &Quantity(at.map(|at| at.index)))?;
        map.serialize_entry("value", &Quantity(envelope.value()))?;
        map.serialize_entry("type", &Quantity(u64::from(envelope.ty())))?;
        if let Some(list) = envelope.access_list() {
            map.serialize_entry("accessList", list)?;
        }
        if let Some(chain_id) = envelope.chain_id() {
            map.serialize_entry("chainId", &Quantity(chain_id))?;
        }
        if let Some(hashes) = envelope.blob_versioned_hashes() {
            map.serialize_entry("blobVersionedHashes", hashes)?;
        }
        if let Some(list) = envelope.authorization_list() {
            map.serialize_entry("authorizationList", list)?;
        }
        let signature = envelope.signature();
        map.serialize_entry("v", &Quantity(v(envelope, signature.v())))?;
        map.serialize_entry("r", &Quantity::<U256>(signature.r()))?;
        map.serialize_entry("s", &Quantity::<U256>(signature.s()))?;
        if let Some(deposit) = envelope.as_deposit() {
            serialize_deposit(&mut map, deposit, self.deposit_id)?;
        } else if !envelope.is_legacy() {
            map.serialize_entry("yParity", &Quantity(u64::from(signature.v())))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_deposit_has_the_members_of_op_chains_and_its_entry() {
        let tx = RecoveredTx::deposit(TxDeposit {
            source_hash: B256::repeat_byte(1),
            from: Address::repeat_byte(2),
            to: Address::repeat_byte(3),
            mint: U256::from(4),
            value: U256::from(5),
            gas: 6,
            is_system: false,
            input: vec![7].into(),
        });
        let position = Position {
            block_hash: B256::repeat_byte(8),
            block_number: 9,
            timestamp: 10,
            base_fee: Some(11),
            index: 0,
        };
        let view = TransactionView {
            tx: &tx,
            position: Some(position),
            deposit_id: Some(12),
        };
        let want = json!({
            "blockHash": B256::repeat_byte(8), "blockNumber": "0x9", "blockTimestamp": "0xa",
            "transactionIndex": "0x0", "hash": tx.hash(), "type": "0x7e",
            "from": Address::repeat_byte(2), "to": Address::repeat_byte(3), "nonce": "0x7fffffff",
            "gas": "0x6", "gasPrice": "0xb", "value": "0x5", "input": "0x07",
            "sourceHash": B256::repeat_byte(1), "mint": "0x4", "isSystemTx": false,
            "depositId": "0xc", "depositKind": "forced",
            "v": "0x0", "r": "0x0", "s": "0x0",
        });
        let shown: Value = serde_json::to_value(view).unwrap();
        assert_eq!(shown, want);
    }
}
