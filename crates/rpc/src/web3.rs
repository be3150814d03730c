//! `web3_*`.

use alloy_primitives::{B256, keccak256};

use jsonrpsee::core::RegisterMethodError;

use crate::{
    api::Api,
    errors::Fault,
    methods::Table,
    params::{self, Args},
};

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("web3_clientVersion", 0, client_version)?;
    table.read("web3_sha3", 1, sha3)
}

/// `web3_clientVersion`.
pub(crate) fn client_version(api: &Api, _: Args<'_>) -> Result<String, Fault> {
    Ok(api.client_version.clone())
}

/// `web3_sha3`: keccak256 of the bytes.
pub(crate) fn sha3(_: &Api, mut args: Args<'_>) -> Result<B256, Fault> {
    Ok(keccak256(args.required("data", params::bytes)?))
}
