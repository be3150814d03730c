//! `aura_*` of the bridge: where deposits and withdrawals are, and what L1 is to be called with.

mod context;
mod deposits;
mod entries;
mod exits;
mod roots;
mod status;
mod wire;
mod withdrawals;

pub use context::{BridgeContext, FinalityRule, L1Heads, L1Point};
pub(crate) use entries::{DepositIds, deposit_count, kind_name, kind_of};

use alloy_primitives::B256;
use aura_chainspec::BridgeSpec;
use jsonrpsee::core::RegisterMethodError;
use serde_json::value::RawValue;

use crate::{api::Api, errors::Fault, methods::Table, params};

/// Every method of the bridge.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.wait("aura_getWithdrawalProof", 2, withdrawals::proof)?;
    table.wait("aura_withdrawalStatus", 1, withdrawals::status)?;
    table.wait("aura_getExitProof", 2, exits::proof)?;
    table.wait("aura_depositStatus", 1, deposits::status)?;
    table.wait("aura_bridgeStatus", 0, status::status)
}

/// The chain's bridge, and what this node sees of L1.
pub(crate) fn bridge_of(api: &Api) -> Result<(&BridgeSpec, &BridgeContext), Fault> {
    let refused = |why: &str| Fault::Refused(why.to_owned());
    let spec = api.spec().bridge();
    let spec = spec.ok_or_else(|| refused("this chain has no bridge"))?;
    let context = api.bridge.as_ref();
    let context = context.ok_or_else(|| refused("this node does not follow L1"))?;
    Ok((spec, context))
}

/// What a deposit or withdrawal is asked for by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    /// Its number.
    Number(u64),
    /// Its transaction.
    Transaction(B256),
}

/// A number, or the hash of a transaction: 32 bytes with all digits.
pub(crate) fn which(raw: &RawValue) -> Result<Which, String> {
    match params::text(raw) {
        Ok(text) if text.len() == 66 => params::hash(raw).map(Which::Transaction),
        _ => params::count(raw).map(Which::Number),
    }
}
