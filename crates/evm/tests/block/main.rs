//! The open block: receipts, fees, limits, roots, sharing.
#![allow(missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod refusals;

use std::sync::Arc;

use alloy_consensus::{TxEip1559, constants::EMPTY_WITHDRAWALS, proofs};
use alloy_eips::{
    eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE},
    eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE},
    eip4895::{Withdrawal, Withdrawals},
    eip7685::EMPTY_REQUESTS_HASH,
};
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::{Address, B256, Bloom, Bytes, U256, hex};
use aura_evm::{ExecutionError, PayloadAttributes};
use aura_primitives::TxEnvelope;
use aura_storage::{Layer, StateView};
use common::*;

#[test]
fn a_transfer_moves_value_and_pays_tip_and_base_fee_to_the_vault() {
    let chain = TestChain::osaka();
    let tx = transfer(0, Address::repeat_byte(1), ETHER);
    let block = chain.block(std::slice::from_ref(&tx));
    let fee = 21_000 * (chain.base_fee() + GWEI);
    assert_eq!(
        balance_after(&block, Address::repeat_byte(1)),
        U256::from(ETHER)
    );
    assert_eq!(balance_after(&block, ALICE), U256::from(999 * ETHER - fee));
    assert_eq!(balance_after(&block, VAULT), U256::from(fee));
    assert_eq!(block.diff.accounts[&ALICE].after.unwrap().nonce, 1);
    assert_eq!(block.diff.accounts.len(), 3);
    assert_eq!(block.header.gas_used, 21_000);
    let receipt = &block.receipts[0];
    assert!(receipt.is_success() && receipt.logs.is_empty());
    assert_eq!(receipt.cumulative_gas_used, 21_000);
}

#[test]
fn header_fields_follow_the_fork() {
    let block = |fork| TestChain::new(fork, Vec::new()).block(&[]).header;
    let paris = block(EthereumHardfork::Paris);
    assert!(paris.base_fee_per_gas.is_some() && paris.withdrawals_root.is_none());
    let shanghai = block(EthereumHardfork::Shanghai);
    assert_eq!(shanghai.withdrawals_root, Some(EMPTY_WITHDRAWALS));
    assert_eq!(shanghai.blob_gas_used, None);
    let cancun = block(EthereumHardfork::Cancun);
    assert_eq!(
        (cancun.blob_gas_used, cancun.excess_blob_gas),
        (Some(0), Some(0))
    );
    assert_eq!(cancun.parent_beacon_block_root, Some(B256::repeat_byte(8)));
    assert_eq!(cancun.requests_hash, None);
    let osaka = block(EthereumHardfork::Osaka);
    assert_eq!(osaka.requests_hash, Some(EMPTY_REQUESTS_HASH));
    assert_eq!((osaka.number, osaka.mix_hash), (1, B256::repeat_byte(7)));
    assert_eq!(osaka.state_root, B256::ZERO);
}

#[test]
fn system_calls_write_parent_hash_and_beacon_root() {
    let chain = TestChain::new(
        EthereumHardfork::Prague,
        vec![
            (
                HISTORY_STORAGE_ADDRESS,
                contract(HISTORY_STORAGE_CODE.clone()),
            ),
            (BEACON_ROOTS_ADDRESS, contract(BEACON_ROOTS_CODE.clone())),
        ],
    );
    let block = chain.block(&[]);
    let parent = U256::from_be_bytes(chain.genesis.seal().0);
    assert_eq!(slot_after(&block, HISTORY_STORAGE_ADDRESS, 0), Some(parent));
    let root = U256::from_be_bytes([8; 32]);
    assert_eq!(
        slot_after(&block, BEACON_ROOTS_ADDRESS, 12),
        Some(U256::from(12))
    );
    assert_eq!(
        slot_after(&block, BEACON_ROOTS_ADDRESS, 12 + 8191),
        Some(root)
    );
    assert!(
        block.diff.accounts.is_empty(),
        "system calls cost nobody anything"
    );
}

#[test]
fn withdrawals_are_credited_in_gwei_and_have_a_root() {
    let chain = TestChain::osaka();
    let withdrawals = Withdrawals::new(vec![Withdrawal {
        index: 0,
        validator_index: 1,
        address: CONTRACT,
        amount: 3,
    }]);
    let attributes = PayloadAttributes {
        withdrawals: Some(withdrawals.clone()),
        ..chain.attributes()
    };
    let block = chain.begin_with(attributes).finish().unwrap();
    assert_eq!(balance_after(&block, CONTRACT), U256::from(3 * GWEI));
    let root = proofs::calculate_withdrawals_root(&withdrawals);
    assert_eq!(block.header.withdrawals_root, Some(root));
    assert_eq!(block.withdrawals, Some(withdrawals));
}

#[test]
fn a_reverted_transaction_keeps_nonce_and_fee_and_nothing_else() {
    // SSTORE(0, 1), LOG0, REVERT(0, 0)
    let code = hex!("60015f555f5fa05f5ffd");
    let chain = TestChain::with_code(EthereumHardfork::Osaka, code);
    let tx = TxEip1559 {
        value: U256::from(5),
        ..eip1559(0, CONTRACT)
    };
    let mut executor = chain.begin();
    let outcome = executor.execute(&sent_by(ALICE, tx)).unwrap();
    assert!(!outcome.success);
    let block = executor.finish().unwrap();
    let receipt = &block.receipts[0];
    assert!(!receipt.is_success() && receipt.logs.is_empty());
    assert!(block.diff.slots.is_empty());
    assert!(!block.diff.accounts.contains_key(&CONTRACT));
    let fee = u128::from(outcome.gas_used) * (chain.base_fee() + GWEI);
    assert_eq!(
        balance_after(&block, ALICE),
        U256::from(1_000 * ETHER - fee)
    );
    assert_eq!(block.diff.accounts[&ALICE].after.unwrap().nonce, 1);
}

#[test]
fn roots_and_bloom_equal_those_of_the_reference_functions() {
    // LOG1 of 32 bytes of memory with the call's value as topic
    let code = hex!("3460205fa100");
    let chain = TestChain::with_code(EthereumHardfork::Osaka, code);
    let transactions: Vec<_> = (0..300)
        .map(|nonce| {
            let to = if nonce % 3 == 0 { CONTRACT } else { BOB };
            let tx = TxEip1559 {
                value: U256::from(nonce),
                ..eip1559(nonce, to)
            };
            sent_by(ALICE, tx)
        })
        .collect();
    let block = chain.block(&transactions);
    let envelopes: Vec<&TxEnvelope> = transactions.iter().map(|tx| tx.envelope()).collect();
    let root = proofs::calculate_transaction_root(&envelopes);
    assert_eq!(block.header.transactions_root, root);
    let with_bloom: Vec<_> = block
        .receipts
        .iter()
        .map(|r| alloy_consensus::TxReceipt::with_bloom_ref(r))
        .collect();
    assert_eq!(
        block.header.receipts_root,
        proofs::calculate_receipt_root(&with_bloom)
    );
    let bloom = with_bloom
        .iter()
        .fold(Bloom::ZERO, |all, r| all | r.logs_bloom);
    assert_eq!(block.header.logs_bloom, bloom);
    assert_ne!(bloom, Bloom::ZERO);
    let gas = block.receipts.last().unwrap().cumulative_gas_used;
    assert_eq!(block.header.gas_used, gas);
}

#[test]
fn readers_of_the_open_block_see_each_transaction_and_keep_it_after_the_end() {
    let chain = TestChain::osaka();
    let mut executor = chain.begin();
    let open = executor.shared();
    let pending = StateView::empty().with_layers(vec![Layer::Open(Arc::clone(&open.diff))]);
    assert_eq!(pending.account(CONTRACT).unwrap(), None);
    executor.execute(&transfer(0, CONTRACT, 7)).unwrap();
    let balance = pending.account(CONTRACT).unwrap().unwrap().balance;
    assert_eq!(balance, U256::from(7));
    assert_eq!(open.body.read().gas_used, 21_000);
    let block = executor.finish().unwrap();
    assert!(pending.account(CONTRACT).unwrap().is_some());
    assert_eq!(open.body.read().receipts, block.receipts);
    assert_eq!(open.body.read().transactions, block.transactions);
    assert_eq!(open.header.base_fee_per_gas, block.header.base_fee_per_gas);
}

#[test]
fn a_block_may_be_detached_and_move_between_threads() {
    let chain = TestChain::osaka();
    let in_one_go = chain.block(&[transfer(0, BOB, 1), transfer(1, BOB, 2)]);
    let mut executor = chain.begin();
    executor.detach();
    let error = executor.execute(&transfer(0, BOB, 1)).unwrap_err();
    assert!(matches!(error, ExecutionError::Detached) && error.is_fatal());
    let view = chain.view();
    let mut executor = std::thread::scope(|scope| {
        let other = scope.spawn(move || {
            executor.attach(view);
            executor.execute(&transfer(0, BOB, 1)).unwrap();
            executor.detach();
            executor
        });
        other.join().unwrap()
    });
    executor.attach(chain.view());
    executor.execute(&transfer(1, BOB, 2)).unwrap();
    let block = executor.finish().unwrap();
    assert_eq!(block.header, in_one_go.header);
    assert_eq!(block.diff, in_one_go.diff);
}

#[test]
fn a_failed_end_of_block_leaves_nothing_behind_for_the_next_block() {
    let chain = TestChain::osaka();
    let transactions = [transfer(0, BOB, 1), transfer(1, BOB, 2)];
    let expected = chain.block(&transactions);
    let mut executor = chain.begin();
    executor.execute(&transactions[0]).unwrap();
    executor.detach();
    let error = executor.finish().unwrap_err();
    assert!(matches!(error, ExecutionError::Detached), "{error:?}");
    let block = chain.block(&transactions);
    assert_eq!((block.header, block.diff), (expected.header, expected.diff));
}

#[test]
fn a_block_that_was_built_verifies_and_any_change_is_named() {
    let chain = TestChain::with_code(EthereumHardfork::Osaka, hex!("5f5fa000"));
    let executed = chain.block(&[transfer(0, BOB, 1), call_tx(1, CONTRACT, Bytes::new())]);
    let good = seal(&executed);
    let again = verify(&chain, &good).unwrap();
    assert_eq!(again.diff, executed.diff);
    assert_eq!(again.receipts, executed.receipts);

    let refused = |edit: &dyn Fn(&mut alloy_consensus::Header)| {
        let mut bad = executed.clone();
        edit(&mut bad.header);
        let error = verify(&chain, &seal(&bad));
        match error.unwrap_err() {
            ExecutionError::HeaderMismatch { field, number, .. } => {
                assert_eq!(number, bad.header.number);
                field
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(&|h| h.gas_used += 1), "gasUsed");
    assert_eq!(refused(&|h| h.receipts_root = B256::ZERO), "receiptsRoot");
    assert_eq!(
        refused(&|h| h.transactions_root = B256::ZERO),
        "transactionsRoot"
    );
    assert_eq!(refused(&|h| h.logs_bloom = Bloom::ZERO), "logsBloom");
    assert_eq!(refused(&|h| h.base_fee_per_gas = Some(1)), "baseFeePerGas");
    assert_eq!(refused(&|h| h.requests_hash = None), "requestsHash");
    assert_eq!(refused(&|h| h.excess_blob_gas = Some(1)), "excessBlobGas");
    assert_eq!(refused(&|h| h.withdrawals_root = None), "withdrawalsRoot");
    assert_eq!(refused(&|h| h.number = 2), "number");
    assert_eq!(refused(&|h| h.parent_hash = B256::ZERO), "parentHash");
    assert_eq!(refused(&|h| h.slot_number = Some(1)), "slotNumber");

    let mut bad = executed.clone();
    bad.transactions.swap(0, 1);
    let error = verify(&chain, &seal(&bad)).unwrap_err();
    let ExecutionError::InvalidBlockTransaction { index, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(index, 0);
}
