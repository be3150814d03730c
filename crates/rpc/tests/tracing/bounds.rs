//! Traces end in time and memory, and blocks are served as bytes.

use std::time::{Duration, Instant};

use alloy_primitives::{Bytes, hex, keccak256};
use aura_rpc::RpcConfig;
use serde_json::{Value, json};

use crate::{
    COUNTER,
    common::{LOOP, Node, transfer},
    scene,
};

#[tokio::test(flavor = "multi_thread")]
async fn endless_code_neither_runs_on_nor_fills_memory() {
    let config = RpcConfig {
        call_gas_cap: u64::MAX,
        trace_timeout_ms: 1_500,
        max_trace_bytes: 1 << 20,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let endless = node.deploy(0, LOOP).await;
    let call = json!({"to": endless});
    let started = Instant::now();
    for (method, params) in [
        ("debug_traceCall", json!([call, "latest", {}])),
        (
            "debug_traceCall",
            json!([call, "latest", {"disableStack": true}]),
        ),
        (
            "debug_traceCall",
            json!([call, "latest", {"tracer": "erc7562Tracer"}]),
        ),
        ("trace_call", json!([call, ["vmTrace"], "latest"])),
    ] {
        let (code, message) = node.fail(method, params.clone()).await;
        assert_eq!(code, -32005, "{params}: {message}");
        assert!(message.contains("trace exceeds"), "{message}");
    }
    assert!(started.elapsed() < Duration::from_secs(10));
    for (options, least) in [
        (json!({"tracer":"callTracer"}), 1_400),
        (json!({"limit":5}), 1_400),
        (json!({"tracer":"prestateTracer","timeout":"200ms"}), 150),
    ] {
        let started = Instant::now();
        let (code, message) = node
            .fail("debug_traceCall", json!([call, "latest", options]))
            .await;
        assert_eq!(code, -32000);
        assert!(message.starts_with("execution aborted"), "{message}");
        assert!(started.elapsed() >= Duration::from_millis(least));
        assert!(started.elapsed() < Duration::from_secs(8));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deepest_calls_are_traced() {
    let config = RpcConfig {
        call_gas_cap: u64::MAX,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    // Calls itself as long as it can.
    let deep = node.deploy(0, "5f5f5f5f5f305af100").await;
    for (method, options, per_call) in [
        (
            "debug_traceCall",
            json!({"tracer":"callTracer"}),
            "\"type\":\"CALL\"",
        ),
        (
            "debug_traceCall",
            json!({"tracer":"flatCallTracer"}),
            "\"type\":\"call\"",
        ),
        ("debug_traceCall", json!({}), "\"op\":\"CALL\""),
        ("trace_call", json!(["vmTrace"]), "\"op\":\"CALL\""),
    ] {
        let params = match method {
            "trace_call" => json!([{"to": deep}, options]),
            _ => json!([{"to": deep}, "latest", options]),
        };
        let body = json!({"jsonrpc":"2.0","id":1,"method":method,"params":params}).to_string();
        // Too deep for the JSON parser of the tests.
        let address = node.server.local_addr();
        let reply = crate::common::request(address, "POST", "/", &[], body.as_bytes()).await;
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        // 1,024 calls in calls; the one below them fails.
        assert!(text.matches(per_call).count() >= 1_025, "{options}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_is_passed_on_again_and_again_is_not_recorded_without_end() {
    let config = RpcConfig {
        max_trace_bytes: 4 << 20,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    // Calls address 0x77 with 256 KiB of memory, for ever.
    let passer = node.deploy(0, "5b5f5f620400005f5f60775af1505f56").await;
    let call = json!({"to": passer, "gas": "0x2faf080"});
    for tracer in ["callTracer", "flatCallTracer"] {
        let params = json!([call, "latest", {"tracer": tracer}]);
        let (code, message) = node.fail("debug_traceCall", params).await;
        assert_eq!(code, -32005, "{tracer}: {message}");
    }
    // What records no calls goes through; the code runs out of gas.
    let params = json!([call, "latest", {"tracer": "prestateTracer"}]);
    assert!(node.call("debug_traceCall", params).await.is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_their_parts_are_served_as_bytes() {
    let (node, _, [tx, _]) = scene().await;
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let bytes = |value: &Value| -> Bytes { value.as_str().unwrap().parse().unwrap() };
    let header = bytes(&node.call("debug_getRawHeader", json!(["latest"])).await);
    assert_eq!(json!(keccak256(&header)), head["hash"]);
    let block = bytes(&node.call("debug_getRawBlock", json!([head["hash"]])).await);
    assert_eq!(
        format!("{:#x}", block.len()),
        head["size"].as_str().unwrap()
    );
    assert!(
        block
            .windows(header.len())
            .any(|window| window == &header[..])
    );
    let raw = node
        .call("debug_getRawTransaction", json!([tx.hash()]))
        .await;
    assert_eq!(bytes(&raw), *tx.encoded());
    let list = node
        .call("debug_getRawTransactions", json!(["latest"]))
        .await;
    assert_eq!(list[0], raw);
    assert_eq!(list.as_array().unwrap().len(), 2);
    let receipts = node.call("debug_getRawReceipts", json!(["latest"])).await;
    assert_eq!(bytes(&receipts[0])[0], 2);
    assert_eq!(receipts.as_array().unwrap().len(), 2);
    let waiting = transfer(5);
    node.send(&waiting).await;
    let raw = node
        .call("debug_getRawTransaction", json!([waiting.hash()]))
        .await;
    assert_eq!(bytes(&raw), *waiting.encoded());
    assert_eq!(
        node.call("debug_getRawTransaction", json!([keccak256("none")]))
            .await,
        "0x"
    );
    assert_eq!(node.call("debug_getBadBlocks", json!([])).await, json!([]));
    let config = node.call("debug_chainConfig", json!([])).await;
    assert_eq!(config["chainId"], crate::common::CHAIN_ID);
    let code = hex::decode(COUNTER).unwrap();
    let found = node
        .call("debug_codeByHash", json!([keccak256(&code)]))
        .await;
    assert_eq!(bytes(&found), code);
    assert_eq!(
        node.call("debug_codeByHash", json!([keccak256("none")]))
            .await,
        Value::Null
    );
}
