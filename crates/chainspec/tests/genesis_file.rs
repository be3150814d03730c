//! What a genesis file may hold, and by which name everything else is refused.

use std::path::Path;

use alloy_genesis::{Genesis, GenesisAccount};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use aura_chainspec::{ChainSpec, ChainSpecError, Commitment, FeeParams};
use serde_json::{Value, json};

/// A valid file to spoil.
fn file() -> Value {
    json!({
        "config": {
            "chainId": 7, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0,
            "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0,
            "petersburgBlock": 0, "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0,
            "terminalTotalDifficulty": 0, "shanghaiTime": 0, "cancunTime": 0,
            "pragueTime": 100, "osakaTime": 200, "ethash": {}
        },
        "aura": { "commitment": "smt" },
        "gasLimit": "0x1c9c380",
        "difficulty": "0x0",
        "alloc": {}
    })
}

/// The file with the value at a path replaced.
fn with(path: &str, value: Value) -> Value {
    let mut file = file();
    let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
    let pointer: String = parent
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| format!("/{part}"))
        .collect();
    file.pointer_mut(&pointer).unwrap()[key] = value;
    file
}

fn read(file: &Value) -> Result<ChainSpec, ChainSpecError> {
    ChainSpec::from_genesis_json(&file.to_string())
}

#[track_caller]
fn refused(file: &Value, words: &[&str]) {
    let text = read(file).map(|_| ()).unwrap_err().to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} does not mention {word:?}");
    }
}

#[test]
fn accepts_a_minimal_file_with_defaults() {
    let spec = read(&file()).unwrap();
    assert_eq!(spec.chain_id(), 7);
    assert_eq!(*spec.fee(), FeeParams::default());
    assert!(spec.unknown_fields().is_empty());
    let header = spec.genesis_header(B256::ZERO);
    assert_eq!(header.base_fee_per_gas, Some(1_000_000_000));
    assert_eq!(header.requests_hash, None, "Prague comes later");
    assert!(header.excess_blob_gas.is_some());
}

#[test]
fn reads_the_aura_section() {
    let section = json!({
        "commitment": "smt", "elasticity": 6, "denominator": 50, "minBaseFee": "0x77359400",
        "feeVault": "0x00000000000000000000000000000000000000aa"
    });
    let spec = read(&with("aura", section)).unwrap();
    let expected = FeeParams {
        elasticity: 6,
        denominator: 50,
        min_base_fee_wei: 2_000_000_000,
        fee_vault: Address::with_last_byte(0xaa),
    };
    assert_eq!(*spec.fee(), expected);
    let header = spec.genesis_header(B256::ZERO);
    assert_eq!(
        header.base_fee_per_gas,
        Some(2_000_000_000),
        "raised to the minimum"
    );
}

#[test]
fn a_file_without_aura_section_is_an_ethereum_chain() {
    let mut plain = file();
    plain.as_object_mut().unwrap().remove("aura");
    let spec = read(&plain).unwrap();
    assert_eq!(spec.commitment(), Commitment::Mpt);
    assert_eq!(*spec.fee(), FeeParams::ETHEREUM);
    assert_eq!(read(&file()).unwrap().commitment(), Commitment::Smt);
}

#[test]
fn refuses_wrong_aura_sections_by_field() {
    refused(
        &with("aura.elastic", json!(2)),
        &["aura", "unknown field `elastic`"],
    );
    refused(
        &with("aura", json!({})),
        &["aura", "missing field `commitment`"],
    );
    refused(
        &with("aura.commitment", json!("mpt")),
        &["\"mpt\"", "\"smt\""],
    );
    refused(
        &with("aura.elasticity", json!(0)),
        &["aura.elasticity", "zero"],
    );
    refused(
        &with("aura.denominator", json!(0)),
        &["aura.denominator", "zero"],
    );
    refused(&with("aura.feeVault", json!("0x1234")), &["aura"]);
    refused(
        &with("aura.minBaseFee", json!("0x10000000000000000")),
        &["aura"],
    );
    refused(&with("aura", json!([1])), &["aura"]);
}

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
fn refuses_impossible_headers() {
    refused(&with("config.chainId", json!(0)), &["chain id 0"]);
    refused(
        &with("config.chainId", json!(u64::MAX / 2 - 35)),
        &["chain id 9223372036854775772"],
    );
    assert!(read(&with("config.chainId", json!(u64::MAX / 2 - 36))).is_ok());
    refused(&with("gasLimit", json!("0x0")), &["gas limit 0"]);
    refused(&with("gasLimit", json!("0x1387")), &["gas limit 4999"]);
    refused(
        &with("gasLimit", json!("0x8000000000000000")),
        &["gas limit 9223372036854775808"],
    );
    refused(&with("number", json!("0x1")), &["number is 1"]);
    refused(
        &with("baseFeePerGas", json!("0x10000000000000000")),
        &["baseFeePerGas", "64 bits"],
    );
    let mut low = with("aura.minBaseFee", json!("0xa"));
    low["baseFeePerGas"] = json!("0x9");
    refused(&low, &["baseFeePerGas", "9", "10"]);
}

#[test]
fn names_missing_and_malformed_fields() {
    for key in ["config", "alloc", "gasLimit"] {
        let mut file = file();
        file.as_object_mut().unwrap().remove(key);
        refused(&file, &[&format!("`{key}` is missing")]);
    }
    let mut no_id = file();
    no_id["config"].as_object_mut().unwrap().remove("chainId");
    refused(&no_id, &["config.chainId", "missing"]);

    refused(&with("gasLimit", json!("lots")), &["`gasLimit`"]);
    refused(&with("timestamp", json!(-1)), &["`timestamp`"]);
    refused(&with("extraData", json!("0xzz")), &["`extraData`"]);
    refused(&with("config", json!(7)), &["`config`", "a JSON object"]);
    refused(&with("config.chainId", json!("x")), &["`config.chainId`"]);
    refused(
        &with("config.osakaTime", json!("soon")),
        &["`config.osakaTime`"],
    );
    refused(
        &with("config.blobSchedule", json!([])),
        &["`config.blobSchedule`"],
    );
    refused(&with("alloc", json!([])), &["`alloc`"]);
}

#[test]
fn refuses_text_that_is_not_one_object_with_unique_keys() {
    for text in [
        "",
        "null",
        "[]",
        "{",
        "{}{}",
        "\u{0}",
        r#"{"aura":1,"aura":2}"#,
    ] {
        assert!(
            matches!(
                ChainSpec::from_genesis_json(text),
                Err(ChainSpecError::Json(_))
            ),
            "{text}"
        );
    }
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(ChainSpec::from_genesis_json(&deep).is_err());
    let twice = file()
        .to_string()
        .replace(r#""cancunTime":0"#, r#""cancunTime":0,"cancunTime":9"#);
    let text = ChainSpec::from_genesis_json(&twice)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("`config`") && text.contains("`cancunTime` is repeated"),
        "{text}"
    );
}

#[test]
fn names_fields_of_other_clients_and_accepts_them() {
    let mut foreign = file();
    foreign["coinBase"] = json!("0x0");
    foreign["slotNumber"] = json!("0x0");
    foreign["config"]["clique"] = json!({ "period": 5 });
    foreign["config"]["zeroBaseFee"] = json!(true);
    foreign["config"]["someTime"] = json!(null);
    foreign["config"]["blobSchedule"] =
        json!({ "amsterdam": { "target": 6, "max": 9, "baseFeeUpdateFraction": 1 } });
    foreign["alloc"]["0x00000000000000000000000000000000000000aa"] =
        json!({ "balance": "1", "comment": "rich", "privateKey": "00", "secretKey": "0x00" });
    let spec = read(&foreign).unwrap();
    assert_eq!(
        spec.unknown_fields(),
        [
            "alloc.*.comment",
            "alloc.*.privateKey",
            "alloc.*.secretKey",
            "coinBase",
            "config.blobSchedule.amsterdam",
            "config.clique",
            "config.someTime",
            "config.zeroBaseFee",
            "slotNumber",
        ]
    );
}

const ADDRESS: &str = "0x00000000000000000000000000000000000000aa";

fn with_account(account: Value) -> Value {
    with("alloc", json!({ ADDRESS: account }))
}

#[test]
fn refuses_wrong_accounts_by_address() {
    let long = format!("0x{}", "11".repeat(33));
    let word = format!("0x{}", "11".repeat(32));
    let cases = [
        (json!({ "balance": long }), "account"),
        (
            json!({ "balance": "0x1", "nonce": "0x10000000000000000" }),
            "account",
        ),
        (
            json!({ "balance": "0x1", "storage": { long.as_str(): "0x01" } }),
            "33 bytes",
        ),
        (
            json!({ "balance": "0x1", "storage": { word.as_str(): long } }),
            "33 bytes",
        ),
        (
            json!({ "balance": "0x1", "storage": { "0x01": "0x02", "0x0001": "0x03" } }),
            "repeated",
        ),
        (json!({ "balance": "0x1", "code": "0x0" }), "account"),
        (
            json!({ "balance": "0x1", "builtin": {} }),
            "unknown field `builtin`",
        ),
        (json!({ "nonce": "0x1" }), "missing field `balance`"),
        (
            json!({ "balance": "0x1", "nonce": "0xffffffffffffffff" }),
            "EIP-2681",
        ),
        (
            json!({ "balance": "0x0", "storage": { "0x01": "0x02" } }),
            "storage",
        ),
    ];
    for (account, word) in cases {
        let text = read(&with_account(account)).unwrap_err().to_string();
        let lower = text.to_lowercase();
        assert!(
            lower.contains(ADDRESS) && text.contains(word),
            "{text:?}, expected {word:?}"
        );
        assert!(
            !text.contains("at line"),
            "position within a part misleads: {text}"
        );
    }
    refused(
        &with("alloc", json!({ "0xaa": { "balance": "0x1" } })),
        &["`alloc`"],
    );
    let repeated = with(
        "alloc",
        json!({
            ADDRESS: { "balance": "1" },
            &ADDRESS[2..]: { "balance": "2" },
        }),
    );
    refused(&repeated, &["is repeated"]);
}

#[test]
fn genesis_state_is_sorted_without_empty_accounts_and_zero_slots() {
    let code = "0x6001";
    let spec = read(&with(
        "alloc",
        json!({
            "0x00000000000000000000000000000000000000bb": {
                "balance": "0x0", "nonce": "0x1", "code": code,
                "storage": { "0x02": "0x0a", "0x01": "0x00", "0x0100": "0x0b" }
            },
            "0x00000000000000000000000000000000000000aa": { "balance": "12", "code": code },
            "0x00000000000000000000000000000000000000cc": { "balance": "0x0", "code": "0x" },
        }),
    ))
    .unwrap();
    let state = spec.genesis_state();
    let address = Address::with_last_byte;
    let addresses: Vec<_> = state.accounts.iter().map(|(address, _)| *address).collect();
    assert_eq!(addresses, [address(0xaa), address(0xbb)]);
    assert_eq!(state.accounts[0].1.balance, U256::from(12));
    assert_eq!(
        state.slots,
        [
            (address(0xbb), U256::from(2), U256::from(10)),
            (address(0xbb), U256::from(256), U256::from(11)),
        ]
    );
    let code: Bytes = code.parse().unwrap();
    assert_eq!(state.code, [(keccak256(&code), code)]);
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
fn header_matches_mainnet_genesis() {
    // Hash of Ethereum's block 0, whose fields are public knowledge.
    let genesis = Genesis {
        nonce: 0x42,
        gas_limit: 5_000,
        difficulty: U256::from(17_179_869_184u64),
        extra_data: "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa"
            .parse()
            .unwrap(),
        ..Genesis::default()
    };
    let spec = ChainSpec::at_fork(EthereumHardfork::Frontier, genesis, FeeParams::default());
    let root = "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544"
        .parse()
        .unwrap();
    assert_eq!(
        spec.genesis_header(root).hash_slow().to_string(),
        "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"
    );
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
fn unreadable_file_is_named() {
    let error = ChainSpec::from_genesis_file(Path::new("no/such/genesis.json")).unwrap_err();
    assert!(
        error.to_string().contains("no/such/genesis.json"),
        "{error}"
    );
}
