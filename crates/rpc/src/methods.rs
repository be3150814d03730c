//! The table of methods.

use std::{future::Future, sync::Arc};

use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use serde::Serialize;

use crate::{
    api::Api,
    aura,
    errors::Fault,
    eth::{blocks, calls, fees, logs, state, submit, subscriptions, transactions},
    net,
    params::Args,
    web3,
};

/// Registers methods in jsonrpsee's table, with our own parameters and errors.
pub(crate) struct Table {
    module: RpcModule<Api>,
}

impl Table {
    /// A method that answers on the connection's own thread: a few µs of reading.
    fn read<T>(
        &mut self,
        name: &'static str,
        max_args: usize,
        method: fn(&Api, Args<'_>) -> Result<T, Fault>,
    ) -> Result<(), RegisterMethodError>
    where
        T: Serialize + Clone + 'static,
    {
        self.module
            .register_method(name, move |params, api, _| {
                Args::parse(params.as_str(), max_args)
                    .and_then(|args| method(api, args))
                    .map_err(|fault| api.error(fault))
            })
            .map(|_| ())
    }

    /// A method that waits, or works on a thread of a bounded pool.
    fn wait<T, F>(
        &mut self,
        name: &'static str,
        max_args: usize,
        method: fn(Arc<Api>, Raw) -> F,
    ) -> Result<(), RegisterMethodError>
    where
        T: Serialize + Clone + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        self.module
            .register_async_method(name, move |params, api, _| async move {
                method(api.clone(), Raw { params, max_args })
                    .await
                    .map_err(|fault| api.error(fault))
            })
            .map(|_| ())
    }
}

/// Parameters of a method that waits.
#[derive(Debug)]
pub(crate) struct Raw {
    params: Params<'static>,
    max_args: usize,
}

impl Raw {
    pub(crate) fn args(&self) -> Result<Args<'_>, Fault> {
        Args::parse(self.params.as_str(), self.max_args)
    }
}

/// Every method that the node has.
pub(crate) fn table(api: Arc<Api>) -> Result<RpcModule<Api>, RegisterMethodError> {
    let mut table = Table {
        module: RpcModule::from_arc(api),
    };
    chain_methods(&mut table)?;
    block_methods(&mut table)?;
    transaction_methods(&mut table)?;
    other_methods(&mut table)?;
    subscriptions::register(&mut table.module)?;
    Ok(table.module)
}

fn chain_methods(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_chainId", 0, state::chain_id)?;
    table.read("eth_blockNumber", 0, state::block_number)?;
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
    table.wait("eth_createAccessList", 3, calls::create_access_list)
}

fn block_methods(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.wait("eth_getBlockByNumber", 2, blocks::by_number)?;
    table.wait("eth_getBlockByHash", 2, blocks::by_hash)?;
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
    table.read("eth_getTransactionReceipt", 1, transactions::receipt)?;
    table.read("eth_sendRawTransaction", 1, submit::send_raw)?;
    table.wait("eth_sendRawTransactionSync", 2, submit::send_raw_sync)?;
    table.wait("eth_getLogs", 1, logs::get_logs)
}

fn other_methods(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("net_version", 0, net::version)?;
    table.read("net_listening", 0, net::listening)?;
    table.read("net_peerCount", 0, net::peer_count)?;
    table.read("web3_clientVersion", 0, web3::client_version)?;
    table.read("web3_sha3", 1, web3::sha3)?;
    table.read("rpc_modules", 0, net::modules)?;
    table.read("aura_stateRoot", 1, aura::state_root)?;
    table.wait("aura_getProof", 3, aura::proof)?;
    table.read("aura_transactionStatus", 1, aura::transaction_status)
}
