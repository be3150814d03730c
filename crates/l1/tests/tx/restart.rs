//! Killed in the middle and started again on the same store.

use std::{sync::Arc, thread, time::Duration};

use alloy_primitives::{Address, Bytes, U256};
use aura_chain::{Chain, ChainConfig};
use aura_chainspec::ChainSpec;
use aura_l1::tx::{MemoryTxStore, TxOutcome, TxRequest, TxState, TxStore};
use aura_storage::{Store, StoreConfig};
use serde_json::json;

use crate::fixture::{L1, NOWHERE, PATIENCE, Running, config, outcome, sent};

fn request() -> TxRequest {
    TxRequest::call("test", NOWHERE, Bytes::new()).with_value(U256::from(3))
}

#[tokio::test]
async fn what_was_sent_is_taken_up_again() {
    let l1 = L1::held().await;
    let store = Arc::new(MemoryTxStore::default());
    let running = Running::start(&l1, config(), store.clone()).await;
    let mut ticket = running.manager.submit(request()).unwrap();
    let hash = sent(&mut ticket).await;
    running.kill().await;
    assert!(ticket.outcome().await.is_err());
    // Mined while nobody looks.
    l1.mine(1).await;
    let running = Running::start(&l1, config(), store.clone()).await;
    let [taken] = running.manager.unfinished() else {
        panic!("{:?}", running.manager.unfinished());
    };
    let mut taken = taken.clone();
    assert_eq!(taken.label(), "test");
    let receipt = outcome(&mut taken).await.success().cloned().unwrap();
    assert_eq!(receipt.transaction_hash, hash);
    let account = running.manager.account();
    assert!(store.load(account).unwrap().is_empty());
    running.kill().await;
}

#[tokio::test]
async fn what_was_signed_and_not_sent_is_sent_once() {
    let l1 = L1::start();
    let store = Arc::new(MemoryTxStore::default());
    l1.lose_sends(true);
    let running = Running::start(&l1, config(), store.clone()).await;
    let account = running.manager.account();
    running.manager.submit(request()).unwrap();
    while store.load(account).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.kill().await;
    let signed = store.load(account).unwrap();
    l1.lose_sends(false);
    let running = Running::start(&l1, config(), store).await;
    let mut taken = running.manager.unfinished()[0].clone();
    let receipt = outcome(&mut taken).await.success().cloned().unwrap();
    assert_eq!(receipt.transaction_hash, signed[0].attempts[0].hash);
    assert_eq!(l1.nonce(account).await, 1);
    running.kill().await;
}

#[tokio::test]
async fn a_nonce_that_somebody_else_used_is_replaced_by_another() {
    let l1 = L1::held().await;
    let store = Arc::new(MemoryTxStore::default());
    let running = Running::start(&l1, config(), store.clone()).await;
    let account = running.manager.account();
    let mut ticket = running.manager.submit(request()).unwrap();
    let hash = sent(&mut ticket).await;
    running.kill().await;
    l1.ask("anvil_dropTransaction", json!([hash])).await;
    // anvil has the key, too.
    let other = json!([{ "from": account, "to": Address::repeat_byte(0x55), "value": "0x1" }]);
    l1.ask("eth_sendTransaction", other).await;
    l1.mine(1).await;
    let running = Running::start(&l1, config(), store.clone()).await;
    let mut taken = running.manager.unfinished()[0].clone();
    let again =
        crate::fixture::reaches(&mut taken, "sent with another nonce", |state| match state {
            TxState::Sent { nonce: 1, hash } => Some(*hash),
            _ => None,
        })
        .await;
    assert_ne!(again, hash);
    l1.mine(1).await;
    assert!(outcome(&mut taken).await.success().is_some());
    assert_eq!(l1.nonce(account).await, 2);
    assert!(store.load(account).unwrap().is_empty());
    running.kill().await;
}

#[tokio::test]
async fn a_missing_nonce_is_filled() {
    let l1 = L1::held().await;
    let store = Arc::new(MemoryTxStore::default());
    let running = Running::start(&l1, config(), store.clone()).await;
    let account = running.manager.account();
    // Somebody else's transaction is first, and never mined.
    let other = json!([{ "from": account, "to": NOWHERE, "value": "0x1" }]);
    let foreign = l1.ask("eth_sendTransaction", other).await;
    let mut ticket = running.manager.submit(request()).unwrap();
    sent(&mut ticket).await;
    l1.ask("anvil_dropTransaction", json!([foreign])).await;
    let filled = async {
        loop {
            l1.mine(1).await;
            if l1.nonce(account).await == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, filled).await.unwrap();
    let end = outcome(&mut ticket).await;
    assert!(matches!(end, TxOutcome::Mined { .. }), "{end:?}");
    running.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_database_keeps_them() {
    let l1 = L1::held().await;
    let folder = tempfile::tempdir().unwrap();
    let mut hash = None;
    for round in 0..2 {
        let store = Store::open(folder.path(), &StoreConfig::default()).unwrap();
        let spec = Arc::new(ChainSpec::dev());
        let (chain, writer) = Chain::open(store, spec, ChainConfig::default()).unwrap();
        let thread = thread::Builder::new().spawn(move || writer.run()).unwrap();
        let running = Running::start(&l1, config(), Arc::new(chain.clone())).await;
        if round == 0 {
            let mut ticket = running.manager.submit(request()).unwrap();
            hash = Some(sent(&mut ticket).await);
        } else {
            let mut taken = running.manager.unfinished()[0].clone();
            l1.mine(1).await;
            let receipt = outcome(&mut taken).await.success().cloned().unwrap();
            assert_eq!(Some(receipt.transaction_hash), hash);
            let account = running.manager.account();
            assert!(TxStore::load(&chain, account).unwrap().is_empty());
        }
        running.kill().await;
        chain.shutdown();
        thread.join().unwrap().unwrap();
    }
}
