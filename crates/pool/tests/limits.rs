//! A full pool, and what is dropped from it.

mod common;

use std::time::Duration;

use aura_pool::{DropReason, Pool, PoolConfig, TxStatus};
use common::{BASE_FEE, GWEI, TestChain, call, hashes};
use proptest::prelude::*;

fn small(max_transactions: usize) -> PoolConfig {
    PoolConfig {
        max_transactions,
        ..PoolConfig::default()
    }
}

#[track_caller]
fn assert_dropped(pool: &Pool, hash: alloy_primitives::B256, reason: DropReason) {
    assert!(!pool.contains(hash));
    assert_eq!(pool.status(hash), Some(TxStatus::Dropped { reason }));
}

#[test]
fn a_full_pool_drops_the_cheapest_and_refuses_what_is_cheaper() {
    let chain = TestChain::new(4);
    let pool = chain.pool_with(small(2));
    let cheap = chain.submit(&pool, 0, &call(0).fees(9 * GWEI, 10)).unwrap();
    let dear = chain.submit(&pool, 1, &call(0).fees(9 * GWEI, 30)).unwrap();
    for tip in [5, 10] {
        let error = chain
            .submit(&pool, 2, &call(0).fees(9 * GWEI, tip))
            .unwrap_err();
        let words = format!("transaction underpriced: tip needed 11, tip permitted {tip}");
        assert_eq!(error.to_string(), words);
    }
    let middle = chain.submit(&pool, 2, &call(0).fees(9 * GWEI, 20)).unwrap();
    assert_dropped(&pool, cheap, DropReason::Evicted);
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [dear, middle]);
    // All are executing now: nothing can make room.
    let error = chain.submit(&pool, 3, &call(0)).unwrap_err();
    assert_eq!(error.to_string(), "txpool is full");
}

#[test]
fn gapped_ones_go_first_whatever_they_pay() {
    let chain = TestChain::new(3);
    let pool = chain.pool_with(small(2));
    let gapped = chain
        .submit(&pool, 0, &call(1).fees(90 * GWEI, 90 * GWEI))
        .unwrap();
    chain.submit(&pool, 1, &call(0).fees(9 * GWEI, 1)).unwrap();
    chain.submit(&pool, 2, &call(0).fees(9 * GWEI, 1)).unwrap();
    assert_dropped(&pool, gapped, DropReason::Evicted);
    // Nor do they push out what can run.
    let error = chain.submit(&pool, 0, &call(1)).unwrap_err();
    assert!(
        error.to_string().starts_with("transaction underpriced"),
        "{error}"
    );
}

#[test]
fn those_under_the_base_fee_go_before_those_that_pay_it() {
    let chain = TestChain::new(3);
    let pool = chain.pool_with(small(2));
    pool.begin_block(BASE_FEE);
    let waiting = chain
        .submit(&pool, 0, &call(0).fees(GWEI / 2, GWEI / 2))
        .unwrap();
    chain.submit(&pool, 1, &call(0).fees(9 * GWEI, 0)).unwrap();
    chain.submit(&pool, 2, &call(0).fees(9 * GWEI, 0)).unwrap();
    assert_dropped(&pool, waiting, DropReason::Evicted);
}

#[test]
fn eviction_opens_no_gap() {
    let chain = TestChain::new(2);
    let pool = chain.pool_with(small(3));
    let first = chain.submit(&pool, 0, &call(0).fees(9 * GWEI, 1)).unwrap();
    let second = chain.submit(&pool, 0, &call(1).fees(9 * GWEI, 50)).unwrap();
    let third = chain.submit(&pool, 0, &call(2).fees(9 * GWEI, 5)).unwrap();
    let other = chain.submit(&pool, 1, &call(0).fees(9 * GWEI, 10)).unwrap();
    assert_dropped(&pool, third, DropReason::Evicted);
    assert_eq!(pool.counts(), (3, 0));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [other, first, second]);
}

#[test]
fn a_sender_does_not_evict_itself() {
    let chain = TestChain::new(1);
    let pool = chain.pool_with(small(1));
    chain.submit(&pool, 0, &call(0).fees(9 * GWEI, 1)).unwrap();
    let error = chain
        .submit(&pool, 0, &call(1).fees(9 * GWEI, 50))
        .unwrap_err();
    assert_eq!(error.to_string(), "txpool is full");
    // A replacement takes no room.
    chain
        .submit(&pool, 0, &call(0).fees(10 * GWEI, 50))
        .unwrap();
}

#[test]
fn memory_is_bounded_too() {
    let chain = TestChain::new(3);
    let pool = chain.pool_with(PoolConfig {
        max_bytes: 100_000,
        max_tx_bytes: 50_000,
        ..PoolConfig::default()
    });
    let mut big = call(0).fees(9 * GWEI, 1);
    big.gas_limit = 2_000_000;
    big.input = vec![0; 45_000].into();
    let cheap = chain.submit(&pool, 0, &big).unwrap();
    big.tip = 2;
    let dearer = chain.submit(&pool, 1, &big).unwrap();
    big.tip = 3;
    let dearest = chain.submit(&pool, 2, &big).unwrap();
    assert_dropped(&pool, cheap, DropReason::Evicted);
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [dearest, dearer]);
}

#[test]
fn limits_may_be_as_large_as_numbers_are() {
    let chain = TestChain::new(1);
    let pool = chain.pool_with(PoolConfig {
        max_bytes: usize::MAX,
        max_transactions: usize::MAX,
        ..PoolConfig::default()
    });
    chain.submit(&pool, 0, &call(0)).unwrap();
    chain
        .submit(&pool, 0, &call(0).fees(90 * GWEI, 50 * GWEI))
        .unwrap();
    assert_eq!(pool.counts(), (1, 0));
}

#[test]
fn what_is_refused_for_lack_of_room_drops_nothing() {
    let chain = TestChain::new(4);
    let pool = chain.pool_with(PoolConfig {
        max_bytes: 80_000,
        max_tx_bytes: 40_000,
        ..PoolConfig::default()
    });
    let sized = |nonce, bytes: usize, tip| {
        let mut tx = call(nonce).fees(9 * GWEI, tip);
        tx.gas_limit = 2_000_000;
        tx.input = vec![0; bytes].into();
        tx
    };
    // Two that are worth less than the newcomer, and are not enough.
    let cheap = chain.submit(&pool, 0, &sized(0, 10_000, 1)).unwrap();
    let dear = chain.submit(&pool, 1, &sized(0, 39_000, 90)).unwrap();
    let behind = chain.submit(&pool, 1, &sized(1, 10_000, 2)).unwrap();
    let dearer = chain.submit(&pool, 3, &sized(0, 10_000, 91)).unwrap();
    let refused = chain.submit(&pool, 2, &sized(0, 39_000, 50));
    let words = "transaction underpriced: tip needed 91, tip permitted 50";
    assert_eq!(refused.unwrap_err().to_string(), words);
    for hash in [cheap, dear, behind, dearer] {
        assert!(pool.contains(hash));
    }
    // One that needs no more than their room gets it.
    let fits = chain.submit(&pool, 2, &sized(0, 27_000, 50)).unwrap();
    for hash in [cheap, behind] {
        assert_dropped(&pool, hash, DropReason::Evicted);
    }
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [dearer, dear, fits]);
}

#[test]
fn a_replacement_may_not_outgrow_the_pool() {
    let chain = TestChain::new(2);
    let pool = chain.pool_with(PoolConfig {
        max_bytes: 50_000,
        max_tx_bytes: 25_000,
        ..PoolConfig::default()
    });
    let mut big = call(0).fees(9 * GWEI, 10);
    big.gas_limit = 2_000_000;
    big.input = vec![0; 24_000].into();
    let other = chain.submit(&pool, 0, &big).unwrap();
    let kept = chain
        .submit(&pool, 1, &call(0).fees(9 * GWEI, 100))
        .unwrap();
    chain
        .submit(&pool, 1, &call(1).fees(9 * GWEI, 100))
        .unwrap();
    let mut grown = call(1).fees(10 * GWEI, 200);
    grown.gas_limit = 2_000_000;
    grown.input = vec![0; 24_700].into();
    chain.submit(&pool, 1, &grown).unwrap();
    // It needed the room of the other sender's, and got it as it pays more.
    assert_dropped(&pool, other, DropReason::Evicted);
    assert!(pool.contains(kept));
    assert_eq!(pool.counts(), (2, 0));
}

#[test]
fn gapped_ones_expire() {
    let chain = TestChain::new(1);
    let pool = chain.pool_with(PoolConfig {
        max_queued_lifetime: Duration::from_millis(5),
        ..PoolConfig::default()
    });
    let pending = chain.submit(&pool, 0, &call(0)).unwrap();
    let gapped = chain.submit(&pool, 0, &call(2)).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    pool.on_committed(&chain.commit(&[]));
    assert_dropped(&pool, gapped, DropReason::Expired);
    assert_eq!(pool.status(pending), Some(TxStatus::Pending));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Of many sizes and prices: whoever is refused drops nobody, and nobody is dropped by one that pays less.
    #[test]
    fn room_is_made_by_what_pays_less_or_not_at_all(
        steps in prop::collection::vec((0..6usize, 1..30_000usize, 1..60u128), 1..60),
    ) {
        const MOST: usize = 80_000;
        let chain = TestChain::new(6);
        let pool = chain.pool_with(PoolConfig {
            max_bytes: MOST,
            max_tx_bytes: 40_000,
            ..PoolConfig::default()
        });
        let mut nonces = [0; 6];
        let mut kept: Vec<(alloy_primitives::B256, usize, usize, u128)> = Vec::new();
        for (sender, bytes, tip) in steps {
            let mut tx = call(nonces[sender]).fees(9 * GWEI, tip);
            tx.gas_limit = 2_000_000;
            tx.input = vec![0; bytes].into();
            let taken = chain.submit(&pool, sender, &tx);
            if let Ok(hash) = taken {
                nonces[sender] += 1;
                kept.push((hash, sender, bytes, tip));
            }
            for (hash, owner, _, worth) in kept.extract_if(.., |(hash, ..)| !pool.contains(*hash)) {
                prop_assert!(taken.is_ok() && worth < tip, "{} was dropped", hash);
                nonces[owner] -= 1;
            }
            let bytes: usize = kept.iter().map(|(_, _, bytes, _)| bytes).sum();
            prop_assert!(bytes <= MOST);
        }
    }
}
