//! `aura_subscribe("transactions")`: transactions as they are executed.

mod common;

use std::{sync::Arc, time::Duration};

use aura_chainspec::ChainSpec;
use aura_evm::{BlockExecutor, PayloadAttributes};
use aura_primitives::RecoveredTx;
use aura_rpc::RpcConfig;
use common::{LOGGER, Node, Socket, log, transfer};
use serde_json::{Value, json};

async fn subscribe(socket: &mut Socket, params: Value) -> Value {
    let answer = socket.respond("aura_subscribe", params).await;
    assert!(answer["result"].is_string(), "{answer}");
    answer["result"].clone()
}

/// The next notification's result.
async fn next(socket: &mut Socket) -> Value {
    let message = socket.message().await;
    assert_eq!(message["method"], "aura_subscription", "{message}");
    message["params"]["result"].clone()
}

fn sequence(message: &Value) -> u64 {
    u64::from_str_radix(&message["sequence"].as_str().unwrap()[2..], 16).unwrap()
}

/// An open block that the test fills, as the sequencer does.
fn open(node: &Node, parent_view: aura_storage::StateView) -> BlockExecutor {
    let parent = node.chain.tip();
    let attributes = PayloadAttributes {
        l1_info: None,
        timestamp: parent.timestamp.max(1_800_000_000) + 1,
        prev_randao: Default::default(),
        fee_recipient: ChainSpec::dev().fee().fee_vault,
        gas_limit: 30_000_000,
        parent_beacon_block_root: Some(Default::default()),
        withdrawals: None,
        extra_data: Default::default(),
    };
    let spec = node.chain.spec().clone();
    let executor = BlockExecutor::begin(spec, &parent, attributes, parent_view).unwrap();
    node.chain.set_open_block(Some(executor.shared()));
    executor
}

fn execute(node: &Node, executor: &mut BlockExecutor, tx: &RecoveredTx) {
    executor.execute(&Arc::new(tx.clone())).unwrap();
    node.chain.open_block_grew();
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_are_told_as_they_are_executed_and_are_mined_like_that() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    let mut socket = node.socket().await;
    subscribe(&mut socket, json!(["transactions"])).await;
    let mut told = Vec::new();
    let mut nonce = 1;
    for transactions in [3, 0, 1, 2] {
        let mut executor = open(&node, node.chain.tip_view().unwrap());
        for _ in 0..transactions {
            execute(&node, &mut executor, &log(nonce, logger, 7));
            nonce += 1;
            // Before the block is sealed.
            told.push(next(&mut socket).await);
        }
        node.seal(executor).await;
    }
    let first = sequence(&told[0]);
    assert_eq!(told.len(), 6);
    for (number, message) in (first..).zip(&told) {
        assert_eq!(sequence(message), number);
        let hash = &message["hash"];
        let mined = node.call("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(message["blockNumber"], mined["blockNumber"]);
        assert_eq!(message["transactionIndex"], mined["transactionIndex"]);
        // Only the hash of the block was not known.
        let mut receipt = message["receipt"].clone();
        assert_eq!(receipt["blockHash"], Value::Null);
        assert_eq!(receipt["logs"][0]["blockHash"], Value::Null);
        receipt["blockHash"] = mined["blockHash"].clone();
        receipt["logs"][0]["blockHash"] = mined["blockHash"].clone();
        assert_eq!(receipt, mined);
    }
    assert!(socket.is_silent().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_given_up_is_taken_back() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    subscribe(&mut socket, json!(["transactions"])).await;
    let mut first = open(&node, node.chain.tip_view().unwrap());
    execute(&node, &mut first, &transfer(0));
    execute(&node, &mut first, &transfer(1));
    let told = [next(&mut socket).await, next(&mut socket).await];
    let mut second = open(&node, node.chain.tip_view().unwrap());
    execute(&node, &mut second, &transfer(0));
    let discarded = next(&mut socket).await;
    assert_eq!(discarded["discarded"], json!({"blockNumber": "0x1"}));
    let again = next(&mut socket).await;
    assert_eq!(again["hash"], told[0]["hash"]);
    let numbers = [&told[0], &told[1], &discarded, &again].map(sequence);
    let start = numbers[0];
    assert_eq!(numbers, [start, start + 1, start + 2, start + 3]);
    node.seal(second).await;
    // A block opened after an empty one was given up is no news.
    open(&node, node.chain.tip_view().unwrap());
    let mut third = open(&node, node.chain.tip_view().unwrap());
    execute(&node, &mut third, &transfer(1));
    assert_eq!(next(&mut socket).await["blockNumber"], "0x2");
    node.seal(third).await;
    // Sealed blocks that are removed are void as well.
    let chain = node.chain.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| chain.unwind(1).unwrap());
    });
    open(&node, node.chain.tip_view().unwrap());
    let discarded = next(&mut socket).await;
    assert_eq!(discarded["discarded"], json!({"blockNumber": "0x2"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_goes_on_where_it_was() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    let id = subscribe(&mut socket, json!(["transactions", {}])).await;
    let mut executor = open(&node, node.chain.tip_view().unwrap());
    execute(&node, &mut executor, &transfer(0));
    let first = next(&mut socket).await;
    let gone = socket.respond("aura_unsubscribe", json!([id])).await;
    assert_eq!(gone["result"], true);
    for nonce in 1..5 {
        execute(&node, &mut executor, &transfer(nonce));
    }
    let mut back = node.socket().await;
    let from = json!({"fromSequence": format!("{:#x}", sequence(&first) + 1)});
    subscribe(&mut back, json!(["transactions", from])).await;
    for nonce in 1..5 {
        let message = next(&mut back).await;
        assert_eq!(message["hash"], json!(transfer(nonce).hash()));
        assert_eq!(sequence(&message), sequence(&first) + nonce);
    }
    // A newcomer hears only of what comes.
    let mut newcomer = node.socket().await;
    subscribe(&mut newcomer, json!(["transactions"])).await;
    execute(&node, &mut executor, &transfer(5));
    for socket in [&mut back, &mut newcomer] {
        assert_eq!(next(socket).await["hash"], json!(transfer(5).hash()));
    }
    let forgotten = json!(["transactions", {"fromSequence": "0x1"}]);
    let error = newcomer.respond("aura_subscribe", forgotten).await["error"].clone();
    assert_eq!(error["code"], -32000, "{error}");
    assert_eq!(error["data"]["oldest"], first["sequence"]);
    for params in [
        json!([]),
        json!(["newHeads"]),
        json!(["transactions", 5]),
        json!(["transactions", {"fromSequence": "x"}]),
    ] {
        let error = newcomer.respond("aura_subscribe", params).await["error"].clone();
        assert_eq!(error["code"], -32602, "{error}");
    }
}

/// Emits a log with 65,536 bytes of data.
const BIG_LOGGER: &str = "620100005fa000";

#[tokio::test(flavor = "multi_thread")]
async fn who_is_too_slow_is_told_and_hung_up_on() {
    let config = RpcConfig {
        subscription_queue: 4,
        subscription_stall_ms: 300,
        max_preconfirmation_bytes: 4 << 20,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let logger = node.deploy(0, BIG_LOGGER).await;
    let mut reader = node.socket().await;
    subscribe(&mut reader, json!(["transactions"])).await;
    let mut slow = node.socket().await;
    subscribe(&mut slow, json!(["transactions"])).await;
    // More than fits into the kernel's buffers, the queue and the record.
    let mut nonce = 1;
    let mut first = None;
    for _ in 0..3 {
        let mut executor = open(&node, node.chain.tip_view().unwrap());
        for _ in 0..50 {
            let tx = common::sign(alloy_consensus::TxEip1559 {
                nonce,
                to: alloy_primitives::TxKind::Call(logger),
                gas_limit: 600_000,
                ..common::template()
            });
            execute(&node, &mut executor, &tx);
            let message = next(&mut reader).await;
            assert_eq!(message["hash"], json!(tx.hash()));
            first.get_or_insert(sequence(&message));
            nonce += 1;
        }
        node.seal(executor).await;
    }
    let mut want = first.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(20), async {
        let mut notice = Value::Null;
        while let Some(text) = slow.text().await {
            let message: Value = serde_json::from_str(&text).unwrap();
            let params = &message["params"];
            if params["error"].is_object() {
                notice = params["error"].clone();
            } else {
                assert_eq!(sequence(&params["result"]), want);
                want += 1;
            }
        }
        notice
    });
    let notice = told.await.expect("a closed socket");
    assert_eq!(notice["code"], -32005, "{notice}");
    assert!(want < first.unwrap() + 150);
    // The others notice nothing.
    let mut executor = open(&node, node.chain.tip_view().unwrap());
    execute(&node, &mut executor, &transfer(nonce));
    assert_eq!(
        next(&mut reader).await["hash"],
        json!(transfer(nonce).hash())
    );
}
