//! `aura_bridgeStatus`, and what every method of the bridge needs.

use alloy_primitives::Address;
use aura_chain::ChainConfig;
use aura_chainspec::ChainSpec;
use aura_rpc::{L1Point, RpcConfig};
use aura_storage::RootStatus;
use serde_json::{Value, json};

use crate::{
    common::{Node, members, words},
    l1::{World, l1_time},
    leave::{FRIEND, withdraw},
    messages::credit,
};

/// Every method of the bridge with parameters that are good.
const METHODS: [(&str, &str); 5] = [
    ("aura_getWithdrawalProof", "[0]"),
    ("aura_withdrawalStatus", "[0]"),
    (
        "aura_getExitProof",
        r#"["0x2222222222222222222222222222222222222222"]"#,
    ),
    ("aura_depositStatus", "[0]"),
    ("aura_bridgeStatus", "[]"),
];

async fn status(world: &World) -> Value {
    world.node.call("aura_bridgeStatus", json!([])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_bridge_has_nothing_but_its_genesis() {
    let world = World::without_roots().await;
    let spec = world.spec();
    let nothing = json!({
        "number": "0x0", "hash": format!("0x{}", "0".repeat(64)), "timestamp": "0x0",
    });
    let want = json!({
        "l1ChainId": format!("{:#x}", spec.l1_chain_id), "l2ChainId": "0x343b",
        "portal": spec.portal, "rollup": spec.rollup,
        "l1Head": nothing, "l1Safe": nothing, "l1Finalized": nothing,
        "lag": "0x0", "synced": false,
        "queueLength": "0x0", "queueUsable": "0x0", "consumed": "0x0",
        "nextBatch": "0x1", "lastBatch": null, "lastRoot": null, "bestFinalRoot": null,
        "withdrawalCount": "0x0", "pendingWithdrawals": "0x0",
        "batcher": Address::repeat_byte(0xba), "proposer": null,
    });
    assert_eq!(status(&world).await, want);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_bridge_is_shown_as_it_moves() {
    let mut world = World::start().await;
    world.enqueue(vec![
        credit(FRIEND, 1),
        credit(FRIEND, 2),
        credit(FRIEND, 3),
    ]);
    world.node.send(&withdraw(0, 5)).await;
    world.block(2).await;
    world.node.send(&withdraw(1, 6)).await;
    world.block(0).await;
    let batch = world.post_batch();
    let first = world.claim(world.output());
    world.judge(first, RootStatus::Final);
    world.node.send(&withdraw(2, 7)).await;
    let origin = world.l1_head;
    world.block(0).await;
    let second = world.settle();
    {
        let mut heads = world.heads.lock();
        heads.queue_len = 2;
        heads.synced = true;
        heads.safe = L1Point {
            number: 5,
            timestamp: l1_time(5),
            ..L1Point::default()
        };
    }
    let shown = status(&world).await;
    assert_eq!(
        shown["l1Head"]["number"],
        json!(format!("{:#x}", world.l1_head))
    );
    assert_eq!(
        shown["l1Head"]["timestamp"],
        json!(format!("{:#x}", l1_time(world.l1_head)))
    );
    assert_eq!(shown["l1Safe"]["number"], "0x5");
    assert_eq!(shown["l1Finalized"]["number"], "0x0");
    assert_eq!(shown["synced"], true);
    for (member, want) in [
        ("lag", world.l1_head - origin),
        ("queueLength", 3),
        ("queueUsable", 2),
        ("consumed", 2),
        ("nextBatch", 3),
        ("withdrawalCount", 3),
        // The first two are below the final root.
        ("pendingWithdrawals", 1),
    ] {
        assert_eq!(shown[member], json!(format!("{want:#x}")), "{member}");
    }
    assert_eq!(
        members(&shown["lastBatch"]),
        words("index firstBlock lastBlock consumed l1BlockNumber l1TransactionHash postedAt")
    );
    assert_eq!(shown["lastBatch"]["index"], "0x2");
    assert_eq!(shown["lastBatch"]["firstBlock"], "0x3");
    assert_eq!(shown["lastBatch"]["lastBlock"], "0x3");
    let last = &world.roots[second as usize];
    assert_eq!(
        shown["lastRoot"],
        json!({
            "id": format!("{second:#x}"), "l2Block": "0x3", "batchIndex": "0x2",
            "status": "pending", "postedAt": format!("{:#x}", last.l1_time),
        })
    );
    let best = &shown["bestFinalRoot"];
    assert_eq!(best["id"], json!(format!("{first:#x}")));
    assert_eq!(
        (&best["l2Block"], &best["status"]),
        (&json!("0x2"), &json!("final"))
    );
    assert_eq!(best["batchIndex"], json!(format!("{:#x}", batch.index)));

    for (change, want) in [
        (RootStatus::Disputed, "disputed"),
        (RootStatus::Invalid, "invalid"),
    ] {
        world.judge(second, change);
        assert_eq!(status(&world).await["lastRoot"]["status"], want);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_somebody_else_has_no_blocks_here() {
    let mut world = World::start().await;
    world.block(0).await;
    world.post_batch();
    let shown = status(&world).await;
    assert_eq!(shown["lastBatch"]["firstBlock"], "0x1");
    world.post_foreign_batch();
    let shown = status(&world).await;
    assert_eq!(shown["lastBatch"]["index"], "0x2");
    assert_eq!(shown["lastBatch"]["firstBlock"], Value::Null);
    assert_eq!(shown["lastBatch"]["lastBlock"], Value::Null);
    let (code, message) = world.node.fail("aura_bridgeStatus", json!([1])).await;
    assert_eq!(code, -32602, "{message}");
}

/// The development chain without its bridge.
fn bridgeless() -> ChainSpec {
    let mut genesis: Value = serde_json::from_str(ChainSpec::dev_genesis_json()).unwrap();
    genesis["aura"].as_object_mut().unwrap().remove("bridge");
    ChainSpec::from_genesis_json(&genesis.to_string()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_bridge_every_method_says_so() {
    let blind = Node::start().await;
    let world = World::start().await;
    let config = RpcConfig::default();
    let none = Node::of(
        bridgeless(),
        config,
        ChainConfig::default(),
        Some(world.context()),
    )
    .await;
    for (method, params) in METHODS {
        let params: Value = serde_json::from_str(params).unwrap();
        for (node, why) in [
            (&blind, "this node does not follow L1"),
            (&none, "this chain has no bridge"),
        ] {
            let refusal = node.fail(method, params.clone()).await;
            assert_eq!(refusal, (-32000, why.to_owned()), "{method}");
        }
    }
}
