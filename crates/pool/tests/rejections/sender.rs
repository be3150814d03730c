//! What the sender's account does not allow: nonces, funds, code, and room for one sender.

use alloy_primitives::U256;
use aura_pool::PoolConfig;
use aura_primitives::Account;

use crate::{
    common::{self, ETHER, GWEI, RECIPIENT, TestChain, call},
    refuses, refuses_call,
};

#[test]
fn refuses_used_nonces() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    chain.submit(&pool, 0, &call(0)).unwrap();
    pool.on_committed(&chain.commit(&pool.take(1, common::BASE_FEE)));
    refuses(
        &pool,
        chain.signed(0, &call(0).fees(20 * GWEI, 2 * GWEI)),
        "nonce too low: next nonce 1, tx nonce 0",
    );
    // The mined transaction itself, and a pool that has never seen the sender.
    refuses(
        &chain.pool(),
        chain.signed(0, &call(0)),
        "nonce too low: next nonce 1, tx nonce 0",
    );
    let sender = chain.address(0);
    refuses(
        &pool,
        chain.signed(0, &call(u64::MAX)),
        &format!("nonce has max value: address {sender}, nonce: 18446744073709551615"),
    );
}

#[test]
fn refuses_what_the_balance_does_not_cover() {
    let chain = TestChain::new(1);
    let mut tx = call(0).fees(GWEI, 0);
    tx.value = U256::from(10 * ETHER);
    let cost = 10 * ETHER + 21_000 * GWEI;
    refuses_call(
        &chain,
        &tx,
        &format!(
            "insufficient funds for gas * price + value: \
             balance {}, tx cost {cost}, overshot {}",
            10 * ETHER,
            21_000 * GWEI
        ),
    );
    tx.value = U256::MAX;
    refuses_call(
        &chain,
        &tx,
        "insufficient funds for gas * price + value: cost exceeds 256 bits",
    );
    tx.value = U256::from(10 * ETHER - 21_000 * GWEI);
    chain.submit(&chain.pool(), 0, &tx).unwrap();
}

#[test]
fn refuses_what_the_balance_does_not_cover_with_all_before_it() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let mut tx = call(0).fees(GWEI, GWEI);
    tx.value = U256::from(6 * ETHER);
    chain.submit(&pool, 0, &tx).unwrap();
    tx.nonce = 1;
    let (balance, cost) = (10 * ETHER, 6 * ETHER + 21_000 * GWEI);
    refuses(
        &pool,
        chain.signed(0, &tx),
        &format!(
            "insufficient funds for gas * price + value: balance {balance}, \
             queued cost {cost}, tx cost {cost}, overshot {}",
            2 * cost - balance
        ),
    );
    // A replacement counts with the difference only.
    tx.nonce = 0;
    tx.value = U256::from(9 * ETHER);
    chain
        .submit(&pool, 0, &tx.fees(2 * GWEI, 2 * GWEI))
        .unwrap();
}

#[test]
fn refuses_senders_with_code_but_not_delegations() {
    let chain = TestChain::new(2);
    let account = chain.account(chain.address(0));
    let delegation = [&[0xef, 0x01, 0x00][..], RECIPIENT.as_slice()].concat();
    for (sender, code) in [(0, vec![0x60, 0x00]), (1, delegation)] {
        let code_hash = alloy_primitives::keccak256(&code);
        let with_code = Account {
            code_hash,
            ..account
        };
        let mut block = chain.build(&[], &[(chain.address(sender), with_code)]);
        let mut diff = (*block.diff).clone();
        diff.code.insert(code_hash, code.into());
        block.diff = diff.into();
        chain.put(&block);
    }
    let (pool, sender) = (chain.pool(), chain.address(0));
    refuses(
        &pool,
        chain.signed(0, &call(0)),
        &format!("sender not an eoa: address {sender}"),
    );
    chain.submit(&pool, 1, &call(0)).unwrap();
}

#[test]
fn refuses_too_many_transactions_of_one_sender() {
    let chain = TestChain::new(1);
    let pool = chain.pool_with(PoolConfig {
        max_per_sender: 3,
        max_queued_per_sender: 1,
        ..PoolConfig::default()
    });
    chain.submit(&pool, 0, &call(5)).unwrap();
    refuses(
        &pool,
        chain.signed(0, &call(7)),
        "account limit exceeded: pooled 1 txs, limit 1",
    );
    chain.submit(&pool, 0, &call(0)).unwrap();
    chain.submit(&pool, 0, &call(1)).unwrap();
    refuses(
        &pool,
        chain.signed(0, &call(2)),
        "account limit exceeded: pooled 3 txs, limit 3",
    );
}
