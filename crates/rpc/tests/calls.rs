//! Calls, estimates and access lists.

mod common;

use std::time::{Duration, Instant};

use aura_rpc::RpcConfig;
use common::{LOGGER, LOOP, Node, REVERTER, account};
use serde_json::json;

/// `Error(string)` with "nope".
const NOPE: &str = "0x08c379a0\
    0000000000000000000000000000000000000000000000000000000000000020\
    0000000000000000000000000000000000000000000000000000000000000004\
    6e6f706500000000000000000000000000000000000000000000000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn reverts_carry_code_reason_and_data() {
    let node = Node::start().await;
    let reverter = node.deploy(0, REVERTER).await;
    for method in ["eth_call", "eth_estimateGas"] {
        let params = json!([{"to": reverter, "data": NOPE}, "latest"]);
        let error = node.respond(method, params).await["error"].clone();
        assert_eq!(
            error,
            json!({"code": 3, "message": "execution reverted: nope", "data": NOPE}),
            "{method}"
        );
    }
    let custom = json!([{"to": reverter, "input": "0x12345678"}]);
    let error = node.respond("eth_call", custom).await["error"].clone();
    assert_eq!(
        error,
        json!({"code": 3, "message": "execution reverted", "data": "0x12345678"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_take_what_clients_send() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    let from = account(0).address();
    for params in [
        json!([{"to": logger}]),
        json!([{"to": logger}, null]),
        json!([{"to": logger, "data": "0x01", "input": "0x01"}, "latest"]),
        json!([{"to": logger, "gas": "0xffffffffffff", "type": "0x2", "chainId": "0x343b",
                "nonce": "0x0", "accessList": [], "from": from, "value": null}, "pending"]),
        json!([{"to": logger}, {"blockNumber": "0x1"}]),
        json!([{"to": logger}, "latest", {}, null]),
        json!([{"to": logger}, "latest", {}, {"number": "0x10"}]),
    ] {
        let result = node.call("eth_call", params.clone()).await;
        assert_eq!(result, "0x", "{params}");
    }
    // Returns the number of the block it runs in.
    let overrides = json!({logger.to_string(): {"code": "0x435f5260205ff3"}});
    let params = json!([{"to": logger}, "latest", overrides, {"number": "0x2a"}]);
    let result = node.call("eth_call", params).await;
    assert!(result.as_str().unwrap().ends_with("2a"), "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_send_is_estimated_at_exactly_21000() {
    let node = Node::start().await;
    let from = account(0).address();
    let to = account(1).address();
    let params = json!([{"from": from, "to": to, "value": "0x1"}]);
    assert_eq!(node.call("eth_estimateGas", params).await, "0x5208");
    let params = json!([{"to": to, "from": from, "data": "0x"}, "0x0"]);
    assert_eq!(
        node.call("eth_createAccessList", params).await["gasUsed"],
        "0x5208"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_call_ends_and_others_are_served_meanwhile() {
    let config = RpcConfig {
        call_gas_cap: u64::MAX,
        call_timeout_ms: 300,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let endless = node.deploy(0, LOOP).await;
    let started = Instant::now();
    let params = json!([{"to": endless}, "latest"]);
    for _ in 0..2 {
        let calls = (0..4).map(|_| node.fail("eth_call", params.clone()));
        let quick = node.call("eth_blockNumber", json!([]));
        let (failures, number) = tokio::join!(futures_util::future::join_all(calls), quick);
        assert_eq!(number, "0x1");
        for (code, message) in failures {
            assert_eq!(code, -32000);
            assert!(message.starts_with("execution aborted"), "{message}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_calls_with_a_limit_error() {
    let config = RpcConfig {
        call_gas_cap: u64::MAX,
        call_timeout_ms: 400,
        call_threads: 1,
        call_queue: 1,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let endless = node.deploy(0, LOOP).await;
    let calls = (0..8).map(|_| node.fail("eth_call", json!([{"to": endless}])));
    let failures = futures_util::future::join_all(calls).await;
    let codes: Vec<_> = failures.iter().map(|(code, _)| *code).collect();
    assert!(codes.contains(&-32005), "{failures:?}");
    assert!(codes.contains(&-32000), "{failures:?}");
    assert_eq!(node.call("eth_blockNumber", json!([])).await, "0x1");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_calls_say_what_is_wrong() {
    let node = Node::start().await;
    let to = account(1).address();
    for (params, want) in [
        (json!([]), "missing value for required argument 0"),
        (json!(["0x12"]), "want a call object"),
        (json!([{"to": "0x12"}]), "to: "),
        (json!([{"to": to, "value": "ten"}]), "value: "),
        (json!([{"to": to, "data": "0x1"}]), "odd length"),
        (
            json!([{"to": to, "data": "0x11", "input": "0x12"}]),
            "not equal",
        ),
        (json!([{"to": to}, "newest"]), "argument 1 (block)"),
        (
            json!([{"to": to}, "latest", {"0x12": {}}]),
            "argument 2 (state overrides)",
        ),
        (
            json!([{"to": to}, "latest", null, {"number": []}]),
            "argument 3 (block overrides)",
        ),
        (
            json!([{"to": to}, "latest", null, null, 1]),
            "too many arguments",
        ),
    ] {
        let (code, message) = node.fail("eth_call", params.clone()).await;
        assert_eq!(code, -32602, "{params}");
        assert!(message.contains(want), "{params}: {message}");
    }
    let (_, message) = node
        .fail("eth_call", json!([{"to": to, "chainId": "0x1"}]))
        .await;
    assert!(message.contains("chainId does not match"), "{message}");
    let poor = json!([{"to": to, "from": "0x00000000000000000000000000000000000000aa",
                       "value": "0xffffffffffffffffffffff"}]);
    let (code, message) = node.fail("eth_call", poor).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("insufficient funds"), "{message}");
    let unknown = json!([{"to": to}, "0x63"]);
    assert_eq!(node.fail("eth_call", unknown).await.1, "header not found");
}
