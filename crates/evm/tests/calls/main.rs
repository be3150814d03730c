//! Calls, gas estimates and access lists, as clients of geth expect them.
#![allow(missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod estimates;
mod fixture;
mod overrides;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_consensus::{Header, TxEip1559};
use alloy_hardforks::EthereumHardfork::{Osaka, Prague};
use alloy_primitives::{B256, Bytes, U256, address, bytes, hex};
use alloy_rpc_types_eth::BlockOverrides;
use aura_evm::{BlockEnvSource, CallError, CallLimits, call};
use common::*;
use fixture::*;

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
