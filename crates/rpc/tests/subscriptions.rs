//! Subscriptions over WebSocket.

mod common;

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use aura_rpc::RpcConfig;
use common::{LOGGER, Node, Socket, log, transfer};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn heads_come_in_order_with_the_hash_they_have() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    let id = socket.subscribe(json!(["newHeads"])).await;
    assert!(id.starts_with("0x"), "{id}");
    for nonce in 0..3 {
        node.send(&transfer(nonce)).await;
        node.mine().await;
    }
    for number in 1..=3 {
        let params = socket.notification().await;
        assert_eq!(params["subscription"], json!(id));
        let head = &params["result"];
        assert_eq!(head["number"], json!(format!("{number:#x}")));
        assert!(head.get("transactions").is_none());
        let header: alloy_rpc_types_eth::Header = serde_json::from_value(head.clone()).unwrap();
        assert_eq!(header.inner.hash_slow(), header.hash);
    }
    assert_eq!(
        socket.respond("eth_unsubscribe", json!([id])).await["result"],
        true
    );
    node.mine().await;
    assert!(socket.is_silent().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_seen_means_block_receipts_logs_and_state_are_seen() {
    let node = Arc::new(Node::start().await);
    let logger = node.deploy(0, LOGGER).await;
    let mut sockets = Vec::new();
    for _ in 0..8 {
        let mut socket = node.socket().await;
        socket.subscribe(json!(["newHeads"])).await;
        sockets.push(socket);
    }
    let mining = {
        let node = node.clone();
        async move {
            for nonce in 1..=20 {
                node.send(&log(nonce, logger, 1)).await;
                node.mine().await;
            }
        }
    };
    let readers = sockets.into_iter().map(|mut socket| {
        let node = node.clone();
        async move {
            for number in 2..=21u64 {
                let head = socket.notification().await["result"].clone();
                assert_eq!(head["number"], json!(format!("{number:#x}")));
                let hash = &head["hash"];
                let block = node.call("eth_getBlockByHash", json!([hash, true])).await;
                assert_eq!(&block["hash"], hash);
                let latest = socket.respond("eth_blockNumber", json!([])).await;
                let latest = latest["result"].as_str().unwrap().to_owned();
                assert!(u64::from_str_radix(&latest[2..], 16).unwrap() >= number);
                let logs = node.call("eth_getLogs", json!([{"blockHash": hash}])).await;
                assert_eq!(logs.as_array().unwrap().len(), 1);
                let tx = &block["transactions"][0]["hash"];
                let receipt = node.call("eth_getTransactionReceipt", json!([tx])).await;
                assert_eq!(&receipt["blockHash"], hash);
            }
        }
    });
    tokio::join!(mining, futures_util::future::join_all(readers));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_filtered_and_taken_back_after_an_unwind() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    let mut socket = node.socket().await;
    let topic = B256::repeat_byte(2);
    socket
        .subscribe(json!(["logs", {"address": logger, "topics": [topic]}]))
        .await;
    for (nonce, topic) in [(1, 1), (2, 2), (3, 3)] {
        node.send(&log(nonce, logger, topic)).await;
    }
    node.mine().await;
    let added = socket.notification().await["result"].clone();
    assert_eq!(added["topics"], json!([topic]));
    assert_eq!(added["removed"], false);
    assert_eq!(added["logIndex"], "0x1");
    let chain = node.chain.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| chain.unwind(1).unwrap());
    });
    let mut removed = socket.notification().await["result"].clone();
    assert_eq!(removed["removed"], true);
    removed["removed"] = json!(false);
    assert_eq!(removed, added);
    assert!(socket.is_silent().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_transactions_come_as_hash_or_in_full() {
    let node = Node::start().await;
    let mut hashes = node.socket().await;
    hashes.subscribe(json!(["newPendingTransactions"])).await;
    let mut full = node.socket().await;
    full.subscribe(json!(["newPendingTransactions", true]))
        .await;
    let tx = transfer(0);
    node.send(&tx).await;
    assert_eq!(hashes.notification().await["result"], json!(tx.hash()));
    let whole = full.notification().await["result"].clone();
    assert_eq!(whole["hash"], json!(tx.hash()));
    assert_eq!(whole["blockNumber"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_subscriptions_are_errors() {
    let config = RpcConfig {
        max_subscriptions_per_connection: 2,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let mut socket = node.socket().await;
    for (params, want) in [
        (json!(["newBlocks"]), "no \"newBlocks\" subscription"),
        (json!([]), "missing value"),
        (json!([1]), "want a string"),
        (json!(["logs", {"topics": 1}]), "topics"),
        (json!(["newHeads", {}, 1]), "too many arguments"),
        (json!(["newHeads", true]), "want an object"),
    ] {
        let error = socket.respond("eth_subscribe", params).await["error"].clone();
        assert_eq!(error["code"], -32602, "{error}");
        assert!(error.get("data").is_none(), "{error}");
        assert!(error["message"].as_str().unwrap().contains(want), "{error}");
    }
    let gone = socket.respond("eth_unsubscribe", json!(["0x12"])).await;
    assert_eq!(gone["result"], false);
    let error = socket.respond("eth_unsubscribe", json!([])).await["error"].clone();
    assert_eq!(error["code"], -32602);
    let mut socket = node.socket().await;
    for _ in 0..2 {
        socket.subscribe(json!(["syncing"])).await;
    }
    let error = socket.respond("eth_subscribe", json!(["newHeads"])).await;
    assert!(error["error"]["code"].is_i64(), "{error}");
    let (code, message) = node.fail("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!(code, -32601);
    assert!(
        message.starts_with("notifications not supported"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stalls_is_told_and_others_miss_nothing() {
    let config = RpcConfig {
        subscription_queue: 4,
        subscription_stall_ms: 100,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let mut stalled = node.socket().await;
    stalled
        .subscribe(json!(["newPendingTransactions", true]))
        .await;
    let mut reader = node.socket().await;
    reader.subscribe(json!(["newHeads"])).await;
    // Each with 100 kB of data, so that the kernel's buffers fill up soon.
    for nonce in 0..120 {
        let tx = common::sign(alloy_consensus::TxEip1559 {
            nonce,
            to: alloy_primitives::TxKind::Call(alloy_primitives::Address::repeat_byte(1)),
            gas_limit: 8_000_000,
            max_fee_per_gas: 2_000_000_000,
            max_priority_fee_per_gas: 1,
            input: vec![0; 100_000].into(),
            ..common::template()
        });
        node.send(&tx).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    node.chain.seal(empty(&node)).unwrap();
    assert_eq!(reader.notification().await["result"]["number"], "0x1");
    let mut last = Value::Null;
    let notice = tokio::time::timeout(Duration::from_secs(10), async {
        while last["error"].is_null() {
            last = stalled.notification().await;
        }
    });
    notice.await.expect("a notice of the end");
    let notice = &last["error"];
    assert_eq!(notice["code"], -32005, "{notice}");
    let message = notice["message"].as_str().unwrap();
    assert!(message.starts_with("subscription ended"), "{message}");
    // Libraries pass over notices, but see a closed socket.
    let closed = tokio::time::timeout(Duration::from_secs(10), async {
        while stalled.text().await.is_some() {}
    });
    closed.await.expect("a closed socket");
    let number = reader.respond("eth_blockNumber", json!([])).await;
    assert_eq!(number["result"], "0x1");
}

fn number(value: &Value) -> u64 {
    u64::from_str_radix(&value.as_str().unwrap()[2..], 16).unwrap()
}

/// Mines blocks with one log each while `reading` goes on.
async fn while_mining<T>(
    node: &Node,
    logger: alloy_primitives::Address,
    nonces: std::ops::Range<u64>,
    reading: impl Future<Output = T>,
) -> T {
    let mining = async {
        for nonce in nonces {
            node.send(&log(nonce, logger, 1)).await;
            node.mine().await;
        }
    };
    tokio::join!(reading, mining).0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_joins_the_present_without_gap_or_duplicate() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    for nonce in 1..=10 {
        node.send(&log(nonce, logger, 1)).await;
        node.mine().await;
    }
    // Each subscribes at another moment while blocks are made.
    let readers = (0..6u64).map(|reader| {
        let node = &node;
        async move {
            tokio::time::sleep(Duration::from_millis(9 * reader)).await;
            let mut heads = node.socket().await;
            let from = json!({"fromBlock": format!("{reader:#x}")});
            heads.subscribe(json!(["newHeads", from])).await;
            let mut logs = node.socket().await;
            let from = json!({"fromBlock": "0x3", "address": logger});
            logs.subscribe(json!(["logs", from])).await;
            let mut parent = Value::Null;
            for want in reader..=41 {
                let head = heads.notification().await["result"].clone();
                assert_eq!(number(&head["number"]), want);
                assert!(parent.is_null() || head["parentHash"] == parent);
                parent = head["hash"].clone();
            }
            for want in 3..=41 {
                let log = logs.notification().await["result"].clone();
                assert_eq!(number(&log["blockNumber"]), want);
                assert_eq!(log["removed"], false);
            }
            assert!(heads.is_silent().await && logs.is_silent().await);
        }
    });
    let reading = futures_util::future::join_all(readers);
    while_mining(&node, logger, 11..41, reading).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unwind_is_told_whenever_it_comes() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    for nonce in 1..=4 {
        node.send(&log(nonce, logger, nonce as u8)).await;
        node.mine().await;
    }
    let mut logs = node.socket().await;
    logs.subscribe(json!(["logs", {"fromBlock": "0x4"}])).await;
    let mut heads = node.socket().await;
    heads
        .subscribe(json!(["newHeads", {"fromBlock": "0x5"}]))
        .await;
    for want in [4, 5] {
        let log = logs.notification().await["result"].clone();
        assert_eq!(number(&log["blockNumber"]), want);
    }
    let old = heads.notification().await["result"].clone();
    let chain = node.chain.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| chain.unwind(3).unwrap());
    });
    let sent = log(3, logger, 9);
    node.pool.reinject(vec![Arc::new(sent.clone())]);
    node.mine().await;
    node.mine().await;
    for want in [5, 4] {
        let log = logs.notification().await["result"].clone();
        assert_eq!(
            (number(&log["blockNumber"]), &log["removed"]),
            (want, &json!(true))
        );
    }
    let log = logs.notification().await["result"].clone();
    assert_eq!(log["removed"], false);
    assert_eq!(log["transactionHash"], json!(sent.hash()));
    // The whole other branch, so that there is no gap between the heads.
    let other = heads.notification().await["result"].clone();
    assert_eq!(other["number"], "0x4");
    let head = heads.notification().await["result"].clone();
    assert_eq!(
        (&head["number"], &head["parentHash"]),
        (&json!("0x5"), &other["hash"])
    );
    assert_ne!(head["hash"], old["hash"]);
    assert!(logs.is_silent().await && heads.is_silent().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_that_is_too_long_is_refused() {
    let config = RpcConfig {
        max_backfill_blocks: 3,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    for _ in 0..4 {
        node.mine().await;
    }
    let mut socket = node.socket().await;
    for kind in ["newHeads", "logs"] {
        let params = json!([kind, {"fromBlock": "0x1"}]);
        let error = socket.respond("eth_subscribe", params).await["error"].clone();
        assert_eq!(error["code"], -32005, "{error}");
        socket.subscribe(json!([kind, {"fromBlock": "0x2"}])).await;
    }
    // Blocks to come: nothing before the one that was named.
    let mut later = node.socket().await;
    later
        .subscribe(json!(["newHeads", {"fromBlock": "0x6"}]))
        .await;
    node.mine().await;
    node.mine().await;
    assert_eq!(later.notification().await["result"]["number"], "0x6");
    let params = json!(["newHeads", {"fromBlock": "2"}]);
    let error = socket.respond("eth_subscribe", params).await["error"].clone();
    assert_eq!(error["code"], -32602, "{error}");
    let params = json!(["logs", {"blockHash": B256::ZERO}]);
    let error = socket.respond("eth_subscribe", params).await["error"].clone();
    assert_eq!(error["code"], -32602, "{error}");
}

/// A block of nothing.
fn empty(node: &Node) -> aura_primitives::ExecutedBlock {
    let parent = node.chain.tip();
    let attributes = aura_evm::PayloadAttributes {
        l1_info: None,
        timestamp: parent.timestamp + 1,
        prev_randao: B256::ZERO,
        fee_recipient: Default::default(),
        gas_limit: 30_000_000,
        parent_beacon_block_root: None,
        withdrawals: None,
        extra_data: Default::default(),
    };
    let view = node.chain.tip_view().unwrap();
    let spec = node.chain.spec().clone();
    aura_evm::BlockExecutor::begin(spec, &parent, attributes, view)
        .unwrap()
        .finish()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_speak_the_same_errors_and_take_any_origin() {
    let node = Node::start().await;
    let headers = [("origin", "null")];
    let mut socket = Socket::open(node.server.local_addr(), &headers).await;
    let error = socket.respond("anvil_nodeInfo", json!([])).await["error"].clone();
    assert_eq!(error["code"], -32601);
    let error = socket.respond("eth_getBalance", json!(["0x1"])).await["error"].clone();
    assert_eq!(error["code"], -32602);
    assert!(error.get("data").is_none(), "{error}");
    let answer = socket.exchange("{nonsense").await;
    assert_eq!(answer["error"]["code"], -32700);
    let batch = socket
        .exchange(
            r#"[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},
                {"jsonrpc":"2.0","id":2,"method":"nothing"},7]"#,
        )
        .await;
    assert_eq!(batch[0]["result"], "0x343b");
    assert_eq!(batch[1]["error"]["code"], -32601);
    assert_eq!(batch[2]["error"]["code"], -32600);
}
