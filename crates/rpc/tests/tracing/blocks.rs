//! What is traced: transactions and calls in blocks, old and new.

use alloy_primitives::{U256, hex};
use serde_json::{Value, json};

use crate::{
    common::{Node, members, words},
    invoke, scene, trace,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_traced_is_a_plain_error() {
    let node = Node::start().await;
    node.mine().await;
    let unknown = format!("0x{}1", "0".repeat(63));
    let genesis = node
        .call("eth_getBlockByNumber", json!(["0x0", false]))
        .await["hash"]
        .clone();
    for (method, params, want) in [
        (
            "debug_traceTransaction",
            json!([unknown]),
            "transaction not found",
        ),
        ("debug_traceBlockByHash", json!([unknown]), "not found"),
        (
            "debug_traceBlockByHash",
            json!([genesis]),
            "genesis is not traceable",
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x0"]),
            "genesis is not traceable",
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x63"]),
            "block #99 not found",
        ),
        ("debug_traceBlockByNumber", json!(["pending"]), "pending"),
        ("debug_getRawBlock", json!(["0x63"]), "block #99 not found"),
        (
            "trace_replayTransaction",
            json!([unknown, []]),
            "transaction not found",
        ),
    ] {
        let (code, message) = node.fail(method, params.clone()).await;
        assert_eq!(code, -32000, "{method} {params}");
        assert!(message.contains(want), "{method} {params}: {message}");
    }
    for method in [
        "debug_traceBlockByNumber",
        "debug_getRawBlock",
        "debug_getRawHeader",
    ] {
        let (code, message) = node.fail(method, json!(["3"])).await;
        assert_eq!(code, -32602);
        assert!(message.contains("without 0x prefix") || message.contains("0x prefix"));
    }
    assert_eq!(
        node.call("debug_traceBlockByNumber", json!(["0x1"])).await,
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_traced_in_one_pass_by_number_hash_and_bytes() {
    let (node, _, [first, second]) = scene().await;
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let rlp = node.call("debug_getRawBlock", json!(["latest"])).await;
    for options in [
        json!({}),
        json!({"tracer":"callTracer"}),
        json!({"tracer":"prestateTracer"}),
    ] {
        let by_number = node
            .call("debug_traceBlockByNumber", json!([head["number"], options]))
            .await;
        let entries = by_number.as_array().unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(members(&entries[0]), words("txHash result"));
        for (entry, tx) in entries.iter().zip([&first, &second]) {
            assert_eq!(entry["txHash"], json!(tx.hash()));
            assert_eq!(entry["result"], trace(&node, tx, options.clone()).await);
        }
        let by_hash = node
            .call("debug_traceBlockByHash", json!([head["hash"], options]))
            .await;
        assert_eq!(by_hash, by_number);
        assert_eq!(
            node.call("debug_traceBlock", json!([rlp, options])).await,
            by_number
        );
    }
    let (code, message) = node.fail("debug_traceBlock", json!(["0xc0"])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("rlp"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_blocks_are_traced_on_their_own_state() {
    let (node, [counter, ..], [tx, _]) = scene().await;
    let before = trace(&node, &tx, json!({})).await;
    for nonce in 5..25 {
        node.send(&invoke(nonce, counter, &[])).await;
        node.mine().await;
    }
    assert_eq!(trace(&node, &tx, json!({})).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_traced_in_the_middle_of_a_block_and_with_overrides() {
    let (node, [counter, ..], _) = scene().await;
    for nonce in 5..8 {
        node.send(&invoke(nonce, counter, &[])).await;
    }
    node.mine().await;
    let result = async |options: Value| {
        let params = json!([{"to": counter}, "latest", options]);
        let found = node.call("debug_traceCall", params).await;
        U256::from_be_slice(&hex::decode(found["returnValue"].as_str().unwrap()).unwrap())
    };
    // The counter stood at 43; three more calls follow.
    assert_eq!(result(json!({})).await, U256::from(47));
    assert_eq!(result(json!({"txIndex":"0x0"})).await, U256::from(44));
    assert_eq!(result(json!({"txIndex":"0x2"})).await, U256::from(46));
    let slot = format!("0x{}", "0".repeat(64));
    let state = json!({counter.to_string(): {"stateDiff": {&slot: format!("{:#066x}", 9)}}});
    assert_eq!(
        result(json!({"stateOverrides": state})).await,
        U256::from(10)
    );
    let number = json!({"stateOverrides":{counter.to_string():{"code":"0x435f5260205ff3"}},
        "blockOverrides":{"number":"0x2a"}});
    assert_eq!(result(number).await, U256::from(42));
    let params = json!([{"to": counter}, "latest", {"txIndex": "0x9"}]);
    let (code, message) = node.fail("debug_traceCall", params).await;
    assert_eq!(code, -32000);
    assert!(message.contains("out of range"), "{message}");

    let bundles = json!([
        {"transactions":[{"to":counter},{"to":counter}]},
        {"transactions":[{"to":counter}],"blockOverride":{"number":"0x50"}},
    ]);
    let params = json!([bundles, {"blockNumber":"latest","transactionIndex":1}, {}]);
    let found = node.call("debug_traceCallMany", params).await;
    let values: Vec<Vec<&str>> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|bundle| {
            let traces = bundle.as_array().unwrap().iter();
            let last = |t: &'_ Value| -> usize { t["returnValue"].as_str().unwrap().len() - 2 };
            traces
                .map(|t| &t["returnValue"].as_str().unwrap()[last(t)..])
                .collect()
        })
        .collect();
    // 44 after the first transaction of the block: 45, 46 and 47.
    assert_eq!(values, [vec!["2d", "2e"], vec!["2f"]]);
}
