//! Rules that differ from fork to fork.
#![allow(missing_docs)]

mod common;

use alloy_consensus::{TxEip1559, TxEip4844};
use alloy_eips::eip7702::Authorization;
use alloy_hardforks::EthereumHardfork::{self, Cancun, Osaka, Paris, Prague, Shanghai};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use aura_evm::ExecutionError;
use aura_primitives::ExecutedBlock;
use common::*;

/// Calls `code` in block 1 and returns whether that succeeded.
fn runs(fork: EthereumHardfork, code: &[u8]) -> bool {
    let chain = TestChain::with_code(fork, code.to_vec());
    let block = chain.block(&[call_tx(0, CONTRACT, Bytes::new())]);
    block.receipts[0].is_success()
}

#[test]
fn opcodes_appear_with_their_fork() {
    let push0 = hex!("5f5000");
    assert!(!runs(Paris, &push0) && runs(Shanghai, &push0));
    let tstore = hex!("600160005d00");
    assert!(!runs(Shanghai, &tstore) && runs(Cancun, &tstore));
    let mcopy = hex!("6001600060005e00");
    assert!(!runs(Shanghai, &mcopy) && runs(Cancun, &mcopy));
    let clz = hex!("60011e5000");
    assert!(!runs(Prague, &clz) && runs(Osaka, &clz));
}

#[test]
fn clz_counts_leading_zeros() {
    let chain = TestChain::with_code(Osaka, hex!("60011e5f5500"));
    let block = chain.block(&[call_tx(0, CONTRACT, Bytes::new())]);
    assert_eq!(slot_after(&block, CONTRACT, 0), Some(U256::from(255)));
}

#[test]
fn transient_storage_is_gone_in_the_next_transaction() {
    // SSTORE(0, TLOAD(0) + 1), TSTORE(0, 5)
    let chain = TestChain::with_code(Cancun, hex!("60005c600101600055600560005d00"));
    let calls = [
        call_tx(0, CONTRACT, Bytes::new()),
        call_tx(1, CONTRACT, Bytes::new()),
    ];
    let block = chain.block(&calls);
    assert_eq!(slot_after(&block, CONTRACT, 0), Some(U256::from(1)));
}

fn delegation(
    signer: &PrivateKeySigner,
    nonce: u64,
    to: Address,
) -> Vec<alloy_eips::eip7702::SignedAuthorization> {
    let authorization = Authorization {
        chain_id: U256::from(CHAIN_ID),
        address: to,
        nonce,
    };
    let signature = signer
        .sign_hash_sync(&authorization.signature_hash())
        .unwrap();
    vec![authorization.into_signed(signature)]
}

#[test]
fn delegation_sets_code_in_prague_and_can_be_taken_back() {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(0x42)).unwrap();
    let authority = signer.address();
    // SSTORE(0, 1)
    let code = hex!("60015f5500");
    let chain = TestChain::with_code(Prague, code);
    let set = set_code(0, delegation(&signer, 0, CONTRACT));
    let block = chain.block(&[sent_by(ALICE, set), call_tx(1, authority, Bytes::new())]);
    let designator: Bytes = [&hex!("ef0100")[..], CONTRACT.as_slice()].concat().into();
    let account = block.diff.accounts[&authority].after.unwrap();
    assert_eq!(
        (account.nonce, account.code_hash),
        (1, keccak256(&designator))
    );
    assert_eq!(block.diff.code[&keccak256(&designator)], designator);
    assert_eq!(slot_after(&block, authority, 0), Some(U256::from(1)));

    let clear = set_code(1, delegation(&signer, 1, Address::ZERO));
    let set = set_code(0, delegation(&signer, 0, CONTRACT));
    let block = chain.block(&[sent_by(ALICE, set), sent_by(ALICE, clear)]);
    let account = block.diff.accounts[&authority].after.unwrap();
    assert!(!account.has_code());
    assert_eq!(account.nonce, 2);

    let cancun = TestChain::with_code(Cancun, code);
    let set = set_code(0, delegation(&signer, 0, CONTRACT));
    let error = cancun.begin().execute(&sent_by(ALICE, set)).unwrap_err();
    assert_eq!(error.to_string(), "transaction type not supported");
}

fn blob_tx(nonce: u64, blobs: usize) -> TxEip4844 {
    let mut hash = B256::repeat_byte(3);
    hash[0] = 1;
    TxEip4844 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100 * GWEI,
        max_priority_fee_per_gas: 0,
        to: BOB,
        value: U256::ZERO,
        access_list: Default::default(),
        blob_versioned_hashes: vec![hash; blobs],
        max_fee_per_blob_gas: 10,
        input: Bytes::new(),
    }
}

#[test]
fn blob_transactions_run_from_cancun_on_up_to_the_block_limit() {
    let chain = TestChain::new(Cancun, Vec::new());
    let mut executor = chain.begin();
    executor.execute(&sent_by(ALICE, blob_tx(0, 4))).unwrap();
    let error = executor
        .execute(&sent_by(ALICE, blob_tx(1, 3)))
        .unwrap_err();
    assert!(error.is_block_full(), "{error:?}");
    let error = executor
        .execute(&sent_by(ALICE, blob_tx(1, 7)))
        .unwrap_err();
    assert!(error.to_string().contains("too many blobs"), "{error}");
    executor.execute(&sent_by(ALICE, blob_tx(1, 2))).unwrap();
    let block = executor.finish().unwrap();
    assert_eq!(block.header.blob_gas_used, Some(6 * 131_072));
    let fees = 2 * 21_000 * chain.base_fee() + 6 * 131_072;
    assert_eq!(
        balance_after(&block, ALICE),
        U256::from(1_000 * ETHER - fees)
    );

    let shanghai = TestChain::new(Shanghai, Vec::new());
    let error = shanghai
        .begin()
        .execute(&sent_by(ALICE, blob_tx(0, 1)))
        .unwrap_err();
    assert!(
        matches!(error, ExecutionError::InvalidTransaction(_)),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "transaction type not supported");
}

#[test]
fn selfdestruct_of_an_old_contract_moves_only_its_balance_from_cancun_on() {
    // SELFDESTRUCT(BOB)
    let code = [&hex!("73")[..], BOB.as_slice(), &hex!("ff")].concat();
    let old = |fork| {
        let account = contract(code.clone())
            .with_balance(U256::from(9))
            .with_storage(Some([(B256::ZERO, B256::with_last_byte(1))].into()));
        let chain = TestChain::new(fork, vec![(CONTRACT, account)]);
        chain.block(&[call_tx(0, CONTRACT, Bytes::new())])
    };
    let cancun = old(Cancun);
    let after = cancun.diff.accounts[&CONTRACT].after.unwrap();
    assert!(after.has_code() && after.balance.is_zero());
    assert!(cancun.diff.slots.is_empty());
    let received = U256::from(1_000 * ETHER + 9);
    assert_eq!(balance_after(&cancun, BOB), received);
    let shanghai = old(Shanghai);
    assert_eq!(shanghai.diff.accounts[&CONTRACT].after, None);
    assert_eq!(balance_after(&shanghai, BOB), received);
}

#[test]
fn selfdestruct_before_cancun_clears_the_slots_that_the_block_knows() {
    // With data: SELFDESTRUCT(0). Without: SSTORE(1, SLOAD(0)).
    let code = hex!("36600a575f54600155005b5fff");
    let account =
        contract(code.to_vec()).with_storage(Some([(B256::ZERO, B256::with_last_byte(7))].into()));
    let chain = TestChain::new(Shanghai, vec![(CONTRACT, account)]);
    let mut executor = chain.begin();
    let destroying = [
        call_tx(0, CONTRACT, Bytes::new()),
        call_tx(1, CONTRACT, Bytes::from_static(&[1])),
    ];
    for tx in &destroying {
        assert!(executor.execute(tx).unwrap().success);
    }
    let block = executor.finish().unwrap();
    assert_eq!(block.diff.accounts[&CONTRACT].after, None);
    assert_eq!(slot_after(&block, CONTRACT, 0), Some(U256::ZERO));
    assert_eq!(
        slot_after(&block, CONTRACT, 1),
        None,
        "set and cleared in one block"
    );
}

#[test]
fn a_contract_born_and_destroyed_in_one_transaction_leaves_nothing() {
    // SSTORE(0, 1), SELFDESTRUCT(BOB), all in the creation code
    let init = [&hex!("60015f5573")[..], BOB.as_slice(), &hex!("ff")].concat();
    let chain = TestChain::osaka();
    let tx = TxEip1559 {
        value: U256::from(4),
        input: init.into(),
        ..eip1559(0, TxKind::Create)
    };
    let block = chain.block(&[sent_by(ALICE, tx)]);
    assert!(block.receipts[0].is_success());
    let created = ALICE.create(0);
    assert!(!block.diff.accounts.contains_key(&created));
    assert!(!block.diff.slots.contains_key(&created));
    assert_eq!(balance_after(&block, BOB), U256::from(1_000 * ETHER + 4));
}

#[test]
fn a_created_contract_has_code_nonce_and_storage() {
    // SSTORE(2, 3), return one byte of code: STOP
    let init = hex!("600360025560015ff3");
    let chain = TestChain::osaka();
    let tx = TxEip1559 {
        input: init.into(),
        ..eip1559(0, TxKind::Create)
    };
    let block: ExecutedBlock = chain.block(&[sent_by(ALICE, tx)]);
    let created = ALICE.create(0);
    let account = block.diff.accounts[&created].after.unwrap();
    assert_eq!((account.nonce, account.code_hash), (1, keccak256([0])));
    assert_eq!(block.diff.code[&keccak256([0])].as_ref(), [0]);
    assert_eq!(slot_after(&block, created, 2), Some(U256::from(3)));
}

#[test]
fn touched_empty_accounts_do_not_enter_the_state() {
    let chain = TestChain::osaka();
    let empty = address!("00000000000000000000000000000000000e3571");
    let block = chain.block(&[transfer(0, empty, 0)]);
    assert!(!block.diff.accounts.contains_key(&empty));
}
