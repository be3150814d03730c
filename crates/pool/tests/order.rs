//! Order, nonce gaps, replacement, and what it means to be executing.

mod common;

use aura_pool::{ExecOutcome, Pool, TxStatus};
use common::{BASE_FEE, GWEI, TestChain, call, hashes, sign};

fn drop_reason(pool: &Pool, hash: alloy_primitives::B256) -> String {
    match pool.status(hash) {
        Some(TxStatus::Dropped { reason }) => reason.to_string(),
        other => panic!("not dropped: {other:?}"),
    }
}

#[test]
fn the_highest_tip_runs_first_then_the_first_come() {
    let chain = TestChain::new(4);
    let pool = chain.pool();
    let low = chain.submit(&pool, 0, &call(0).fees(9 * GWEI, 1)).unwrap();
    let late = chain.submit(&pool, 1, &call(0).fees(9 * GWEI, 1)).unwrap();
    let high = chain
        .submit(&pool, 2, &call(0).fees(9 * GWEI, GWEI))
        .unwrap();
    // A legacy price is all tip above the base fee.
    let legacy = sign(&chain.keys[3], call(0).fees(3 * GWEI, 0).legacy(None));
    let legacy = pool.submit(legacy).unwrap();
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [legacy, high, low, late]);
}

#[test]
fn a_tip_counts_only_as_far_as_the_fee_cap_reaches() {
    let chain = TestChain::new(2);
    let pool = chain.pool();
    let capped = chain
        .submit(&pool, 0, &call(0).fees(2 * GWEI, 2 * GWEI))
        .unwrap();
    let steady = chain
        .submit(&pool, 1, &call(0).fees(9 * GWEI, GWEI))
        .unwrap();
    // At a base fee of 1.5 gwei the first pays 0.5 gwei; at 0.5 gwei, 1.5.
    assert_eq!(hashes(&pool.take(1, 1_500_000_000)), [steady]);
    pool.report(&[(steady, ExecOutcome::Deferred)]);
    pool.begin_block(500_000_000);
    assert_eq!(hashes(&pool.take(1, 500_000_000)), [capped]);
}

#[test]
fn nonces_of_one_sender_run_in_order_whatever_they_pay() {
    let chain = TestChain::new(2);
    let pool = chain.pool();
    let second = chain
        .submit(&pool, 0, &call(1).fees(9 * GWEI, 5 * GWEI))
        .unwrap();
    let other = chain
        .submit(&pool, 1, &call(0).fees(9 * GWEI, 2 * GWEI))
        .unwrap();
    let first = chain
        .submit(&pool, 0, &call(0).fees(9 * GWEI, GWEI))
        .unwrap();
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [other, first, second]);
}

#[test]
fn take_stops_at_its_limit_and_goes_on_from_there() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let all: Vec<_> = (0..5)
        .map(|nonce| chain.submit(&pool, 0, &call(nonce)).unwrap())
        .collect();
    assert_eq!(hashes(&pool.take(2, BASE_FEE)), all[..2]);
    assert!(pool.take(0, BASE_FEE).is_empty());
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), all[2..]);
    assert!(pool.take(10, BASE_FEE).is_empty());
}

#[test]
fn what_is_behind_a_gap_waits_for_the_missing_nonce() {
    let chain = TestChain::new(1);
    let (pool, sender) = (chain.pool(), chain.address(0));
    let mut announced = pool.subscribe();
    let queued = chain.submit(&pool, 0, &call(2)).unwrap();
    let first = chain.submit(&pool, 0, &call(0)).unwrap();
    assert_eq!(pool.counts(), (1, 1));
    assert_eq!(pool.status(queued), Some(TxStatus::Queued));
    assert_eq!(pool.next_nonce(sender, 0), 1);
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [first]);
    let filler = chain.submit(&pool, 0, &call(1)).unwrap();
    assert_eq!(pool.counts(), (3, 0));
    assert_eq!(pool.status(queued), Some(TxStatus::Pending));
    assert_eq!(pool.next_nonce(sender, 0), 3);
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [filler, queued]);
    // Announced when executable, not when accepted.
    let order: Vec<_> = std::iter::from_fn(|| announced.try_recv().ok())
        .map(|tx| tx.hash())
        .collect();
    assert_eq!(order, [first, filler, queued]);
}

#[test]
fn content_tells_pending_from_queued() {
    let chain = TestChain::new(2);
    let pool = chain.pool();
    let pending = chain.submit(&pool, 0, &call(0)).unwrap();
    let queued = chain.submit(&pool, 0, &call(2)).unwrap();
    let alone = chain.submit(&pool, 1, &call(9)).unwrap();
    let content = pool.content();
    assert_eq!(hashes(&content.pending[&chain.address(0)]), [pending]);
    assert_eq!(hashes(&content.queued[&chain.address(0)]), [queued]);
    assert_eq!(hashes(&content.queued[&chain.address(1)]), [alone]);
    assert!(!content.pending.contains_key(&chain.address(1)));
}

#[test]
fn a_replacement_needs_ten_percent_on_both_prices() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let old = chain
        .submit(&pool, 0, &call(0).fees(1_000_000_000, 1_000))
        .unwrap();
    for (fee_cap, tip) in [
        (1_000_000_000, 1_000),
        (1_099_999_999, 1_100),
        (1_100_000_000, 1_099),
        (2_000_000_000, 1_000),
        (1_000_000_000, 2_000),
    ] {
        let mut dearer = call(0).fees(fee_cap, tip);
        dearer.value = alloy_primitives::U256::from(2);
        let error = chain.submit(&pool, 0, &dearer).unwrap_err();
        assert_eq!(error.to_string(), "replacement transaction underpriced");
    }
    let new = chain
        .submit(&pool, 0, &call(0).fees(1_100_000_000, 1_100))
        .unwrap();
    assert_eq!(pool.counts(), (1, 0));
    assert!(!pool.contains(old) && pool.get(old).is_none());
    assert_eq!(drop_reason(&pool, old), format!("replaced by {new}"));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [new]);
}

#[test]
fn a_queued_transaction_can_be_replaced() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let old = chain.submit(&pool, 0, &call(3)).unwrap();
    let new = chain
        .submit(&pool, 0, &call(3).fees(20 * GWEI, 2 * GWEI))
        .unwrap();
    assert_eq!(pool.counts(), (0, 1));
    assert_eq!(drop_reason(&pool, old), format!("replaced by {new}"));
}

#[test]
fn what_is_executing_cannot_be_replaced() {
    let chain = TestChain::new(1);
    let (pool, sender) = (chain.pool(), chain.address(0));
    let hash = chain.submit(&pool, 0, &call(0)).unwrap();
    pool.take(1, BASE_FEE);
    assert_eq!(pool.status(hash), Some(TxStatus::Executing));
    let dearer = call(0).fees(50 * GWEI, 5 * GWEI);
    let error = chain.submit(&pool, 0, &dearer).unwrap_err().to_string();
    assert_eq!(error, "nonce too low: next nonce 1, tx nonce 0");
    pool.report(&[(hash, ExecOutcome::Included)]);
    assert!(pool.get(hash).is_some(), "found until its block is durable");
    assert_eq!(pool.next_nonce(sender, 0), 1);
    assert_eq!(pool.counts(), (1, 0));
    pool.on_committed(&chain.commit(&[pool.get(hash).unwrap()]));
    assert_eq!((pool.get(hash), pool.status(hash)), (None, None));
    assert_eq!(pool.counts(), (0, 0));
    assert_eq!(pool.next_nonce(sender, 1), 1);
}

#[test]
fn what_was_deferred_can_be_replaced_and_comes_back_in_the_next_block() {
    let chain = TestChain::new(2);
    let pool = chain.pool();
    let all: Vec<_> = (0..3)
        .map(|nonce| chain.submit(&pool, 0, &call(nonce)).unwrap())
        .collect();
    let taken = pool.take(10, BASE_FEE);
    pool.report(&[
        (all[0], ExecOutcome::Included),
        (all[1], ExecOutcome::Deferred),
        (all[2], ExecOutcome::Deferred),
    ]);
    assert_eq!(pool.status(all[1]), Some(TxStatus::Pending));
    // Others still run in this block; the sender itself does not.
    let other = chain.submit(&pool, 1, &call(0).fees(9 * GWEI, 1)).unwrap();
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [other]);
    let dearer = chain
        .submit(&pool, 0, &call(2).fees(20 * GWEI, 2 * GWEI))
        .unwrap();
    pool.on_committed(&chain.commit(&taken[..1]));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [all[1], dearer]);
}

#[test]
fn an_invalid_one_is_dropped_and_its_successors_wait() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let all: Vec<_> = (0..3)
        .map(|nonce| chain.submit(&pool, 0, &call(nonce)).unwrap())
        .collect();
    pool.take(10, BASE_FEE);
    // The executor cannot run the second without the first; that is no fault of the second.
    pool.report(&[
        (all[0], ExecOutcome::Invalid("lack of funds".into())),
        (all[1], ExecOutcome::Invalid("nonce too high".into())),
        (all[2], ExecOutcome::Deferred),
    ]);
    assert_eq!(drop_reason(&pool, all[0]), "invalid: lack of funds");
    assert_eq!(pool.counts(), (0, 2));
    assert_eq!(pool.status(all[1]), Some(TxStatus::Queued));
    assert!(pool.take(10, BASE_FEE).is_empty());
    // It may come again; nothing was held against it.
    assert_eq!(chain.submit(&pool, 0, &call(0)).unwrap(), all[0]);
    assert_eq!(pool.status(all[0]), Some(TxStatus::Pending));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), all);
}

#[test]
fn what_breaks_a_block_is_quarantined() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let raw = chain.signed(0, &call(0));
    let hash = pool.submit(raw.clone()).unwrap();
    pool.take(10, BASE_FEE);
    pool.report(&[(hash, ExecOutcome::Quarantined("executor panicked".into()))]);
    assert_eq!(drop_reason(&pool, hash), "quarantined: executor panicked");
    let words = "transaction quarantined: it broke block building: executor panicked";
    assert_eq!(pool.submit(raw).unwrap_err().to_string(), words);
    // The nonce is free for another one.
    chain
        .submit(&pool, 0, &call(0).fees(9 * GWEI, GWEI))
        .unwrap();
    assert_eq!(pool.take(10, BASE_FEE).len(), 1);
}

#[tokio::test]
async fn the_sequencer_is_woken_by_what_can_run() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let notify = pool.notified();
    let wait = || {
        let notify = notify.clone();
        async move {
            tokio::time::timeout(std::time::Duration::from_millis(50), notify.notified()).await
        }
    };
    chain.submit(&pool, 0, &call(1)).unwrap();
    assert!(wait().await.is_err(), "nothing can run behind a gap");
    chain.submit(&pool, 0, &call(0)).unwrap();
    assert!(wait().await.is_ok());
}
