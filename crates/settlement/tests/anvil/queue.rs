//! Deposits, taken by the sequencer or forced by somebody else.

use std::{sync::atomic::Ordering, time::Duration};

use alloy_primitives::{Address, U256};
use aura_bindings::{Profile, Roles, portal::AuraPortal, rollup::AuraRollup};
use aura_primitives::bridge::DaKind;
use aura_settlement::{RebuildReason, SettlementConfig};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    l1::{PATIENCE, addresses},
    rig::{Rig, calldata, poster, profile, until},
    sequencer::Asked,
};

const WEI: u64 = 1_000_000;
/// Age of the oldest entry that no block has.
const WAITS: &str = "aura_settlement_oldest_entry_age_seconds ";

/// Sends a deposit, and waits until the watcher has it.
async fn deposit(rig: &Rig, to: Address) {
    let before = rig.view.status().queue_len;
    let call = AuraPortal::depositToCall { to };
    let data = alloy_primitives::Bytes::from(alloy_sol_types::SolCall::abi_encode(&call));
    let (from, portal) = (Roles::dev().admin, addresses().portal);
    let value = U256::from(WEI);
    rig.anvil
        .send(json!({"from": from, "to": portal, "data": data, "value": value}))
        .await;
    let seen = || rig.view.status().queue_len > before;
    until("the deposit is seen", seen).await;
}

fn balance(rig: &Rig, of: Address) -> U256 {
    let reader = rig.chain.store().reader().unwrap();
    let account = reader.account(of).unwrap();
    account.map_or(U256::ZERO, |account| account.balance)
}

/// Seconds that the oldest entry has waited, as the metrics say.
fn oldest_entry(metrics: &str) -> Option<f64> {
    let mut lines = metrics.lines();
    let age = lines.find_map(|line| line.strip_prefix(WAITS))?;
    age.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_says_which_entries_its_blocks_consumed() {
    let Some(rig) = Rig::start(&Profile::dev()).await else {
        return;
    };
    let [alice, bob] = [0xa1, 0xb0].map(Address::repeat_byte);
    // The second entry waits on L1 when the first batch is posted.
    deposit(&rig, alice).await;
    rig.sequencer.block().await;
    rig.sequencer.holds_queue.store(true, Ordering::Relaxed);
    deposit(&rig, bob).await;
    let middle = rig.sequencer.block().await;
    let batcher = rig.batcher(calldata());
    let (one, _) = rig.batch(1).await;
    let portal = addresses().portal;
    let view = |k| rig.anvil.call(portal, AuraPortal::queueViewCall { k });
    let on_l1 = view(1).await;
    assert_eq!((on_l1.count, one.header.consumed), (2, 1));
    assert_eq!(one.header.queue_acc, on_l1.accBefore);
    assert_eq!(balance(&rig, alice), U256::from(WEI));
    assert_eq!(balance(&rig, bob), U256::ZERO);
    rig.derives(&one, rig.genesis);

    rig.sequencer.holds_queue.store(false, Ordering::Relaxed);
    rig.sequencer.block().await;
    let (two, record) = rig.batch(2).await;
    assert_eq!((two.header.consumed, record.consumed), (2, 2));
    assert_eq!(two.header.queue_acc, view(2).await.accBefore);
    assert_eq!(balance(&rig, bob), U256::from(WEI));
    rig.derives(&two, rig.stand(middle));
    let rollup = addresses().rollup;
    let head = rig.anvil.call(rollup, AuraRollup::headCall {}).await;
    assert_eq!((head.batchCount, head.consumed), (3, 2));
    assert_eq!(rig.anvil.outcomes(poster()).await, [true, true]);
    batcher.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_batch_after_a_forced_one_builds_on_it() {
    let delay = 3;
    let short = profile(|profile| profile.force_delay = delay);
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let Some(rig) = Rig::start(&short).await else {
        return;
    };
    // A batch is due long after the entry presses.
    let batcher = rig.batcher(SettlementConfig {
        batch_interval_ms: 3_000,
        ..calldata()
    });
    let posted = rig.sequencer.block().await;
    rig.batch(1).await;

    rig.sequencer.holds_queue.store(true, Ordering::Relaxed);
    let carol = Address::repeat_byte(0xca);
    deposit(&rig, carol).await;
    rig.sequencer.block().await;
    // The entry presses, and this sequencer does not hear of it.
    let asks = || rig.sequencer.asked().contains(&Asked::Seal);
    until("a block with the entry is asked for", asks).await;
    // Other tests set the gauge as well, to nothing or next to it: it is looked at again and again.
    let waits = || oldest_entry(&metrics.render()).is_some_and(|age| age >= 2.0);
    until("the gauge shows the waiting entry", waits).await;
    sleep(Duration::from_secs(delay + 1)).await;
    let anybody = Roles::dev().admin;
    let force = AuraRollup::forceBatchCall { upTo: 1 };
    let rollup = addresses().rollup;
    rig.anvil.transact(anybody, rollup, force).await;

    let (forced, forced_record) = rig.batch(2).await;
    assert_eq!(forced.da_kind, DaKind::Forced as u8);
    let rebuild = Asked::Rebuild {
        to: posted,
        forced: vec![forced.header],
        reason: RebuildReason::ForcedBatch,
    };
    let mut asked = rig.sequencer.asked();
    asked.retain(|asked| *asked != Asked::Seal);
    assert!(asked.iter().all(|asked| *asked == rebuild), "{asked:?}");
    assert!(!asked.is_empty());
    assert_eq!(balance(&rig, carol), U256::from(WEI));
    let blocks = (forced_record.first_block, forced_record.last_block);
    assert_eq!(blocks, (posted + 1, posted + 1));

    let (three, record) = rig.batch(3).await;
    assert_eq!(three.header.parent, forced.slot.trim());
    assert_eq!(record.first_block, posted + 2);
    assert_eq!(three.header.consumed, 1);
    assert_eq!(three.header.queue_acc, forced.header.queue_acc);
    rig.derives(&three, rig.stand(posted + 1));
    // `WrongParent` was never met on L1, nor anything else.
    let outcomes = rig.anvil.outcomes(poster()).await;
    assert!(outcomes.iter().all(|succeeded| *succeeded), "{outcomes:?}");
    batcher.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_in_the_pool_is_taken_back_when_somebody_forces_one() {
    let delay = 8;
    let short = profile(|profile| profile.force_delay = delay);
    let Some(rig) = Rig::start(&short).await else {
        return;
    };
    rig.sequencer.holds_queue.store(true, Ordering::Relaxed);
    deposit(&rig, Address::repeat_byte(0xda)).await;
    rig.anvil.automine(false).await;
    // Posted before the entry presses.
    let batcher = rig.batcher(SettlementConfig {
        batch_interval_ms: 0,
        ..calldata()
    });
    rig.sequencer.block().await;
    rig.anvil.sends(poster(), 1).await;
    let rollup = addresses().rollup;
    assert_eq!(rig.anvil.waiting(poster()).await, Some(rollup));
    sleep(Duration::from_secs(delay + 1)).await;

    // The next block has room for one of both, and whoever forces pays more.
    rig.anvil
        .ask("evm_setBlockGasLimit", json!([160_000]))
        .await;
    rig.anvil.force(1).await;
    rig.anvil.mine(1).await;
    let taken_back = async {
        while rig.anvil.waiting(poster()).await != Some(poster()) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, taken_back)
        .await
        .expect("it is taken back");
    rig.anvil
        .ask("evm_setBlockGasLimit", json!([30_000_000]))
        .await;
    rig.anvil.automine(true).await;

    let (forced, _) = rig.batch(1).await;
    assert_eq!(forced.da_kind, DaKind::Forced as u8);
    let (two, record) = rig.batch(2).await;
    assert_eq!(two.header.parent, forced.slot.trim());
    assert_eq!(record.first_block, 2);
    let asked = rig.sequencer.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    // What was taken back is a transfer of nothing now.
    assert_eq!(rig.anvil.outcomes(poster()).await, [true, true]);
    batcher.stop().await;
    rig.stop().await;
}
