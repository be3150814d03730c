//! `net_*` and `rpc_modules`.

use std::collections::BTreeMap;

use jsonrpsee::core::RegisterMethodError;

use crate::{api::Api, errors::Fault, methods::Table, params::Args, types::Quantity};

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("net_version", 0, version)?;
    table.read("net_listening", 0, listening)?;
    table.read("net_peerCount", 0, peer_count)?;
    table.read("rpc_modules", 0, modules)
}

/// `net_version`: the chain id in decimal.
pub(crate) fn version(api: &Api, _: Args<'_>) -> Result<String, Fault> {
    Ok(api.spec().chain_id().to_string())
}

/// `net_listening`: the node takes requests.
pub(crate) fn listening(_: &Api, _: Args<'_>) -> Result<bool, Fault> {
    Ok(true)
}

/// `net_peerCount`: there is no peer-to-peer network, hence no peers.
pub(crate) fn peer_count(_: &Api, _: Args<'_>) -> Result<Quantity<u64>, Fault> {
    Ok(Quantity(0))
}

/// `rpc_modules`: namespaces with their versions.
pub(crate) fn modules(_: &Api, _: Args<'_>) -> Result<BTreeMap<&'static str, &'static str>, Fault> {
    Ok([
        "aura", "debug", "eth", "hardhat", "net", "ots", "rpc", "trace", "txpool", "web3",
    ]
    .into_iter()
    .map(|name| (name, "1.0"))
    .collect())
}
