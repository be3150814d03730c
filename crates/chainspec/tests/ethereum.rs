//! Ethereum chains: any schedule of forks, the merge, and difficulty by Ethereum's own vectors.
#![allow(missing_docs)]

use std::{collections::BTreeMap, path::Path};

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_genesis::Genesis;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks};
use alloy_primitives::{B256, U64, U256};
use aura_chainspec::{ChainSpec, Commitment, FeeParams};
use aura_test_utils::ethereum_tests;
use serde_json::{Value, json};

/// One fork every three blocks, then one every 30 seconds: nothing is active at once.
fn file() -> Value {
    json!({
        "config": {
            "chainId": 99, "homesteadBlock": 0, "eip150Block": 3, "eip155Block": 6,
            "eip158Block": 6, "byzantiumBlock": 9, "constantinopleBlock": 12,
            "petersburgBlock": 15, "istanbulBlock": 18, "muirGlacierBlock": 21,
            "berlinBlock": 24, "londonBlock": 27, "arrowGlacierBlock": 30,
            "grayGlacierBlock": 33, "mergeNetsplitBlock": 36, "shanghaiTime": 390,
            "cancunTime": 420, "pragueTime": 450, "osakaTime": 480, "bpo1Time": 510,
            "terminalTotalDifficulty": 4_732_352, "ethash": {}, "clique": { "period": 1 },
            "blobSchedule": {
                "cancun": { "target": 3, "max": 6, "baseFeeUpdateFraction": 3_338_477 },
                "prague": { "target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716 },
                "osaka": { "target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716 },
                "bpo1": { "target": 10, "max": 15, "baseFeeUpdateFraction": 8_346_193 }
            }
        },
        "gasLimit": "0x5f5e100", "difficulty": "0x20000", "baseFeePerGas": null,
        "alloc": { "0x00000000000000000000000000000000000000aa": { "balance": "0x0" } }
    })
}

fn read(file: &Value) -> ChainSpec {
    ChainSpec::from_genesis_json(&file.to_string()).unwrap()
}

#[test]
fn forks_of_a_plain_genesis_start_one_by_one() {
    let spec = read(&file());
    assert_eq!(spec.commitment(), Commitment::Mpt);
    assert_eq!(spec.unknown_fields(), ["config.clique"]);
    let by_block = [
        (EthereumHardfork::Homestead, 0),
        (EthereumHardfork::SpuriousDragon, 6),
        (EthereumHardfork::Constantinople, 12),
        (EthereumHardfork::Petersburg, 15),
        (EthereumHardfork::London, 27),
    ];
    for (fork, block) in by_block {
        assert!(spec.is_ethereum_fork_active_at_block(fork, block));
        assert!(block == 0 || !spec.is_ethereum_fork_active_at_block(fork, block - 1));
    }
    assert!(!spec.is_cancun_active_at_timestamp(419));
    assert!(spec.is_cancun_active_at_timestamp(420));
    assert_eq!(spec.blob_params_at(419), None);
    let max = |time| spec.blob_params_at(time).unwrap().max_blob_count;
    assert_eq!([420, 450, 480, 509, 510].map(max), [6, 9, 9, 9, 15]);
    let header = spec.genesis_header(B256::ZERO);
    assert_eq!(header.base_fee_per_gas, None);
    assert_eq!(header.withdrawals_root, None);
    // geth keeps empty accounts of the file.
    assert_eq!(spec.genesis_state().accounts.len(), 1);
}

#[test]
fn a_header_tells_on_which_side_of_the_merge_it_is() {
    let spec = read(&file());
    let header = |number, difficulty| Header {
        number,
        difficulty: U256::from(difficulty),
        ..Header::default()
    };
    assert_eq!(
        spec.terminal_total_difficulty(),
        Some(U256::from(4_732_352))
    );
    assert!(!spec.is_merged(&spec.genesis_header(B256::ZERO)));
    assert!(!spec.is_merged(&header(35, 131_072)));
    assert!(spec.is_merged(&header(36, 0)));

    let dev = ChainSpec::dev();
    assert!(dev.is_merged(&dev.genesis_header(B256::ZERO)));

    let genesis = Genesis::default();
    let frontier = ChainSpec::at_fork(EthereumHardfork::Frontier, genesis, FeeParams::ETHEREUM);
    assert!(!frontier.is_merged(&header(1, 0)), "no merge is planned");
}

#[test]
fn rules_of_an_ethereum_chain_read_back_the_same() {
    let mut mainnet_like = file();
    mainnet_like["config"]["terminalTotalDifficulty"] = json!("0xc70d808a128d7380000");
    mainnet_like["config"]["daoForkBlock"] = json!(2);
    mainnet_like["config"]["daoForkSupport"] = json!(true);
    for file in [file(), mainnet_like] {
        let spec = read(&file);
        let rules = spec.rules_json();
        assert!(!rules.contains("\"aura\""));
        let again = ChainSpec::from_genesis_json(&rules).unwrap();
        assert_eq!(again.commitment(), Commitment::Mpt);
        assert_eq!(again.fee(), spec.fee());
        let root = B256::repeat_byte(7);
        assert_eq!(again.genesis_header(root), spec.genesis_header(root));
        for fork in EthereumHardfork::VARIANTS {
            assert_eq!(
                again.ethereum_fork_activation(*fork),
                spec.ethereum_fork_activation(*fork)
            );
        }
        for time in [0, 420, 450, 480, 510] {
            assert_eq!(again.blob_params_at(time), spec.blob_params_at(time));
        }
        assert_eq!(again.dao_side(2), spec.dao_side(2));
        assert_eq!(
            again.terminal_total_difficulty(),
            spec.terminal_total_difficulty()
        );
    }
}

#[test]
fn forks_by_time_need_a_merge() {
    let mut file = file();
    let config = file["config"].as_object_mut().unwrap();
    config.remove("terminalTotalDifficulty");
    let error = ChainSpec::from_genesis_json(&file.to_string()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("config.shanghaiTime"), "{text}");
    file["config"]["terminalTotalDifficultyPassed"] = json!(true);
    assert!(ChainSpec::from_genesis_json(&file.to_string()).is_ok());
}

#[test]
fn the_dao_fork_marks_ten_blocks_on_either_side() {
    let mut file = file();
    file["config"]["daoForkBlock"] = json!(4);
    for support in [true, false] {
        file["config"]["daoForkSupport"] = json!(support);
        let spec = read(&file);
        let sides = [3, 4, 13, 14].map(|number| spec.dao_side(number));
        assert_eq!(sides, [None, Some(support), Some(support), None]);
        assert_eq!(spec.moves_dao_balances(4), support);
        assert!(!spec.moves_dao_balances(5));
    }
}

#[test]
fn homestead_and_frontier_difficulty_move_by_their_own_steps() {
    let genesis = Genesis::default();
    let at = |fork| ChainSpec::at_fork(fork, genesis.clone(), FeeParams::ETHEREUM);
    let parent = Header {
        number: 10,
        timestamp: 1_000,
        difficulty: U256::from(2_048_000),
        ..Header::default()
    };
    let next = |fork, elapsed: u64| at(fork).next_difficulty(&parent, 1_000 + elapsed);
    let cases = [
        (EthereumHardfork::Frontier, 12, 2_049_000u64),
        (EthereumHardfork::Frontier, 13, 2_047_000),
        (EthereumHardfork::Frontier, 5_000, 2_047_000),
        (EthereumHardfork::Homestead, 9, 2_049_000),
        (EthereumHardfork::Homestead, 19, 2_048_000),
        (EthereumHardfork::Homestead, 20, 2_047_000),
        (EthereumHardfork::Homestead, 5_000, 2_048_000 - 99_000),
        (EthereumHardfork::Byzantium, 8, 2_049_000),
        (EthereumHardfork::Byzantium, 17, 2_048_000),
        (EthereumHardfork::Byzantium, 18, 2_047_000),
    ];
    for (fork, elapsed, expected) in cases {
        assert_eq!(
            next(fork, elapsed),
            U256::from(expected),
            "{fork:?} {elapsed}"
        );
    }
    let smallest = Header {
        difficulty: U256::from(131_072),
        ..parent
    };
    let spec = at(EthereumHardfork::Frontier);
    assert_eq!(
        spec.next_difficulty(&smallest, 9_999),
        U256::from(131_072),
        "never less"
    );
}

#[test]
fn the_bomb_never_overflows() {
    let spec = ChainSpec::at_fork(
        EthereumHardfork::Frontier,
        Genesis::default(),
        FeeParams::ETHEREUM,
    );
    let parent = |number| Header {
        number,
        difficulty: U256::from(131_072),
        ..Header::default()
    };
    let at = |number| spec.next_difficulty(&parent(number - 1), 100);
    assert_eq!(at(199_999), U256::from(131_072));
    assert_eq!(at(200_000), U256::from(131_073));
    assert_eq!(at(300_000), U256::from(131_074));
    assert_eq!(at(u64::MAX), U256::MAX);
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    current_block_number: U64,
    current_difficulty: U256,
    current_timestamp: U64,
    parent_difficulty: U256,
    parent_timestamp: U64,
    parent_uncles: U64,
}

/// A chain whose forks up to `name` are active from genesis.
fn rules(name: &str) -> ChainSpec {
    let fork = match name {
        "Byzantium" => EthereumHardfork::Byzantium,
        "ArrowGlacier" => EthereumHardfork::ArrowGlacier,
        "GrayGlacier" => EthereumHardfork::GrayGlacier,
        other => panic!("unknown fork {other}"),
    };
    ChainSpec::at_fork(fork, Genesis::default(), FeeParams::ETHEREUM)
}

#[test]
fn difficulty_is_that_of_ethereums_vectors() {
    let dir = match ethereum_tests("other", Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        Ok(dir) => dir.join("DifficultyTests"),
        Err(reason) => {
            println!("difficulty vectors are not run: {reason}");
            return;
        }
    };
    let mut passed = 0;
    for folder in std::fs::read_dir(dir).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let text = std::fs::read(file.unwrap().path()).unwrap();
            let tests: BTreeMap<String, BTreeMap<String, Value>> =
                serde_json::from_slice(&text).unwrap();
            for (fork, vectors) in tests.into_values().flatten() {
                if fork == "_info" {
                    continue;
                }
                let spec = rules(&fork);
                let vectors: BTreeMap<String, Vector> = serde_json::from_value(vectors).unwrap();
                for (name, vector) in vectors {
                    let number: u64 = vector.current_block_number.to();
                    let uncles = vector.parent_uncles != U64::ZERO;
                    let parent = Header {
                        number: number - 1,
                        timestamp: vector.parent_timestamp.to(),
                        difficulty: vector.parent_difficulty,
                        ommers_hash: if uncles {
                            B256::repeat_byte(1)
                        } else {
                            EMPTY_OMMER_ROOT_HASH
                        },
                        ..Header::default()
                    };
                    let found = spec.next_difficulty(&parent, vector.current_timestamp.to());
                    assert_eq!(found, vector.current_difficulty, "{fork} {name}");
                    passed += 1;
                }
            }
        }
    }
    println!("{passed} difficulty vectors passed");
    assert!(
        passed > 2_000,
        "the archive holds more than {passed} vectors"
    );
}
