//! Which contracts on L1 a chain belongs to, and what its genesis has for them.

use std::collections::BTreeMap;

use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, U256, keccak256};
use aura_primitives::bridge::{WITHDRAWAL_TREE_DEPTH, predeploys, predeploys::passer_slots};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

use crate::{ChainSpec, ChainSpecError};

/// Lowest gas limit of a block: that of the contracts (`Parameters.MIN_GAS_LIMIT`), above what any entry
/// of the queue may need.
pub(crate) const MIN_BRIDGED_GAS_LIMIT: u64 = 10_000_000;

/// Contracts that a chain with a bridge has in its genesis.
const PREDEPLOYS: [(&str, Address); 6] = [
    ("AuraL1Block", predeploys::L1_BLOCK),
    ("AuraMessagePasser", predeploys::MESSAGE_PASSER),
    ("AuraTokenBridge", predeploys::TOKEN_BRIDGE),
    ("AuraERC20", predeploys::ERC20),
    ("AuraFeeVault", predeploys::FEE_VAULT),
    ("AuraConfig", predeploys::CONFIG),
];

/// The L1 side of a chain's bridge: the genesis's section `aura.bridge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BridgeSpec {
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// The portal: escrow and queue.
    pub portal: Address,
    /// The rollup: batches and roots.
    pub rollup: Address,
}

impl BridgeSpec {
    /// Slots that the genesis of this chain has in `AuraMessagePasser`.
    pub fn passer_storage(&self) -> [(U256, B256); 3] {
        [
            (passer_slots::ROOT, empty_withdrawal_root()),
            (
                passer_slots::L1_CHAIN_ID,
                U256::from(self.l1_chain_id).into(),
            ),
            (passer_slots::PORTAL, self.portal.into_word()),
        ]
    }
}

/// Root of a withdrawal tree without leaves.
pub(crate) fn empty_withdrawal_root() -> B256 {
    (0..WITHDRAWAL_TREE_DEPTH).fold(B256::ZERO, |node, _| keccak256([node.0, node.0].concat()))
}

/// The same genesis for a chain whose contracts on L1 are `bridge`'s: sets the section `aura.bridge` and the
/// slots of `AuraMessagePasser` that depend on it. What was there of both before is replaced.
///
/// # Errors
/// Any [`ChainSpecError`], of the given text or of what comes out.
pub fn with_bridge(genesis_json: &str, bridge: &BridgeSpec) -> Result<String, ChainSpecError> {
    // Parts that stay the same are copied as text: a number of any size and all else stays as it is written.
    let mut top: BTreeMap<String, &RawValue> = parse(genesis_json)?;
    let aura = top
        .remove("aura")
        .ok_or(ChainSpecError::MissingField("aura"))?;
    let alloc = top
        .remove("alloc")
        .ok_or(ChainSpecError::MissingField("alloc"))?;
    let mut aura: Map<String, Value> = parse(aura.get())?;
    aura.insert(
        "bridge".to_owned(),
        serde_json::to_value(bridge).map_err(ChainSpecError::Json)?,
    );
    let mut accounts: BTreeMap<Address, &RawValue> = parse(alloc.get())?;
    let passer = accounts
        .get(&predeploys::MESSAGE_PASSER)
        .ok_or(ChainSpecError::BridgePredeploy("AuraMessagePasser"))?;
    let passer = raw(&passer_account(passer, bridge)?)?;
    accounts.insert(predeploys::MESSAGE_PASSER, &passer);
    let (aura, alloc) = (raw(&aura)?, raw(&accounts)?);
    top.insert("aura".to_owned(), &aura);
    top.insert("alloc".to_owned(), &alloc);
    let json = serde_json::to_string_pretty(&top).map_err(ChainSpecError::Json)?;
    ChainSpec::from_genesis_json(&json)?;
    Ok(json)
}

fn passer_account(
    account: &RawValue,
    bridge: &BridgeSpec,
) -> Result<Map<String, Value>, ChainSpecError> {
    let mut account: Map<String, Value> = parse(account.get())?;
    let storage = account
        .remove("storage")
        .unwrap_or_else(|| Value::Object(Map::new()));
    let mut storage: BTreeMap<U256, Value> =
        serde_json::from_value(storage).map_err(|error| ChainSpecError::InvalidField {
            field: format!("alloc.{}.storage", predeploys::MESSAGE_PASSER),
            reason: error.to_string(),
        })?;
    for (slot, value) in bridge.passer_storage() {
        storage.insert(slot, Value::String(value.to_string()));
    }
    let words = storage
        .into_iter()
        .map(|(slot, value)| (B256::from(slot).to_string(), value))
        .collect();
    account.insert("storage".to_owned(), Value::Object(words));
    Ok(account)
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ChainSpecError> {
    serde_json::from_str(json).map_err(ChainSpecError::Json)
}

fn raw<T: Serialize>(value: &T) -> Result<Box<RawValue>, ChainSpecError> {
    serde_json::value::to_raw_value(value).map_err(ChainSpecError::Json)
}

fn slot(account: &GenesisAccount, slot: U256) -> B256 {
    let storage = account.storage.as_ref();
    let value = storage.and_then(|storage| storage.get(&B256::from(slot)));
    value.copied().unwrap_or_default()
}

/// Refuses a genesis whose contracts on L2 are not there, or belong to others on L1.
pub(crate) fn check(genesis: &Genesis, bridge: &BridgeSpec) -> Result<(), ChainSpecError> {
    let refuse = |field, reason| Err(ChainSpecError::Bridge { field, reason });
    if bridge.l1_chain_id == 0 {
        return refuse("l1ChainId", "is zero");
    }
    if bridge.l1_chain_id == genesis.config.chain_id {
        return refuse("l1ChainId", "is that of this chain");
    }
    if bridge.portal.is_zero() {
        return refuse("portal", "is zero");
    }
    if bridge.rollup.is_zero() || bridge.rollup == bridge.portal {
        return refuse("rollup", "is zero, or the portal");
    }
    if genesis.gas_limit < MIN_BRIDGED_GAS_LIMIT {
        return Err(ChainSpecError::BridgedGasLimit(genesis.gas_limit));
    }
    if genesis.alloc.is_empty() {
        // The rules of a chain whose state is in a database.
        return Ok(());
    }
    for (name, address) in PREDEPLOYS {
        let account = genesis.alloc.get(&address);
        if account.and_then(GenesisAccount::non_empty_code).is_none() {
            return Err(ChainSpecError::BridgePredeploy(name));
        }
    }
    let passer = &genesis.alloc[&predeploys::MESSAGE_PASSER];
    let empty = (0..=WITHDRAWAL_TREE_DEPTH).map(|index| (U256::from(index), B256::ZERO));
    for (number, expected) in empty.chain(bridge.passer_storage()) {
        let found = slot(passer, number);
        if found != expected {
            return Err(ChainSpecError::PasserSlot {
                slot: number.to(),
                expected,
                found,
            });
        }
    }
    Ok(())
}
