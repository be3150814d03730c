//! Blocks built to order, and transactions filled in.

mod common;

use alloy_consensus::Transaction;
use aura_rpc::RpcConfig;
use common::{Node, account, members, transfer, words};
use serde_json::{Value, json};

async fn node() -> Node {
    Node::with(RpcConfig {
        testing: true,
        ..RpcConfig::default()
    })
    .await
}

/// Parameters of a block on the head.
async fn params(node: &Node, transactions: Value) -> Value {
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let attributes = json!({
        "timestamp": "0x77777777",
        "prevRandao": format!("{:#066x}", 7),
        "suggestedFeeRecipient": "0x7777777777777777777777777777777777777777",
        "withdrawals": [],
        "parentBeaconBlockRoot": format!("{:#066x}", 9),
    });
    json!([head["hash"], attributes, transactions, "0x1234"])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_namespace_is_off_unless_asked_for() {
    let node = Node::start().await;
    let (code, _) = node.fail("testing_buildBlockV1", json!([])).await;
    assert_eq!(code, -32601);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_holds_the_given_transactions_and_nothing_else() {
    let node = node().await;
    node.send(&transfer(0)).await;
    let empty = params(&node, json!([])).await;
    let built = node.call("testing_buildBlockV1", empty).await;
    let names = "blobsBundle blockValue executionPayload executionRequests shouldOverrideBuilder";
    assert_eq!(members(&built), words(names));
    let payload = &built["executionPayload"];
    let names = "baseFeePerGas blobGasUsed blockHash blockNumber excessBlobGas extraData feeRecipient \
        gasLimit gasUsed logsBloom parentHash prevRandao receiptsRoot stateRoot timestamp transactions \
        withdrawals";
    assert_eq!(members(payload), words(names));
    assert_eq!(payload["transactions"], json!([]));
    assert_eq!(
        (&payload["extraData"], &built["blockValue"]),
        (&json!("0x1234"), &json!("0x0"))
    );
    let given = params(&node, json!([transfer(0).encoded(), transfer(1).encoded()])).await;
    let built = node.call("testing_buildBlockV1", given).await;
    let payload = &built["executionPayload"];
    assert_eq!(payload["gasUsed"], format!("{:#x}", 42_000));
    let tip = transfer(0).envelope().max_priority_fee_per_gas().unwrap();
    assert_eq!(built["blockValue"], format!("{:#x}", tip * 42_000));
    // Nothing has become of it.
    assert_eq!(node.call("eth_blockNumber", json!([])).await, "0x0");
    let waiting = node.call("txpool_status", json!([])).await;
    assert_eq!(waiting["pending"], "0x1");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_the_block_takes_what_the_pool_has() {
    let node = node().await;
    for nonce in 0..3 {
        node.send(&transfer(nonce)).await;
    }
    let built = node
        .call("testing_buildBlockV1", params(&node, Value::Null).await)
        .await;
    let wanted: Vec<_> = (0..3)
        .map(|nonce| transfer(nonce).encoded().clone())
        .collect();
    assert_eq!(built["executionPayload"]["transactions"], json!(wanted));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_built_is_refused() {
    let node = node().await;
    let gap = params(&node, json!([transfer(5).encoded()])).await;
    let (code, message) = node.fail("testing_buildBlockV1", gap).await;
    assert_eq!(code, -32000);
    assert!(message.contains("nonce too high"), "{message}");
    let garbage = params(&node, json!(["0x02"])).await;
    assert_eq!(node.fail("testing_buildBlockV1", garbage).await.0, -32602);
    let mut orphan = params(&node, json!([])).await;
    orphan[0] = json!(format!("{:#066x}", 1));
    assert_eq!(node.fail("testing_buildBlockV1", orphan).await.0, -32000);
    let mut early = params(&node, json!([])).await;
    early[1]["timestamp"] = "0x0".into();
    node.mine().await;
    early[0] = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await["hash"]
        .clone();
    assert_eq!(node.fail("testing_buildBlockV1", early).await.0, -32602);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_transaction_lacks_nothing_but_its_signature() {
    let node = node().await;
    node.send(&transfer(0)).await;
    let from = account(0).address();
    let to = "0x7777777777777777777777777777777777777777";
    let request = json!([{"from": from, "to": to, "value": "0x5"}]);
    let filled = node.call("eth_fillTransaction", request).await;
    let tx = &filled["tx"];
    assert_eq!((&tx["type"], &tx["gas"]), (&json!("0x2"), &json!("0x5208")));
    assert_eq!(tx["nonce"], "0x1", "one waits in the pool");
    assert_eq!(tx["chainId"], format!("{:#x}", common::CHAIN_ID));
    assert_eq!((&tx["r"], &tx["s"]), (&json!("0x0"), &json!("0x0")));
    assert!(
        filled["raw"].as_str().unwrap().starts_with("0x02"),
        "{filled}"
    );
    let base_fee = node.call("eth_baseFee", json!([])).await;
    let number = |value: &Value| u128::from_str_radix(&value.as_str().unwrap()[2..], 16).unwrap();
    let tip = number(&tx["maxPriorityFeePerGas"]);
    assert_eq!(number(&tx["maxFeePerGas"]), 2 * number(&base_fee) + tip);
    let legacy =
        json!([{"from": from, "to": to, "gasPrice": "0x7", "nonce": "0x3", "gas": "0x9999"}]);
    let tx = node.call("eth_fillTransaction", legacy).await["tx"].clone();
    assert_eq!(
        (&tx["type"], &tx["gasPrice"]),
        (&json!("0x0"), &json!("0x7"))
    );
    assert_eq!(
        (&tx["nonce"], &tx["gas"]),
        (&json!("0x3"), &json!("0x9999"))
    );
    let capped = json!([{"from": from, "to": to, "maxFeePerGas": "0x5", "gas": "0x5208"}]);
    let tx = node.call("eth_fillTransaction", capped).await["tx"].clone();
    assert_eq!(
        (&tx["maxFeePerGas"], &tx["maxPriorityFeePerGas"]),
        (&json!("0x5"), &json!("0x5"))
    );
}
