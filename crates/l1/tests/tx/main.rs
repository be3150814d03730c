//! The transaction manager against a real L1 that loses, forgets, overcharges and reorganises.

mod blobs;
mod faults;
mod fixture;
mod restart;

use std::sync::atomic::Ordering;

use alloy_primitives::{Bytes, U256};
use aura_l1::tx::{TxOutcome, TxRequest, TxState};
use fixture::{GWEI, L1, NOWHERE, REVERTS, Running, bytes, outcome, reaches};

#[tokio::test]
async fn sends_in_order_and_waits_for_confirmations() {
    let l1 = L1::start();
    let mut config = fixture::config();
    config.confirmations = 3;
    let store = std::sync::Arc::new(aura_l1::tx::MemoryTxStore::default());
    let running = Running::start(&l1, config, store).await;
    let mut tickets = Vec::new();
    for value in 0..10 {
        let request = TxRequest::call("test", NOWHERE, Bytes::new()).with_value(U256::from(value));
        tickets.push(running.manager.submit(request).unwrap());
    }
    // Ten blocks: the last one has no confirmation but its own.
    let last = &mut tickets[9];
    reaches(last, "mined", |state| {
        matches!(state, TxState::Mined { .. }).then_some(())
    })
    .await;
    l1.mine(1).await;
    assert!(!matches!(last.state(), TxState::Done(_)));
    l1.mine(1).await;
    let mut before = None;
    for ticket in &mut tickets {
        let TxOutcome::Mined { receipt, version } = outcome(ticket).await else {
            panic!("{:?}", ticket.state());
        };
        assert_eq!(version, 0);
        let place = (receipt.block_number, receipt.transaction_index);
        assert!(before < Some(place), "mined out of order");
        before = Some(place);
    }
    assert_eq!(l1.nonce(running.manager.account()).await, 10);
    running.kill().await;
}

#[tokio::test]
async fn what_would_revert_is_not_sent() {
    let l1 = L1::start();
    let running = Running::fresh(&l1).await;
    l1.set_code(NOWHERE, REVERTS).await;
    let request = TxRequest::call("test", NOWHERE, Bytes::new());
    let mut estimated = running.manager.submit(request.clone()).unwrap();
    let mut called = running
        .manager
        .submit(TxRequest {
            gas_limit: Some(100_000),
            ..request
        })
        .unwrap();
    for ticket in [&mut estimated, &mut called] {
        let TxOutcome::Reverted { data, receipt, .. } = outcome(ticket).await else {
            panic!("{:?}", ticket.state());
        };
        assert_eq!(data, bytes("0xdeadbeef"));
        assert!(receipt.is_none());
    }
    assert_eq!(l1.line.sends.load(Ordering::Relaxed), 0);
    running.kill().await;
}

#[tokio::test]
async fn a_revert_on_chain_has_receipt_and_reason() {
    let l1 = L1::held().await;
    let running = Running::fresh(&l1).await;
    let request = TxRequest {
        gas_limit: Some(100_000),
        ..TxRequest::call("test", NOWHERE, Bytes::new())
    };
    let mut ticket = running.manager.submit(request).unwrap();
    fixture::sent(&mut ticket).await;
    // Between simulation and block the contract changes its mind.
    l1.set_code(NOWHERE, REVERTS).await;
    l1.mine(1).await;
    let TxOutcome::Reverted { receipt, .. } = outcome(&mut ticket).await else {
        panic!("{:?}", ticket.state());
    };
    assert!(!receipt.unwrap().status());
    running.kill().await;
}

#[tokio::test]
async fn takes_no_more_than_it_can_hold() {
    let l1 = L1::held().await;
    let mut config = fixture::config();
    config.max_queued = 4;
    config.max_in_flight = 1;
    let store = std::sync::Arc::new(aura_l1::tx::MemoryTxStore::default());
    let running = Running::start(&l1, config, store).await;
    l1.cut(true);
    let request = TxRequest::call("test", NOWHERE, Bytes::new());
    let mut taken = Vec::new();
    let refused = loop {
        match running.manager.submit(request.clone()) {
            Ok(ticket) => taken.push(ticket),
            Err(error) => break error,
        }
        assert!(taken.len() < 20);
    };
    assert!(refused.is_transient(), "{refused}");
    // Those that were taken are all sent once L1 is back.
    l1.cut(false);
    l1.ask("evm_setAutomine", serde_json::json!([true])).await;
    l1.mine_at(GWEI).await;
    for ticket in &mut taken {
        assert!(outcome(ticket).await.success().is_some());
    }
    running.kill().await;
}
