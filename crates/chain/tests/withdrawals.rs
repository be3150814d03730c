//! What leaves L2: the real contract in real blocks, and the tree that the node keeps of it.

mod common;

use std::sync::Arc;

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use aura_chain::Chain;
use aura_evm::{BlockExecutor, PayloadAttributes};
use aura_primitives::{
    ExecutedBlock, RecoveredTx,
    bridge::{
        Withdrawal, WithdrawalDomain, empty_withdrawal_root, predeploys::MESSAGE_PASSER,
        root_of_withdrawal,
    },
};
use aura_storage::{Reader, WithdrawalRecord};
use common::Running;
use proptest::prelude::*;

/// First bytes of `withdrawETH(address)` and `sendMessage(address,bytes)`.
fn selector(signature: &str) -> [u8; 4] {
    *keccak256(signature).first_chunk().unwrap()
}

fn signer() -> PrivateKeySigner {
    MnemonicBuilder::<English>::default()
        .phrase("test test test test test test test test test test test junk")
        .build()
        .unwrap()
}

fn sign(nonce: u64, value: u64, input: Vec<u8>) -> Arc<RecoveredTx> {
    let mut tx = TxEip1559 {
        chain_id: 13_371,
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(MESSAGE_PASSER),
        value: U256::from(value),
        input: input.into(),
        ..Default::default()
    };
    let signature = signer().sign_transaction_sync(&mut tx).unwrap();
    let envelope = EthereumTxEnvelope::Eip1559(tx.into_signed(signature));
    Arc::new(RecoveredTx::new(envelope, signer().address()))
}

fn recipient(nonce: u64) -> Address {
    Address::from_word(keccak256(nonce.to_be_bytes()))
}

/// Ether leaves; with no value the contract reverts.
fn withdraw(nonce: u64, value: u64) -> Arc<RecoveredTx> {
    let mut input = selector("withdrawETH(address)").to_vec();
    input.extend(recipient(nonce).into_word());
    sign(nonce, value, input)
}

fn message(nonce: u64, text: &[u8; 32]) -> Arc<RecoveredTx> {
    let mut input = selector("sendMessage(address,bytes)").to_vec();
    input.extend(recipient(nonce).into_word());
    input.extend(
        [U256::from(64), U256::from(32)]
            .map(|word| word.to_be_bytes::<32>())
            .concat(),
    );
    input.extend(text);
    sign(nonce, 0, input)
}

fn build(chain: &Chain, transactions: &[Arc<RecoveredTx>]) -> ExecutedBlock {
    let parent = chain.tip();
    let attributes = PayloadAttributes {
        l1_info: None,
        timestamp: parent.timestamp + 1,
        prev_randao: B256::ZERO,
        fee_recipient: chain.spec().fee().fee_vault,
        gas_limit: 30_000_000,
        parent_beacon_block_root: Some(B256::ZERO),
        withdrawals: None,
        extra_data: Default::default(),
    };
    let view = chain.tip_view().unwrap();
    let mut executor =
        BlockExecutor::begin(chain.spec().clone(), &parent, attributes, view).unwrap();
    for tx in transactions {
        executor.execute(tx).unwrap();
    }
    executor.finish().unwrap()
}

fn domain(chain: &Chain) -> WithdrawalDomain {
    let bridge = chain.spec().bridge().unwrap();
    WithdrawalDomain {
        l1_chain_id: bridge.l1_chain_id,
        portal: bridge.portal,
        l2_chain_id: chain.spec().chain_id(),
    }
}

/// Every leaf is provable under the root of every block from its own on, as that header has it.
fn check(chain: &Chain, reader: &Reader, leaves: &[u64], blocks: &[u64]) {
    for number in blocks {
        let count = reader.withdrawal_count_at(*number).unwrap();
        let header = reader.header(*number).unwrap().unwrap();
        let root = header.withdrawals_root.unwrap();
        assert_eq!(
            reader.withdrawal_root(count).unwrap(),
            root,
            "block {number}"
        );
        for index in leaves {
            let proof = reader.withdrawal_proof(*index, count).unwrap();
            let Some(record) = reader.withdrawal(*index).unwrap() else {
                assert_eq!(proof, None);
                continue;
            };
            assert_eq!(proof.is_some(), record.block <= *number);
            let Some(proof) = proof else { continue };
            let leaf = record.withdrawal.leaf(&domain(chain));
            assert_eq!(leaf, record.leaf);
            assert_eq!(root_of_withdrawal(leaf, *index, &proof), Some(root));
        }
    }
}

#[test]
fn records_have_the_leaf_its_data_and_where_it_came_from_and_reverts_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    let chain = &running.chain;
    let txs = [
        withdraw(0, 7),
        withdraw(1, 0),
        message(2, &[9; 32]),
        withdraw(3, 8),
    ];
    chain.seal(build(chain, &txs)).unwrap();
    running.settle();
    let reader = chain.store().reader().unwrap();
    let receipts = reader.receipts(1).unwrap().unwrap();
    let outcomes: Vec<_> = receipts.iter().map(|r| r.is_success()).collect();
    assert_eq!(outcomes, [true, false, true, true]);
    let expected = |index, nonce: u64, amount, data: Bytes| {
        let withdrawal = Withdrawal {
            index,
            sender: signer().address(),
            recipient: recipient(nonce),
            token: Address::ZERO,
            amount: U256::from(amount),
            data_hash: if data.is_empty() {
                B256::ZERO
            } else {
                keccak256(&data)
            },
        };
        WithdrawalRecord {
            leaf: withdrawal.leaf(&domain(chain)),
            withdrawal,
            data,
            block: 1,
            tx_hash: txs[nonce as usize].hash(),
            tx_sender: signer().address(),
            log_index: index,
        }
    };
    let records = [
        expected(0, 0, 7, Bytes::new()),
        expected(1, 2, 0, [9; 32].into()),
        expected(2, 3, 8, Bytes::new()),
    ];
    assert_eq!(reader.withdrawals(0, 10).unwrap(), records);
    assert_eq!(reader.withdrawals_of_block(1, 10).unwrap(), records);
    assert_eq!(reader.withdrawals_of_block(0, 10).unwrap(), []);
    check(chain, &reader, &[0, 1, 2, 3], &[0, 1]);
    let genesis = reader.header(0).unwrap().unwrap();
    assert_eq!(genesis.withdrawals_root, Some(empty_withdrawal_root()));
}

#[test]
fn a_thousand_withdrawals_are_provable_at_every_older_size_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    for block in 0..10 {
        let txs: Vec<_> = (0..100).map(|i| withdraw(100 * block + i, 1 + i)).collect();
        running.chain.seal(build(&running.chain, &txs)).unwrap();
    }
    running.settle();
    let leaves = [0, 1, 99, 100, 511, 512, 640, 998, 999, 1_000];
    let blocks: Vec<u64> = (0..=10).collect();
    let reader = running.chain.store().reader().unwrap();
    assert_eq!(reader.withdrawal_count().unwrap(), 1_000);
    check(&running.chain, &reader, &leaves, &blocks);
    drop(reader);
    running.stop().unwrap();
    let running = Running::open(folder.path());
    let reader = running.chain.store().reader().unwrap();
    check(&running.chain, &reader, &leaves, &blocks);
    drop(reader);
    // The tree goes on where it was.
    running
        .chain
        .seal(build(&running.chain, &[withdraw(1_000, 5)]))
        .unwrap();
    running.settle();
    let reader = running.chain.store().reader().unwrap();
    check(&running.chain, &reader, &[1_000], &[10, 11]);
    drop(reader);
    running.stop().unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    /// A block of so many withdrawals.
    Block(u64),
    /// So many blocks go, if there are so many.
    Unwind(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u64..6).prop_map(Step::Block),
        1 => (1u64..5).prop_map(Step::Unwind),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn unwound_withdrawals_are_gone_and_the_tree_grows_again(
        steps in proptest::collection::vec(step(), 1..14),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let running = Running::open(folder.path());
        let chain = &running.chain;
        // Withdrawals after each block; every one is a transaction, so the nonce is the count.
        let mut counts = vec![0u64];
        for (amount, step) in (1..).zip(steps) {
            let count = *counts.last().unwrap();
            match step {
                Step::Block(new) => {
                    let txs: Vec<_> = (0..new).map(|i| withdraw(count + i, amount)).collect();
                    chain.seal(build(chain, &txs)).unwrap();
                    counts.push(count + new);
                }
                Step::Unwind(blocks) => {
                    let left = counts.len().saturating_sub(blocks as usize).max(1);
                    counts.truncate(left);
                    chain.unwind(left as u64 - 1).unwrap();
                }
            }
        }
        running.settle();
        let reader = chain.store().reader().unwrap();
        let count = *counts.last().unwrap();
        prop_assert_eq!(reader.withdrawal_count().unwrap(), count);
        let of_blocks: Vec<_> = (0..counts.len() as u64)
            .map(|number| reader.withdrawal_count_at(number).unwrap())
            .collect();
        prop_assert_eq!(&of_blocks, &counts);
        let leaves: Vec<u64> = (0..=count).collect();
        let blocks: Vec<u64> = (0..counts.len() as u64).collect();
        check(chain, &reader, &leaves, &blocks);
        drop(reader);
        running.stop().unwrap();
    }
}
