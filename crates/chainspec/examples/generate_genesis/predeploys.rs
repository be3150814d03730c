//! Aura's own contracts on L2, as their constructors make them at their addresses.

use std::{collections::BTreeMap, path::Path};

use alloy_evm::revm::{
    Context, ExecuteEvm, MainBuilder, MainContext,
    context::TxEnv,
    database::InMemoryDB,
    primitives::{TxKind, hardfork::SpecId},
    state::{AccountInfo, Bytecode},
};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, U256};
use aura_chainspec::BridgeSpec;
use aura_primitives::bridge::predeploys;
use serde::Deserialize;

/// Enough for each constructor.
const GAS_LIMIT: u64 = 16_000_000;

#[derive(Deserialize)]
struct Artifact {
    bytecode: Bytes,
}

/// All six, with the storage that a chain with this bridge starts with.
pub(crate) fn create(
    artifacts: &Path,
    chain_id: u64,
    bridge: &BridgeSpec,
    fee_recipient: Address,
) -> Result<BTreeMap<Address, GenesisAccount>, Box<dyn std::error::Error>> {
    let passer = BTreeMap::from(
        bridge
            .passer_storage()
            .map(|(slot, value)| (slot.into(), value)),
    );
    let vault = BTreeMap::from([(B256::ZERO, fee_recipient.into_word())]);
    let contracts = [
        ("AuraL1Block", predeploys::L1_BLOCK, BTreeMap::new()),
        ("AuraMessagePasser", predeploys::MESSAGE_PASSER, passer),
        ("AuraTokenBridge", predeploys::TOKEN_BRIDGE, BTreeMap::new()),
        ("AuraERC20", predeploys::ERC20, BTreeMap::new()),
        ("AuraFeeVault", predeploys::FEE_VAULT, vault),
        ("AuraConfig", predeploys::CONFIG, BTreeMap::new()),
    ];
    let mut accounts = BTreeMap::new();
    for (name, address, storage) in contracts {
        let path = artifacts.join(name).with_extension("json");
        let artifact: Artifact = serde_json::from_str(&std::fs::read_to_string(path)?)?;
        let mut account = construct(artifact.bytecode, address, chain_id)
            .map_err(|reason| format!("{name}: {reason}"))?;
        account.storage.get_or_insert_default().extend(storage);
        accounts.insert(address, account);
    }
    Ok(accounts)
}

/// Runs a constructor at the contract's address: the init code stands there as code, and what a call of it
/// returns is the contract's code. A creation would run it at another address.
fn construct(
    init_code: Bytes,
    address: Address,
    chain_id: u64,
) -> Result<GenesisAccount, Box<dyn std::error::Error>> {
    let mut database = InMemoryDB::default();
    database.insert_account_info(
        address,
        AccountInfo::default().with_code(Bytecode::new_raw(init_code)),
    );
    let mut evm = Context::mainnet()
        .with_db(database)
        .modify_cfg_chained(|cfg| {
            cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            cfg.chain_id = chain_id;
        })
        .build_mainnet();
    let outcome = evm.transact(TxEnv {
        kind: TxKind::Call(address),
        chain_id: Some(chain_id),
        gas_limit: GAS_LIMIT,
        ..TxEnv::default()
    })?;
    let code = outcome
        .result
        .output()
        .filter(|_| outcome.result.is_success());
    let Some(code) = code.filter(|code| !code.is_empty()) else {
        return Err(format!("not created: {:?}", outcome.result).into());
    };
    let storage = outcome.state.get(&address).map(|account| {
        let written = account.storage.iter();
        written
            .filter(|(_, slot)| !slot.present_value.is_zero())
            .map(|(slot, value)| (B256::from(*slot), B256::from(value.present_value)))
            .collect::<BTreeMap<_, _>>()
    });
    Ok(GenesisAccount {
        // As after a creation.
        nonce: Some(1),
        balance: U256::ZERO,
        code: Some(code.clone()),
        storage,
        private_key: None,
    })
}
