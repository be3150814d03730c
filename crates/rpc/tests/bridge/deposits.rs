//! `aura_depositStatus`.

use alloy_primitives::{Address, B256};
use aura_primitives::bridge::predeploys;
use serde_json::json;

use crate::{
    common::{members, words},
    l1::{World, l1_time},
    messages::{USER, credit, forced, registration},
};

const FRIEND: Address = Address::repeat_byte(0x22);

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_is_queued_and_then_credited() {
    let mut world = World::start().await;
    world.pass(3);
    let entries = world.enqueue(vec![credit(FRIEND, 7)]);
    let tx = world.deposit(&entries[0]);
    let ask = |params| world.node.call("aura_depositStatus", params);
    let queued = ask(json!([0])).await;
    let want = json!({
        "stage": "queued", "depositId": "0x0", "depositKind": "credit",
        "l1Sender": USER, "from": USER, "to": FRIEND, "mint": "0x7",
        "l1BlockNumber": format!("{:#x}", entries[0].l1_block),
        "l1TransactionHash": entries[0].l1_tx,
        "queuedAt": format!("{:#x}", l1_time(entries[0].l1_block)),
        "transactionHash": tx.hash(),
        "blockNumber": null, "blockHash": null, "success": null,
    });
    assert_eq!(queued, want);
    // By its transaction on L1 as well, and by its number in another form.
    assert_eq!(ask(json!([entries[0].l1_tx])).await, want);
    assert_eq!(ask(json!(["0x0"])).await, want);

    let block = world.block(1).await;
    let credited = world.node.call("aura_depositStatus", json!([0])).await;
    let mut want = queued;
    want["stage"] = json!("credited");
    want["blockNumber"] = json!("0x1");
    want["blockHash"] = json!(block.block.hash());
    want["success"] = json!(true);
    assert_eq!(credited, want);
    let mined = world
        .node
        .call("eth_getTransactionByHash", json!([tx.hash()]))
        .await;
    assert_eq!(mined["blockHash"], credited["blockHash"]);
    let balance = world
        .node
        .call("eth_getBalance", json!([FRIEND, "latest"]))
        .await;
    assert_eq!(balance, "0x7");
    assert_eq!(
        members(&credited),
        words(
            "stage depositId depositKind l1Sender from to mint l1BlockNumber l1TransactionHash \
             queuedAt transactionHash blockNumber blockHash success"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deposit_runs_can_fail_and_what_it_mints_stays() {
    let mut world = World::start().await;
    // Less gas than a call costs before it begins.
    world.enqueue(vec![forced(FRIEND, 21_000, [1; 100]), registration()]);
    world.block(2).await;
    let failed = world.node.call("aura_depositStatus", json!([0])).await;
    assert_eq!(failed["stage"], "credited");
    assert_eq!(failed["success"], false);
    let balance = json!([USER, "latest"]);
    let balance = world.node.call("eth_getBalance", balance).await;
    assert_eq!(balance, failed["mint"]);
    let registered = world.node.call("aura_depositStatus", json!([1])).await;
    assert_eq!(registered["depositKind"], "registration");
    assert_eq!(registered["from"], json!(predeploys::SYSTEM));
    assert_eq!(registered["success"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_l1_transaction_with_several_deposits_names_them() {
    let mut world = World::start().await;
    let two = world.enqueue(vec![credit(FRIEND, 1), credit(FRIEND, 2)]);
    let one = world.enqueue(vec![credit(FRIEND, 3)]);
    let refusal = world
        .node
        .fail("aura_depositStatus", json!([two[0].l1_tx]))
        .await;
    assert_eq!(refusal.0, -32000);
    assert!(refusal.1.ends_with("ask for one: [0, 1]"), "{}", refusal.1);
    let found = world
        .node
        .call("aura_depositStatus", json!([one[0].l1_tx]))
        .await;
    assert_eq!(found["depositId"], "0x2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_queue_does_not_have_is_refused() {
    let mut world = World::start().await;
    world.enqueue(vec![credit(FRIEND, 1)]);
    let unknown = B256::repeat_byte(9);
    for (params, code, words) in [
        (json!([1]), -32000, "the queue has no entry 1"),
        (
            json!([unknown]),
            -32000,
            "no deposit of L1 transaction 0x09",
        ),
        (json!([]), -32602, "id or L1 transaction hash"),
        (json!(["0x0g"]), -32602, "id or L1 transaction hash"),
        (json!([-1]), -32602, "id or L1 transaction hash"),
        (json!([0, 1]), -32602, "too many arguments"),
    ] {
        let (found, message) = world.node.fail("aura_depositStatus", params.clone()).await;
        assert_eq!(found, code, "{params}: {message}");
        assert!(message.contains(words), "{params}: {message}");
    }
}
