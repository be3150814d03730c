//! Entries of the queue on L2: what each does to state, receipt and gas, and that building,
//! verifying and tracing agree on it.
#![allow(missing_docs)]

mod common;

use std::{sync::Arc, time::Duration};

use alloy_consensus::Typed2718;
use alloy_primitives::{Address, B256, Bytes, U256, address, hex};
use alloy_rpc_types_trace::geth::GethDebugTracingOptions;
use aura_chainspec::{BridgeSpec, ChainSpec};
use aura_evm::{
    AttributesError, BlockExecutor, DepositFault, ExecutionError, PayloadAttributes,
    next_gas_limit,
    trace::{BlockScene, TraceLimits, debug_block},
};
use aura_primitives::{
    ExecutedBlock, RecoveredTx, TxDeposit,
    bridge::{L1BlockInfo, L1Origin, predeploys},
};
use common::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Sends what it is called with to slot 1 and its log, and reverts if that is empty.
const RECORDER: Address = address!("00000000000000000000000000000000000c0de2");
/// Always reverts.
const REVERTER: Address = address!("00000000000000000000000000000000000c0de3");
const USER: Address = address!("0000000000000000000000000000000000005e4d");

/// `sstore(1, calldataload(0)); log0(0, 32)`, or a revert without input.
const RECORD: [u8; 22] = hex!("366007575f5ffd5b5f356001555f355f5260205fa000");

/// `sstore(33, calldataload(0))`: the root of the withdrawals.
const SET_ROOT: [u8; 6] = hex!("5f3560215500");

fn spec(has_bridge: bool) -> ChainSpec {
    let alloc = |code: Bytes| json!({ "balance": "0x0", "nonce": "0x0", "code": code });
    // Seven words after the selector, into slots 0 to 6.
    let mut l1_block = Vec::new();
    for word in 0..7u8 {
        l1_block.extend([0x60, 4 + 32 * word, 0x35, 0x60, word, 0x55]);
    }
    let rich = json!({ "balance": format!("{:#x}", 1_000 * ETHER) });
    let mut aura = json!({ "commitment": "smt", "feeVault": VAULT });
    let bridge = BridgeSpec {
        l1_chain_id: 1,
        portal: Address::repeat_byte(1),
        rollup: Address::repeat_byte(2),
    };
    if has_bridge {
        aura["bridge"] = json!(bridge);
    }
    let mut passer = alloc(SET_ROOT.into());
    passer["storage"] = bridge
        .passer_storage()
        .map(|(slot, word)| (B256::from(slot).to_string(), json!(word)))
        .into_iter()
        .collect();
    let stop = || alloc(hex!("00").into());
    let mut config = alloc(hex!("00").into());
    config["storage"] = json!({ B256::ZERO.to_string(): B256::from(U256::from(12_345_678)) });
    let genesis = json!({
        "config": {
            "chainId": CHAIN_ID, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0,
            "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
            "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "terminalTotalDifficulty": "0x0",
            "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 0, "osakaTime": 0,
            "terminalTotalDifficultyPassed": true,
            "blobSchedule": {
                "cancun": { "target": 3, "max": 6, "baseFeeUpdateFraction": 3_338_477 },
                "prague": { "target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716 },
                "osaka": { "target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716 },
            },
        },
        "aura": aura, "nonce": "0x0", "timestamp": "0x0", "extraData": "0x", "difficulty": "0x0",
        "gasLimit": format!("{GAS_LIMIT:#x}"),
        "alloc": {
            ALICE.to_string(): rich.clone(), BOB.to_string(): rich,
            predeploys::L1_BLOCK.to_string(): alloc(l1_block.into()),
            predeploys::MESSAGE_PASSER.to_string(): passer,
            predeploys::TOKEN_BRIDGE.to_string(): stop(),
            predeploys::ERC20.to_string(): stop(),
            VAULT.to_string(): stop(),
            predeploys::CONFIG.to_string(): config,
            RECORDER.to_string(): alloc(RECORD.into()),
            REVERTER.to_string(): alloc(hex!("5f5ffd").into()),
        },
    });
    ChainSpec::from_genesis_json(&genesis.to_string()).unwrap()
}

fn chain() -> TestChain {
    TestChain::from_spec(spec(true))
}

fn base_fee(chain: &TestChain) -> U256 {
    U256::from(chain.base_fee())
}

fn arc(tx: TxDeposit) -> Arc<RecoveredTx> {
    Arc::new(RecoveredTx::deposit(tx))
}

fn credit(to: Address, mint: u64) -> TxDeposit {
    TxDeposit {
        source_hash: B256::repeat_byte(1),
        from: USER,
        to,
        mint: U256::from(mint),
        value: U256::from(mint),
        ..TxDeposit::default()
    }
}

fn forced(to: Address, mint: U256, value: u64, gas: u64) -> TxDeposit {
    TxDeposit {
        source_hash: B256::repeat_byte(2),
        from: USER,
        to,
        mint,
        value: U256::from(value),
        gas,
        ..TxDeposit::default()
    }
}

fn system(to: Address, gas: u64, input: impl Into<Bytes>) -> TxDeposit {
    TxDeposit {
        source_hash: B256::repeat_byte(3),
        from: predeploys::SYSTEM,
        to,
        gas,
        is_system: true,
        input: input.into(),
        ..TxDeposit::default()
    }
}

/// The one transaction's block; it must verify, too.
fn run(chain: &TestChain, tx: TxDeposit) -> ExecutedBlock {
    let block = chain.block(&[arc(tx)]);
    verify(chain, &block);
    block
}

fn verify(chain: &TestChain, block: &ExecutedBlock) {
    let again = check(chain, block).unwrap();
    assert_eq!(again.header, block.header);
    assert_eq!(again.receipts, block.receipts);
    assert_eq!(again.diff, block.diff);
    assert_eq!(again.l1_info, block.l1_info);
}

fn check(chain: &TestChain, block: &ExecutedBlock) -> Result<ExecutedBlock, ExecutionError> {
    common::verify(chain, &seal(block))
}

/// (balance, nonce) after the block.
fn account(chain: &TestChain, block: &ExecutedBlock, address: Address) -> (U256, u64) {
    let account = chain.view_after(block).account(address).unwrap();
    account.map_or((U256::ZERO, 0), |account| (account.balance, account.nonce))
}

fn outcome(block: &ExecutedBlock) -> (bool, u64) {
    let receipt = &block.receipts[0];
    assert_eq!(receipt.ty(), 0x7e);
    assert_eq!(block.header.gas_used, receipt.cumulative_gas_used);
    (receipt.is_success(), receipt.cumulative_gas_used)
}

#[test]
fn a_credit_pays_without_running_code() {
    let chain = chain();
    for to in [Address::repeat_byte(0x77), ALICE, REVERTER, VAULT] {
        let before = chain
            .view()
            .account(to)
            .unwrap()
            .map_or(U256::ZERO, |a| a.balance);
        let block = run(&chain, credit(to, 5));
        assert_eq!(outcome(&block), (true, 0));
        assert_eq!(account(&chain, &block, to).0, before + U256::from(5));
        assert_eq!(account(&chain, &block, USER), (U256::ZERO, 0));
        assert!(block.receipts[0].logs.is_empty());
    }
    assert_eq!(outcome(&run(&chain, credit(BOB, 0))), (true, 0));
}

#[test]
fn a_forced_transaction_pays_for_itself() {
    let chain = chain();
    let fee = base_fee(&chain) * U256::from(21_000);
    let block = run(&chain, forced(BOB, fee + U256::from(9), 4, 21_000));
    assert_eq!(outcome(&block), (true, 21_000));
    assert_eq!(account(&chain, &block, USER), (U256::from(5), 1));
    assert_eq!(account(&chain, &block, VAULT).0, fee);
    let bob = U256::from(1_000 * ETHER) + U256::from(4);
    assert_eq!(account(&chain, &block, BOB).0, bob);
}

#[test]
fn unused_gas_comes_back() {
    let chain = chain();
    let mint = U256::from(ETHER);
    let block = run(&chain, forced(BOB, mint, 0, 1_000_000));
    let fee = base_fee(&chain) * U256::from(21_000);
    assert_eq!(account(&chain, &block, USER), (mint - fee, 1));
}

#[test]
fn one_wei_too_little_fails_and_keeps_the_mint() {
    let chain = chain();
    let cost = base_fee(&chain) * U256::from(50_000) + U256::from(4);
    let short = cost - U256::from(1);
    let block = run(&chain, forced(BOB, short, 4, 50_000));
    assert_eq!(outcome(&block), (false, 0));
    assert_eq!(account(&chain, &block, USER), (short, 0));
    assert_eq!(account(&chain, &block, VAULT).0, U256::ZERO);
    assert!(outcome(&run(&chain, forced(BOB, cost, 4, 50_000))).0);
    // A sum beyond 256 bits is too much, too.
    let endless = TxDeposit {
        value: U256::MAX,
        ..forced(BOB, cost, 0, 50_000)
    };
    assert_eq!(outcome(&run(&chain, endless)), (false, 0));
}

#[test]
fn gas_below_the_intrinsic_fails_and_keeps_the_mint() {
    let chain = chain();
    let mint = U256::from(ETHER);
    let with = |gas, input: Vec<u8>| TxDeposit {
        input: input.into(),
        ..forced(BOB, mint, 0, gas)
    };
    // A byte that is not zero: 21,000 + 16, but 21,000 + 40 by the floor of EIP-7623.
    for (gas, input) in [(20_999, vec![]), (21_039, vec![1]), (1, vec![])] {
        let block = run(&chain, with(gas, input));
        assert_eq!(outcome(&block), (false, 0), "{gas}");
        assert_eq!(account(&chain, &block, USER), (mint, 0));
    }
    assert_eq!(outcome(&run(&chain, with(21_000, vec![]))), (true, 21_000));
    assert_eq!(outcome(&run(&chain, with(21_040, vec![1]))), (true, 21_040));
}

#[test]
fn a_reverting_call_pays_its_gas_and_keeps_the_mint() {
    let chain = chain();
    let mint = U256::from(ETHER);
    let block = run(&chain, forced(REVERTER, mint, 77, 100_000));
    let (success, gas) = outcome(&block);
    assert!(!success && gas > 21_000 && gas < 22_000);
    let fee = base_fee(&chain) * U256::from(gas);
    assert_eq!(account(&chain, &block, USER), (mint - fee, 1));
    assert_eq!(account(&chain, &block, REVERTER).0, U256::ZERO);
    assert_eq!(account(&chain, &block, VAULT).0, fee);
}

#[test]
fn a_sender_may_be_a_contract_and_have_any_nonce() {
    let chain = chain();
    for from in [RECORDER, ALICE] {
        let nonce = chain.view().account(from).unwrap().unwrap().nonce;
        let tx = TxDeposit {
            from,
            ..forced(BOB, U256::from(ETHER), 1, 30_000)
        };
        let block = run(&chain, tx);
        assert_eq!(outcome(&block), (true, 21_000));
        assert_eq!(account(&chain, &block, from).1, nonce + 1);
    }
    // Two of one sender in one block, and a signed transaction that goes on from there.
    let tx = |mint| {
        arc(TxDeposit {
            from: ALICE,
            ..forced(BOB, U256::from(mint), 1, 30_000)
        })
    };
    let block = chain.block(&[tx(1), tx(2), transfer(2, BOB, 1)]);
    verify(&chain, &block);
    assert_eq!(account(&chain, &block, ALICE).1, 3);
}

#[test]
fn a_forced_call_runs_code() {
    let chain = chain();
    let tx = TxDeposit {
        input: B256::repeat_byte(5).into(),
        ..forced(RECORDER, U256::from(ETHER), 0, 200_000)
    };
    let block = run(&chain, tx);
    assert!(outcome(&block).0);
    let slot = chain.view_after(&block).slot(RECORDER, U256::from(1));
    assert_eq!(slot.unwrap(), U256::from_be_slice(&[5; 32]));
    assert_eq!(block.receipts[0].logs.len(), 1);
}

#[test]
fn a_system_call_is_free_and_its_revert_changes_nothing() {
    let chain = chain();
    let block = run(&chain, system(RECORDER, 120_000, B256::repeat_byte(6)));
    let (success, gas) = outcome(&block);
    assert!(success && gas > 22_000 && gas < 30_000, "{gas}");
    assert_eq!(block.receipts[0].logs.len(), 1);
    let slot = chain.view_after(&block).slot(RECORDER, U256::from(1));
    assert_eq!(slot.unwrap(), U256::from_be_slice(&[6; 32]));
    for address in [predeploys::SYSTEM, VAULT] {
        assert_eq!(account(&chain, &block, address), (U256::ZERO, 0));
    }
    // Reverts, runs out of gas, has no gas for anything.
    let cases = [
        system(RECORDER, 120_000, Bytes::new()),
        system(REVERTER, 120_000, Bytes::new()),
        system(RECORDER, 1_000, B256::repeat_byte(6)),
        system(RECORDER, 0, B256::repeat_byte(6)),
    ];
    for tx in cases {
        let gas_limit = tx.gas;
        let block = run(&chain, tx);
        let (success, gas) = outcome(&block);
        assert!(!success && gas <= gas_limit);
        assert!(block.receipts[0].logs.is_empty());
        assert!(!block.diff.slots.contains_key(&RECORDER));
        assert!(!block.diff.accounts.contains_key(&RECORDER));
    }
}

#[test]
fn gas_of_a_system_call_does_not_depend_on_what_ran_before() {
    let chain = chain();
    // Calls the precompile `identity`: cold, it would cost 2,500 more.
    let tx = || {
        system(
            address!("0000000000000000000000000000000000000004"),
            50_000,
            vec![1],
        )
    };
    let first = arc(tx());
    let alone = std::thread::scope(|scope| {
        let gas = scope.spawn(|| gas_on_a_new_thread(&first));
        gas.join().unwrap()
    });
    let block = chain.block(&[arc(credit(BOB, 1)), arc(tx())]);
    assert_eq!(block.receipts[1].cumulative_gas_used, alone);
}

/// Gas of a transaction on a thread that has executed nothing yet.
fn gas_on_a_new_thread(tx: &Arc<RecoveredTx>) -> u64 {
    chain().block(std::slice::from_ref(tx)).header.gas_used
}

fn refusal(executor: &mut BlockExecutor, tx: TxDeposit) -> DepositFault {
    let before = executor.len();
    let error = executor.execute(&arc(tx)).unwrap_err();
    assert!(!error.is_fatal());
    assert_eq!(executor.len(), before);
    match error {
        ExecutionError::InvalidDeposit(fault) => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn deposits_stand_first_and_have_their_form() {
    let chain = chain();
    let mut executor = chain.begin();
    let from_user = TxDeposit {
        from: USER,
        ..system(RECORDER, 1, vec![])
    };
    assert_eq!(refusal(&mut executor, from_user), DepositFault::SystemCall);
    let minting = TxDeposit {
        mint: U256::from(1),
        ..system(RECORDER, 1, vec![])
    };
    assert_eq!(refusal(&mut executor, minting), DepositFault::SystemCall);
    let unlike = TxDeposit {
        value: U256::from(2),
        ..credit(BOB, 1)
    };
    assert_eq!(refusal(&mut executor, unlike), DepositFault::Credit);
    executor.execute(&arc(credit(BOB, 1))).unwrap();
    executor.execute(&transfer(0, BOB, 1)).unwrap();
    let late = refusal(&mut executor, credit(BOB, 1));
    assert_eq!(late, DepositFault::AfterTransaction);
    // A block of somebody else's in that order is refused.
    let mut block = executor.finish().unwrap();
    block.transactions.swap(0, 1);
    let error = check(&chain, &block).unwrap_err();
    let ExecutionError::InvalidBlockTransaction {
        index: 1, source, ..
    } = error
    else {
        panic!("{error}");
    };
    assert!(matches!(
        *source,
        ExecutionError::InvalidDeposit(DepositFault::AfterTransaction)
    ));
    let unbridged = TestChain::from_spec(spec(false));
    let fault = refusal(&mut unbridged.begin(), credit(BOB, 1));
    assert_eq!(fault, DepositFault::NoBridge);
}

#[test]
fn what_does_not_fit_waits_for_the_next_block() {
    let chain = chain();
    let attributes = PayloadAttributes {
        gas_limit: 100_000,
        ..chain.attributes()
    };
    let mut executor = chain.begin_with(attributes);
    let big = || forced(BOB, U256::from(ETHER), 0, 80_001);
    executor
        .execute(&arc(forced(BOB, U256::from(ETHER), 0, 20_999)))
        .unwrap();
    executor
        .execute(&arc(forced(BOB, U256::from(ETHER), 0, 60_000)))
        .unwrap();
    let error = executor.execute(&arc(big())).unwrap_err();
    assert!(error.is_block_full() && !error.is_fatal());
    assert!(matches!(
        error,
        ExecutionError::BlockFull {
            resource: "gas",
            needed: 80_001,
            left: 79_000
        }
    ));
    assert_eq!(executor.len(), 2);
}

fn l1_info() -> L1BlockInfo {
    L1BlockInfo {
        origin: L1Origin {
            number: 11,
            hash: B256::repeat_byte(12),
            timestamp: 13,
            base_fee: U256::from(14),
            blob_base_fee: U256::from(15),
            ..L1Origin::default()
        },
        consumed: 16,
        queue_acc: B256::repeat_byte(17),
    }
}

#[test]
fn l1_is_told_before_the_transactions() {
    let chain = chain();
    let attributes = PayloadAttributes {
        l1_info: Some(l1_info()),
        ..chain.attributes()
    };
    let executor = chain.begin_with(attributes);
    let block = executor.finish().unwrap();
    assert_eq!(block.l1_info, Some(l1_info()));
    assert_eq!((block.transactions.len(), block.header.gas_used), (0, 0));
    verify(&chain, &block);
    let view = chain.view_after(&block);
    let want = [
        U256::from(11),
        U256::from(13),
        B256::repeat_byte(12).into(),
        U256::from(14),
        U256::from(15),
        U256::from(16),
        B256::repeat_byte(17).into(),
    ];
    for (slot, want) in want.into_iter().enumerate() {
        let value = view.slot(predeploys::L1_BLOCK, U256::from(slot)).unwrap();
        assert_eq!(value, want, "slot {slot}");
    }
    // Without it the block has another state, though no header but the state root says so.
    let mut without = seal(&block);
    without.l1_info = None;
    let other = common::verify(&chain, &without);
    assert_ne!(other.unwrap().diff, block.diff);
}

#[test]
fn l1_is_told_only_on_a_bridged_chain() {
    let chain = TestChain::from_spec(spec(false));
    let attributes = PayloadAttributes {
        l1_info: Some(l1_info()),
        ..chain.attributes()
    };
    let spec = Arc::clone(&chain.spec);
    let error = BlockExecutor::begin(spec, &chain.genesis, attributes, chain.view()).unwrap_err();
    assert!(matches!(
        error,
        ExecutionError::InvalidAttributes(AttributesError::NoBridge)
    ));
}

#[test]
fn a_bridged_header_has_the_root_of_the_withdrawals() {
    let chain = chain();
    let before = chain.genesis.withdrawals_root;
    assert_eq!(chain.block(&[]).header.withdrawals_root, before);
    let root = B256::repeat_byte(0x33);
    let block = run(&chain, system(predeploys::MESSAGE_PASSER, 50_000, root));
    assert_eq!(block.header.withdrawals_root, Some(root));
    let plain = TestChain::from_spec(spec(false)).block(&[]);
    assert_eq!(
        plain.header.withdrawals_root,
        Some(alloy_consensus::constants::EMPTY_WITHDRAWALS)
    );
}

#[test]
fn l1_sets_the_gas_limit() {
    assert_eq!(next_gas_limit(&chain().view(), 7).unwrap(), 12_345_678);
    assert_eq!(next_gas_limit(&TestChain::osaka().view(), 7).unwrap(), 7);
}

fn traces(chain: &TestChain, block: &ExecutedBlock, options: Value) -> Vec<Value> {
    let options: GethDebugTracingOptions = serde_json::from_value(options).unwrap();
    let limits = TraceLimits {
        timeout: Duration::from_secs(60),
        max_bytes: 1 << 24,
        gas_cap: 50_000_000,
    };
    let scene = BlockScene {
        spec: &chain.spec,
        parent: &chain.genesis,
        block: &seal(block),
        view: chain.view(),
    };
    let text = debug_block(scene, options, limits).unwrap();
    let traces: Vec<Value> = serde_json::from_str(&text).unwrap();
    traces
        .into_iter()
        .map(|trace| trace["result"].clone())
        .collect()
}

#[test]
fn every_deposit_has_a_trace() {
    let chain = chain();
    let block = chain.block(&[
        arc(credit(BOB, 7)),
        arc(system(RECORDER, 120_000, B256::repeat_byte(6))),
        arc(forced(BOB, U256::ZERO, 1, 21_000)),
        arc(forced(REVERTER, U256::from(ETHER), 0, 50_000)),
        transfer(0, BOB, 1),
    ]);
    let calls = traces(&chain, &block, json!({ "tracer": "callTracer" }));
    let field = |name: &str| {
        calls
            .iter()
            .map(|call| call[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        field("value")[..3],
        [json!("0x7"), json!("0x0"), json!("0x1")]
    );
    let errors = field("error");
    assert_eq!((&errors[0], &errors[1]), (&Value::Null, &Value::Null));
    assert!(
        errors[2].as_str().unwrap().contains("insufficient"),
        "{}",
        errors[2]
    );
    assert!(
        errors[3].as_str().unwrap().contains("revert"),
        "{}",
        errors[3]
    );
    assert_eq!(calls[0]["gasUsed"], "0x0");
    assert_eq!(calls[1]["from"], json!(predeploys::SYSTEM));
    let options = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } });
    let changes = traces(&chain, &block, options);
    let key = format!("{BOB:#x}");
    let bob = U256::from(1_000 * ETHER) + U256::from(7);
    assert_eq!(changes[0]["post"][&key]["balance"], json!(bob));
    let key = format!("{VAULT:#x}");
    assert!(changes[3]["post"][&key]["balance"].is_string());
}

#[derive(Debug, Clone)]
enum Step {
    Credit(u8, u64),
    Forced {
        mint: u64,
        value: u64,
        gas: u64,
        to: u8,
        input: Vec<u8>,
    },
    System {
        gas: u64,
        to: u8,
        input: Vec<u8>,
    },
}

fn any_to() -> impl Strategy<Value = u8> {
    0u8..5
}

fn target(index: u8) -> Address {
    [BOB, RECORDER, REVERTER, USER, VAULT][usize::from(index)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let input = || prop_oneof![Just(vec![]), Just(vec![7; 32])];
    let gas = || prop_oneof![Just(20_999u64), Just(21_000), 21_000u64..120_000];
    // Around what gas costs at a base fee of less than 1 gwei.
    let ether = || prop_oneof![Just(0u64), 0u64..200_000_000_000_000];
    prop_oneof![
        (any_to(), ether()).prop_map(|(to, mint)| Step::Credit(to, mint)),
        (ether(), 0u64..3, gas(), any_to(), input()).prop_map(|(mint, value, gas, to, input)| {
            Step::Forced {
                mint,
                value,
                gas,
                to,
                input,
            }
        }),
        (gas(), any_to(), input()).prop_map(|(gas, to, input)| Step::System { gas, to, input }),
    ]
}

fn transaction(index: usize, step: &Step) -> TxDeposit {
    let tx = match step.clone() {
        Step::Credit(to, mint) => credit(target(to), mint),
        Step::Forced {
            mint,
            value,
            gas,
            to,
            input,
        } => TxDeposit {
            input: input.into(),
            ..forced(target(to), U256::from(mint), value, gas)
        },
        Step::System { gas, to, input } => system(target(to), gas, input),
    };
    TxDeposit {
        source_hash: U256::from(index).into(),
        ..tx
    }
}

fn total(diff: &aura_primitives::StateDiff) -> (U256, U256) {
    diff.accounts
        .values()
        .fold((U256::ZERO, U256::ZERO), |(before, after), change| {
            let balance = |account: Option<aura_primitives::Account>| {
                account.map_or(U256::ZERO, |account| account.balance)
            };
            (
                before + balance(change.before),
                after + balance(change.after),
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn building_verifying_and_tracing_agree(
        steps in prop::collection::vec(any_step(), 0..12), users in 0u64..4, told: bool,
    ) {
        let chain = chain();
        let deposits: Vec<_> =
            steps.iter().enumerate().map(|(index, step)| transaction(index, step)).collect();
        let mints: U256 = deposits.iter().map(|tx| tx.mint).sum();
        let attributes = PayloadAttributes {
            l1_info: told.then(l1_info),
            ..chain.attributes()
        };
        let mut executor = chain.begin_with(attributes);
        for tx in deposits {
            executor.execute(&arc(tx)).unwrap();
        }
        for nonce in 0..users {
            executor.execute(&transfer(nonce, RECORDER, 0)).unwrap_or_else(|e| panic!("{e}"));
        }
        let block = executor.finish().unwrap();
        verify(&chain, &block);
        // No ether comes from or goes to nowhere.
        let (before, after) = total(&block.diff);
        prop_assert_eq!(before + mints, after);
        let mut cumulative = 0;
        let traces = traces(&chain, &block, json!({}));
        prop_assert_eq!(traces.len(), block.receipts.len());
        for (trace, receipt) in traces.iter().zip(&block.receipts) {
            let gas = receipt.cumulative_gas_used - cumulative;
            prop_assert_eq!(&trace["gas"], &json!(gas));
            prop_assert_eq!(&trace["failed"], &json!(!receipt.is_success()));
            cumulative = receipt.cumulative_gas_used;
        }
    }
}
