//! `ots_*`: what the block explorer Otterscan asks for.

mod blocks;
mod pages;
mod search;
mod traces;

use alloy_eips::BlockId;
use alloy_primitives::Address;
use jsonrpsee::core::RegisterMethodError;
use serde_json::value::RawValue;

use crate::{
    api::Api,
    errors::Fault,
    eth::blocks::number_of,
    methods::Table,
    params::{self, Args},
};

/// Version of the protocol that the methods follow.
const API_LEVEL: u64 = 8;

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("ots_getApiLevel", 0, |_, _| Ok(API_LEVEL))?;
    table.read("ots_hasCode", 2, has_code)?;
    table.wait("ots_getInternalOperations", 1, traces::internal_operations)?;
    table.wait("ots_getTransactionError", 1, traces::transaction_error)?;
    table.wait("ots_traceTransaction", 1, traces::trace_transaction)?;
    table.wait("ots_getBlockDetails", 1, blocks::details)?;
    table.wait("ots_getBlockDetailsByHash", 1, blocks::details_by_hash)?;
    table.wait("ots_getBlockTransactions", 3, blocks::transactions)?;
    table.read("ots_getHeaderByNumber", 1, blocks::header)?;
    table.read("erigon_getHeaderByNumber", 1, blocks::header)?;
    table.wait("ots_searchTransactionsBefore", 3, pages::before)?;
    table.wait("ots_searchTransactionsAfter", 3, pages::after)?;
    table.wait(
        "ots_getTransactionBySenderAndNonce",
        2,
        search::by_sender_and_nonce,
    )?;
    table.wait("ots_getContractCreator", 1, search::contract_creator)
}

/// A block; Otterscan sends plain numbers.
fn block_id(raw: &RawValue) -> Result<BlockId, String> {
    if raw.get().starts_with(|c: char| c.is_ascii_digit()) {
        return params::u64(raw).map(BlockId::number);
    }
    params::block_id(raw)
}

/// `ots_hasCode(address, block)`.
fn has_code(api: &Api, mut args: Args<'_>) -> Result<bool, Fault> {
    let address: Address = args.required("address", params::address)?;
    let id = args.optional("block", block_id)?.unwrap_or_default();
    let reader = api.reader()?;
    let number = number_of(&reader, id)?.ok_or(Fault::HeaderNotFound)?;
    let account = reader.account_at(address, number)?;
    Ok(account.is_some_and(|account| account.has_code()))
}
