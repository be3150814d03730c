//! From the text of a genesis file to its parts, with every field accounted for.
//!
//! alloy's types ignore fields that they do not know, and of two equal keys the last one wins. A
//! genesis file decides over money, so nothing in it is passed over in silence here: unknown fields
//! are collected, unknown forks and repeated keys are refused.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use alloy_genesis::{ChainConfig, Genesis};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{ChainSpecError, alloc::Alloc, section::AuraSection};

/// Fields beside `config`, `alloc` and `aura` that make the header of block 0.
const HEADER_FIELDS: [&str; 12] = [
    "nonce",
    "timestamp",
    "extraData",
    "gasLimit",
    "difficulty",
    "mixHash",
    "coinbase",
    "baseFeePerGas",
    "excessBlobGas",
    "blobGasUsed",
    "number",
    "parentHash",
];

/// Fields of `config` that have a meaning. `ethash` is the customary name of the
/// engine before the merge and stands in nearly every file.
const CONFIG_FIELDS: [&str; 29] = [
    "chainId",
    "homesteadBlock",
    "daoForkBlock",
    "daoForkSupport",
    "eip150Block",
    "eip155Block",
    "eip158Block",
    "byzantiumBlock",
    "constantinopleBlock",
    "petersburgBlock",
    "istanbulBlock",
    "muirGlacierBlock",
    "berlinBlock",
    "londonBlock",
    "arrowGlacierBlock",
    "grayGlacierBlock",
    "mergeNetsplitBlock",
    "shanghaiTime",
    "cancunTime",
    "pragueTime",
    "osakaTime",
    "bpo1Time",
    "bpo2Time",
    "bpo3Time",
    "bpo4Time",
    "bpo5Time",
    "terminalTotalDifficulty",
    "terminalTotalDifficultyPassed",
    "ethash",
];

/// Fields of `config` that hold a structure or an address.
const CONFIG_STRUCTURES: [&str; 2] = ["depositContractAddress", "blobSchedule"];

/// Entries of `config.blobSchedule` that belong to a fork we run.
const BLOB_SCHEDULE: [&str; 8] = [
    "cancun", "prague", "osaka", "bpo1", "bpo2", "bpo3", "bpo4", "bpo5",
];

/// The parts of a genesis file.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) genesis: Genesis,
    /// Absent from the file of an Ethereum chain.
    pub(crate) section: Option<AuraSection>,
    /// Paths of the fields that mean nothing to us, sorted.
    pub(crate) unknown_fields: Vec<String>,
}

/// Reads a genesis file.
pub(crate) fn parse(json: &str) -> Result<Parsed, ChainSpecError> {
    let mut top: Members<'_> = serde_json::from_str(json).map_err(ChainSpecError::Json)?;
    let section = top
        .remove("aura")
        .map(|aura| serde_json::from_str(aura.get()))
        .transpose()
        .map_err(|error| ChainSpecError::InvalidAuraSection(reason(&error)))?;
    let config = top
        .remove("config")
        .ok_or(ChainSpecError::MissingField("config"))?;
    let alloc = top
        .remove("alloc")
        .ok_or(ChainSpecError::MissingField("alloc"))?;
    if !top.0.contains_key("gasLimit") {
        return Err(ChainSpecError::MissingField("gasLimit"));
    }

    let mut unknown_fields = Vec::new();
    let known = |key: &str| HEADER_FIELDS.contains(&key);
    let header_fields = top.split(known, |key| unknown_fields.push(key.to_owned()));
    let mut genesis: Genesis = header_fields.deserialize("")?;
    genesis.config = parse_config(config, &mut unknown_fields)?;
    let alloc: Alloc = field("alloc", alloc)?;
    genesis.alloc = alloc.accounts;
    unknown_fields.extend(
        alloc
            .ignored
            .into_iter()
            .map(|name| format!("alloc.*.{name}")),
    );
    unknown_fields.sort();
    Ok(Parsed {
        genesis,
        section,
        unknown_fields,
    })
}

/// Reads `config`; refuses forks that we cannot run.
fn parse_config(
    raw: &RawValue,
    unknown_fields: &mut Vec<String>,
) -> Result<ChainConfig, ChainSpecError> {
    let mut members: Members<'_> = field("config", raw)?;
    // Every chain starts with Frontier, and some files say so.
    if members
        .0
        .get("frontierBlock")
        .is_some_and(|block| block.get() == "0")
    {
        members.remove("frontierBlock");
    }
    if !members.0.contains_key("chainId") {
        return Err(ChainSpecError::MissingField("config.chainId"));
    }
    let known = |key: &str| CONFIG_FIELDS.contains(&key) || CONFIG_STRUCTURES.contains(&key);
    if let Some((key, _)) = members
        .0
        .iter()
        .find(|(key, value)| !known(key) && names_a_fork(key) && is_number(value))
    {
        return Err(ChainSpecError::UnsupportedFork(key.clone()));
    }
    if let Some(schedule) = members.0.get("blobSchedule") {
        let entries: Members<'_> = field("config.blobSchedule", schedule)?;
        let foreign = entries
            .0
            .into_keys()
            .filter(|key| !BLOB_SCHEDULE.contains(&key.as_str()));
        unknown_fields.extend(foreign.map(|key| format!("config.blobSchedule.{key}")));
    }
    let members = members.split(known, |key| unknown_fields.push(format!("config.{key}")));
    members.deserialize("config.")
}

/// Every fork so far has a key that ends in `Block` or `Time`. A wrong spelling counts too: a fork
/// that the author wanted and that never comes is worse than a refused file.
fn names_a_fork(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.ends_with("time") || key.ends_with("block")
}

/// Returns `true` for a JSON number or a string that holds one.
fn is_number(value: &RawValue) -> bool {
    let text = value.get().trim_matches('"');
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hex {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => text.parse::<f64>().is_ok(),
    }
}

/// Deserializes one field and names it in the error.
fn field<'a, T: Deserialize<'a>>(name: &str, raw: &'a RawValue) -> Result<T, ChainSpecError> {
    serde_json::from_str(raw.get()).map_err(|error| ChainSpecError::InvalidField {
        field: name.to_owned(),
        reason: reason(&error),
    })
}

/// Text of an error without the position, which counts from the start of a part of the file.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.find(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Members of a JSON object, not yet parsed.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    fn remove(&mut self, key: &str) -> Option<&'a RawValue> {
        self.0.remove(key)
    }

    /// Keeps the members that are known and reports the others.
    fn split(self, known: impl Fn(&str) -> bool, mut unknown: impl FnMut(&str)) -> Self {
        let mut members = self.0;
        members.retain(|key, _| {
            let keep = known(key);
            if !keep {
                unknown(key);
            }
            keep
        });
        Self(members)
    }

    /// Deserializes the object. On failure, finds the member to blame by reading each one alone:
    /// serde does not name it. All members must be optional to `T`.
    fn deserialize<T: DeserializeOwned>(&self, prefix: &str) -> Result<T, ChainSpecError> {
        let error = match from_members(self.0.iter()) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let blame = self.0.iter().find_map(|member| {
            let error = from_members::<T>(std::iter::once(member)).err()?;
            Some((member.0.as_str(), error))
        });
        let (key, error) = blame.unwrap_or(("", error));
        Err(ChainSpecError::InvalidField {
            field: format!("{prefix}{key}"),
            reason: reason(&error),
        })
    }
}

fn from_members<'m, 'a: 'm, T: DeserializeOwned>(
    members: impl Iterator<Item = (&'m String, &'m &'a RawValue)>,
) -> Result<T, serde_json::Error> {
    let object: serde_json::Map<String, serde_json::Value> = members
        .map(|(key, raw)| Ok((key.clone(), serde_json::from_str(raw.get())?)))
        .collect::<Result<_, serde_json::Error>>()?;
    T::deserialize(serde_json::Value::Object(object))
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for MembersVisitor<'a> {
            type Value = Members<'a>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if members.contains_key(&key) {
                        return Err(A::Error::custom(format_args!("field `{key}` is repeated")));
                    }
                    members.insert(key, value);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}
