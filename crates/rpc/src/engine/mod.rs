//! The part of `engine_*` that moves heads: what a conformance suite, or a driver that derives
//! blocks elsewhere, needs of a node that already has them.
//!
//! It never takes a payload and never builds one.

mod forkchoice;

use jsonrpsee::core::RegisterMethodError;
use serde_json::{Value, json};

use crate::{
    api::Api,
    errors::Fault,
    methods::Table,
    params::{self, Args},
};

/// Methods that `engine_exchangeCapabilities` tells of; by the specification not itself.
const CAPABILITIES: [&str; 5] = [
    "engine_forkchoiceUpdatedV1",
    "engine_forkchoiceUpdatedV2",
    "engine_forkchoiceUpdatedV3",
    "engine_forkchoiceUpdatedV4",
    "engine_getClientVersionV1",
];
/// Commit that the binary was built from, if the build said so: eight hex digits.
const COMMIT: Option<&str> = option_env!("AURA_COMMIT");

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("engine_exchangeCapabilities", 1, exchange_capabilities)?;
    table.read("engine_getClientVersionV1", 1, client_version)?;
    table.wait("engine_forkchoiceUpdatedV1", 2, forkchoice::updated)?;
    table.wait("engine_forkchoiceUpdatedV2", 2, forkchoice::updated)?;
    table.wait("engine_forkchoiceUpdatedV3", 2, forkchoice::updated)?;
    table.wait("engine_forkchoiceUpdatedV4", 3, forkchoice::updated)
}

/// `engine_exchangeCapabilities(methods)`.
fn exchange_capabilities(_: &Api, mut args: Args<'_>) -> Result<Value, Fault> {
    let theirs = args.required("methods", params::list)?;
    for name in theirs {
        params::text(name).map_err(Fault::params)?;
    }
    Ok(json!(CAPABILITIES))
}

/// `engine_getClientVersionV1(version of the consensus client)`.
fn client_version(_: &Api, _: Args<'_>) -> Result<Value, Fault> {
    Ok(json!([{
        "code": "AU",
        "name": "aura",
        "version": concat!("v", env!("CARGO_PKG_VERSION")),
        "commit": format!("0x{:0>8.8}", COMMIT.unwrap_or_default()),
    }]))
}
