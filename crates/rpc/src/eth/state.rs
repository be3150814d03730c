//! Chain facts and point reads of the state.
//!
//! They run on the connection's own thread: a snapshot and a few B-tree seeks take some µs, less
//! than the two thread switches that a blocking pool costs.

use alloy_eips::{BlockId, BlockNumberOrTag, eip7825::MAX_TX_GAS_LIMIT_OSAKA};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256, Bytes, U256};
use aura_primitives::{Account, HeadLabel};
use aura_storage::StateView;

use super::blocks::number_of;
use crate::{
    api::Api,
    errors::Fault,
    params::{self, Args},
    types::Quantity,
};

/// `eth_chainId`.
pub(crate) fn chain_id(api: &Api, _: Args<'_>) -> Result<Quantity<u64>, Fault> {
    Ok(Quantity(api.spec().chain_id()))
}

/// `eth_blockNumber`: head of the database, which is what every other method answers from.
pub(crate) fn block_number(api: &Api, _: Args<'_>) -> Result<Quantity<u64>, Fault> {
    Ok(Quantity(api.reader()?.head(HeadLabel::Unsafe)?.number))
}

/// `eth_coinbase`: who gets the fees.
pub(crate) fn coinbase(api: &Api, _: Args<'_>) -> Result<Address, Fault> {
    Ok(api.chain.tip().beneficiary)
}

/// `eth_txGasLimitCap` (EIP-8123): the most gas that a transaction may ask for, if there is a
/// limit other than that of its block.
pub(crate) fn tx_gas_limit_cap(api: &Api, _: Args<'_>) -> Result<Quantity<Option<u64>>, Fault> {
    let now = api.chain.tip().timestamp;
    let capped = api.spec().is_osaka_active_at_timestamp(now);
    Ok(Quantity(capped.then_some(MAX_TX_GAS_LIMIT_OSAKA)))
}

/// `eth_pendingTransactions`: of the node's own accounts, and it has none.
pub(crate) fn pending_transactions(_: &Api, _: Args<'_>) -> Result<[Address; 0], Fault> {
    Ok([])
}

/// `eth_syncing`: blocks are made here, so there is nothing to catch up with.
pub(crate) fn syncing(_: &Api, _: Args<'_>) -> Result<bool, Fault> {
    Ok(false)
}

/// `eth_accounts`: the node holds no keys.
pub(crate) fn accounts(_: &Api, _: Args<'_>) -> Result<[Address; 0], Fault> {
    Ok([])
}

/// State after the block that `id` names.
pub(crate) fn view_at(api: &Api, id: BlockId) -> Result<StateView, Fault> {
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        return Ok(api.chain.pending_view()?);
    }
    let reader = api.reader()?;
    if id == BlockId::Number(BlockNumberOrTag::Latest) {
        return Ok(StateView::latest(reader));
    }
    let number = number_of(&reader, id)?.ok_or(Fault::HeaderNotFound)?;
    let head = reader.head(HeadLabel::Unsafe)?.number;
    Ok(if number == head {
        StateView::latest(reader)
    } else {
        StateView::at(reader, number)
    })
}

fn account_at(api: &Api, address: Address, id: BlockId) -> Result<Account, Fault> {
    Ok(view_at(api, id)?.account(address)?.unwrap_or_default())
}

/// `eth_getBalance(address, block)`.
pub(crate) fn balance(api: &Api, mut args: Args<'_>) -> Result<Quantity<U256>, Fault> {
    let address = args.required("address", params::address)?;
    let id = args.block()?;
    Ok(Quantity(account_at(api, address, id)?.balance))
}

/// `eth_getTransactionCount(address, block)`; `pending` counts the gapless run in the pool too.
pub(crate) fn transaction_count(api: &Api, mut args: Args<'_>) -> Result<Quantity<u64>, Fault> {
    let address = args.required("address", params::address)?;
    let id = args.block()?;
    let nonce = account_at(api, address, id)?.nonce;
    if id == BlockId::Number(BlockNumberOrTag::Pending) {
        return Ok(Quantity(api.pool.next_nonce(address, nonce)));
    }
    Ok(Quantity(nonce))
}

/// `eth_getCode(address, block)`.
pub(crate) fn code(api: &Api, mut args: Args<'_>) -> Result<Bytes, Fault> {
    let address = args.required("address", params::address)?;
    let view = view_at(api, args.block()?)?;
    match view.account(address)? {
        Some(account) if account.has_code() => view
            .code(account.code_hash)?
            .ok_or(Fault::Inconsistent("code of an account is missing")),
        _ => Ok(Bytes::new()),
    }
}

/// `eth_getStorageAt(address, slot, block)`.
pub(crate) fn storage_at(api: &Api, mut args: Args<'_>) -> Result<B256, Fault> {
    let address = args.required("address", params::address)?;
    let slot = args.required("slot", params::slot)?;
    let view = view_at(api, args.block()?)?;
    Ok(view.slot(address, slot)?.into())
}
