//! What a genesis file may hold, and by which name everything else is refused.

mod accounts;
mod forks;

use std::path::Path;

use alloy_genesis::Genesis;
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::{Address, B256, U256};
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
fn unreadable_file_is_named() {
    let error = ChainSpec::from_genesis_file(Path::new("no/such/genesis.json")).unwrap_err();
    assert!(
        error.to_string().contains("no/such/genesis.json"),
        "{error}"
    );
}
