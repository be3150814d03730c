//! Forks and what follows from them.

use alloy_genesis::{Genesis, GenesisAccount};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks};
use alloy_primitives::{Address, B256, U256};
use aura_chainspec::{ChainSpec, FeeParams};
use serde_json::{Value, json};

use crate::{read, refused, with};

#[test]
fn refuses_forks_it_cannot_run_by_name() {
    for key in [
        "amsterdamTime",
        "bogotaTime",
        "verkleTime",
        "fooBlock",
        "praguetime",
    ] {
        for value in [
            json!(0),
            json!(u64::MAX),
            json!("0x5"),
            json!("12"),
            json!(1.5),
        ] {
            refused(
                &with(&format!("config.{key}"), value),
                &[&format!("`config.{key}`")],
            );
        }
        // Not scheduled.
        assert!(
            read(&with(&format!("config.{key}"), Value::Null)).is_ok(),
            "{key}"
        );
    }
}

#[test]
fn refuses_chains_that_start_before_cancun() {
    refused(
        &with("config.cancunTime", json!(1)),
        &["cancunTime", "genesis"],
    );
    refused(
        &with("config.cancunTime", Value::Null),
        &["pragueTime", "cancunTime"],
    );
    refused(
        &with("config.londonBlock", json!(5)),
        &["londonBlock", "genesis"],
    );
    refused(
        &with("config.londonBlock", Value::Null),
        &["shanghaiTime", "londonBlock"],
    );
    refused(
        &with("config.arrowGlacierBlock", json!(5)),
        &["arrowGlacierBlock"],
    );
    refused(
        &with("config.mergeNetsplitBlock", json!(5)),
        &["mergeNetsplitBlock"],
    );
    refused(&with("config.daoForkBlock", json!(5)), &["daoForkBlock"]);
    refused(
        &with("config.terminalTotalDifficulty", json!(9)),
        &["terminalTotalDifficulty` 9"],
    );
    // A genesis later than the fork is fine.
    let mut late = with("config.cancunTime", json!(50));
    late["timestamp"] = json!("0x64");
    assert!(read(&late).is_ok());
}

#[test]
fn refuses_disordered_forks_by_both_names() {
    refused(
        &with("config.osakaTime", json!(99)),
        &["osakaTime` at 99", "pragueTime` at 100"],
    );
    refused(
        &with("config.pragueTime", Value::Null),
        &["osakaTime", "pragueTime", "is not"],
    );
    refused(
        &with("config.bpo2Time", json!(150)),
        &["bpo2Time` at 150", "osakaTime` at 200"],
    );
}

#[test]
fn blob_parameters_follow_the_schedule() {
    let entry = |target, max| json!({ "target": target, "max": max, "baseFeeUpdateFraction": 9 });
    let mut file = with("config.bpo1Time", json!(300));
    file["config"]["bpo2Time"] = json!(400);
    refused(&file, &["blobSchedule.bpo1", "missing"]);
    file["config"]["blobSchedule"] =
        json!({ "prague": entry(1, 2), "bpo1": entry(10, 15), "bpo2": entry(14, 21) });
    let spec = read(&file).unwrap();
    let max_at = |time| spec.blob_params_at(time).unwrap().max_blob_count;
    assert_eq!(
        [0, 99, 100, 199, 200, 299, 300, 399, 400].map(max_at),
        [6, 6, 2, 2, 9, 9, 15, 15, 21]
    );
    assert_eq!(spec.blob_params_at(400).unwrap().update_fraction, 9);

    for (params, word) in [
        (
            json!({ "target": 0, "max": 0, "baseFeeUpdateFraction": 9 }),
            "max",
        ),
        (
            json!({ "target": 0, "max": 4097, "baseFeeUpdateFraction": 9 }),
            "max",
        ),
        (
            json!({ "target": 10, "max": 9, "baseFeeUpdateFraction": 9 }),
            "target",
        ),
        (
            json!({ "target": 1, "max": 9, "baseFeeUpdateFraction": 0 }),
            "baseFeeUpdateFraction",
        ),
    ] {
        refused(
            &with("config.blobSchedule", json!({ "osaka": params })),
            &["blobSchedule.osaka", word],
        );
    }
}

#[test]
fn every_fork_from_frontier_on_can_be_represented() {
    use alloy_evm::spec_by_timestamp_and_block_number as revm_spec;
    let genesis = Genesis::default();
    let spec = |fork| ChainSpec::at_fork(fork, genesis.clone(), FeeParams::default());
    let name = |fork| revm_spec(&spec(fork), 0, 0).to_string();
    for (fork, expected) in [
        (EthereumHardfork::Frontier, "Frontier"),
        (EthereumHardfork::Homestead, "Homestead"),
        (EthereumHardfork::Tangerine, "Tangerine"),
        (EthereumHardfork::SpuriousDragon, "Spurious"),
        (EthereumHardfork::Byzantium, "Byzantium"),
        (EthereumHardfork::Petersburg, "Petersburg"),
        (EthereumHardfork::Istanbul, "Istanbul"),
        (EthereumHardfork::Berlin, "Berlin"),
        (EthereumHardfork::London, "London"),
        (EthereumHardfork::Paris, "Merge"),
        (EthereumHardfork::Shanghai, "Shanghai"),
        (EthereumHardfork::Cancun, "Cancun"),
        (EthereumHardfork::Prague, "Prague"),
        (EthereumHardfork::Osaka, "Osaka"),
        (EthereumHardfork::Bpo5, "Osaka"),
    ] {
        assert_eq!(name(fork), expected, "{fork}");
    }
    let constantinople = spec(EthereumHardfork::Constantinople);
    assert!(constantinople.is_constantinople_active_at_block(0));
    assert!(!constantinople.is_petersburg_active_at_block(0));
    let berlin = spec(EthereumHardfork::Berlin).genesis_header(B256::ZERO);
    assert_eq!(
        (berlin.base_fee_per_gas, berlin.withdrawals_root),
        (None, None)
    );
    assert_eq!(spec(EthereumHardfork::Shanghai).blob_params_at(0), None);
}

#[test]
fn identity_changes_with_chain_and_state_but_not_with_a_later_fork() {
    let account = |balance: u64| GenesisAccount::default().with_balance(U256::from(balance));
    let genesis = Genesis::default().extend_accounts([(Address::ZERO, account(1))]);
    let identity = |genesis: &Genesis| {
        ChainSpec::from_genesis(genesis.clone(), FeeParams::default()).identity()
    };
    let original = identity(&genesis);

    let mut other = genesis.clone();
    other.config.chain_id += 1;
    assert_ne!(identity(&other), original);
    let mut other = genesis.clone();
    other.gas_limit += 1;
    assert_ne!(identity(&other), original);
    let other = genesis
        .clone()
        .extend_accounts([(Address::ZERO, account(2))]);
    assert_ne!(identity(&other), original);

    let mut upgraded = genesis.clone();
    upgraded.config.osaka_time = Some(u64::MAX);
    assert_eq!(identity(&upgraded), original);
}

#[test]
fn fork_traits_hold_behind_an_arc() {
    fn takes_spec(spec: impl alloy_evm::eth::spec::EthExecutorSpec) -> bool {
        spec.is_osaka_active_at_timestamp(0)
    }
    assert!(takes_spec(std::sync::Arc::new(ChainSpec::dev())));
}

#[test]
fn merge_block_follows_from_the_difficulty() {
    let mut genesis = Genesis::default();
    genesis.config.terminal_total_difficulty = Some(U256::from(1_000));
    let paris_at = |genesis: &Genesis, block| {
        ChainSpec::from_genesis(genesis.clone(), FeeParams::default())
            .is_paris_active_at_block(block)
    };
    assert!(
        !paris_at(&genesis, u64::MAX - 1),
        "block of the merge is unknown"
    );
    genesis.config.merge_netsplit_block = Some(9);
    assert!(!paris_at(&genesis, 8) && paris_at(&genesis, 9));
    genesis.difficulty = U256::from(1_000);
    assert!(paris_at(&genesis, 0));
}
