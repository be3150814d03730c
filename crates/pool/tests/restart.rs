//! What is accepted survives the death of the process; what was dropped stays dropped.

mod common;

use std::{fs::OpenOptions, time::Duration};

use alloy_primitives::U256;
use aura_pool::{DropReason, ExecOutcome, PoolConfig, TxStatus};
use aura_primitives::Account;
use common::{BASE_FEE, GWEI, TestChain, call, hashes};

#[test]
fn accepted_transactions_come_back_in_their_order() {
    let chain = TestChain::new(3);
    let pool = chain.journalled_pool();
    let a0 = chain.submit(&pool, 0, &call(0)).unwrap();
    let b0 = chain.submit(&pool, 1, &call(0)).unwrap();
    let a1 = chain.submit(&pool, 0, &call(1)).unwrap();
    let gapped = chain.submit(&pool, 2, &call(7)).unwrap();
    // Handed out, but in no durable block: lost with the process, not with the journal.
    pool.take(1, BASE_FEE);
    drop(pool);
    let pool = chain.journalled_pool();
    assert_eq!(pool.counts(), (3, 1));
    assert_eq!(pool.status(gapped), Some(TxStatus::Queued));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [a0, b0, a1]);
}

#[test]
fn nothing_is_in_the_journal_only_in_memory_when_submit_returns() {
    let chain = TestChain::new(1);
    let pool = chain.journalled_pool();
    for nonce in 0..10 {
        chain.submit(&pool, 0, &call(nonce)).unwrap();
        // What another process would find if this one died now.
        let copy = chain.dir.path().join("copy");
        std::fs::copy(chain.journal(), &copy).unwrap();
        let after = chain.pool_with(PoolConfig {
            journal: Some(copy),
            ..PoolConfig::default()
        });
        assert_eq!(after.counts(), (nonce as usize + 1, 0));
    }
}

#[test]
fn mined_transactions_do_not_come_back() {
    let chain = TestChain::new(2);
    let pool = chain.journalled_pool();
    let mined = chain.submit(&pool, 0, &call(0)).unwrap();
    let waiting = chain.submit(&pool, 0, &call(1)).unwrap();
    chain.commit(&pool.take(1, BASE_FEE));
    drop(pool);
    let pool = chain.journalled_pool();
    assert_eq!(pool.status(mined), None, "no drop: it is in a block");
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [waiting]);
}

#[test]
fn what_became_invalid_meanwhile_is_dropped_for_a_reason() {
    let chain = TestChain::new(2);
    let pool = chain.journalled_pool();
    let poor = chain.submit(&pool, 0, &call(0)).unwrap();
    let used = chain.submit(&pool, 1, &call(0)).unwrap();
    drop(pool);
    let changes = [(0, 0, 1), (1, 1, 10)].map(|(sender, nonce, balance)| {
        let account = Account {
            nonce,
            balance: U256::from(balance),
            ..Account::default()
        };
        (chain.address(sender), account)
    });
    chain.commit_with(&[], &changes);
    let pool = chain.journalled_pool();
    for (hash, reason) in [
        (poor, DropReason::InsufficientFunds),
        (used, DropReason::NonceTooLow),
    ] {
        assert_eq!(pool.status(hash), Some(TxStatus::Dropped { reason }));
    }
    assert_eq!(pool.counts(), (0, 0));
}

#[test]
fn what_was_dropped_stays_dropped_unless_it_was_accepted_again() {
    let chain = TestChain::new(3);
    let pool = chain.journalled_pool();
    let invalid = chain.submit(&pool, 0, &call(0)).unwrap();
    let again = chain.submit(&pool, 1, &call(0)).unwrap();
    let replaced = chain.submit(&pool, 2, &call(0)).unwrap();
    let dearer = chain
        .submit(&pool, 2, &call(0).fees(20 * GWEI, 2 * GWEI))
        .unwrap();
    pool.take(10, BASE_FEE);
    let verdict = ExecOutcome::Invalid("no".into());
    pool.report(&[(invalid, verdict.clone()), (again, verdict)]);
    chain.submit(&pool, 1, &call(0)).unwrap();
    drop(pool);
    let pool = chain.journalled_pool();
    assert!(!pool.contains(invalid) && !pool.contains(replaced));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [dearer, again]);
}

#[test]
fn a_quarantine_outlives_the_process() {
    let chain = TestChain::new(1);
    let raw = chain.signed(0, &call(0));
    let pool = chain.journalled_pool();
    let hash = pool.submit(raw.clone()).unwrap();
    pool.take(1, BASE_FEE);
    pool.report(&[(hash, ExecOutcome::Quarantined("panic".into()))]);
    drop(pool);
    // Twice: the first start rewrites the journal.
    for _ in 0..2 {
        let pool = chain.journalled_pool();
        assert_eq!(pool.counts(), (0, 0));
        let error = pool.submit(raw.clone()).unwrap_err().to_string();
        assert_eq!(
            error,
            "transaction quarantined: it broke block building: panic"
        );
    }
}

#[test]
fn a_torn_tail_costs_only_what_was_being_written() {
    let chain = TestChain::new(1);
    let pool = chain.journalled_pool();
    for nonce in 0..3 {
        chain.submit(&pool, 0, &call(nonce)).unwrap();
    }
    drop(pool);
    let file = OpenOptions::new()
        .write(true)
        .open(chain.journal())
        .unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    drop(file);
    let pool = chain.journalled_pool();
    assert_eq!(pool.counts(), (2, 0));
    chain.submit(&pool, 0, &call(2)).unwrap();
    drop(pool);
    assert_eq!(chain.journalled_pool().counts(), (3, 0));
}

#[test]
fn the_journal_does_not_grow_with_what_was_mined() {
    let chain = TestChain::new(2);
    let config = PoolConfig {
        journal: Some(chain.journal()),
        journal_rotate_bytes: 8_192,
        ..PoolConfig::default()
    };
    let pool = chain.pool_with(config.clone());
    let stays = chain.submit(&pool, 1, &call(5)).unwrap();
    let mut longest = 0;
    for round in 0..20 {
        for nonce in round * 10..round * 10 + 10 {
            chain.submit(&pool, 0, &call(nonce)).unwrap();
        }
        pool.on_committed(&chain.commit(&pool.take(10, BASE_FEE)));
        longest = longest.max(std::fs::metadata(chain.journal()).unwrap().len());
    }
    // 200 transactions of about 130 bytes went through it.
    assert!(longest < 11_000, "journal grew to {longest} bytes");
    let last = chain.submit(&pool, 0, &call(200)).unwrap();
    drop(pool);
    let pool = chain.pool_with(config);
    assert_eq!(pool.counts(), (1, 1));
    assert!(pool.contains(stays) && pool.contains(last));
}

#[test]
fn opening_a_foreign_file_as_journal_fails() {
    let chain = TestChain::new(1);
    std::fs::write(chain.journal(), "[config]").unwrap();
    let config = PoolConfig {
        journal: Some(chain.journal()),
        ..PoolConfig::default()
    };
    let error = aura_pool::Pool::open(config, chain.spec.clone(), chain.store.clone());
    assert!(error.unwrap_err().to_string().contains("cannot be opened"));
    assert_eq!(std::fs::read(chain.journal()).unwrap(), b"[config]");
}

#[test]
fn a_synced_journal_works_the_same() {
    let chain = TestChain::new(1);
    let config = PoolConfig {
        journal: Some(chain.journal()),
        journal_sync: true,
        quarantine_lifetime: Duration::from_secs(1),
        ..PoolConfig::default()
    };
    let pool = chain.pool_with(config.clone());
    chain.submit(&pool, 0, &call(0)).unwrap();
    pool.flush().unwrap();
    drop(pool);
    assert_eq!(chain.pool_with(config).counts(), (1, 0));
}
