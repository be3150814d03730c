//! `aura_*`: what Ethereum's methods cannot say.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use aura_pool::TxStatus;
use aura_primitives::BlockNumHash;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

use crate::{
    api::Api,
    bridge,
    errors::Fault,
    eth::blocks::number_of,
    methods::{Raw, Table},
    params::{self, Args},
    preconf,
    types::{Quantity, StateProof, StateRoot},
};

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("aura_stateRoot", 1, state_root)?;
    table.wait("aura_getProof", 3, proof)?;
    table.read("aura_transactionStatus", 1, transaction_status)?;
    bridge::register(table)?;
    preconf::register(&mut table.module)
}

/// A block that has a state root.
fn rooted_block(args: &mut Args<'_>) -> Result<BlockId, Fault> {
    let id = args.block()?;
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        return Err(Fault::params(
            "the pending block has no state root before it is sealed, ask for latest",
        ));
    }
    Ok(id)
}

/// `aura_stateRoot(block)`: root of the state tree after a block; `null` if there is no such block.
pub(crate) fn state_root(api: &Api, mut args: Args<'_>) -> Result<Option<StateRoot>, Fault> {
    let id = rooted_block(&mut args)?;
    let reader = api.reader()?;
    match number_of(&reader, id)? {
        Some(number) => Ok(StateRoot::read(&reader, number)?),
        None => Ok(None),
    }
}

/// `aura_getProof(address, storageKeys, block)`: an account and some of its slots after a block,
/// present or absent, with proofs under the block's state root.
///
/// On a scan thread, for it may wait for a block that is being sealed.
pub(crate) async fn proof(api: Arc<Api>, raw: Raw) -> Result<StateProof, Fault> {
    let (address, slots, id) = {
        let mut args = raw.args()?;
        let address = args.required("address", params::address)?;
        let max = api.config.max_proof_keys;
        let slots = args.required("storage keys", params::list)?;
        if slots.len() > max {
            return Err(Fault::Limit(format!(
                "{} storage keys, at most {max} in one call",
                slots.len()
            )));
        }
        let slots = slots
            .into_iter()
            .map(params::slot)
            .collect::<Result<Vec<_>, _>>();
        let slots = slots.map_err(|problem| {
            Fault::params(format!("invalid argument 1 (storage keys): {problem}"))
        })?;
        (address, slots, rooted_block(&mut args)?)
    };
    api.on_scans(move |api| {
        let block = {
            let reader = api.reader()?;
            let number = number_of(&reader, id)?.ok_or(Fault::HeaderNotFound)?;
            let hash = reader.block_hash(number)?.ok_or(Fault::HeaderNotFound)?;
            BlockNumHash { number, hash }
        };
        Ok(StateProof::read(&api.chain, block, address, &slots)?)
    })
    .await
}

/// What became of a transaction.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionStatus {
    /// `mined`, `executing`, `pending`, `queued`, `dropped` or `unknown`.
    status: &'static str,
    /// Why it was dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_hash: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_number: Option<Quantity<u64>>,
}

/// `aura_transactionStatus(hash)`: where a transaction is, and why if it was dropped.
pub(crate) fn transaction_status(
    api: &Api,
    mut args: Args<'_>,
) -> Result<TransactionStatus, Fault> {
    let hash = args.required("hash", params::hash)?;
    // The pool is asked first: what it has just let go of is in the snapshot opened after.
    let pooled = api.pool.status(hash);
    let plain = |status| TransactionStatus {
        status,
        reason: None,
        block_hash: None,
        block_number: None,
    };
    if let Some(location) = api.reader()?.transaction_location(hash)? {
        return Ok(TransactionStatus {
            block_hash: Some(location.block_hash),
            block_number: Some(Quantity(location.block_number)),
            ..plain("mined")
        });
    }
    Ok(match pooled {
        Some(TxStatus::Executing) => plain("executing"),
        Some(TxStatus::Pending) => plain("pending"),
        Some(TxStatus::Queued) => plain("queued"),
        Some(TxStatus::Dropped { reason }) => TransactionStatus {
            reason: Some(reason.to_string()),
            ..plain("dropped")
        },
        None => plain("unknown"),
    })
}
