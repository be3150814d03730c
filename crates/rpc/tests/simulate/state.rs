//! What simulated contracts see and leave.

use serde_json::json;

use crate::{ALICE, BOB, CODE, common::Node, refusal, simulate};

#[tokio::test(flavor = "multi_thread")]
async fn contracts_see_the_simulated_block() {
    let node = Node::start().await;
    // NUMBER, TIMESTAMP, COINBASE, BASEFEE, GASLIMIT, PREVRANDAO, BLOBBASEFEE, and the hash of the
    // block before.
    let code = "0x435f524260205241604052486060524560805244\
        60a0524a60c05260014303 4060e0526101005ff3"
        .replace(' ', "");
    let state = json!({CODE: {"code": code}});
    let payload = json!({"blockStateCalls": [
        {"blockOverrides": {"number": "0x3"}, "stateOverrides": state},
        {"blockOverrides": {
            "time": "0x70000000", "feeRecipient": BOB, "baseFeePerGas": "0x9", "gasLimit": "0x989680",
            "blobBaseFee": "0xb",
            "prevRandao": "0x00000000000000000000000000000000000000000000000000000000000000cc",
        }, "calls": [{"to": CODE}]},
    ]});
    let blocks = simulate(&node, payload).await;
    assert_eq!(blocks.len(), 4);
    let last = &blocks[3];
    let returned = last["calls"][0]["returnData"].as_str().unwrap();
    let words: Vec<_> = (0..8).map(|i| &returned[2 + 64 * i..66 + 64 * i]).collect();
    let number = |word: &str| u64::from_str_radix(word.trim_start_matches('0'), 16).unwrap();
    assert_eq!(number(words[0]), 4);
    assert_eq!(number(words[1]), 0x7000_0000);
    assert!(words[2].ends_with(&BOB[2..]));
    assert_eq!(number(words[3]), 9);
    assert_eq!(number(words[4]), 10_000_000);
    assert_eq!(number(words[5]), 0xcc);
    assert_eq!(number(words[6]), 0xb);
    assert_eq!(format!("0x{}", words[7]), blocks[2]["hash"]);
    // Base fee and randomness are of one block, gas limit and fee recipient stay.
    let payload = json!({"blockStateCalls": [
        {"blockOverrides": {"feeRecipient": BOB, "baseFeePerGas": "0x9", "gasLimit": "0x989680"}}, {},
    ]});
    let next = simulate(&node, payload).await.remove(1);
    assert_eq!(next["baseFeePerGas"], "0x0");
    assert_eq!(next["gasLimit"], "0x989680");
    assert_eq!(next["miner"], BOB);
}

#[tokio::test(flavor = "multi_thread")]
async fn state_carries_over_and_can_be_replaced() {
    let node = Node::start().await;
    let contract = node.deploy(0, "5f545f5260205ff3").await;
    let to = contract.to_string();
    let slot = |n: u64| format!("{n:#066x}");
    let payload = json!({"blockStateCalls": [
        {"calls": [{"to": to}]},
        {"stateOverrides": {&to: {"stateDiff": {slot(0): slot(7)}}}, "calls": [{"to": to}]},
        {"calls": [{"to": to}]},
        {"stateOverrides": {&to: {"state": {slot(1): slot(1)}}}, "calls": [{"to": to}]},
    ]});
    let blocks = simulate(&node, payload).await;
    let read = |index: usize| blocks[index]["calls"][0]["returnData"].clone();
    assert_eq!(
        [read(0), read(1), read(2), read(3)],
        [42, 7, 7, 0].map(|n| json!(slot(n)))
    );
    let both = json!({&to: {"state": {}, "stateDiff": {}}});
    let both = json!({"blockStateCalls": [{"stateOverrides": both}]});
    assert_eq!(refusal(&node, both).await, -32000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_precompile_moves_for_one_block() {
    let node = Node::start().await;
    let identity = "0x0000000000000000000000000000000000000004";
    let elsewhere = "0x0000000000000000000000000000000000123456";
    let both = json!([{"to": identity, "input": "0x1234"}, {"to": elsewhere, "input": "0x1234"}]);
    let moved = json!({identity: {"movePrecompileToAddress": elsewhere}});
    let payload = json!({"blockStateCalls": [
        {"stateOverrides": moved, "calls": both}, {"calls": both},
    ]});
    let blocks = simulate(&node, payload).await;
    let read = |block: usize, call: usize| blocks[block]["calls"][call]["returnData"].clone();
    assert_eq!((read(0, 0), read(0, 1)), (json!("0x"), json!("0x1234")));
    assert_eq!((read(1, 0), read(1, 1)), (json!("0x1234"), json!("0x")));
    let sha = "0x0000000000000000000000000000000000000002";
    for (overrides, code) in [
        (json!({ALICE: {"movePrecompileToAddress": BOB}}), -32000),
        (
            json!({identity: {"movePrecompileToAddress": identity}}),
            -38022,
        ),
        (
            json!({identity: {"movePrecompileToAddress": BOB}, sha: {"movePrecompileToAddress": BOB}}),
            -38023,
        ),
        (
            json!({identity: {"movePrecompileToAddress": BOB}, BOB: {"nonce": "0x1"}}),
            -32000,
        ),
    ] {
        let payload = json!({"blockStateCalls": [{"stateOverrides": overrides}]});
        assert_eq!(refusal(&node, payload.clone()).await, code, "{payload}");
    }
}
