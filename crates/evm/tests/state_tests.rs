//! Ethereum's state tests (execution-spec-tests) on [`StateDb`], all forks from Frontier to Osaka.
//!
//! The archive is not part of the repository: it is looked for in `../shared/ethereum-tests`, or
//! under the directory that `AURA_SHARED` names. Without it, or without `tar` and `zstd` to unpack
//! it, the test says so and passes. Each case is judged by the whole post state that it lists and
//! by the hash of its logs; what is expected to be refused must be refused.
#![allow(missing_docs)]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use alloy_eips::eip7840::BlobParams;
use alloy_evm::{Evm, EvmEnv, FromRecoveredTx};
use alloy_primitives::{
    Address, B256, Bytes, KECCAK256_EMPTY, Log, U64, U256, keccak256, map::HashMap,
};
use aura_evm::{StateDb, build_evm};
use aura_primitives::{Account, AccountChange, RecoveredTx, SlotChange, StateDiff};
use aura_storage::{Layer, StateView};
use aura_test_utils::{ethereum_tests, json_files};
use rayon::prelude::*;
use revm::{
    DatabaseCommit,
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::block::BlobExcessGasAndPrice,
    primitives::hardfork::SpecId,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Address,
    current_gas_limit: U256,
    current_number: U64,
    current_timestamp: U64,
    current_difficulty: U256,
    #[serde(default)]
    current_base_fee: U64,
    current_random: Option<B256>,
    current_excess_blob_gas: Option<U64>,
}

#[derive(Deserialize, Clone)]
struct AccountState {
    nonce: U64,
    balance: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

type State = BTreeMap<Address, AccountState>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    logs: B256,
    txbytes: Bytes,
    state: State,
    expect_exception: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlobSchedule {
    target: U64,
    max: U64,
    base_fee_update_fraction: U64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    blob_schedule: BTreeMap<String, BlobSchedule>,
    chainid: U64,
}

#[derive(Deserialize)]
struct Case {
    env: Env,
    pre: State,
    post: BTreeMap<String, Vec<Expected>>,
    config: Config,
}

fn spec_id(fork: &str) -> SpecId {
    match fork {
        "Frontier" => SpecId::FRONTIER,
        "Homestead" => SpecId::HOMESTEAD,
        "Byzantium" => SpecId::BYZANTIUM,
        "ConstantinopleFix" => SpecId::PETERSBURG,
        "Istanbul" => SpecId::ISTANBUL,
        "Berlin" => SpecId::BERLIN,
        "London" => SpecId::LONDON,
        "Paris" => SpecId::MERGE,
        "Shanghai" => SpecId::SHANGHAI,
        "Cancun" => SpecId::CANCUN,
        "Prague" => SpecId::PRAGUE,
        "Osaka" => SpecId::OSAKA,
        other => panic!("unknown fork {other}"),
    }
}

fn evm_env(case: &Case, fork: &str) -> EvmEnv {
    let spec = spec_id(fork);
    let mut cfg = CfgEnv::new_with_spec(spec).with_chain_id(case.config.chainid.to());
    let mut block = BlockEnv {
        number: U256::from(case.env.current_number),
        beneficiary: case.env.current_coinbase,
        timestamp: U256::from(case.env.current_timestamp),
        gas_limit: case.env.current_gas_limit.saturating_to(),
        basefee: case.env.current_base_fee.to(),
        difficulty: case.env.current_difficulty,
        prevrandao: None,
        blob_excess_gas_and_price: None,
        slot_num: 0,
    };
    if spec.is_enabled_in(SpecId::MERGE) {
        block.prevrandao = Some(case.env.current_random.unwrap_or_default());
        block.difficulty = U256::ZERO;
    }
    if spec.is_enabled_in(SpecId::CANCUN) {
        let params = blob_params(case, fork, spec);
        cfg.set_max_blobs_per_tx(params.max_blobs_per_tx);
        let excess_blob_gas = case.env.current_excess_blob_gas.unwrap_or_default().to();
        block.blob_excess_gas_and_price = Some(BlobExcessGasAndPrice {
            excess_blob_gas,
            blob_gasprice: params.calc_blob_fee(excess_blob_gas),
        });
    }
    EvmEnv::new(cfg, block)
}

fn blob_params(case: &Case, fork: &str, spec: SpecId) -> BlobParams {
    let base = match spec {
        SpecId::CANCUN => BlobParams::cancun(),
        SpecId::PRAGUE => BlobParams::prague(),
        _ => BlobParams::osaka(),
    };
    case.config
        .blob_schedule
        .get(fork)
        .map_or(base, |schedule| BlobParams {
            target_blob_count: schedule.target.to(),
            max_blob_count: schedule.max.to(),
            update_fraction: schedule.base_fee_update_fraction.to(),
            max_blobs_per_tx: base.max_blobs_per_tx.min(schedule.max.to()),
            ..base
        })
}

/// The state before as one layer, with the block hashes that such tests assume.
fn view(case: &Case) -> StateView {
    let mut diff = StateDiff::default();
    for (address, account) in &case.pre {
        let code_hash = code_hash(&account.code);
        diff.code.insert(code_hash, account.code.clone());
        let after = Some(Account {
            nonce: account.nonce.to(),
            balance: account.balance,
            code_hash,
        });
        let before = None;
        diff.accounts
            .insert(*address, AccountChange { before, after });
        for (slot, after) in &account.storage {
            let slots = diff.slots.entry(*address).or_default();
            let before = U256::ZERO;
            let after = *after;
            slots.insert(*slot, SlotChange { before, after });
        }
    }
    let number: u64 = case.env.current_number.to();
    let hashes = (number.saturating_sub(256)..number)
        .map(|number| (number, keccak256(number.to_string())))
        .collect();
    StateView::empty()
        .with_layers(vec![Layer::Frozen(Arc::new(diff))])
        .with_block_hashes(hashes)
}

fn code_hash(code: &Bytes) -> B256 {
    if code.is_empty() {
        KECCAK256_EMPTY
    } else {
        keccak256(code)
    }
}

/// The state before with the diff applied.
fn apply(pre: &State, diff: &StateDiff) -> State {
    let mut state = pre.clone();
    for (address, change) in &diff.accounts {
        let Some(after) = change.after else {
            state.remove(address);
            continue;
        };
        let account = state.entry(*address).or_insert_with(|| AccountState {
            nonce: U64::ZERO,
            balance: U256::ZERO,
            code: Bytes::new(),
            storage: BTreeMap::new(),
        });
        account.nonce = U64::from(after.nonce);
        account.balance = after.balance;
        if code_hash(&account.code) != after.code_hash {
            account.code = diff.code.get(&after.code_hash).cloned().unwrap_or_default();
        }
    }
    for (address, slots) in &diff.slots {
        let Some(account) = state.get_mut(address) else {
            continue;
        };
        for (slot, change) in slots {
            account.storage.insert(*slot, change.after);
        }
    }
    state
}

fn logs_hash(logs: &[Log]) -> B256 {
    let mut out = Vec::new();
    alloy_rlp::encode_list(logs, &mut out);
    keccak256(out)
}

/// Runs the case's transaction; `None` if it is refused.
fn execute(case: &Case, fork: &str, expected: &Expected) -> (StateDiff, Option<Vec<Log>>) {
    let env = evm_env(case, fork);
    let layer = Arc::default();
    let db = StateDb::new(Some(view(case)), Arc::clone(&layer));
    let Ok(tx) = RecoveredTx::try_decode(expected.txbytes.clone()) else {
        return (StateDiff::default(), None);
    };
    let mut evm = build_evm(db, env);
    let tx = TxEnv::from_recovered_tx(tx.envelope().as_signed().unwrap(), tx.sender());
    let logs = evm.transact(tx).ok().map(|outcome| {
        evm.db_mut().commit(outcome.state);
        outcome.result.into_logs()
    });
    let diff = layer.read().clone();
    (diff, logs)
}

fn judge(case: &Case, fork: &str, expected: &Expected) -> Result<(), String> {
    let (diff, logs) = execute(case, fork, expected);
    match (&expected.expect_exception, logs) {
        (Some(reason), Some(_)) => return Err(format!("accepted in spite of {reason}")),
        (None, None) => return Err("refused".to_owned()),
        (Some(_), None) => {}
        (None, Some(logs)) if logs_hash(&logs) != expected.logs => {
            return Err("other logs".to_owned());
        }
        (None, Some(_)) => {}
    }
    compare(&apply(&case.pre, &diff), &expected.state)
}

fn compare(found: &State, expected: &State) -> Result<(), String> {
    let addresses = found.keys().chain(expected.keys());
    for address in addresses {
        let (Some(found), Some(expected)) = (found.get(address), expected.get(address)) else {
            let found = found.contains_key(address);
            return Err(format!("account {address} exists: {found}"));
        };
        if (found.nonce, found.balance) != (expected.nonce, expected.balance) {
            return Err(format!(
                "account {address}: nonce {} balance {}, expected {} {}",
                found.nonce, found.balance, expected.nonce, expected.balance
            ));
        }
        if found.code != expected.code {
            return Err(format!("code of {address}"));
        }
        let slots = |account: &AccountState| -> HashMap<U256, U256> {
            let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
            slots.map(|(slot, value)| (*slot, *value)).collect()
        };
        if slots(found) != slots(expected) {
            return Err(format!("storage of {address}"));
        }
    }
    Ok(())
}

/// Passed and failed cases.
#[derive(Default)]
struct Tally {
    passed: usize,
    failures: Vec<String>,
}

type Tallies = BTreeMap<String, Tally>;

fn run_file(path: &Path) -> Tallies {
    let mut tallies = Tallies::new();
    let cases: BTreeMap<String, Case> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    for (name, case) in &cases {
        for (fork, expectations) in &case.post {
            let tally = tallies.entry(fork.clone()).or_default();
            for expected in expectations {
                match judge(case, fork, expected) {
                    Ok(()) => tally.passed += 1,
                    Err(error) => tally.failures.push(format!("{name} [{fork}]: {error}")),
                }
            }
        }
    }
    tallies
}

fn merge(mut left: Tallies, right: Tallies) -> Tallies {
    for (fork, tally) in right {
        let both = left.entry(fork).or_default();
        both.passed += tally.passed;
        both.failures.extend(tally.failures);
    }
    left
}

#[test]
fn state_tests_of_every_fork_pass() {
    let dir = match ethereum_tests("state_tests", Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        Ok(dir) => dir,
        Err(reason) => {
            println!("state tests are not run: {reason}");
            return;
        }
    };
    let tallies = json_files(&dir)
        .par_iter()
        .map(|path| run_file(path))
        .reduce(Tallies::new, merge);
    let (mut passed, mut failures) = (0, Vec::new());
    for (fork, tally) in tallies {
        println!(
            "{fork}: {} passed, {} failed",
            tally.passed,
            tally.failures.len()
        );
        passed += tally.passed;
        failures.extend(tally.failures);
    }
    println!("state tests: {passed} passed, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        passed > 10_000,
        "the archive holds more than {passed} cases"
    );
}
