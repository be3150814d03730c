//! Deposits in the answers of Ethereum's methods.

use std::sync::{Arc, mpsc};

use alloy_primitives::Address;
use aura_primitives::{CommittedBlock, bridge::QueueMessage};
use serde_json::{Value, json};

use crate::{
    common::{Node, account, transfer},
    l1::World,
    messages::{USER, configuration, credit, forced, registration, tokens},
};

const FRIEND: Address = Address::repeat_byte(0x22);
const KINDS: [&str; 6] = [
    "credit",
    "forced",
    "registration",
    "tokenDeposit",
    "configuration",
    "credit",
];

/// Queues one entry of every kind and a second credit.
fn every_kind(world: &mut World) {
    world.enqueue(vec![
        credit(FRIEND, 7),
        forced(FRIEND, 50_000, []),
        registration(),
        tokens(FRIEND, 9),
        configuration(),
        credit(FRIEND, 8),
    ]);
}

/// Blocks 1 to 3: two entries and a transfer, a transfer alone, four entries and a transfer.
async fn scene() -> (World, [Arc<CommittedBlock>; 3]) {
    let mut world = World::start().await;
    every_kind(&mut world);
    world.node.send(&transfer(0)).await;
    let first = world.block(2).await;
    world.node.send(&transfer(1)).await;
    let second = world.block(0).await;
    world.node.send(&transfer(2)).await;
    let third = world.block(4).await;
    (world, [first, second, third])
}

/// Every answer that has the transaction in full.
async fn transactions(node: &Node, block: &CommittedBlock, index: usize) -> Vec<Value> {
    let (hash, number) = (block.block.hash(), format!("{:#x}", block.block.number()));
    let tx_hash = block.block.transactions[index].hash();
    let at = format!("{index:#x}");
    let mut found = vec![
        node.call("eth_getTransactionByHash", json!([tx_hash]))
            .await,
        node.call(
            "eth_getTransactionByBlockHashAndIndex",
            json!([hash, at.clone()]),
        )
        .await,
        node.call(
            "eth_getTransactionByBlockNumberAndIndex",
            json!([number.clone(), at]),
        )
        .await,
    ];
    for (method, id) in [
        ("eth_getBlockByHash", json!(hash)),
        ("eth_getBlockByNumber", json!(number)),
    ] {
        let block = node.call(method, json!([id, true])).await;
        found.push(block["transactions"][index].clone());
    }
    let page = node
        .call(
            "ots_getBlockTransactions",
            json!([block.block.number(), 0, 100]),
        )
        .await;
    found.push(page["fullblock"]["transactions"][index].clone());
    found
}

/// Every answer that has its receipt.
async fn receipts(node: &Node, block: &CommittedBlock, index: usize) -> Vec<Value> {
    let tx_hash = block.block.transactions[index].hash();
    let number = format!("{:#x}", block.block.number());
    let of_block = node.call("eth_getBlockReceipts", json!([number])).await;
    let page = json!([block.block.number(), 0, 100]);
    let page = node.call("ots_getBlockTransactions", page).await;
    vec![
        node.call("eth_getTransactionReceipt", json!([tx_hash]))
            .await,
        of_block[index].clone(),
        page["receipts"][index].clone(),
    ]
}

fn entry(answer: &Value) -> [Value; 2] {
    ["depositId", "depositKind"].map(|member| answer[member].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_about_a_deposit_names_its_entry_of_the_queue() {
    let (world, blocks) = scene().await;
    let mut id = 0;
    for block in &blocks {
        for (index, tx) in block.block.transactions.iter().enumerate() {
            let mut answers = transactions(&world.node, block, index).await;
            answers.extend(receipts(&world.node, block, index).await);
            for answer in &answers {
                let hash = answer.get("hash").or(answer.get("transactionHash"));
                assert_eq!(hash, Some(&json!(tx.hash())), "{answer}");
            }
            if !tx.envelope().is_deposit() {
                for answer in answers {
                    assert_eq!(answer.get("depositId"), None, "{answer}");
                    assert_eq!(answer.get("depositKind"), None, "{answer}");
                }
                continue;
            }
            for answer in answers {
                let want = [json!(format!("{id:#x}")), json!(KINDS[id])];
                assert_eq!(entry(&answer), want, "{answer}");
            }
            // And that is what the queue says of this id.
            let status = world.node.call("aura_depositStatus", json!([id])).await;
            assert_eq!(status["transactionHash"], json!(tx.hash()));
            assert_eq!(status["depositKind"], KINDS[id]);
            id += 1;
        }
    }
    assert_eq!(id, KINDS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn deposits_of_the_open_block_have_their_entries_too() {
    let (mut world, _) = scene().await;
    world.enqueue(vec![credit(FRIEND, 1), forced(FRIEND, 60_000, [])]);
    let mut socket = world.node.socket().await;
    let answer = socket
        .respond("aura_subscribe", json!(["transactions"]))
        .await;
    assert!(answer["result"].is_string(), "{answer}");
    let executor = world.open(2);
    let want = [
        [json!("0x6"), json!("credit")],
        [json!("0x7"), json!("forced")],
    ];
    let block = world
        .node
        .call("eth_getBlockByNumber", json!(["pending", true]))
        .await;
    for (index, want) in want.iter().enumerate() {
        let told = socket.message().await["params"]["result"]["receipt"].clone();
        assert_eq!(&entry(&told), want);
        let at = json!(["pending", format!("{index:#x}")]);
        let found = [
            block["transactions"][index].clone(),
            world
                .node
                .call("eth_getTransactionByBlockNumberAndIndex", at)
                .await,
            world
                .node
                .call("eth_getTransactionByHash", json!([told["transactionHash"]]))
                .await,
        ];
        for tx in found {
            assert_eq!(&entry(&tx), want, "{tx}");
        }
    }
    world.node.seal(executor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_not_known_is_left_out() {
    let (mut world, _) = scene().await;
    let entries = world.enqueue(vec![credit(FRIEND, 1)]);
    // A block that does not say what it takes.
    let deposit = world.deposit(&entries[0]);
    let executor = world.node.open_with(None, &[deposit]);
    let block = world.node.seal(executor).await;
    let mut answers = transactions(&world.node, &block, 0).await;
    answers.extend(receipts(&world.node, &block, 0).await);
    for answer in answers {
        assert_eq!(answer.get("depositId"), None, "{answer}");
        assert_eq!(answer["depositKind"], "credit", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_follows_one_that_is_not_durable_yet_counts_on() {
    let (mut world, _) = scene().await;
    world.enqueue(vec![credit(FRIEND, 1), credit(FRIEND, 2)]);
    let executor = world.open(1);
    // The writer is busy: the next block opens on one that no reader sees.
    let (release, released) = mpsc::sync_channel::<()>(1);
    let (start, started) = mpsc::sync_channel(1);
    let chain = world.node.chain.clone();
    let busy = std::thread::Builder::new()
        .spawn(move || {
            chain
                .write(move |_| {
                    start.send(()).unwrap();
                    released.recv().ok();
                    Ok(())
                })
                .unwrap();
        })
        .unwrap();
    started.recv().unwrap();
    world.node.chain.seal(executor.finish().unwrap()).unwrap();
    let _next = world.open(1);
    let pending = world
        .node
        .call("eth_getBlockByNumber", json!(["pending", true]))
        .await;
    let durable = world.node.call("eth_blockNumber", json!([])).await;
    assert_eq!((durable, &pending["number"]), (json!("0x3"), &json!("0x5")));
    assert_eq!(pending["transactions"][0]["depositId"], "0x7");
    drop(release);
    busy.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_transaction_shows_the_base_fee_that_it_paid_and_others_show_nothing() {
    let (world, [first, _, third]) = scene().await;
    let base_fee = json!(format!(
        "{:#x}",
        first.block.header.base_fee_per_gas.unwrap()
    ));
    for (block, index, price) in [
        (&first, 0, json!("0x0")),
        (&first, 1, base_fee),
        (&third, 0, json!("0x0")),
        (&third, 1, json!("0x0")),
    ] {
        for tx in transactions(&world.node, block, index).await {
            assert_eq!(tx["gasPrice"], price, "{tx}");
        }
        for receipt in receipts(&world.node, block, index).await {
            assert_eq!(receipt["effectiveGasPrice"], price, "{receipt}");
        }
    }
    // What the user has left says that it was paid.
    let receipt = &receipts(&world.node, &first, 1).await[0];
    let number = |value: &Value| {
        u128::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    let fee = number(&receipt["gasUsed"]) * number(&receipt["effectiveGasPrice"]);
    assert!(fee > 0);
    let balance = world
        .node
        .call("eth_getBalance", json!([USER, "0x1"]))
        .await;
    assert_eq!(number(&balance), 10u128.pow(18) - 5 - fee);
    let details = world.node.call("ots_getBlockDetails", json!([1])).await;
    let transfer = &receipts(&world.node, &first, 2).await[0];
    let paid = number(&transfer["gasUsed"]) * number(&transfer["effectiveGasPrice"]);
    assert_eq!(number(&details["totalFees"]), fee + paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_is_not_taken_for_a_transaction_with_a_nonce() {
    let mut world = World::start().await;
    let sender = account(0).address();
    let mut own = credit(FRIEND, 7);
    own.from = sender;
    world.enqueue(vec![own]);
    let tx = transfer(0);
    world.node.send(&tx).await;
    let block = world.block(1).await;
    let found = by_nonce(&world.node, sender, 0).await;
    assert_eq!(found, [json!(tx.hash()), json!(tx.hash())]);
    // viem takes what has the sender and the nonce of a transaction for its replacement.
    for (index, nonce) in [(0, "0x7fffffff"), (1, "0x0")] {
        for answer in transactions(&world.node, &block, index).await {
            assert_eq!(answer["nonce"], nonce);
        }
    }
}

/// Hashes as `eth_` and `ots_getTransactionBySenderAndNonce` have them.
async fn by_nonce(node: &Node, sender: Address, nonce: u64) -> [Value; 2] {
    let params = json!([sender, nonce]);
    let found = node.call("eth_getTransactionBySenderAndNonce", params.clone());
    let hash = node.call("ots_getTransactionBySenderAndNonce", params);
    [found.await["hash"].clone(), hash.await]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_transaction_is_found_by_the_nonce_that_it_used() {
    let mut world = World::start().await;
    let sender = account(0).address();
    let own = |message| QueueMessage {
        from: sender,
        ..message
    };
    world.enqueue(vec![
        own(forced(FRIEND, 20_999, [])), // does not run
        own(forced(FRIEND, 50_000, [])),
        own(credit(FRIEND, 7)),
        own(forced(FRIEND, 50_000, [])),
        forced(FRIEND, 50_000, []), // of another
    ]);
    let first = world.block(5).await;
    world.node.send(&transfer(2)).await;
    let second = world.block(0).await;
    world.enqueue(vec![own(forced(FRIEND, 50_000, []))]);
    let third = world.block(1).await;
    for (nonce, block, index) in [
        (0, &first, 1),
        (1, &first, 3),
        (2, &second, 0),
        (3, &third, 0),
    ] {
        let hash = json!(block.block.transactions[index].hash());
        let found = by_nonce(&world.node, sender, nonce).await;
        assert_eq!(found, [hash.clone(), hash], "{nonce}");
    }
    let none = by_nonce(&world.node, sender, 4).await;
    assert_eq!(none, [Value::Null, Value::Null]);
}
