//! L1 takes back what it had.

use aura_bindings::Profile;
use aura_primitives::HeadLabel;
use aura_settlement::{DaChoice, SettlementConfig};
use serde_json::json;

use crate::rig::{Rig, calldata, until};

#[tokio::test(flavor = "multi_thread")]
async fn batches_and_roots_are_taken_and_posted_again_after_a_reorganisation() {
    let Some(rig) = Rig::start(&Profile::dev()).await else {
        return;
    };
    let first = rig.batcher(calldata());
    for _ in 0..3 {
        rig.sequencer.block().await;
    }
    let (one, _) = rig.batch(1).await;
    assert_eq!(one.da_kind, 0);
    rig.derives(&one, rig.genesis);
    first.stop().await;

    let second = rig.batcher(SettlementConfig {
        da: DaChoice::Blobs,
        ..calldata()
    });
    let proposer = rig.proposer().await;
    let last = rig.sequencer.block().await;
    let (two, _) = rig.batch(2).await;
    assert_eq!(two.da_kind, 1);
    until("the root of batch 2 is there", || {
        let root = rig.view.last_root().unwrap();
        root.is_some_and(|root| root.output.batch_index == 2 && root.output.l2_block == last)
    })
    .await;

    // The batch, its root and what followed are gone; the anchor stays.
    let depth = rig.view.status().head.number - two.l1_block + 1;
    rig.anvil.ask("anvil_reorg", json!([depth, []])).await;
    let again = rig.batch_besides(2, two.slot.0).await;
    assert_eq!(again.header, two.header);
    until("the root is there again", || {
        let root = rig.view.last_root().unwrap();
        root.is_some_and(|root| root.output.batch_hash == again.slot.trim())
    })
    .await;

    rig.anvil.mine(16).await;
    until("the heads follow L1", || {
        let reader = rig.chain.store().reader().unwrap();
        let heads = [HeadLabel::Safe, HeadLabel::Finalized];
        heads.map(|head| reader.head(head).unwrap().number) == [last, last]
    })
    .await;
    assert!(rig.sequencer.asked().is_empty());
    second.stop().await;
    for task in proposer {
        task.stop().await;
    }
    rig.stop().await;
}
