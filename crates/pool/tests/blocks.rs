//! What blocks, unwinds and abandoned blocks do to the pool.

mod common;

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use aura_pool::{DropReason, ExecOutcome, TxStatus};
use aura_primitives::{Account, RecoveredTx, TxDeposit};
use common::{BASE_FEE, ETHER, GWEI, TestChain, call, hashes};

fn decoded(raw: alloy_primitives::Bytes) -> Arc<RecoveredTx> {
    Arc::new(RecoveredTx::try_decode(raw).unwrap())
}

#[test]
fn a_block_of_others_moves_the_nonce_and_drops_what_it_displaced() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let displaced = chain.submit(&pool, 0, &call(0)).unwrap();
    let next = chain.submit(&pool, 0, &call(1)).unwrap();
    let queued = chain.submit(&pool, 0, &call(3)).unwrap();
    let mut other = call(0);
    other.value = U256::from(5);
    pool.on_committed(&chain.commit(&[decoded(chain.signed(0, &other))]));
    let reason = DropReason::NonceTooLow;
    assert_eq!(pool.status(displaced), Some(TxStatus::Dropped { reason }));
    assert_eq!(pool.counts(), (1, 1));
    // A block that fills the gap promotes what is behind it.
    let run = [
        decoded(chain.signed(0, &call(1))),
        decoded(chain.signed(0, &call(2))),
    ];
    assert_eq!(run[0].hash(), next);
    pool.on_committed(&chain.commit(&run));
    assert_eq!(pool.counts(), (1, 0));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [queued]);
}

#[test]
fn what_can_no_longer_be_paid_for_is_dropped() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let mut dear = call(1);
    dear.value = U256::from(5 * ETHER);
    let cheap = chain.submit(&pool, 0, &call(0)).unwrap();
    let dear = chain.submit(&pool, 0, &dear).unwrap();
    let behind = chain.submit(&pool, 0, &call(2)).unwrap();
    let poor = Account {
        balance: U256::from(ETHER),
        ..Account::default()
    };
    pool.on_committed(&chain.commit_with(&[], &[(chain.address(0), poor)]));
    let reason = DropReason::InsufficientFunds;
    assert_eq!(pool.status(dear), Some(TxStatus::Dropped { reason }));
    assert_eq!(pool.status(cheap), Some(TxStatus::Pending));
    assert_eq!(pool.status(behind), Some(TxStatus::Queued));
}

#[test]
fn money_seen_in_a_receipt_can_be_spent_before_the_pool_hears_of_the_block() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    chain.submit(&pool, 0, &call(0)).unwrap();
    let taken = pool.take(10, BASE_FEE);
    let rich = Account {
        balance: U256::from(100 * ETHER),
        nonce: 1,
        ..Account::default()
    };
    let block = chain.commit_with(&taken, &[(chain.address(0), rich)]);
    // The block is durable, `on_committed` is yet to come.
    let mut dear = call(1);
    dear.value = U256::from(99 * ETHER);
    let hash = chain.submit(&pool, 0, &dear).unwrap();
    assert_eq!(pool.counts(), (2, 0));
    pool.on_committed(&block);
    assert_eq!(pool.counts(), (1, 0));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [hash]);
}

#[test]
fn a_block_older_than_the_known_account_changes_nothing_back() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let first = decoded(chain.signed(0, &call(0)));
    let second = decoded(chain.signed(0, &call(1)));
    let blocks = [chain.commit(&[first]), chain.commit(&[second])];
    // The account is read at block 2; then the pool hears of blocks 1 and 2.
    let hash = chain.submit(&pool, 0, &call(2)).unwrap();
    for block in &blocks {
        pool.on_committed(block);
        assert_eq!(pool.counts(), (1, 0));
        assert_eq!(pool.next_nonce(chain.address(0), 2), 3);
    }
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [hash]);
}

#[test]
fn a_known_sender_follows_the_blocks() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    for nonce in 0..20 {
        chain.submit(&pool, 0, &call(nonce)).unwrap();
        let taken = pool.take(10, BASE_FEE);
        pool.report(&[(taken[0].hash(), ExecOutcome::Included)]);
        // Sealed, not durable: the next one is accepted meanwhile.
        pool.on_committed(&chain.commit(&taken));
        assert_eq!(pool.counts(), (0, 0));
    }
    let error = chain.submit(&pool, 0, &call(19)).unwrap_err().to_string();
    assert_eq!(error, "nonce too low: next nonce 20, tx nonce 19");
}

#[test]
fn missed_blocks_are_made_up_for() {
    let chain = TestChain::new(2);
    let pool = chain.pool();
    let mined = chain.submit(&pool, 0, &call(0)).unwrap();
    let displaced = chain.submit(&pool, 1, &call(0)).unwrap();
    let stays = chain.submit(&pool, 1, &call(1)).unwrap();
    chain.commit(&[pool.get(mined).unwrap()]);
    chain.commit(&[decoded(chain.signed(1, &call(0).fees(9 * GWEI, 1)))]);
    pool.on_committed(&chain.commit(&[]));
    assert_eq!(pool.status(mined), None);
    let reason = DropReason::NonceTooLow;
    assert_eq!(pool.status(displaced), Some(TxStatus::Dropped { reason }));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [stays]);
}

#[test]
fn an_abandoned_block_gives_its_transactions_back() {
    let chain = TestChain::new(2);
    let pool = chain.pool();
    let first = chain.submit(&pool, 0, &call(0)).unwrap();
    let second = chain.submit(&pool, 0, &call(1)).unwrap();
    let other = chain.submit(&pool, 1, &call(0)).unwrap();
    let taken = pool.take(10, BASE_FEE);
    assert_eq!(taken.len(), 3);
    pool.reinject(taken);
    assert_eq!(pool.status(first), Some(TxStatus::Pending));
    let mut again = hashes(&pool.take(10, BASE_FEE));
    again.sort();
    let mut all = [first, second, other];
    all.sort();
    assert_eq!(again, all);
}

#[test]
fn unwound_transactions_come_back_in_front_of_those_that_waited() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let first = chain.submit(&pool, 0, &call(0)).unwrap();
    let second = chain.submit(&pool, 0, &call(1)).unwrap();
    let third = chain.submit(&pool, 0, &call(2)).unwrap();
    let taken = pool.take(2, BASE_FEE);
    pool.on_committed(&chain.commit(&taken[..1]));
    pool.on_committed(&chain.commit(&taken[1..]));
    assert_eq!(pool.counts(), (1, 0));
    let mut unwound = chain.unwind();
    unwound.splice(0..0, chain.unwind());
    assert_eq!(hashes(&unwound), [first, second]);
    pool.reinject(unwound);
    assert_eq!(pool.counts(), (3, 0));
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [first, second, third]);
}

#[test]
fn unwound_deposits_stay_out() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let first = chain.submit(&pool, 0, &call(0)).unwrap();
    let taken = pool.take(1, BASE_FEE);
    // Like one of the sender's own, and like that of somebody unknown.
    let deposit = |from| {
        Arc::new(RecoveredTx::deposit(TxDeposit {
            from,
            gas: 21_000,
            ..TxDeposit::default()
        }))
    };
    let deposits = [deposit(taken[0].sender()), deposit(Address::repeat_byte(9))];
    let hashes_before: Vec<_> = deposits.iter().map(|tx| tx.hash()).collect();
    let mut unwound = deposits.to_vec();
    unwound.extend(taken);
    pool.reinject(unwound);
    assert_eq!(pool.counts(), (1, 0));
    for hash in hashes_before {
        assert!(pool.get(hash).is_none() && pool.status(hash).is_none());
    }
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [first]);
}

#[test]
fn an_unwound_transaction_does_not_displace_the_one_in_its_place() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    chain.submit(&pool, 0, &call(0)).unwrap();
    let mined = pool.take(1, BASE_FEE);
    pool.on_committed(&chain.commit(&mined));
    let unwound = chain.unwind();
    // Another one with its nonce is faster than the news.
    pool.resync();
    let dearer = chain
        .submit(&pool, 0, &call(0).fees(20 * GWEI, 2 * GWEI))
        .unwrap();
    pool.reinject(unwound);
    let Some(TxStatus::Dropped { reason }) = pool.status(mined[0].hash()) else {
        panic!("no reason");
    };
    assert!(
        reason
            .to_string()
            .contains("replacement transaction underpriced")
    );
    assert_eq!(hashes(&pool.take(10, BASE_FEE)), [dearer]);
}

#[test]
fn submissions_and_blocks_at_once_lose_nothing() {
    let chain = TestChain::new(4);
    let pool = chain.journalled_pool();
    const EACH: u64 = 150;
    std::thread::scope(|scope| {
        for sender in 0..4 {
            let (pool, chain) = (&pool, &chain);
            scope.spawn(move || {
                for nonce in 0..EACH {
                    chain.submit(pool, sender, &call(nonce)).unwrap();
                }
            });
        }
        let mut mined = 0;
        let start = std::time::Instant::now();
        while mined < 4 * EACH as usize {
            let taken = pool.take(50, BASE_FEE);
            let block = chain.commit(&taken);
            pool.on_committed(&block);
            mined += taken.len();
            assert!(start.elapsed().as_secs() < 50, "{mined} mined");
        }
    });
    assert_eq!(pool.counts(), (0, 0));
    for sender in 0..4 {
        assert_eq!(chain.account(chain.address(sender)).nonce, EACH);
    }
}
