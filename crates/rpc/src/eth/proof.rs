//! `eth_getProof` (EIP-1186), on chains that commit to their state as Ethereum does.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use aura_chain::AccountProof;
use jsonrpsee::core::RegisterMethodError;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::state::view_at;
use crate::{
    api::Api,
    errors::Fault,
    methods::{Raw, Table},
    params,
    types::Quantity,
};

/// Length of a storage key in full, as text.
const FULL_KEY_DIGITS: usize = "0x".len() + 64;

pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.wait("eth_getProof", 3, proof)
}

/// A storage key, which is answered in the form in which it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StorageKey {
    Short(U256),
    Full(U256),
}

impl StorageKey {
    fn parse(raw: &RawValue) -> Result<Self, String> {
        let slot = params::slot(raw)?;
        let is_full = params::text(raw)?.len() == FULL_KEY_DIGITS;
        Ok(if is_full {
            Self::Full(slot)
        } else {
            Self::Short(slot)
        })
    }

    const fn slot(self) -> U256 {
        match self {
            Self::Short(slot) | Self::Full(slot) => slot,
        }
    }
}

impl Serialize for StorageKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Short(slot) => Quantity(*slot).serialize(serializer),
            Self::Full(slot) => B256::from(*slot).serialize(serializer),
        }
    }
}

/// One slot of the answer.
#[derive(Debug, Clone, Serialize)]
struct StorageProof {
    key: StorageKey,
    value: Quantity<U256>,
    proof: Vec<Bytes>,
}

/// The answer. An account that does not exist has zero hashes, as geth answers.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Proof {
    address: Address,
    account_proof: Vec<Bytes>,
    balance: Quantity<U256>,
    code_hash: B256,
    nonce: Quantity<u64>,
    storage_hash: B256,
    storage_proof: Vec<StorageProof>,
}

impl Proof {
    fn new(proven: AccountProof, keys: Vec<StorageKey>) -> Self {
        let exists = proven.account.is_some();
        let account = proven.account.unwrap_or_default();
        let hash = |hash| if exists { hash } else { B256::ZERO };
        let slots = keys.into_iter().zip(proven.slots);
        Self {
            address: proven.address,
            account_proof: proven.proof,
            balance: Quantity(account.balance),
            code_hash: hash(account.code_hash),
            nonce: Quantity(account.nonce),
            storage_hash: hash(proven.storage_root),
            storage_proof: slots
                .map(|(key, slot)| StorageProof {
                    key,
                    value: Quantity(slot.word),
                    proof: slot.proof,
                })
                .collect(),
        }
    }
}

/// `eth_getProof(address, storageKeys, block)`.
pub(crate) async fn proof(api: Arc<Api>, raw: Raw) -> Result<Proof, Fault> {
    let (address, keys, id) = {
        let mut args = raw.args()?;
        let address = args.required("address", params::address)?;
        let keys = args.required("storage keys", params::list)?;
        let max = api.config.max_proof_keys;
        if keys.len() > max {
            return Err(Fault::Limit(format!(
                "{} storage keys, at most {max} in one call",
                keys.len()
            )));
        }
        let keys = keys.into_iter().map(StorageKey::parse);
        let keys = keys.collect::<Result<Vec<_>, _>>().map_err(|problem| {
            Fault::params(format!("invalid argument 1 (storage keys): {problem}"))
        })?;
        (address, keys, args.block()?)
    };
    api.on_scans(move |api| {
        let view = view_at(api, id)?;
        let slots: Vec<U256> = keys.iter().map(|key| key.slot()).collect();
        match api.chain.account_proof(&view, address, &slots)? {
            Some(proven) => Ok(Proof::new(proven, keys)),
            None => Err(Fault::Refused(
                "this chain commits to its state by a sparse Merkle tree: ask for aura_getProof"
                    .to_owned(),
            )),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<StorageKey, String> {
        let json = format!("\"{text}\"");
        StorageKey::parse(&RawValue::from_string(json).unwrap())
    }

    #[test]
    fn a_storage_key_comes_back_as_it_was_asked() {
        let full = format!("0x{:064x}", 5);
        for text in ["0x0", "0x5", full.as_str()] {
            let shown = serde_json::to_string(&key(text).unwrap()).unwrap();
            assert_eq!(shown, format!("\"{text}\""));
        }
        assert_eq!(key("0x").unwrap(), StorageKey::Short(U256::ZERO));
        assert_eq!(key("0x05").unwrap(), StorageKey::Short(U256::from(5)));
        assert!(key("5").is_err());
        assert!(key(&format!("0x0{:064x}", 5)).is_err());
    }
}
