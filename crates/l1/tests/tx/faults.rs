//! Stuck, lost, overcharged, broke, and taken back.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Bytes, U256};
use aura_l1::tx::{MemoryTxStore, TxOutcome, TxRequest, TxState, Waiting};
use serde_json::json;

use crate::fixture::{GWEI, L1, NOWHERE, Running, config, number, outcome, reaches, sent, waits};

fn request() -> TxRequest {
    TxRequest::call("test", NOWHERE, Bytes::new())
}

#[tokio::test]
async fn a_stuck_transaction_gets_higher_fees() {
    let l1 = L1::held().await;
    let mut config = config();
    config.resubmit_after = Duration::from_millis(400);
    let running = Running::start(&l1, config, Arc::new(MemoryTxStore::default())).await;
    let mut ticket = running.manager.submit(request()).unwrap();
    let first = sent(&mut ticket).await;
    let old = l1.transaction(first).await;
    let second = reaches(&mut ticket, "raised", |state| match state {
        TxState::Sent { hash, .. } if *hash != first => Some(*hash),
        _ => None,
    })
    .await;
    let new = l1.transaction(second).await;
    assert_eq!(old["nonce"], new["nonce"]);
    for fee in ["maxFeePerGas", "maxPriorityFeePerGas"] {
        let (old, new) = (number(&old[fee]), number(&new[fee]));
        assert!(new * 10 >= old * 11, "{fee}: {old} to {new}");
    }
    l1.mine(1).await;
    assert!(outcome(&mut ticket).await.success().is_some());
    assert_eq!(l1.nonce(running.manager.account()).await, 1);
    running.kill().await;
}

#[tokio::test]
async fn waits_while_gas_is_above_the_ceiling() {
    let l1 = L1::held().await;
    let mut config = config();
    config.max_fee_per_gas = 20 * GWEI;
    config.resubmit_after = Duration::from_millis(200);
    let running = Running::start(&l1, config, Arc::new(MemoryTxStore::default())).await;
    // On its way when the price jumps to fifty times as much …
    let mut early = running.manager.submit(request()).unwrap();
    sent(&mut early).await;
    l1.ask("anvil_dropAllTransactions", json!([])).await;
    l1.mine_at(50 * GWEI).await;
    waits(&mut early, Waiting::Fees).await;
    // … and submitted when it is there.
    let mut late = running.manager.submit(request()).unwrap();
    waits(&mut late, Waiting::Fees).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!matches!(early.state(), TxState::Done(_)));
    assert_eq!(l1.nonce(running.manager.account()).await, 0);
    // Nobody has to do anything when it is over.
    l1.mine_at(GWEI).await;
    l1.ask("evm_setIntervalMining", json!([1])).await;
    for ticket in [&mut early, &mut late] {
        let receipt = outcome(ticket).await.success().cloned().unwrap();
        assert!(receipt.effective_gas_price <= 20 * GWEI);
    }
    running.kill().await;
}

#[tokio::test]
async fn a_dropped_transaction_is_sent_again() {
    let l1 = L1::held().await;
    let running = Running::fresh(&l1).await;
    let mut ticket = running.manager.submit(request()).unwrap();
    let hash = sent(&mut ticket).await;
    l1.ask("anvil_dropTransaction", json!([hash])).await;
    while l1.transaction(hash).await.is_null() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    l1.mine(1).await;
    let receipt = outcome(&mut ticket).await.success().cloned().unwrap();
    assert_eq!(receipt.transaction_hash, hash);
    running.kill().await;
}

#[tokio::test]
async fn an_empty_account_waits_for_a_refill() {
    let l1 = L1::start();
    let running = Running::fresh(&l1).await;
    let account = running.manager.account();
    l1.set_balance(account, U256::from(1_000)).await;
    let mut ticket = running.manager.submit(request()).unwrap();
    waits(&mut ticket, Waiting::Funds).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(l1.nonce(account).await, 0);
    l1.set_balance(account, U256::from(10u128.pow(18))).await;
    assert!(outcome(&mut ticket).await.success().is_some());
    running.kill().await;
}

#[tokio::test]
async fn an_account_that_is_emptied_behind_a_sent_transaction_recovers() {
    let l1 = L1::held().await;
    let running = Running::fresh(&l1).await;
    let account = running.manager.account();
    let mut ticket = running.manager.submit(request()).unwrap();
    let hash = sent(&mut ticket).await;
    l1.set_balance(account, U256::ZERO).await;
    l1.ask("anvil_dropTransaction", json!([hash])).await;
    waits(&mut ticket, Waiting::Funds).await;
    l1.set_balance(account, U256::from(10u128.pow(18))).await;
    sent(&mut ticket).await;
    l1.mine(1).await;
    assert!(outcome(&mut ticket).await.success().is_some());
    running.kill().await;
}

#[tokio::test]
async fn a_reorganisation_brings_it_back_and_it_is_mined_again() {
    let l1 = L1::held().await;
    let mut config = config();
    config.confirmations = 4;
    let running = Running::start(&l1, config, Arc::new(MemoryTxStore::default())).await;
    l1.mine(3).await;
    let mut ticket = running.manager.submit(request()).unwrap();
    let hash = sent(&mut ticket).await;
    l1.mine(2).await;
    let mined = |state: &TxState| matches!(state, TxState::Mined { .. }).then_some(());
    reaches(&mut ticket, "mined", mined).await;
    // Two empty blocks instead.
    l1.ask("anvil_reorg", json!([2, []])).await;
    let again = sent(&mut ticket).await;
    assert_eq!(hash, again);
    while l1.transaction(hash).await.is_null() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    l1.mine(1).await;
    reaches(&mut ticket, "mined again", mined).await;
    l1.mine(3).await;
    let receipt = outcome(&mut ticket).await.success().cloned().unwrap();
    assert_eq!(receipt.transaction_hash, hash);
    assert_eq!(l1.nonce(running.manager.account()).await, 1);
    running.kill().await;
}

#[tokio::test]
async fn an_unreachable_l1_is_waited_for() {
    let l1 = L1::start();
    let running = Running::fresh(&l1).await;
    l1.cut(true);
    let mut ticket = running.manager.submit(request()).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!matches!(ticket.state(), TxState::Done(_)));
    l1.cut(false);
    assert!(outcome(&mut ticket).await.success().is_some());
    running.kill().await;
}

#[tokio::test]
async fn a_replacement_has_the_nonce_and_the_outcome_says_which_it_was() {
    let l1 = L1::held().await;
    let running = Running::fresh(&l1).await;
    let mut ticket = running.manager.submit(request()).unwrap();
    let first = sent(&mut ticket).await;
    let other = request().with_value(U256::from(7));
    running.manager.replace(ticket.id(), other).await.unwrap();
    let second = reaches(&mut ticket, "replaced", |state| match state {
        TxState::Sent { hash, .. } if *hash != first => Some(*hash),
        _ => None,
    })
    .await;
    l1.mine(1).await;
    let TxOutcome::Mined { receipt, version } = outcome(&mut ticket).await else {
        panic!("{:?}", ticket.state());
    };
    assert_eq!((receipt.transaction_hash, version), (second, 1));
    assert_eq!(l1.nonce(running.manager.account()).await, 1);
    // What has ended is not replaced.
    let late = running.manager.replace(ticket.id(), request()).await;
    assert!(late.is_err());
    running.kill().await;
}

#[tokio::test]
async fn a_cancelled_transaction_uses_its_nonce_for_nothing() {
    let l1 = L1::held().await;
    let running = Running::fresh(&l1).await;
    let mut ticket = running
        .manager
        .submit(request().with_value(U256::from(5)))
        .unwrap();
    sent(&mut ticket).await;
    running.manager.cancel(ticket.id()).await.unwrap();
    l1.mine(1).await;
    let end = outcome(&mut ticket).await;
    assert!(matches!(end, TxOutcome::Cancelled), "{end:?}");
    assert_eq!(l1.nonce(running.manager.account()).await, 1);
    let there = l1.ask("eth_getBalance", json!([NOWHERE, "latest"])).await;
    assert_eq!(number(&there), 0);
    running.kill().await;
}
