//! `aura_*`: what Ethereum's methods cannot say.

use alloy_primitives::B256;
use aura_pool::TxStatus;
use serde::Serialize;

use crate::{
    api::Api,
    errors::Fault,
    eth::blocks::number_of,
    params::{self, Args},
    types::Quantity,
};

/// `aura_stateRoot(block)`: root of the state tree after a block; `null` if there is none.
pub(crate) fn state_root(api: &Api, mut args: Args<'_>) -> Result<Option<B256>, Fault> {
    let id = args.block()?;
    let reader = api.reader()?;
    let Some(number) = number_of(&reader, id)? else {
        return Ok(None);
    };
    Ok(reader.header(number)?.map(|header| header.state_root))
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
