//! Searches for one transaction, by halving the range of blocks.

use std::sync::Arc;

use alloy_eips::eip7702::constants::EIP7702_DELEGATION_DESIGNATOR;
use alloy_primitives::{Address, B256};
use alloy_rpc_types_trace::parity::{Action, TraceOutput};
use aura_evm::trace::trace_block;
use aura_primitives::Account;
use serde_json::{json, value::RawValue};

use crate::{
    api::Api,
    errors::Fault,
    eth::by_nonce::{self, first_block},
    methods::Raw,
    params,
    trace::scene::{StoredBlock, limits},
};

/// `ots_getTransactionBySenderAndNonce(address, nonce)`: its hash.
pub(super) async fn by_sender_and_nonce(api: Arc<Api>, raw: Raw) -> Result<Option<B256>, Fault> {
    let (sender, nonce) = {
        let mut args = raw.args()?;
        let sender: Address = args.required("address", params::address)?;
        (sender, args.required("nonce", params::u64)?)
    };
    api.on_scans(move |api| {
        let found = by_nonce::mined(&api.reader()?, sender, nonce)?;
        Ok(found.map(|found| found.tx.hash()))
    })
    .await
}

/// `ots_getContractCreator(address)`: the transaction and who created it, `null` if it is no
/// contract or one of the genesis block.
pub(super) async fn contract_creator(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let address: Address = raw.args()?.required("address", params::address)?;
    api.on_traces(move |api| {
        let reader = api.reader()?;
        let has_code = |account: Option<Account>| account.is_some_and(|a| a.has_code());
        let Some(number) = first_block(&reader, address, has_code)? else {
            return Ok(None);
        };
        let Some(account) = reader.account_at(address, number)? else {
            return Ok(None);
        };
        let code = reader.code(account.code_hash)?.unwrap_or_default();
        if number == 0 || code.starts_with(&EIP7702_DELEGATION_DESIGNATOR) {
            return Ok(None);
        }
        let stored = StoredBlock::at(reader, number)?;
        let limits = limits(api, None);
        let traces = stored.trace(api, |scene| trace_block(scene, limits))?;
        let found = traces.into_iter().find_map(|trace| {
            let (Action::Create(action), Some(TraceOutput::Create(output))) =
                (&trace.trace.action, &trace.trace.result)
            else {
                return None;
            };
            let found = output.address == address && trace.trace.error.is_none();
            found.then(|| json!({"hash": trace.transaction_hash, "creator": action.from}))
        });
        Ok(found)
    })
    .await
}
