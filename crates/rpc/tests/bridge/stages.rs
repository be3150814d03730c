//! `aura_withdrawalStatus`.

use alloy_primitives::B256;
use aura_rpc::FinalityRule;
use aura_storage::RootStatus;
use serde_json::{Value, json};

use crate::{
    common::{members, transfer, words},
    l1::{World, l1_time},
    leave::{call, several, withdraw},
};

const WEEK: u64 = 7 * 24 * 3_600;

fn rule(k_slow: u8) -> FinalityRule {
    FinalityRule {
        window: WEEK,
        fast: 3_600,
        k_slow,
        k_fast: 3,
    }
}

fn hex(number: u64) -> Value {
    json!(format!("{number:#x}"))
}

async fn status(world: &World) -> Value {
    world.node.call("aura_withdrawalStatus", json!([0])).await
}

/// The watcher says that L1 has reached this time.
fn pass_to(world: &World, time: u64) {
    world.heads.lock().head.timestamp = time;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_goes_from_stage_to_stage() {
    let mut world = World::start().await;
    world.finality.set(rule(0)).unwrap();
    let tx = withdraw(0, 5);
    world.node.send(&tx).await;
    let block = world.block(0).await;
    let mut want = json!({
        "stage": "initiated", "index": "0x0", "transactionHash": tx.hash(),
        "blockNumber": "0x1", "initiatedAt": hex(block.block.header.timestamp),
        "batchIndex": null, "batchedAt": null, "rootId": null, "proposedAt": null,
        "finalAt": null, "payable": false, "arguments": null,
    });
    assert_eq!(status(&world).await, want);
    world.make_batch();
    assert_eq!(status(&world).await, want);

    let batch = world.post_batch();
    want["stage"] = json!("batched");
    want["batchIndex"] = json!("0x1");
    want["batchedAt"] = hex(l1_time(batch.l1_block));
    assert_eq!(status(&world).await, want);

    let id = world.claim(world.output());
    let proposed_at = l1_time(world.roots[id as usize].l1_block);
    want["stage"] = json!("proposed");
    want["rootId"] = hex(id);
    want["proposedAt"] = hex(proposed_at);
    want["finalAt"] = hex(proposed_at + WEEK);
    assert_eq!(status(&world).await, want);
    pass_to(&world, proposed_at + WEEK - 1);
    assert_eq!(status(&world).await, want);

    // Whoever pays it makes the root final.
    pass_to(&world, proposed_at + WEEK);
    let due = status(&world).await;
    let arguments = world.node.call("aura_getWithdrawalProof", json!([0])).await;
    want["payable"] = json!(true);
    want["arguments"] = arguments;
    assert_eq!(due, want);

    world.judge(id, RootStatus::Final);
    want["stage"] = json!("final");
    want["finalAt"] = hex(l1_time(world.l1_head));
    assert_eq!(status(&world).await, want);
    let by_hash = json!([tx.hash()]);
    let by_hash = world.node.call("aura_withdrawalStatus", by_hash).await;
    assert_eq!(by_hash, want);
    let names = "stage index transactionHash blockNumber initiatedAt batchIndex batchedAt rootId \
        proposedAt finalAt payable arguments";
    assert_eq!(members(&want), words(names));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenged_withdrawal_waits_and_can_come_back() {
    let mut world = World::start().await;
    world.finality.set(rule(0)).unwrap();
    world.node.send(&withdraw(0, 5)).await;
    world.block(0).await;
    let id = world.settle();
    let proposed = status(&world).await;
    world.judge(id, RootStatus::Disputed);
    pass_to(&world, l1_time(0) + 2 * WEEK);
    let challenged = status(&world).await;
    assert_eq!(challenged["stage"], "challenged");
    assert_eq!(challenged["rootId"], hex(id));
    assert_eq!(challenged["finalAt"], Value::Null);
    assert_eq!(challenged["payable"], false);
    // The root was right: its time goes on from where it began.
    world.judge(id, RootStatus::Pending);
    assert_eq!(status(&world).await, proposed);
    // It was wrong after all, and another one comes.
    world.judge(id, RootStatus::Invalid);
    let batched = status(&world).await;
    assert_eq!(batched["stage"], "batched");
    assert_eq!(batched["rootId"], Value::Null);
    let next = world.claim(world.output());
    let again = status(&world).await;
    assert_eq!(again["stage"], "proposed");
    assert_eq!(again["rootId"], hex(next));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_signatures_are_needed_only_a_final_root_is_payable() {
    let mut world = World::start().await;
    world.finality.set(rule(1)).unwrap();
    world.node.send(&withdraw(0, 5)).await;
    world.block(0).await;
    let id = world.settle();
    let due = l1_time(world.roots[id as usize].l1_block) + WEEK;
    pass_to(&world, due + WEEK);
    let waits = status(&world).await;
    assert_eq!(waits["finalAt"], hex(due));
    assert_eq!(waits["payable"], false);
    assert_eq!(waits["arguments"], Value::Null);
    world.judge(id, RootStatus::Final);
    assert_eq!(status(&world).await["payable"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_rollups_settings_no_end_is_foretold() {
    let mut world = World::start().await;
    world.node.send(&withdraw(0, 5)).await;
    world.block(0).await;
    let id = world.settle();
    pass_to(&world, l1_time(0) + 9 * WEEK);
    let proposed = status(&world).await;
    assert_eq!(proposed["stage"], "proposed");
    assert_eq!(proposed["finalAt"], Value::Null);
    assert_eq!(proposed["payable"], false);
    world.judge(id, RootStatus::Final);
    assert_eq!(status(&world).await["payable"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_withdrawal_is_refused() {
    let mut world = World::start().await;
    let contract = world.node.deploy(0, &several()).await;
    let (none, two) = (transfer(1), call(2, contract, 2));
    world.node.send(&none).await;
    world.node.send(&two).await;
    world.block(0).await;
    let unknown = B256::repeat_byte(9);
    for (params, code, words) in [
        (json!([2]), -32000, "there is no withdrawal 2 yet"),
        (json!([unknown]), -32000, "is not in a block"),
        (json!([none.hash()]), -32000, "nothing leaves L2 in"),
        (json!([two.hash()]), -32000, "ask for one: [0, 1]"),
        (json!([]), -32602, "index or transaction hash"),
        (json!([true]), -32602, "index or transaction hash"),
        (json!([0, 0]), -32602, "too many arguments"),
    ] {
        let method = "aura_withdrawalStatus";
        let (found, message) = world.node.fail(method, params.clone()).await;
        assert_eq!(found, code, "{params}: {message}");
        assert!(message.contains(words), "{params}: {message}");
    }
    let second = world.node.call("aura_withdrawalStatus", json!([1])).await;
    assert_eq!(second["transactionHash"], json!(two.hash()));
}
