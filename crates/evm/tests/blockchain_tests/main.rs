//! Ethereum's blockchain tests on [`execute_block`]: whole blocks of every fork, in memory.
//!
//! Blocks are executed on the state of their own parent, wherever that is, so side chains are part
//! of it. The archives are not part of the repository, see `state_tests.rs`.
#![allow(missing_docs)]

#[path = "../memory_chain/mod.rs"]
mod memory_chain;
mod network;
mod reasons;

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use alloy_consensus::{Block, transaction::SignerRecoverable};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rlp::Decodable;
use aura_chainspec::ChainSpec;
use aura_primitives::{RecoveredTx, SealedBlock, TxEnvelope};
use aura_test_utils::{ethereum_tests, json_files, shared};
use memory_chain::{MemoryChain, code_hash};
use network::config;
use rayon::prelude::*;
use reasons::is_right_reason;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct AccountState {
    nonce: U64,
    balance: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockCase {
    rlp: Bytes,
    expect_exception: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    network: String,
    #[serde(rename = "genesisRLP")]
    genesis_rlp: Bytes,
    pre: Value,
    blocks: Vec<BlockCase>,
    #[serde(rename = "lastblockhash")]
    last_block_hash: B256,
    post_state: Option<BTreeMap<Address, AccountState>>,
    post_state_hash: Option<B256>,
    #[serde(default)]
    config: Value,
}

/// The chain of a case, as a genesis file would describe it.
fn spec(case: &Case, genesis: &Block<TxEnvelope>) -> ChainSpec {
    let header = &genesis.header;
    let mut config = config(&case.network);
    let chain_id: U64 =
        serde_json::from_value(case.config["chainid"].clone()).unwrap_or(U64::from(1));
    config["chainId"] = json!(chain_id.to::<u64>());
    if let Some(schedule) = case.config["blobSchedule"].as_object() {
        for (fork, entry) in schedule {
            let number = |key: &str| {
                let value: U64 = serde_json::from_value(entry[key].clone()).unwrap();
                value.to::<u64>()
            };
            config["blobSchedule"][fork.to_lowercase()] = json!({
                "target": number("target"),
                "max": number("max"),
                "baseFeeUpdateFraction": number("baseFeeUpdateFraction"),
            });
        }
    }
    let file = json!({
        "config": config,
        "nonce": header.nonce,
        "timestamp": U64::from(header.timestamp),
        "extraData": header.extra_data,
        "gasLimit": U64::from(header.gas_limit),
        "difficulty": header.difficulty,
        "mixHash": header.mix_hash,
        "coinbase": header.beneficiary,
        "baseFeePerGas": header.base_fee_per_gas.map(U64::from),
        "excessBlobGas": header.excess_blob_gas.map(U64::from),
        "blobGasUsed": header.blob_gas_used.map(U64::from),
        "parentHash": header.parent_hash,
        "alloc": case.pre,
    });
    ChainSpec::from_genesis_json(&file.to_string()).unwrap()
}

fn decode(rlp: &[u8]) -> Result<SealedBlock, String> {
    let mut rest = rlp;
    let block = Block::<TxEnvelope>::decode(&mut rest).map_err(|error| error.to_string())?;
    if !rest.is_empty() {
        return Err("trailing bytes".to_owned());
    }
    let transactions = block
        .body
        .transactions
        .into_iter()
        .map(|tx| {
            let sender = tx.recover_signer_unchecked().map_err(|e| e.to_string())?;
            Ok(Arc::new(RecoveredTx::new(tx, sender)))
        })
        .collect::<Result<_, String>>()?;
    Ok(SealedBlock {
        l1_info: None,
        header: alloy_consensus::Sealable::seal_slow(block.header),
        transactions,
        ommers: block.body.ommers,
        withdrawals: block.body.withdrawals,
    })
}

fn run(case: &Case) -> Result<(), String> {
    let genesis = Block::<TxEnvelope>::decode(&mut case.genesis_rlp.as_ref()).unwrap();
    let mut chain = MemoryChain::new(spec(case, &genesis));
    let (found, expected) = (chain.head(), genesis.header.hash_slow());
    if found != expected {
        return Err(format!("genesis {found}, expected {expected}"));
    }
    for (index, block) in case.blocks.iter().enumerate() {
        let outcome = decode(&block.rlp).and_then(|block| chain.import(block));
        match (&block.expect_exception, outcome) {
            (Some(reason), Ok(())) => {
                return Err(format!("block {index} accepted in spite of {reason}"));
            }
            (None, Err(error)) => return Err(format!("block {index} refused: {error}")),
            (Some(reason), Err(error)) if !is_right_reason(reason, &error) => {
                return Err(format!(
                    "block {index} refused for {error}, not for {reason}"
                ));
            }
            _ => {}
        }
    }
    if chain.head() != case.last_block_hash {
        return Err(format!(
            "head {}, expected {}",
            chain.head(),
            case.last_block_hash
        ));
    }
    if let Some(expected) = case.post_state_hash
        && chain.state_root() != expected
    {
        return Err("other state root".to_owned());
    }
    case.post_state
        .as_ref()
        .map_or(Ok(()), |expected| compare(&chain, expected))
}

fn compare(chain: &MemoryChain, expected: &BTreeMap<Address, AccountState>) -> Result<(), String> {
    let state = chain.state();
    let live = state
        .accounts
        .values()
        .filter(|c| c.after.is_some())
        .count();
    if live != expected.len() {
        return Err(format!("{live} accounts, expected {}", expected.len()));
    }
    for (address, expected) in expected {
        let Some(account) = state.accounts.get(address).and_then(|change| change.after) else {
            return Err(format!("no account {address}"));
        };
        let same = U64::from(account.nonce) == expected.nonce
            && account.balance == expected.balance
            && account.code_hash == code_hash(&expected.code);
        if !same {
            return Err(format!("account {address} is {account:?}"));
        }
        let none = Default::default();
        let slots = state.slots.get(address).unwrap_or(&none);
        let found: BTreeMap<U256, U256> = slots
            .iter()
            .filter(|(_, change)| !change.after.is_zero())
            .map(|(slot, change)| (*slot, change.after))
            .collect();
        let wanted: BTreeMap<U256, U256> = expected
            .storage
            .iter()
            .filter(|(_, value)| !value.is_zero())
            .map(|(slot, value)| (*slot, *value))
            .collect();
        if found != wanted {
            return Err(format!("storage of {address}"));
        }
    }
    Ok(())
}

/// Outcome of every case of a file, by network.
fn run_file(path: &Path) -> Vec<(String, Result<(), String>)> {
    let cases: BTreeMap<String, Case> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    cases
        .iter()
        .map(|(name, case)| {
            let outcome = run(case).map_err(|error| format!("{name}: {error}"));
            (case.network.clone(), outcome)
        })
        .collect()
}

fn run_archive(name: &str, at_least: usize) {
    let dir = match ethereum_tests(name, Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        Ok(dir) => dir,
        Err(reason) => {
            println!("{name} are not run: {reason}");
            return;
        }
    };
    let outcomes: Vec<_> = json_files(&dir)
        .par_iter()
        .flat_map(|path| run_file(path))
        .collect();
    let mut tallies: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (network, outcome) in &outcomes {
        let tally = tallies.entry(network).or_default();
        match outcome {
            Ok(()) => tally.0 += 1,
            Err(_) => tally.1 += 1,
        }
    }
    for (network, (passed, failed)) in &tallies {
        println!("{network}: {passed} passed, {failed} failed");
    }
    let failures: Vec<&str> = outcomes
        .iter()
        .filter_map(|(_, outcome)| outcome.as_ref().err().map(String::as_str))
        .collect();
    let passed = outcomes.len() - failures.len();
    println!("{name}: {passed} passed, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(passed >= at_least, "the archive holds more than {passed}");
}

#[test]
fn blocks_of_execution_spec_tests_are_judged_right() {
    run_archive("blockchain_tests", 890);
}

#[test]
fn blocks_of_legacy_tests_are_judged_right() {
    run_archive("blockchain_tests_legacy", 740);
}

/// The chain of the execution-apis tests goes through every fork, Constantinople and the merge
/// included, within 54 blocks.
#[test]
fn the_chain_of_the_execution_apis_is_valid() {
    let dir = shared().join("execution-apis");
    let Ok(genesis) = fs::read_to_string(dir.join("genesis.json")) else {
        println!("the chain is not verified: {} is absent", dir.display());
        return;
    };
    let mut chain = MemoryChain::new(ChainSpec::from_genesis_json(&genesis).unwrap());
    let rlp = fs::read(dir.join("chain.rlp")).unwrap();
    let mut rest = rlp.as_slice();
    let mut blocks = 0;
    while !rest.is_empty() {
        let start = rest;
        Block::<TxEnvelope>::decode(&mut rest).unwrap();
        let block = decode(&start[..start.len() - rest.len()]).unwrap();
        blocks += 1;
        let number = block.number();
        chain
            .import(block)
            .unwrap_or_else(|error| panic!("block {number}: {error}"));
    }
    println!("{blocks} blocks of the execution-apis chain are valid");
    let head: Value = serde_json::from_slice(&fs::read(dir.join("headfcu.json")).unwrap()).unwrap();
    let expected = &head["params"][0]["headBlockHash"];
    assert_eq!(json!(chain.head()), *expected);
}
