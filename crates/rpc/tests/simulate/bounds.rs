//! What is refused, and what is limited.

use aura_rpc::RpcConfig;
use serde_json::{Value, json};

use crate::{
    ALICE, BOB, CODE, calls,
    common::{LOOP, Node, account},
    refusal, simulate, with_code,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_block_cannot_hold_is_refused_by_its_code() {
    let node = Node::start().await;
    let from = account(0).address();
    let strict = |call: Value| json!({"blockStateCalls": [{"calls": [call]}], "validation": true});
    let fee = "0x174876e800";
    let overridden = |fields: Value, call: Value| json!({"blockStateCalls": [{"blockOverrides": fields, "calls": [call]}]});
    let deploy = format!("0x{}", "00".repeat(49_153));
    for (payload, code) in [
        (
            strict(json!({"from": from, "to": BOB, "nonce": "0x1", "maxFeePerGas": fee})),
            -38011,
        ),
        (strict(json!({"from": from, "to": BOB})), -38012),
        (
            strict(json!({"from": ALICE, "to": BOB, "maxFeePerGas": fee})),
            -38014,
        ),
        (
            calls(json!([{"from": ALICE, "to": BOB, "value": "0x1"}])),
            -38014,
        ),
        (calls(json!([{"to": BOB, "gas": "0x5207"}])), -38013),
        (calls(json!([{"input": deploy}])), -38025),
        (
            calls(json!([{"maxPriorityFeePerGas": "0x1", "to": BOB}])),
            -32602,
        ),
        (
            overridden(
                json!({"gasLimit": "0x5208"}),
                json!({"to": BOB, "gas": "0x5209"}),
            ),
            -38015,
        ),
        (
            overridden(
                json!({"baseFeePerGas": "0x9"}),
                json!({"to": BOB, "maxFeePerGas": "0x8"}),
            ),
            -38012,
        ),
        (
            overridden(json!({"number": "0x0"}), json!({"to": BOB})),
            -38020,
        ),
        (
            overridden(json!({"time": "0x0"}), json!({"to": BOB})),
            -38021,
        ),
        (
            overridden(json!({"number": "0x101"}), json!({"to": BOB})),
            -38026,
        ),
        (json!({"blockStateCalls": []}), -32602),
        (calls(json!([{"to": "0x12"}])), -32602),
        (
            calls(json!([{"to": BOB, "gasPrice": "0x1", "maxFeePerGas": "0x1"}])),
            -32000,
        ),
    ] {
        assert_eq!(refusal(&node, payload.clone()).await, code, "{payload}");
    }
    let used = json!({"blockStateCalls": [
        {"stateOverrides": {from.to_string(): {"nonce": "0x5"}},
         "calls": [{"from": from, "to": BOB, "nonce": "0x4", "maxFeePerGas": fee}]},
    ], "validation": true});
    assert_eq!(refusal(&node, used).await, -38010);
    let unknown = node
        .fail("eth_simulateV1", json!([{"blockStateCalls": [{}]}, "0xff"]))
        .await;
    assert_eq!(unknown, (-32000, "header not found".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_nonce_starts_again_without_validation() {
    let node = Node::start().await;
    let call = json!({"from": ALICE, "to": BOB});
    let mut payload = json!({"blockStateCalls": [{
        "stateOverrides": {ALICE: {"nonce": "0xffffffffffffffff"}},
        "calls": [call, call],
    }], "returnFullTransactions": true});
    let block = simulate(&node, payload.clone()).await.remove(0);
    let nonce = |index: usize| block["transactions"][index]["nonce"].clone();
    assert_eq!(
        (nonce(0), nonce(1)),
        (json!("0xffffffffffffffff"), json!("0x0"))
    );
    payload["validation"] = true.into();
    assert_eq!(refusal(&node, payload).await, -32603);
}

#[tokio::test(flavor = "multi_thread")]
async fn gas_and_time_of_a_simulation_are_limited() {
    let node = Node::with(RpcConfig {
        call_gas_cap: 3_000_000,
        simulate_timeout_ms: 200,
        ..RpcConfig::default()
    })
    .await;
    let code = format!("0x{LOOP}");
    // All calls share the cap: the first takes what it asks for, the second the rest.
    let payload = with_code(
        &code,
        json!([{"to": CODE, "gas": "0x1e8480"}, {"to": CODE}]),
    );
    let block = simulate(&node, payload).await.remove(0);
    assert_eq!(block["gasUsed"], format!("{:#x}", 3_000_000));
    let third = with_code(&code, json!([{"to": CODE}, {"to": BOB}]));
    assert_eq!(refusal(&node, third).await, -38026);
    let node = Node::with(RpcConfig {
        call_gas_cap: u64::MAX / 2,
        simulate_timeout_ms: 200,
        ..RpcConfig::default()
    })
    .await;
    let endless = json!({"blockStateCalls": [{
        "blockOverrides": {"gasLimit": "0xffffffffffff"},
        "stateOverrides": {CODE: {"code": code}}, "calls": [{"to": CODE}],
    }]});
    assert_eq!(refusal(&node, endless).await, -32016);
}
