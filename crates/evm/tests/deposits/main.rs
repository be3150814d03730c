//! Entries of the queue on L2: what each does to state, receipt and gas, and that building,
//! verifying and tracing agree on it.
#![allow(missing_docs)]

mod agreement;
mod block;
#[path = "../common/mod.rs"]
mod common;
mod fixture;

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256, address};
use aura_primitives::{RecoveredTx, TxDeposit, bridge::predeploys};
use common::*;
use fixture::*;

#[test]
fn a_credit_pays_without_running_code() {
    let chain = chain();
    for to in [Address::repeat_byte(0x77), ALICE, REVERTER, VAULT] {
        let before = chain
            .view()
            .account(to)
            .unwrap()
            .map_or(U256::ZERO, |a| a.balance);
        let block = run(&chain, credit(to, 5));
        assert_eq!(outcome(&block), (true, 0));
        assert_eq!(account(&chain, &block, to).0, before + U256::from(5));
        assert_eq!(account(&chain, &block, USER), (U256::ZERO, 0));
        assert!(block.receipts[0].logs.is_empty());
    }
    assert_eq!(outcome(&run(&chain, credit(BOB, 0))), (true, 0));
}

#[test]
fn a_forced_transaction_pays_for_itself() {
    let chain = chain();
    let fee = base_fee(&chain) * U256::from(21_000);
    let block = run(&chain, forced(BOB, fee + U256::from(9), 4, 21_000));
    assert_eq!(outcome(&block), (true, 21_000));
    assert_eq!(account(&chain, &block, USER), (U256::from(5), 1));
    assert_eq!(account(&chain, &block, VAULT).0, fee);
    let bob = U256::from(1_000 * ETHER) + U256::from(4);
    assert_eq!(account(&chain, &block, BOB).0, bob);
}

#[test]
fn unused_gas_comes_back() {
    let chain = chain();
    let mint = U256::from(ETHER);
    let block = run(&chain, forced(BOB, mint, 0, 1_000_000));
    let fee = base_fee(&chain) * U256::from(21_000);
    assert_eq!(account(&chain, &block, USER), (mint - fee, 1));
}

#[test]
fn one_wei_too_little_fails_and_keeps_the_mint() {
    let chain = chain();
    let cost = base_fee(&chain) * U256::from(50_000) + U256::from(4);
    let short = cost - U256::from(1);
    let block = run(&chain, forced(BOB, short, 4, 50_000));
    assert_eq!(outcome(&block), (false, 0));
    assert_eq!(account(&chain, &block, USER), (short, 0));
    assert_eq!(account(&chain, &block, VAULT).0, U256::ZERO);
    assert!(outcome(&run(&chain, forced(BOB, cost, 4, 50_000))).0);
    // A sum beyond 256 bits is too much, too.
    let endless = TxDeposit {
        value: U256::MAX,
        ..forced(BOB, cost, 0, 50_000)
    };
    assert_eq!(outcome(&run(&chain, endless)), (false, 0));
}

#[test]
fn gas_below_the_intrinsic_fails_and_keeps_the_mint() {
    let chain = chain();
    let mint = U256::from(ETHER);
    let with = |gas, input: Vec<u8>| TxDeposit {
        input: input.into(),
        ..forced(BOB, mint, 0, gas)
    };
    // A byte that is not zero: 21,000 + 16, but 21,000 + 40 by the floor of EIP-7623.
    for (gas, input) in [(20_999, vec![]), (21_039, vec![1]), (1, vec![])] {
        let block = run(&chain, with(gas, input));
        assert_eq!(outcome(&block), (false, 0), "{gas}");
        assert_eq!(account(&chain, &block, USER), (mint, 0));
    }
    assert_eq!(outcome(&run(&chain, with(21_000, vec![]))), (true, 21_000));
    assert_eq!(outcome(&run(&chain, with(21_040, vec![1]))), (true, 21_040));
}

#[test]
fn a_reverting_call_pays_its_gas_and_keeps_the_mint() {
    let chain = chain();
    let mint = U256::from(ETHER);
    let block = run(&chain, forced(REVERTER, mint, 77, 100_000));
    let (success, gas) = outcome(&block);
    assert!(!success && gas > 21_000 && gas < 22_000);
    let fee = base_fee(&chain) * U256::from(gas);
    assert_eq!(account(&chain, &block, USER), (mint - fee, 1));
    assert_eq!(account(&chain, &block, REVERTER).0, U256::ZERO);
    assert_eq!(account(&chain, &block, VAULT).0, fee);
}

#[test]
fn a_sender_may_be_a_contract_and_have_any_nonce() {
    let chain = chain();
    for from in [RECORDER, ALICE] {
        let nonce = chain.view().account(from).unwrap().unwrap().nonce;
        let tx = TxDeposit {
            from,
            ..forced(BOB, U256::from(ETHER), 1, 30_000)
        };
        let block = run(&chain, tx);
        assert_eq!(outcome(&block), (true, 21_000));
        assert_eq!(account(&chain, &block, from).1, nonce + 1);
    }
    // Two of one sender in one block, and a signed transaction that goes on from there.
    let tx = |mint| {
        arc(TxDeposit {
            from: ALICE,
            ..forced(BOB, U256::from(mint), 1, 30_000)
        })
    };
    let block = chain.block(&[tx(1), tx(2), transfer(2, BOB, 1)]);
    verify_again(&chain, &block);
    assert_eq!(account(&chain, &block, ALICE).1, 3);
}

#[test]
fn a_forced_call_runs_code() {
    let chain = chain();
    let tx = TxDeposit {
        input: B256::repeat_byte(5).into(),
        ..forced(RECORDER, U256::from(ETHER), 0, 200_000)
    };
    let block = run(&chain, tx);
    assert!(outcome(&block).0);
    let slot = chain.view_after(&block).slot(RECORDER, U256::from(1));
    assert_eq!(slot.unwrap(), U256::from_be_slice(&[5; 32]));
    assert_eq!(block.receipts[0].logs.len(), 1);
}

#[test]
fn a_system_call_is_free_and_its_revert_changes_nothing() {
    let chain = chain();
    let block = run(&chain, system(RECORDER, 120_000, B256::repeat_byte(6)));
    let (success, gas) = outcome(&block);
    assert!(success && gas > 22_000 && gas < 30_000, "{gas}");
    assert_eq!(block.receipts[0].logs.len(), 1);
    let slot = chain.view_after(&block).slot(RECORDER, U256::from(1));
    assert_eq!(slot.unwrap(), U256::from_be_slice(&[6; 32]));
    for address in [predeploys::SYSTEM, VAULT] {
        assert_eq!(account(&chain, &block, address), (U256::ZERO, 0));
    }
    // Reverts, runs out of gas, has no gas for anything.
    let cases = [
        system(RECORDER, 120_000, Bytes::new()),
        system(REVERTER, 120_000, Bytes::new()),
        system(RECORDER, 1_000, B256::repeat_byte(6)),
        system(RECORDER, 0, B256::repeat_byte(6)),
    ];
    for tx in cases {
        let gas_limit = tx.gas;
        let block = run(&chain, tx);
        let (success, gas) = outcome(&block);
        assert!(!success && gas <= gas_limit);
        assert!(block.receipts[0].logs.is_empty());
        assert!(!block.diff.slots.contains_key(&RECORDER));
        assert!(!block.diff.accounts.contains_key(&RECORDER));
    }
}

#[test]
fn gas_of_a_system_call_does_not_depend_on_what_ran_before() {
    let chain = chain();
    // Calls the precompile `identity`: cold, it would cost 2,500 more.
    let tx = || {
        system(
            address!("0000000000000000000000000000000000000004"),
            50_000,
            vec![1],
        )
    };
    let first = arc(tx());
    let alone = std::thread::scope(|scope| {
        let gas = scope.spawn(|| gas_on_a_new_thread(&first));
        gas.join().unwrap()
    });
    let block = chain.block(&[arc(credit(BOB, 1)), arc(tx())]);
    assert_eq!(block.receipts[1].cumulative_gas_used, alone);
}

/// Gas of a transaction on a thread that has executed nothing yet.
fn gas_on_a_new_thread(tx: &Arc<RecoveredTx>) -> u64 {
    chain().block(std::slice::from_ref(tx)).header.gas_used
}
