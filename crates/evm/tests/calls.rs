//! Calls, gas estimates and access lists, as clients of geth expect them.
#![allow(missing_docs)]

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{Header, TxEip1559};
use alloy_eips::eip2930::AccessListItem;
use alloy_hardforks::EthereumHardfork::{Osaka, Prague};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, bytes, hex};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest, state::StateOverride};
use aura_evm::{
    BlockEnvSource, CallError, CallLimits, CallRequest, call, create_access_list, estimate_gas,
};
use common::*;

const LIMITS: CallLimits = CallLimits {
    gas_cap: 50_000_000,
    timeout: Duration::from_secs(5),
};

fn request(tx: TransactionRequest) -> CallRequest {
    CallRequest {
        tx,
        block: BlockEnvSource::Header,
        state_overrides: None,
        block_overrides: None,
    }
}

fn to(address: Address) -> TransactionRequest {
    TransactionRequest::default().to(address)
}

fn from_json(json: serde_json::Value) -> CallRequest {
    request(serde_json::from_value(json).unwrap())
}

fn run(chain: &TestChain, request: CallRequest) -> Result<Bytes, CallError> {
    call(&chain.spec, chain.view(), chain.header(), request, &LIMITS)
}

fn estimate(chain: &TestChain, request: CallRequest) -> Result<u64, CallError> {
    estimate_gas(&chain.spec, chain.view(), chain.header(), request, &LIMITS)
}

fn word(output: &Bytes) -> U256 {
    U256::try_from_be_slice(output).unwrap()
}

/// Returns one word: the value of a one-byte opcode.
fn returning(opcode: u8) -> Vec<u8> {
    [&[opcode][..], &hex!("5f5260205ff3")].concat()
}

#[test]
fn a_call_without_sender_needs_no_balance() {
    let chain = TestChain::with_code(Osaka, returning(0x33));
    assert_eq!(
        word(&run(&chain, request(to(CONTRACT))).unwrap()),
        U256::ZERO
    );
    let by_alice = request(to(CONTRACT).from(ALICE));
    assert_eq!(
        run(&chain, by_alice).unwrap()[..],
        B256::left_padding_from(ALICE.as_slice())[..]
    );
}

#[test]
fn contracts_and_wrong_nonces_may_call() {
    let chain = TestChain::with_code(Osaka, returning(0x30));
    let json =
        serde_json::json!({ "from": CONTRACT, "to": CONTRACT, "nonce": "0x55", "type": "0x2" });
    assert!(run(&chain, from_json(json)).is_ok());
}

#[test]
fn value_and_fees_need_funds() {
    let chain = TestChain::osaka();
    let value = request(to(BOB).value(U256::from(1)));
    let error = run(&chain, value).unwrap_err().to_string();
    assert!(
        error.starts_with("insufficient funds for gas * price + value: address 0x0"),
        "{error}"
    );
    let mut priced = to(BOB).from(CONTRACT);
    priced.gas_price = Some(100 * GWEI);
    let error = run(&chain, request(priced.clone())).unwrap_err();
    assert!(
        matches!(error, CallError::InsufficientFunds { .. }),
        "{error:?}"
    );
    // ALICE could not pay for the whole cap, but named no gas limit: she gets what she can pay.
    priced.from = Some(ALICE);
    priced.gas_price = Some(100_000 * GWEI);
    assert!(run(&chain, request(priced)).is_ok());
}

#[test]
fn base_fee_is_zero_in_calls_without_a_price() {
    let chain = TestChain::with_code(Osaka, returning(0x48));
    assert_eq!(
        word(&run(&chain, request(to(CONTRACT))).unwrap()),
        U256::ZERO
    );
    let mut priced = to(CONTRACT).from(ALICE);
    priced.max_fee_per_gas = Some(2 * GWEI);
    let base_fee = U256::from(GWEI);
    assert_eq!(word(&run(&chain, request(priced)).unwrap()), base_fee);
    let mut given = request(to(CONTRACT));
    given.block_overrides = Some(Box::new(BlockOverrides {
        base_fee: Some(U256::from(77)),
        ..Default::default()
    }));
    assert_eq!(word(&run(&chain, given).unwrap()), U256::from(77));
}

#[test]
fn gas_is_clamped_to_the_cap_and_above_the_transaction_cap_of_osaka() {
    let chain = TestChain::with_code(Osaka, returning(0x5a));
    let huge = request(to(CONTRACT).gas_limit(u64::MAX));
    let left: u64 = word(&run(&chain, huge).unwrap()).to();
    assert!((49_900_000..50_000_000).contains(&left), "{left}");
}

#[test]
fn revert_data_comes_back_untouched() {
    // REVERT of the calldata
    let chain = TestChain::with_code(Osaka, hex!("365f5f37365ffd"));
    let data = bytes!("deadbeef00");
    let error = run(&chain, request(to(CONTRACT).input(data.clone().into()))).unwrap_err();
    assert_eq!(error.to_string(), "execution reverted");
    assert!(matches!(error, CallError::Revert { data: found } if found == data));
    let mut reason = hex!("08c379a0").to_vec();
    reason.extend(U256::from(32).to_be_bytes::<32>());
    reason.extend(U256::from(2).to_be_bytes::<32>());
    reason.extend(b"no");
    reason.resize(4 + 96, 0);
    let error = run(
        &chain,
        request(to(CONTRACT).input(Bytes::from(reason).into())),
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "execution reverted: no");
}

#[test]
fn halts_are_named_as_geth_names_them() {
    let halt = |code: &[u8]| {
        let chain = TestChain::with_code(Osaka, code.to_vec());
        let error = run(&chain, request(to(CONTRACT))).unwrap_err();
        assert!(matches!(error, CallError::Halt { .. }), "{error:?}");
        error.to_string()
    };
    assert_eq!(halt(&hex!("fe")), "invalid opcode: INVALID");
    assert_eq!(halt(&hex!("0c")), "invalid opcode");
    assert_eq!(halt(&hex!("50")), "stack underflow");
    assert_eq!(halt(&hex!("5f56")), "invalid jump destination");
    assert_eq!(halt(&hex!("5b5f56")), "out of gas");
}

#[test]
fn an_endless_loop_stops_at_the_gas_cap_and_at_the_timeout() {
    let chain = TestChain::with_code(Osaka, hex!("5b5f56"));
    let started = Instant::now();
    let error = run(&chain, request(to(CONTRACT))).unwrap_err();
    assert_eq!(error.to_string(), "out of gas");
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    let limits = CallLimits {
        gas_cap: u64::MAX,
        timeout: Duration::from_millis(50),
    };
    let started = Instant::now();
    let endless = request(to(CONTRACT));
    let error = call(&chain.spec, chain.view(), chain.header(), endless, &limits).unwrap_err();
    assert!(matches!(error, CallError::Timeout { .. }), "{error:?}");
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_call_may_run_in_the_next_block() {
    let chain = TestChain::with_code(Osaka, returning(0x42));
    let mut next = request(to(CONTRACT));
    next.block = BlockEnvSource::Next { timestamp: 1_234 };
    assert_eq!(word(&run(&chain, next).unwrap()), U256::from(1_234));
    let number = TestChain::with_code(Osaka, returning(0x43));
    assert_eq!(
        word(&run(&number, request(to(CONTRACT))).unwrap()),
        U256::ZERO
    );
    let mut next = request(to(CONTRACT));
    next.block = BlockEnvSource::Next { timestamp: 1 };
    assert_eq!(word(&run(&number, next).unwrap()), U256::from(1));
    // BLOCKHASH(NUMBER - 1)
    let hash = TestChain::with_code(Osaka, hex!("60014303405f5260205ff3"));
    let mut next = request(to(CONTRACT));
    next.block = BlockEnvSource::Next { timestamp: 1 };
    assert_eq!(run(&hash, next).unwrap()[..], hash.genesis.seal()[..]);
}

fn overrides(json: serde_json::Value) -> StateOverride {
    serde_json::from_value(json).unwrap()
}

#[test]
fn state_overrides_change_code_balance_and_storage() {
    // returns SLOAD(0) + SLOAD(1)
    let code = hex!("5f546001540160005260206000f3");
    let mut account = contract(code);
    account.storage = Some([(B256::ZERO, B256::with_last_byte(5))].into());
    let chain = TestChain::new(Osaka, vec![(CONTRACT, account)]);
    let sum = |json| {
        let mut request = request(to(CONTRACT));
        request.state_overrides = Some(overrides(json));
        word(&run(&chain, request).unwrap())
    };
    let one = format!("{:#x}", B256::with_last_byte(1));
    let two = format!("{:#x}", B256::with_last_byte(2));
    assert_eq!(sum(serde_json::json!({})), U256::from(5));
    let diff = serde_json::json!({ CONTRACT.to_string(): { "stateDiff": { one.clone(): two } } });
    assert_eq!(sum(diff), U256::from(7));
    let full = serde_json::json!({ CONTRACT.to_string(): { "state": { one.clone(): two } } });
    assert_eq!(sum(full), U256::from(2));

    let mut both = request(to(CONTRACT));
    let json = serde_json::json!({ CONTRACT.to_string(): { "state": {}, "stateDiff": {} } });
    both.state_overrides = Some(overrides(json));
    assert!(matches!(
        run(&chain, both),
        Err(CallError::InvalidRequest(_))
    ));

    let fresh = address!("00000000000000000000000000000000000f4e54");
    let code = Bytes::from(returning(0x47));
    let json = serde_json::json!({ fresh.to_string(): { "balance": "0x9", "code": code } });
    let mut request = request(to(fresh));
    request.state_overrides = Some(overrides(json));
    assert_eq!(word(&run(&chain, request).unwrap()), U256::from(9));
}

#[test]
fn a_precompile_may_be_moved() {
    let chain = TestChain::osaka();
    let identity = address!("0000000000000000000000000000000000000004");
    let mut moved = request(to(BOB).input(bytes!("0102").into()));
    let json = serde_json::json!({ identity.to_string(): { "movePrecompileToAddress": BOB } });
    moved.state_overrides = Some(overrides(json));
    assert_eq!(run(&chain, moved).unwrap(), bytes!("0102"));
    let mut wrong = request(to(BOB));
    let json = serde_json::json!({ CONTRACT.to_string(): { "movePrecompileToAddress": BOB } });
    wrong.state_overrides = Some(overrides(json));
    assert!(matches!(
        run(&chain, wrong),
        Err(CallError::InvalidRequest(_))
    ));
}

#[test]
fn p256_precompile_answers_from_osaka_on() {
    let input = hex!(
        "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d"
        "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac"
        "36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60"
        "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3"
        "7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e"
    );
    let p256 = address!("0000000000000000000000000000000000000100");
    let verify = || request(to(p256).input(Bytes::from(input).into()));
    assert_eq!(
        word(&run(&TestChain::osaka(), verify()).unwrap()),
        U256::from(1)
    );
    let prague = TestChain::new(Prague, Vec::new());
    assert!(run(&prague, verify()).unwrap().is_empty());
}

#[test]
fn a_plain_transfer_is_estimated_exactly() {
    let chain = TestChain::osaka();
    let send = || to(CONTRACT).from(ALICE).value(U256::from(1));
    assert_eq!(estimate(&chain, request(send())).unwrap(), 21_000);
    let mut priced = send();
    priced.max_fee_per_gas = Some(2 * GWEI);
    assert_eq!(estimate(&chain, request(priced)).unwrap(), 21_000);
    let nobody = to(BOB);
    assert_eq!(estimate(&chain, request(nobody)).unwrap(), 21_000);
    let poor = to(BOB).from(CONTRACT).value(U256::from(1));
    assert!(matches!(
        estimate(&chain, request(poor)),
        Err(CallError::InsufficientFunds { .. })
    ));
    let mut poor = to(BOB).from(CONTRACT).value(U256::from(1));
    poor.gas_price = Some(GWEI);
    let error = estimate(&chain, request(poor)).unwrap_err();
    assert_eq!(error.to_string(), "insufficient funds for transfer");
}

/// Sends the transaction with the estimated gas and with 4 % less.
fn assert_tight(chain: &TestChain, input: Bytes, kind: TxKind) {
    let mut tx = TransactionRequest::default()
        .from(ALICE)
        .input(input.clone().into());
    tx.to = Some(kind);
    let gas = estimate(chain, request(tx)).unwrap();
    let with_gas = |gas_limit| {
        let tx = TxEip1559 {
            gas_limit,
            input: input.clone(),
            ..eip1559(0, kind)
        };
        let mut executor = chain.begin();
        executor
            .execute(&sent_by(ALICE, tx))
            .is_ok_and(|outcome| outcome.success)
    };
    assert!(with_gas(gas), "{gas} is not enough");
    assert!(!with_gas(gas - gas / 25), "{gas} is not tight");
}

#[test]
fn estimates_suffice_and_are_tight() {
    // SSTORE(0, 1)
    assert_tight(
        &TestChain::with_code(Osaka, hex!("60015f5500")),
        Bytes::new(),
        CONTRACT.into(),
    );
    // calldata under the floor price
    assert_tight(&TestChain::osaka(), Bytes::from(vec![1; 1_000]), BOB.into());
    // sets three slots and clears them again: the refund comes too late to lower the limit
    let refund = hex!("60015f5560016001556001600255" "5f5f555f6001555f60025500");
    assert_tight(
        &TestChain::with_code(Osaka, refund),
        Bytes::new(),
        CONTRACT.into(),
    );
    // creation of a contract
    let init = bytes!("600360025560015ff3");
    assert_tight(&TestChain::osaka(), init, TxKind::Create);
}

#[test]
fn an_estimate_covers_the_64th_that_a_caller_keeps() {
    // CONTRACT calls BOB's code, which needs much gas; it reverts if the call fails.
    let worker = address!("00000000000000000000000000000000000030b5");
    // loop: 2,000 rounds
    let work = hex!("6107d05b600190038060035700");
    let caller = [
        &hex!("5f5f5f5f5f73")[..],
        worker.as_slice(),
        &hex!("5af16022575f5ffd5b00"),
    ]
    .concat();
    let chain = TestChain::new(
        Osaka,
        vec![(worker, contract(work)), (CONTRACT, contract(caller))],
    );
    assert_tight(&chain, Bytes::new(), CONTRACT.into());
}

#[test]
fn failing_estimates_say_why() {
    let reverting = TestChain::with_code(Osaka, hex!("60aa5f5260205ffd"));
    match estimate(&reverting, request(to(CONTRACT))).unwrap_err() {
        CallError::Revert { data } => assert_eq!(word(&data), U256::from(0xaa)),
        other => panic!("{other:?}"),
    }
    let endless = TestChain::with_code(Osaka, hex!("5b5f56"));
    let error = estimate(&endless, request(to(CONTRACT))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "gas required exceeds allowance (16777216)"
    );
    let prague = TestChain::with_code(Prague, hex!("5b5f56"));
    let error = estimate(&prague, request(to(CONTRACT))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "gas required exceeds allowance (50000000)"
    );
    let limited = request(to(CONTRACT).gas_limit(100_000));
    let error = estimate(&endless, limited).unwrap_err();
    assert_eq!(error.to_string(), "gas required exceeds allowance (100000)");
    let mut poor = to(CONTRACT).from(ALICE);
    poor.gas_price = Some(ETHER);
    let error = estimate(&endless, request(poor)).unwrap_err();
    assert_eq!(error.to_string(), "gas required exceeds allowance (1000)");
}

#[test]
fn an_access_list_names_what_is_touched_without_the_obvious() {
    let other = address!("0000000000000000000000000000000000007e57");
    // SLOAD(3); BALANCE(other); CALL precompile 4
    let code = [
        &hex!("60035450" "73")[..],
        other.as_slice(),
        &hex!("3150" "5f5f5f5f5f60045af1" "00"),
    ]
    .concat();
    let chain = TestChain::with_code(Osaka, code);
    let tx = to(CONTRACT).from(ALICE);
    let list = create_access_list(
        &chain.spec,
        chain.view(),
        chain.header(),
        request(tx.clone()),
        &LIMITS,
    )
    .unwrap();
    assert_eq!(list.error, None);
    let items = [
        AccessListItem {
            address: other,
            storage_keys: Vec::new(),
        },
        AccessListItem {
            address: CONTRACT,
            storage_keys: vec![B256::with_last_byte(3)],
        },
    ];
    assert_eq!(list.access_list.0, items);
    let mut with_list = tx;
    with_list.access_list = Some(list.access_list);
    let chain_id = chain.spec.chain_id();
    with_list.chain_id = Some(chain_id);
    let estimated = estimate(&chain, request(with_list)).unwrap();
    assert!(U256::from(estimated) >= list.gas_used);
}

#[test]
fn an_access_list_of_a_failing_call_carries_its_error() {
    let chain = TestChain::with_code(Osaka, hex!("5f545f5ffd"));
    let list = create_access_list(
        &chain.spec,
        chain.view(),
        chain.header(),
        request(to(CONTRACT)),
        &LIMITS,
    )
    .unwrap();
    assert_eq!(list.error.as_deref(), Some("execution reverted"));
    assert_eq!(list.access_list.0.len(), 1);
}

#[test]
fn blob_fields_are_accepted_in_calls() {
    let chain = TestChain::with_code(Osaka, hex!("5f495f5260205ff3"));
    let mut hash = B256::repeat_byte(9);
    hash[0] = 1;
    let mut tx = to(CONTRACT).from(ALICE);
    tx.blob_versioned_hashes = Some(vec![hash]);
    assert_eq!(run(&chain, request(tx)).unwrap()[..], hash[..]);
}

#[test]
fn calls_see_the_state_of_their_view() {
    let chain = TestChain::with_code(Osaka, returning(0x47));
    let tx = TxEip1559 {
        value: U256::from(3),
        ..eip1559(0, CONTRACT)
    };
    let block = chain.block(&[sent_by(ALICE, tx)]);
    let header: Header = block.header.clone();
    let view = chain.view_after(&block);
    let output = call(&chain.spec, view, &header, request(to(CONTRACT)), &LIMITS).unwrap();
    assert_eq!(word(&output), U256::from(3));
    assert_eq!(Arc::strong_count(&chain.spec), 1);
}
