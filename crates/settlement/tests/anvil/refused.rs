//! What L1 would not take, and what it does not take.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy_primitives::U256;
use aura_bindings::{Profile, Roles, rollup::AuraRollup};
use aura_settlement::{RebuildReason, SettlementConfig};
use tokio::time::sleep;
use tracing::Level;

use crate::{
    l1::addresses,
    rig::{Rig, calldata, poster, profile, until},
    sequencer::{Asked, now},
};

const MAX_BATCH_AGE: u64 = 6;

fn too_old(to: u64) -> Asked {
    Asked::Rebuild {
        to,
        forced: Vec::new(),
        reason: RebuildReason::TooOld,
    }
}

/// Waits until blocks of now are too old for a batch.
async fn age() {
    sleep(Duration::from_secs(MAX_BATCH_AGE + 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_are_too_old_get_new_times_and_are_posted() {
    let short = profile(|profile| profile.max_batch_age = MAX_BATCH_AGE);
    let Some(rig) = Rig::start(&short).await else {
        return;
    };
    let batcher = rig.batcher(calldata());
    let posted = rig.sequencer.block().await;
    rig.batch(1).await;
    batcher.stop().await;

    let last = [rig.sequencer.block().await, rig.sequencer.block().await][1];
    age().await;
    let began = now();
    let batcher = rig.batcher(calldata());
    let (two, record) = rig.batch(2).await;
    assert_eq!(rig.sequencer.asked(), [too_old(posted)]);
    assert!(two.header.first_time >= began);
    // Nothing was lost by it.
    assert_eq!((record.first_block, record.last_block), (posted + 1, last));
    assert_eq!(rig.anvil.outcomes(poster()).await, [true, true]);
    batcher.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_grew_too_old_in_the_pool_is_refused_and_comes_again() {
    let short = profile(|profile| profile.max_batch_age = MAX_BATCH_AGE);
    let Some(rig) = Rig::start(&short).await else {
        return;
    };
    rig.anvil.automine(false).await;
    let batcher = rig.batcher(calldata());
    let block = rig.sequencer.block().await;
    rig.anvil.sends(poster(), 1).await;
    age().await;
    rig.anvil.automine(true).await;
    let (one, record) = rig.batch(1).await;
    assert_eq!(rig.sequencer.asked(), [too_old(0)]);
    assert_eq!((record.first_block, record.last_block), (1, block));
    rig.derives(&one, rig.genesis);
    assert_eq!(rig.anvil.outcomes(poster()).await, [false, true]);
    batcher.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_that_is_or_will_be_out_of_reach_is_replaced_before_anything_is_sent() {
    let Some(rig) = Rig::start(&Profile::dev()).await else {
        return;
    };
    // L1's clock goes ahead of ours with each block that is mined: nothing has an age here.
    let config = SettlementConfig {
        batch_interval_ms: 0,
        ..calldata()
    };
    let reach = Profile::dev().anchor_depth - config.anchor_margin;
    for _ in 0..3 {
        rig.sequencer.block().await;
    }
    rig.anvil.mine(reach + 1).await;
    rig.watched().await;
    let batcher = rig.batcher(config.clone());
    // One more block with a newer origin fits the batch.
    let (one, record) = rig.batch(1).await;
    assert_eq!(rig.sequencer.asked(), [Asked::Seal]);
    assert_eq!((record.first_block, record.last_block), (1, 4));
    assert!(one.header.anchor_number > reach);
    rig.derives(&one, rig.genesis);
    batcher.stop().await;

    for _ in 0..3 {
        rig.sequencer.block().await;
    }
    rig.anvil.mine(300).await;
    rig.watched().await;
    // The batch has no room for another block.
    let batcher = rig.batcher(SettlementConfig {
        max_blocks: 2,
        ..config
    });
    rig.batch(2).await;
    let (_, record) = rig.batch(3).await;
    assert_eq!(rig.sequencer.asked(), [Asked::Seal, too_old(4)]);
    assert_eq!((record.first_block, record.last_block), (7, 7));
    assert_eq!(rig.anvil.outcomes(poster()).await, [true; 3]);
    batcher.stop().await;
    rig.stop().await;
}

/// Lines of the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn contain(&self, words: &str) -> bool {
        let lines = self.0.lock().unwrap();
        String::from_utf8_lossy(&lines).contains(words)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_role_the_batcher_says_so_and_goes_on_when_it_has_it_again() {
    let errors = Lines::default();
    let writer = errors.clone();
    // Of the whole process: no other test here takes a role away.
    tracing_subscriber::fmt()
        .with_max_level(Level::ERROR)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let Some(rig) = Rig::start(&Profile::dev()).await else {
        return;
    };
    let (admin, rollup) = (Roles::dev().admin, addresses().rollup);
    let role = rig.anvil.call(rollup, AuraRollup::SEQUENCERCall {}).await;
    let batcher = rig.batcher(calldata());
    rig.sequencer.block().await;
    rig.batch(1).await;
    assert!(!errors.contain("the account has no role on the rollup"));

    let account = poster();
    let revoke = AuraRollup::revokeRoleCall { role, account };
    rig.anvil.transact(admin, rollup, revoke).await;
    rig.sequencer.block().await;
    until("it is in the log", || {
        errors.contain("the account has no role on the rollup") && errors.contain("ERROR")
    })
    .await;
    let last = rig.sequencer.block().await;
    assert!(rig.view.batches(2, 1).unwrap().is_empty());
    // The proposer's and the watcher's work does not depend on it.
    assert!(rig.view.status().synced);

    let grant = AuraRollup::grantRoleCall { role, account };
    rig.anvil.transact(admin, rollup, grant).await;
    let (_, mut record) = rig.batch(2).await;
    assert_eq!(record.first_block, 2);
    while record.last_block < last {
        let before = record;
        record = rig.batch(before.index + 1).await.1;
        assert_eq!(record.first_block, before.last_block + 1);
    }
    // What was refused was never sent.
    let outcomes = rig.anvil.outcomes(account).await;
    assert!(outcomes.iter().all(|succeeded| *succeeded), "{outcomes:?}");
    let head = rig.anvil.call(rollup, AuraRollup::headCall {}).await;
    assert_eq!(U256::from(head.batchCount), U256::from(record.index + 1));
    batcher.stop().await;
    rig.stop().await;
}
