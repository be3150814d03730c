//! The accounts of a genesis file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};

/// Accounts by address, read in one pass over what may be hundreds of megabytes.
#[derive(Debug)]
pub(crate) struct Alloc {
    pub(crate) accounts: BTreeMap<Address, GenesisAccount>,
    /// Names of fields that other clients write into accounts and that have no effect.
    pub(crate) ignored: BTreeSet<&'static str>,
}

/// An account as written; fields that could change the state unknown to us are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AccountRecord {
    balance: U256,
    #[serde(default, with = "alloy_serde::quantity::opt")]
    nonce: Option<u64>,
    code: Option<Bytes>,
    storage: Option<Storage>,
    /// geth's and Besu's names for the key of a test account, and Besu's comment.
    secret_key: Option<IgnoredAny>,
    private_key: Option<IgnoredAny>,
    comment: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for Alloc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllocVisitor;

        impl<'de> Visitor<'de> for AllocVisitor {
            type Value = Alloc;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of accounts by address")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Alloc, A::Error> {
                let mut alloc = Alloc {
                    accounts: BTreeMap::new(),
                    ignored: BTreeSet::new(),
                };
                while let Some(address) = map.next_key::<Address>()? {
                    let in_account = |reason: &dyn fmt::Display| {
                        A::Error::custom(format_args!("account {address}: {reason}"))
                    };
                    let record: AccountRecord =
                        map.next_value().map_err(|error| in_account(&error))?;
                    let account = alloc.account(record);
                    if alloc.accounts.insert(address, account).is_some() {
                        return Err(in_account(&"is repeated"));
                    }
                }
                Ok(alloc)
            }
        }

        deserializer.deserialize_map(AllocVisitor)
    }
}

impl Alloc {
    fn account(&mut self, record: AccountRecord) -> GenesisAccount {
        let fields = [
            ("secretKey", record.secret_key.is_some()),
            ("privateKey", record.private_key.is_some()),
            ("comment", record.comment.is_some()),
        ];
        self.ignored
            .extend(fields.iter().filter(|(_, set)| *set).map(|(name, _)| *name));
        GenesisAccount {
            balance: record.balance,
            nonce: record.nonce,
            code: record.code,
            storage: record.storage.map(|storage| storage.0),
            ..GenesisAccount::default()
        }
    }
}

/// Slots of an account; keys and values may be shorter than 32 bytes.
struct Storage(BTreeMap<B256, B256>);

impl<'de> Deserialize<'de> for Storage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StorageVisitor;

        impl<'de> Visitor<'de> for StorageVisitor {
            type Value = Storage;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of values by slot")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Storage, A::Error> {
                let mut slots = BTreeMap::new();
                while let Some((slot, value)) = map.next_entry::<Bytes, Bytes>()? {
                    let (slot, value) = (word::<A::Error>(&slot)?, word::<A::Error>(&value)?);
                    if slots.insert(slot, value).is_some() {
                        return Err(A::Error::custom(format_args!("slot {slot} is repeated")));
                    }
                }
                Ok(Storage(slots))
            }
        }

        deserializer.deserialize_map(StorageVisitor)
    }
}

fn word<E: serde::de::Error>(bytes: &Bytes) -> Result<B256, E> {
    if bytes.len() > 32 {
        return Err(E::custom(format_args!(
            "{bytes} has {} bytes, at most 32 fit a slot",
            bytes.len()
        )));
    }
    Ok(B256::left_padding_from(bytes))
}
