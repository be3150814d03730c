//! `web3_*`.

use alloy_primitives::{B256, keccak256};

use crate::{
    api::Api,
    errors::Fault,
    params::{self, Args},
};

/// `web3_clientVersion`.
pub(crate) fn client_version(api: &Api, _: Args<'_>) -> Result<String, Fault> {
    Ok(api.client_version.clone())
}

/// `web3_sha3`: keccak256 of the bytes.
pub(crate) fn sha3(_: &Api, mut args: Args<'_>) -> Result<B256, Fault> {
    Ok(keccak256(args.required("data", params::bytes)?))
}
