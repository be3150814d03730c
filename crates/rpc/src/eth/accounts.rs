//! Several values of the state at once.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U256};
use aura_storage::StorageError;
use serde::Serialize;
use serde_json::value::RawValue;

use super::state::view_at;
use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params::{self, Args},
    types::Quantity,
};

/// Slots of one `eth_getStorageValues`, as geth.
const MAX_SLOTS: usize = 1_024;

/// Values by account.
pub(crate) type StorageValues = BTreeMap<Address, Vec<B256>>;

/// The slots that are wanted of each account.
fn wanted(raw: &RawValue) -> Result<BTreeMap<Address, Vec<U256>>, String> {
    if !raw.get().starts_with('{') {
        return Err("want an object of lists by address".into());
    }
    let accounts: BTreeMap<Address, Vec<&RawValue>> = params::json(raw)?;
    let count: usize = accounts.values().map(Vec::len).sum();
    match count {
        0 => return Err("empty request".into()),
        1..=MAX_SLOTS => {}
        _ => return Err(format!("{count} slots, limit {MAX_SLOTS}")),
    }
    let accounts = accounts.into_iter().map(|(address, slots)| {
        let slots: Result<Vec<_>, String> = slots.into_iter().map(params::slot).collect();
        Ok((address, slots?))
    });
    accounts.collect()
}

/// `eth_getStorageValues({account: [slots]}, block)`.
pub(crate) async fn storage_values(api: Arc<Api>, raw: Raw) -> Result<StorageValues, Fault> {
    let (wanted, id) = {
        let mut args = raw.args()?;
        (args.required("requests", wanted)?, args.block()?)
    };
    api.on_scans(move |api| {
        let view = view_at(api, id)?;
        let values = wanted.into_iter().map(|(address, slots)| {
            let values = slots.into_iter().map(|slot| view.slot(address, slot));
            let values: Result<Vec<_>, StorageError> =
                values.map(|value| Ok(value?.into())).collect();
            Ok((address, values?))
        });
        values.collect()
    })
    .await
}

/// Everything about an account but its storage.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AccountInfo {
    balance: Quantity<U256>,
    nonce: Quantity<u64>,
    code: Bytes,
}

/// `eth_getAccountInfo(address, block)`: zeros if there is no such account.
pub(crate) fn account_info(api: &Api, mut args: Args<'_>) -> Result<AccountInfo, Fault> {
    let address = args.required("address", params::address)?;
    let view = view_at(api, args.block()?)?;
    let account = view.account(address)?.unwrap_or_default();
    let code = if account.has_code() {
        view.code(account.code_hash)?
            .ok_or(Fault::Inconsistent("code of an account is missing"))?
    } else {
        Bytes::new()
    };
    Ok(AccountInfo {
        balance: Quantity(account.balance),
        nonce: Quantity(account.nonce),
        code,
    })
}

/// An account as Ethereum's state tree holds it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TreeAccount {
    balance: Quantity<U256>,
    code_hash: B256,
    nonce: Quantity<u64>,
    storage_root: B256,
}

/// `eth_getAccount(address, block)`: `null` if there is no such account.
pub(crate) async fn account(api: Arc<Api>, raw: Raw) -> Result<Option<TreeAccount>, Fault> {
    let (address, id) = {
        let mut args = raw.args()?;
        (args.required("address", params::address)?, args.block()?)
    };
    api.on_scans(move |api| {
        let view = view_at(api, id)?;
        let proven = api.chain.account_proof(&view, address, &[])?;
        let proven = proven.ok_or_else(|| {
            Fault::Refused(
                "accounts of this chain have no storage root: ask for eth_getAccountInfo".into(),
            )
        })?;
        Ok(proven.account.map(|account| TreeAccount {
            balance: Quantity(account.balance),
            code_hash: account.code_hash,
            nonce: Quantity(account.nonce),
            storage_root: proven.storage_root,
        }))
    })
    .await
}
