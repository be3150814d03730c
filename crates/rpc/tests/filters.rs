//! Filters: what is new, once, and what is gone.

mod common;

use std::{collections::HashSet, time::Duration};

use alloy_primitives::{Address, B256};
use aura_rpc::RpcConfig;
use common::{LOGGER, Node, log, transfer};
use serde_json::{Value, json};

async fn changes(node: &Node, id: &Value) -> Vec<Value> {
    let changes = node.call("eth_getFilterChanges", json!([id])).await;
    changes.as_array().unwrap().clone()
}

fn topics(logs: &[Value]) -> Vec<&Value> {
    logs.iter().map(|log| &log["topics"][0]).collect()
}

fn unwind(node: &Node, to: u64) {
    let chain = node.chain.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| chain.unwind(to).unwrap());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_filter_tells_what_is_new_and_wanted() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    node.send(&log(1, logger, 1)).await;
    node.mine().await;
    let topic = B256::repeat_byte;
    let wanted = json!({"fromBlock": "0x0", "address": logger, "topics": [[topic(1), topic(2)]]});
    let id = node.call("eth_newFilter", json!([wanted])).await;
    assert!(id.as_str().unwrap().starts_with("0x"), "{id}");
    assert!(changes(&node, &id).await.is_empty());
    for (nonce, topic) in [(2, 2), (3, 3), (4, 1)] {
        node.send(&log(nonce, logger, topic)).await;
        node.mine().await;
    }
    let new = changes(&node, &id).await;
    assert_eq!(topics(&new), [&json!(topic(2)), &json!(topic(1))]);
    assert!(changes(&node, &id).await.is_empty());
    let all = node.call("eth_getFilterLogs", json!([id])).await;
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(all, node.call("eth_getLogs", json!([wanted])).await);
    // Libraries that keep ids as numbers lose leading zeros, or add some.
    let padded = format!("0x{:0>40}", id.as_str().unwrap().trim_start_matches("0x"));
    assert!(changes(&node, &json!(padded)).await.is_empty());
    assert_eq!(node.call("eth_uninstallFilter", json!([id])).await, true);
    assert_eq!(node.call("eth_uninstallFilter", json!([id])).await, false);
    for method in ["eth_getFilterChanges", "eth_getFilterLogs"] {
        let error = node.fail(method, json!([id])).await;
        assert_eq!(error, (-32000, "filter not found".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_blocks_that_the_filter_names_are_told() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    let later = json!([{"fromBlock": "0x3", "toBlock": "0x3"}]);
    let id = node.call("eth_newFilter", later).await;
    for nonce in 1..=3 {
        node.send(&log(nonce, logger, nonce as u8)).await;
        node.mine().await;
    }
    let new = changes(&node, &id).await;
    assert_eq!(topics(&new), [&json!(B256::repeat_byte(2))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_logs_are_taken_back_once_and_new_ones_follow() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    let id = node.call("eth_newFilter", json!([{}])).await;
    let late = node.call("eth_newFilter", json!([{}])).await;
    let blocks = node.call("eth_newBlockFilter", json!([])).await;
    for nonce in 1..=2 {
        node.send(&log(nonce, logger, nonce as u8)).await;
        node.mine().await;
    }
    let added = changes(&node, &id).await;
    assert_eq!(added.len(), 2);
    assert_eq!(changes(&node, &blocks).await.len(), 2);
    unwind(&node, 1);
    node.mine().await;
    let mut new = changes(&node, &id).await;
    assert!(new.iter().all(|log| log["removed"] == true), "{new:?}");
    for log in &mut new {
        log["removed"] = json!(false);
    }
    new.reverse();
    assert_eq!(new, added);
    // Who was not told of them is not told that they are gone.
    assert!(changes(&node, &late).await.is_empty());
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    assert_eq!(changes(&node, &blocks).await, [head["hash"].clone()]);
    assert!(changes(&node, &id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_logs_that_are_forgotten_end_the_filter() {
    let config = RpcConfig {
        max_removed_log_bytes: 1,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let logger = node.deploy(0, LOGGER).await;
    let id = node.call("eth_newFilter", json!([{}])).await;
    node.send(&log(1, logger, 1)).await;
    node.mine().await;
    assert_eq!(changes(&node, &id).await.len(), 1);
    unwind(&node, 1);
    let (code, message) = node.fail("eth_getFilterChanges", json!([id])).await;
    assert_eq!(code, -32000);
    assert!(
        message.starts_with("filter not found any more"),
        "{message}"
    );
    let (_, message) = node.fail("eth_getFilterChanges", json!([id])).await;
    assert_eq!(message, "filter not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_transactions_come_as_hash_or_in_full() {
    let node = Node::start().await;
    let early = transfer(0);
    node.send(&early).await;
    let hashes = node
        .call("eth_newPendingTransactionFilter", json!([]))
        .await;
    let full = node
        .call("eth_newPendingTransactionFilter", json!([true]))
        .await;
    let sent = [transfer(1), transfer(2)];
    for tx in &sent {
        node.send(tx).await;
    }
    let told = async |id: Value, wanted: usize| {
        let mut told = Vec::new();
        for _ in 0..200 {
            told.extend(changes(&node, &id).await);
            if told.len() >= wanted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        told
    };
    let want: Vec<_> = sent.iter().map(|tx| json!(tx.hash())).collect();
    assert_eq!(told(hashes.clone(), 2).await, want);
    let whole = told(full, 2).await;
    assert_eq!(whole[1]["hash"], want[1]);
    assert_eq!(whole[1]["blockHash"], Value::Null);
    assert!(changes(&node, &hashes).await.is_empty());
    node.call("eth_uninstallFilter", json!([hashes])).await;
    let (code, message) = node.fail("eth_getFilterLogs", json!([hashes])).await;
    assert_eq!((code, message.as_str()), (-32000, "filter not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_for_one_answer_comes_with_the_next() {
    let config = RpcConfig {
        max_log_results: 2,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let logger = node.deploy(0, LOGGER).await;
    let id = node.call("eth_newFilter", json!([{}])).await;
    for nonce in 1..=5 {
        node.send(&log(nonce, logger, nonce as u8)).await;
        node.mine().await;
    }
    let mut told = Vec::new();
    for wanted in [2, 2, 1, 0] {
        let new = changes(&node, &id).await;
        assert_eq!(new.len(), wanted);
        told.extend(new);
    }
    let want: Vec<_> = (1..=5).map(|n| json!(B256::repeat_byte(n))).collect();
    assert_eq!(topics(&told), want.iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_polls_tell_each_block_once() {
    let node = Node::start().await;
    let id = node.call("eth_newBlockFilter", json!([])).await;
    let poll = async || {
        let mut told = Vec::new();
        for _ in 0..30 {
            told.extend(changes(&node, &id).await);
        }
        told
    };
    let mining = async {
        let mut mined = HashSet::new();
        for _ in 0..25 {
            mined.insert(json!(node.mine().await.block.hash()));
        }
        mined
    };
    let (mined, a, b, c) = tokio::join!(mining, poll(), poll(), poll());
    let rest = changes(&node, &id).await;
    let told = [a, b, c, rest].concat();
    assert_eq!(told.len(), 25);
    assert_eq!(told.into_iter().collect::<HashSet<_>>(), mined);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_limited_and_expire() {
    let config = RpcConfig {
        max_filters: 2,
        filter_lifetime_ms: 400,
        max_filter_bytes: 100_000,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let address: Vec<Address> = (0..1_000u16)
        .map(|n| Address::left_padding_from(&n.to_be_bytes()))
        .collect();
    let large = json!([{"address": address, "topics": [vec![B256::ZERO; 1_000], vec![B256::ZERO; 1_000], vec![B256::ZERO; 1_000]]}]);
    let (code, message) = node.fail("eth_newFilter", large).await;
    assert_eq!(code, -32005);
    assert!(message.contains("too much memory"), "{message}");
    let kept = node.call("eth_newBlockFilter", json!([])).await;
    let idle = node
        .call("eth_newPendingTransactionFilter", json!([]))
        .await;
    assert_ne!(kept, idle);
    let (code, message) = node.fail("eth_newBlockFilter", json!([])).await;
    assert_eq!(
        (code, message.as_str()),
        (-32005, "too many filters: limit 2")
    );
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        changes(&node, &kept).await;
    }
    let (code, message) = node.fail("eth_getFilterChanges", json!([idle])).await;
    assert_eq!((code, message.as_str()), (-32000, "filter not found"));
    node.call("eth_newBlockFilter", json!([])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_filters_are_refused() {
    let node = Node::start().await;
    for (method, params) in [
        ("eth_newFilter", json!([])),
        (
            "eth_newFilter",
            json!([{"fromBlock": "0x5", "toBlock": "0x4"}]),
        ),
        ("eth_newFilter", json!([{"topics": ["0x1"]}])),
        ("eth_newPendingTransactionFilter", json!(["yes"])),
        ("eth_getFilterChanges", json!([])),
        ("eth_getFilterChanges", json!(["filter"])),
        ("eth_uninstallFilter", json!([{}])),
    ] {
        let (code, message) = node.fail(method, params.clone()).await;
        assert_eq!(code, -32602, "{method} {params}: {message}");
    }
    let (code, message) = node.fail("eth_getFilterChanges", json!(["0x1"])).await;
    assert_eq!((code, message.as_str()), (-32000, "filter not found"));
}
