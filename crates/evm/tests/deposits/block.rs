//! What a block with entries of the queue is, and what it says of L1.

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use aura_evm::{
    AttributesError, BlockExecutor, DepositFault, ExecutionError, PayloadAttributes, next_gas_limit,
};
use aura_primitives::{TxDeposit, bridge::predeploys};

use crate::{
    common::{self, *},
    fixture::*,
};

fn refusal(executor: &mut BlockExecutor, tx: TxDeposit) -> DepositFault {
    let before = executor.len();
    let error = executor.execute(&arc(tx)).unwrap_err();
    assert!(!error.is_fatal());
    assert_eq!(executor.len(), before);
    match error {
        ExecutionError::InvalidDeposit(fault) => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn deposits_stand_first_and_have_their_form() {
    let chain = chain();
    let mut executor = chain.begin();
    let from_user = TxDeposit {
        from: USER,
        ..system(RECORDER, 1, vec![])
    };
    assert_eq!(refusal(&mut executor, from_user), DepositFault::SystemCall);
    let minting = TxDeposit {
        mint: U256::from(1),
        ..system(RECORDER, 1, vec![])
    };
    assert_eq!(refusal(&mut executor, minting), DepositFault::SystemCall);
    let unlike = TxDeposit {
        value: U256::from(2),
        ..credit(BOB, 1)
    };
    assert_eq!(refusal(&mut executor, unlike), DepositFault::Credit);
    executor.execute(&arc(credit(BOB, 1))).unwrap();
    executor.execute(&transfer(0, BOB, 1)).unwrap();
    let late = refusal(&mut executor, credit(BOB, 1));
    assert_eq!(late, DepositFault::AfterTransaction);
    // A block of somebody else's in that order is refused.
    let mut block = executor.finish().unwrap();
    block.transactions.swap(0, 1);
    let error = check(&chain, &block).unwrap_err();
    let ExecutionError::InvalidBlockTransaction {
        index: 1, source, ..
    } = error
    else {
        panic!("{error}");
    };
    assert!(matches!(
        *source,
        ExecutionError::InvalidDeposit(DepositFault::AfterTransaction)
    ));
    let unbridged = TestChain::from_spec(spec(false));
    let fault = refusal(&mut unbridged.begin(), credit(BOB, 1));
    assert_eq!(fault, DepositFault::NoBridge);
}

#[test]
fn what_does_not_fit_waits_for_the_next_block() {
    let chain = chain();
    let attributes = PayloadAttributes {
        gas_limit: 100_000,
        ..chain.attributes()
    };
    let mut executor = chain.begin_with(attributes);
    let big = || forced(BOB, U256::from(ETHER), 0, 80_001);
    executor
        .execute(&arc(forced(BOB, U256::from(ETHER), 0, 20_999)))
        .unwrap();
    executor
        .execute(&arc(forced(BOB, U256::from(ETHER), 0, 60_000)))
        .unwrap();
    let error = executor.execute(&arc(big())).unwrap_err();
    assert!(error.is_block_full() && !error.is_fatal());
    assert!(matches!(
        error,
        ExecutionError::BlockFull {
            resource: "gas",
            needed: 80_001,
            left: 79_000
        }
    ));
    assert_eq!(executor.len(), 2);
}

#[test]
fn l1_is_told_before_the_transactions() {
    let chain = chain();
    let attributes = PayloadAttributes {
        l1_info: Some(l1_info()),
        ..chain.attributes()
    };
    let executor = chain.begin_with(attributes);
    let block = executor.finish().unwrap();
    assert_eq!(block.l1_info, Some(l1_info()));
    assert_eq!((block.transactions.len(), block.header.gas_used), (0, 0));
    verify_again(&chain, &block);
    let view = chain.view_after(&block);
    let want = [
        U256::from(11),
        U256::from(13),
        B256::repeat_byte(12).into(),
        U256::from(14),
        U256::from(15),
        U256::from(16),
        B256::repeat_byte(17).into(),
    ];
    for (slot, want) in want.into_iter().enumerate() {
        let value = view.slot(predeploys::L1_BLOCK, U256::from(slot)).unwrap();
        assert_eq!(value, want, "slot {slot}");
    }
    // Without it the block has another state, though no header but the state root says so.
    let mut without = seal(&block);
    without.l1_info = None;
    let other = common::verify(&chain, &without);
    assert_ne!(other.unwrap().diff, block.diff);
}

#[test]
fn l1_is_told_only_on_a_bridged_chain() {
    let chain = TestChain::from_spec(spec(false));
    let attributes = PayloadAttributes {
        l1_info: Some(l1_info()),
        ..chain.attributes()
    };
    let spec = Arc::clone(&chain.spec);
    let error = BlockExecutor::begin(spec, &chain.genesis, attributes, chain.view()).unwrap_err();
    assert!(matches!(
        error,
        ExecutionError::InvalidAttributes(AttributesError::NoBridge)
    ));
}

#[test]
fn a_bridged_header_has_the_root_of_the_withdrawals() {
    let chain = chain();
    let before = chain.genesis.withdrawals_root;
    assert_eq!(chain.block(&[]).header.withdrawals_root, before);
    let root = B256::repeat_byte(0x33);
    let block = run(&chain, system(predeploys::MESSAGE_PASSER, 50_000, root));
    assert_eq!(block.header.withdrawals_root, Some(root));
    let plain = TestChain::from_spec(spec(false)).block(&[]);
    assert_eq!(
        plain.header.withdrawals_root,
        Some(alloy_consensus::constants::EMPTY_WITHDRAWALS)
    );
}

#[test]
fn l1_sets_the_gas_limit() {
    assert_eq!(next_gas_limit(&chain().view(), 7).unwrap(), 12_345_678);
    assert_eq!(next_gas_limit(&TestChain::osaka().view(), 7).unwrap(), 7);
}
