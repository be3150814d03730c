//! `hardhat_*`: the one question of Hardhat that decides how it waits.

use jsonrpsee::core::RegisterMethodError;

use crate::{api::Api, errors::Fault, methods::Table, params::Args};

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("hardhat_getAutomine", 0, automine)
}

/// `hardhat_getAutomine`: whether every transaction is mined at once, and nothing else makes blocks.
///
/// Hardhat Ignition waits for five confirmations otherwise, which then never come.
fn automine(api: &Api, _: Args<'_>) -> Result<bool, Fault> {
    Ok(api.automine)
}
