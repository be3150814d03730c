//! `eth_fillTransaction`: what a wallet still has to sign.

use std::sync::Arc;

use alloy_eips::BlockId;
use alloy_primitives::Bytes;
use alloy_rpc_types_eth::TransactionRequest;
use aura_evm::simulate::{TxDefaults, unsigned_transaction};
use serde::Serialize;

use super::{calls, fees};
use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    types::{RpcTransaction, call_request},
};

/// An unsigned transaction: all words of its signature are zero.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Filled {
    raw: Bytes,
    tx: RpcTransaction,
}

/// `eth_fillTransaction(transaction)`.
pub(crate) async fn fill_transaction(api: Arc<Api>, raw: Raw) -> Result<Filled, Fault> {
    let request = raw.args()?.required("transaction", call_request)?;
    api.on_calls(move |api| fill(api, request)).await
}

fn fill(api: &Api, mut request: TransactionRequest) -> Result<Filled, Fault> {
    let sender = request.from.unwrap_or_default();
    let nonce = match request.nonce {
        Some(nonce) => nonce,
        None => {
            let account = api.chain.pending_view()?.account(sender)?;
            let nonce = account.unwrap_or_default().nonce;
            api.pool.next_nonce(sender, nonce)
        }
    };
    request.nonce = Some(nonce);
    let has_base_fee = fill_fees(api, &mut request)?;
    let gas = match request.gas {
        Some(gas) => gas,
        None => calls::estimate(api, request.clone(), BlockId::latest())?,
    };
    let defaults = TxDefaults {
        chain_id: api.spec().chain_id(),
        nonce,
        gas,
        has_base_fee,
    };
    let tx = unsigned_transaction(request, defaults)
        .map_err(|error| Fault::Simulate(Box::new(error)))?;
    Ok(Filled {
        raw: tx.encoded().clone(),
        tx: RpcTransaction::pooled(tx),
    })
}

/// Adds what is missing of the fees: twice the base fee leaves room for six full blocks. Returns
/// whether the chain has a base fee.
fn fill_fees(api: &Api, request: &mut TransactionRequest) -> Result<bool, Fault> {
    let (base_fee, suggested) = fees::suggestion(api)?;
    if request.gas_price.is_some() {
        return Ok(base_fee.is_some());
    }
    let Some(base_fee) = base_fee else {
        request.gas_price = Some(suggested);
        return Ok(false);
    };
    let most = request.max_fee_per_gas.unwrap_or(u128::MAX);
    let tip = request.max_priority_fee_per_gas;
    let tip = tip.unwrap_or_else(|| suggested.min(most));
    request.max_priority_fee_per_gas = Some(tip);
    request
        .max_fee_per_gas
        .get_or_insert_with(|| (2 * u128::from(base_fee)).saturating_add(tip));
    Ok(true)
}
