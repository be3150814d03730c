//! A process that ends while a batch is on its way, and the next one.

use std::time::Duration;

use aura_bindings::{Profile, rollup::AuraRollup};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    l1::addresses,
    rig::{Rig, calldata, poster},
};

/// What L1's pool does with the batch while nobody looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pool {
    Keeps,
    Loses,
}

async fn restart_with_a_batch_in_flight(pool: Pool) {
    let Some(rig) = Rig::start(&Profile::dev()).await else {
        return;
    };
    rig.anvil.automine(false).await;
    let batcher = rig.batcher(calldata());
    let first = rig.sequencer.block().await;
    rig.anvil.sends(poster(), 1).await;
    batcher.stop().await;
    if pool == Pool::Loses {
        rig.anvil.ask("anvil_dropAllTransactions", json!([])).await;
        assert_eq!(rig.anvil.sent(poster()).await, 0);
    }
    let last = rig.sequencer.block().await;
    let rig = rig.restart_txs().await;
    let unfinished = rig.txs.manager.unfinished();
    assert_eq!(unfinished.len(), 1);
    assert_eq!(unfinished[0].label(), "batch");
    let batcher = rig.batcher(calldata());
    rig.anvil.sends(poster(), 1).await;
    // Time enough to make another batch for the same place, of all blocks.
    sleep(Duration::from_secs(2)).await;
    let reader = rig.chain.store().reader().unwrap();
    assert_eq!(reader.batch_forms(1).unwrap().len(), 1);
    drop(reader);
    rig.anvil.automine(true).await;

    let (one, record) = rig.batch(1).await;
    assert_eq!((record.first_block, record.last_block), (1, first));
    rig.derives(&one, rig.genesis);
    let (two, record) = rig.batch(2).await;
    assert_eq!((record.first_block, record.last_block), (first + 1, last));
    assert_eq!(two.header.parent, one.slot.trim());
    // No transaction besides those two.
    assert_eq!(rig.anvil.outcomes(poster()).await, [true, true]);
    assert_eq!(rig.anvil.sent(poster()).await, 2);
    let head = AuraRollup::headCall {};
    let head = rig.anvil.call(addresses().rollup, head).await;
    assert_eq!(head.batchCount, 3);
    assert!(rig.sequencer.asked().is_empty());
    batcher.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_on_its_way_at_a_restart_is_posted_once() {
    restart_with_a_batch_in_flight(Pool::Keeps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_the_pool_lost_before_a_restart_is_posted_once() {
    restart_with_a_batch_in_flight(Pool::Loses).await;
}
