//! What deposits have beside the members of every transaction and receipt.

use alloy_consensus::Transaction as _;
use aura_primitives::{DepositRule, TxDeposit, TxEnvelope};
use serde::ser::SerializeMap;

use super::Quantity;
use crate::bridge::{kind_name, kind_of};

/// What the sender pays per gas in a block with `base_fee`; the fee cap without a block.
pub(crate) fn effective_gas_price(envelope: &TxEnvelope, base_fee: Option<u64>) -> u128 {
    match envelope.as_deposit().map(TxDeposit::rule) {
        // It pays the base fee of its block, as the one deposit that pays anything.
        Some(DepositRule::Forced) => base_fee.map_or(0, u128::from),
        _ => envelope.effective_gas_price(base_fee),
    }
}

/// The entry of the queue, in the names of `aura_depositStatus`; what is not known is left out.
pub(super) fn serialize_entry<M: SerializeMap>(
    map: &mut M,
    deposit: &TxDeposit,
    id: Option<u64>,
) -> Result<(), M::Error> {
    if let Some(id) = id {
        map.serialize_entry("depositId", &Quantity(id))?;
    }
    if let Some(kind) = kind_of(deposit) {
        map.serialize_entry("depositKind", kind_name(kind))?;
    }
    Ok(())
}
