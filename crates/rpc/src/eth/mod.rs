//! `eth_*`.

mod accounts;
mod arrivals;
pub(crate) mod blocks;
pub(crate) mod by_nonce;
mod cache;
pub(crate) mod calls;
mod capabilities;
mod fee_cache;
pub(crate) mod fees;
mod fill;
mod filters;
mod forks;
mod keep;
pub(crate) mod logs;
pub(crate) mod outlet;
pub(crate) mod pending;
mod proof;
mod removed;
pub(crate) mod ring;
mod simulate;
pub(crate) mod state;
mod stream;
pub(crate) mod submit;
pub(crate) mod subscriptions;
pub(crate) mod transactions;

use jsonrpsee::core::RegisterMethodError;

pub(crate) use arrivals::Arrivals;
pub(crate) use cache::BlockCache;
pub(crate) use calls::SlowCallees;
pub(crate) use fee_cache::FeeCache;
pub(crate) use filters::Filters;
pub(crate) use keep::keep;
pub(crate) use outlet::Hangup;
pub(crate) use removed::RemovedBlocks;

use crate::{api::Api, methods::Table, params::Args};

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    chain_methods(table)?;
    proof::register(table)?;
    block_methods(table)?;
    transaction_methods(table)?;
    filters::register(table)?;
    subscriptions::register(&mut table.module)
}

fn chain_methods(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_chainId", 0, state::chain_id)?;
    table.read("eth_blockNumber", 0, state::block_number)?;
    table.read("eth_coinbase", 0, state::coinbase)?;
    table.read("eth_txGasLimitCap", 0, state::tx_gas_limit_cap)?;
    table.read("eth_pendingTransactions", 0, state::pending_transactions)?;
    table.read("eth_config", 0, forks::config)?;
    table.read("eth_capabilities", 0, capabilities::capabilities)?;
    table.wait("eth_getStorageValues", 2, accounts::storage_values)?;
    table.read("eth_getAccountInfo", 2, accounts::account_info)?;
    table.wait("eth_getAccount", 2, accounts::account)?;
    table.read("eth_syncing", 0, state::syncing)?;
    table.read("eth_accounts", 0, state::accounts)?;
    table.read("eth_getBalance", 2, state::balance)?;
    table.read("eth_getTransactionCount", 2, state::transaction_count)?;
    table.read("eth_getCode", 2, state::code)?;
    table.read("eth_getStorageAt", 3, state::storage_at)?;
    table.read("eth_gasPrice", 0, fees::gas_price)?;
    table.read("eth_maxPriorityFeePerGas", 0, fees::max_priority_fee)?;
    table.read("eth_baseFee", 0, fees::base_fee)?;
    table.read("eth_blobBaseFee", 0, fees::blob_base_fee)?;
    table.wait("eth_feeHistory", 3, fees::fee_history)?;
    table.wait("eth_call", 4, calls::call)?;
    table.wait("eth_estimateGas", 4, calls::estimate_gas)?;
    table.wait("eth_createAccessList", 3, calls::create_access_list)?;
    table.wait("eth_fillTransaction", 1, fill::fill_transaction)?;
    table.wait("eth_simulateV1", 2, simulate::simulate_v1)
}

fn block_methods(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.wait("eth_getBlockByNumber", 2, blocks::by_number)?;
    table.wait("eth_getBlockByHash", 2, blocks::by_hash)?;
    table.read("eth_getHeaderByNumber", 1, blocks::header_by_number)?;
    table.read("eth_getHeaderByHash", 1, blocks::header_by_hash)?;
    table.wait("eth_getBlockReceipts", 1, blocks::receipts)?;
    for (name, by) in [
        (
            "eth_getBlockTransactionCountByNumber",
            blocks::transaction_count as fn(&Api, Args<'_>) -> _,
        ),
        (
            "eth_getBlockTransactionCountByHash",
            blocks::transaction_count_by_hash,
        ),
        ("eth_getUncleCountByBlockNumber", blocks::uncle_count),
        ("eth_getUncleCountByBlockHash", blocks::uncle_count_by_hash),
    ] {
        table.read(name, 1, by)?;
    }
    table.read("eth_getUncleByBlockNumberAndIndex", 2, blocks::uncle)?;
    table.read("eth_getUncleByBlockHashAndIndex", 2, blocks::uncle_by_hash)
}

fn transaction_methods(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getTransactionByHash", 1, transactions::by_hash)?;
    table.read(
        "eth_getTransactionByBlockHashAndIndex",
        2,
        transactions::by_block_hash_and_index,
    )?;
    table.read(
        "eth_getTransactionByBlockNumberAndIndex",
        2,
        transactions::by_block_number_and_index,
    )?;
    table.read("eth_getRawTransactionByHash", 1, transactions::raw_by_hash)?;
    table.read(
        "eth_getRawTransactionByBlockHashAndIndex",
        2,
        transactions::raw_by_block_hash_and_index,
    )?;
    table.read(
        "eth_getRawTransactionByBlockNumberAndIndex",
        2,
        transactions::raw_by_block_number_and_index,
    )?;
    table.wait(
        "eth_getTransactionBySenderAndNonce",
        2,
        by_nonce::transaction,
    )?;
    table.read("eth_getTransactionReceipt", 1, transactions::receipt)?;
    table.read("eth_sendRawTransaction", 1, submit::send_raw)?;
    table.wait("eth_sendRawTransactionSync", 2, submit::send_raw_sync)?;
    table.wait("eth_getLogs", 1, logs::get_logs)
}
