//! Genesis JSON from its inputs; shared by the example and the test that compares the committed file.

use std::{collections::BTreeMap, path::Path};

use alloy_eips::{eip2935, eip4788, eip7840::BlobParams};
use alloy_genesis::{ChainConfig, Genesis, GenesisAccount};
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_signer_local::MnemonicBuilder;
use aura_chainspec::{BridgeSpec, ChainSpec, FeeParams};
use serde::{Deserialize, Serialize};

use crate::{predeploys, preinstalls};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inputs {
    chain_id: u64,
    fork: String,
    gas_limit: u64,
    timestamp: u64,
    initial_base_fee_wei: u64,
    system_contracts: Vec<String>,
    preinstalls: bool,
    aura: AuraInputs,
    accounts: AccountInputs,
    bridge: Option<BridgeInputs>,
}

/// Indices are of the mnemonic's accounts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BridgeInputs {
    l1_chain_id: u64,
    deployer: u32,
    fee_recipient: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuraInputs {
    commitment: String,
    elasticity: u64,
    denominator: u64,
    min_base_fee_wei: u64,
    fee_vault: Address,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountInputs {
    mnemonic: String,
    count: u32,
    balance_ether: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    config: ChainConfig,
    aura: AuraOutput,
    nonce: U64,
    timestamp: U64,
    extra_data: Bytes,
    gas_limit: U64,
    difficulty: U256,
    mix_hash: B256,
    coinbase: Address,
    base_fee_per_gas: U64,
    alloc: BTreeMap<Address, AccountOutput>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuraOutput {
    commitment: String,
    elasticity: u64,
    denominator: u64,
    min_base_fee: U64,
    fee_vault: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<BridgeSpec>,
}

#[derive(Serialize)]
struct AccountOutput {
    balance: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Bytes>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    storage: BTreeMap<B256, B256>,
}

impl From<GenesisAccount> for AccountOutput {
    fn from(account: GenesisAccount) -> Self {
        Self {
            balance: account.balance,
            nonce: account.nonce.map(U64::from),
            code: account.code,
            storage: account.storage.unwrap_or_default(),
        }
    }
}

/// Makes the text of a genesis file from the text of its inputs and of `preinstalls.json`, and from the
/// directory of the compiled contracts.
pub(crate) fn generate(
    inputs: &str,
    list: &str,
    artifacts: &Path,
) -> Result<String, Box<dyn std::error::Error>> {
    let inputs: Inputs = toml::from_str(inputs)?;
    let mut alloc = BTreeMap::new();
    let mut bridge = None;
    if let Some(wanted) = &inputs.bridge {
        let spec = bridge_spec(wanted, &inputs.accounts)?;
        let recipient = address(&inputs.accounts, wanted.fee_recipient)?;
        let contracts = predeploys::create(artifacts, inputs.chain_id, &spec, recipient)?;
        alloc.extend(
            contracts
                .into_iter()
                .map(|(at, account)| (at, account.into())),
        );
        bridge = Some(spec);
    }
    if inputs.preinstalls {
        let contracts = preinstalls::create(&preinstalls::read(list)?, inputs.chain_id)?;
        alloc.extend(
            contracts
                .into_iter()
                .map(|(address, account)| (address, account.into())),
        );
    }
    for name in &inputs.system_contracts {
        let (address, account) = system_contract(name)?;
        alloc.insert(address, account);
    }
    for index in 0..inputs.accounts.count {
        let account = AccountOutput {
            balance: U256::from(inputs.accounts.balance_ether) * U256::from(10u64.pow(18)),
            nonce: None,
            code: None,
            storage: BTreeMap::new(),
        };
        alloc.insert(address(&inputs.accounts, index)?, account);
    }
    let output = Output {
        config: config(&inputs)?,
        nonce: U64::ZERO,
        timestamp: U64::from(inputs.timestamp),
        extra_data: Bytes::new(),
        gas_limit: U64::from(inputs.gas_limit),
        difficulty: U256::ZERO,
        mix_hash: B256::ZERO,
        // The coinbase of every block is the fee vault.
        coinbase: inputs.aura.fee_vault,
        base_fee_per_gas: U64::from(inputs.initial_base_fee_wei),
        aura: AuraOutput {
            commitment: inputs.aura.commitment,
            elasticity: inputs.aura.elasticity,
            denominator: inputs.aura.denominator,
            min_base_fee: U64::from(inputs.aura.min_base_fee_wei),
            fee_vault: inputs.aura.fee_vault,
            bridge,
        },
        alloc,
    };
    Ok(serde_json::to_string_pretty(&output)? + "\n")
}

/// An account of the mnemonic.
fn address(accounts: &AccountInputs, index: u32) -> Result<Address, Box<dyn std::error::Error>> {
    let signer = MnemonicBuilder::english()
        .phrase(accounts.mnemonic.as_str())
        .index(index)?
        .build()?;
    Ok(signer.address())
}

/// The proxies are the deployer's third and fourth creation.
fn bridge_spec(
    wanted: &BridgeInputs,
    accounts: &AccountInputs,
) -> Result<BridgeSpec, Box<dyn std::error::Error>> {
    let deployer = address(accounts, wanted.deployer)?;
    Ok(BridgeSpec {
        l1_chain_id: wanted.l1_chain_id,
        rollup: deployer.create(2),
        portal: deployer.create(3),
    })
}

fn config(inputs: &Inputs) -> Result<ChainConfig, Box<dyn std::error::Error>> {
    let genesis = Genesis {
        config: ChainConfig {
            chain_id: inputs.chain_id,
            blob_schedule: BTreeMap::from([
                ("cancun".to_owned(), BlobParams::cancun()),
                ("prague".to_owned(), BlobParams::prague()),
                ("osaka".to_owned(), BlobParams::osaka()),
            ]),
            ..ChainConfig::default()
        },
        ..Genesis::default()
    };
    let fork: EthereumHardfork = inputs.fork.parse()?;
    let spec = ChainSpec::at_fork(fork, genesis, FeeParams::default());
    Ok(spec.genesis().config.clone())
}

fn system_contract(name: &str) -> Result<(Address, AccountOutput), String> {
    let (address, code) = match name {
        "eip2935" => (
            eip2935::HISTORY_STORAGE_ADDRESS,
            eip2935::HISTORY_STORAGE_CODE.clone(),
        ),
        "eip4788" => (
            eip4788::BEACON_ROOTS_ADDRESS,
            eip4788::BEACON_ROOTS_CODE.clone(),
        ),
        _ => return Err(format!("unknown system contract {name:?}")),
    };
    let account = AccountOutput {
        balance: U256::ZERO,
        nonce: Some(U64::from(1)),
        code: Some(code),
        storage: BTreeMap::new(),
    };
    Ok((address, account))
}
