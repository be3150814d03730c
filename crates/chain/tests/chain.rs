//! Sealing, committing, reopening and unwinding a real chain on a real database.

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, TxKind, U256, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use aura_chain::{Chain, ChainConfig, ChainError, ChainEvent};
use aura_chainspec::ChainSpec;
use aura_evm::{BlockExecutor, PayloadAttributes};
use aura_primitives::{ExecutedBlock, HeadLabel, RecoveredTx, hashed_account_key};
use aura_storage::{Store, StoreConfig};

/// A chain whose writer runs; dropped, it drains and closes.
struct Running {
    chain: Chain,
    writer: Option<JoinHandle<Result<(), ChainError>>>,
}

impl Running {
    fn open(path: &Path) -> Self {
        Self::open_with(path, ChainConfig::default())
    }

    fn open_with(path: &Path, config: ChainConfig) -> Self {
        let store = Store::open(path, &StoreConfig::default()).unwrap();
        let spec = Arc::new(ChainSpec::dev());
        let (chain, writer) = Chain::open(store, spec, config).unwrap();
        let writer = thread::Builder::new().spawn(move || writer.run()).unwrap();
        Self {
            chain,
            writer: Some(writer),
        }
    }

    async fn settle(&self) {
        self.chain.wait_uncommitted(0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.chain.shutdown();
        self.writer.take().unwrap().join().unwrap().unwrap();
    }
}

fn signer() -> PrivateKeySigner {
    let phrase = "test test test test test test test test test test test junk";
    MnemonicBuilder::<English>::default()
        .phrase(phrase)
        .build()
        .unwrap()
}

fn transfer(nonce: u64, to: Address, value: u64) -> Arc<RecoveredTx> {
    let signer = signer();
    let mut tx = TxEip1559 {
        chain_id: 13371,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        value: U256::from(value),
        ..Default::default()
    };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    let envelope = EthereumTxEnvelope::Eip1559(tx.into_signed(signature));
    Arc::new(RecoveredTx::new(envelope, signer.address()))
}

fn recipient(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

/// Executes `transactions` on the tip.
fn build(chain: &Chain, transactions: &[Arc<RecoveredTx>]) -> ExecutedBlock {
    let parent = chain.tip();
    let attributes = PayloadAttributes {
        l1_info: None,
        timestamp: parent.timestamp + 1,
        prev_randao: B256::ZERO,
        fee_recipient: Address::repeat_byte(0xfe),
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

/// Seals `count` blocks of two transfers each.
fn extend(chain: &Chain, count: u64) {
    for _ in 0..count {
        let next = chain.tip().number;
        let txs = [0, 1].map(|i| transfer(2 * next + i, recipient(2 * next + i), next + 1));
        chain.seal(build(chain, &txs)).unwrap();
    }
}

/// Value of `key` in the newest state, by a proof under the tip's root; the tip must be durable.
fn prove_newest(chain: &Chain, key: B256) -> Option<B256> {
    let tip = chain.tip();
    let proofs = chain.prove(tip.number, &[key]).unwrap();
    assert_eq!(proofs.state_root, tip.state_root);
    assert_eq!(
        (proofs.block.number, proofs.block.hash),
        (tip.number, tip.seal())
    );
    aura_smt::verify(tip.state_root, key, &proofs.proofs[0]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_blocks_are_built_upon_before_they_are_durable() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    extend(&running.chain, 20);
    running.settle().await;
    let reader = running.chain.store().reader().unwrap();
    let head = reader.head(HeadLabel::Unsafe).unwrap();
    assert_eq!((head.number, head.hash), (20, running.chain.tip().seal()));
    for index in 0..40 {
        let balance = reader.account(recipient(index)).unwrap().unwrap().balance;
        assert_eq!(balance, U256::from(index / 2 + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_order_and_only_for_readable_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    let mut events = running.chain.subscribe();
    let chain = running.chain.clone();
    let sealing = thread::Builder::new()
        .spawn(move || extend(&chain, 30))
        .unwrap();
    for number in 1..=30 {
        let ChainEvent::Committed(block) = events.recv().await.unwrap() else {
            panic!("nothing was unwound")
        };
        assert_eq!(block.block.number(), number);
        let reader = running.chain.store().reader().unwrap();
        assert!(reader.head(HeadLabel::Unsafe).unwrap().number >= number);
        let tx = block.block.transactions[0].hash();
        assert!(reader.transaction_location(tx).unwrap().is_some());
    }
    sealing.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_on_another_parent_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    let stale = build(&running.chain, &[transfer(0, recipient(0), 7)]);
    extend(&running.chain, 1);
    let tip = running.chain.tip();
    let error = running.chain.seal(stale).unwrap_err();
    assert!(
        matches!(error, ChainError::WrongParent { number: 1, .. }),
        "{error}"
    );
    assert_eq!(running.chain.tip(), tip);
    extend(&running.chain, 1);
    running.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reopening_rebuilds_the_tree_to_the_stored_root() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    extend(&running.chain, 5);
    let tip = running.chain.tip();
    drop(running);
    let running = Running::open(folder.path());
    assert_eq!(running.chain.tip(), tip);
    prove_newest(&running.chain, B256::ZERO);
    extend(&running.chain, 1);
    running.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unwinding_to_any_block_restores_its_root_and_allows_another_future() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    let chain = &running.chain;
    let mut headers = vec![chain.tip()];
    for _ in 0..12 {
        extend(chain, 1);
        headers.push(chain.tip());
    }
    for to in [11, 10, 6, 5, 0] {
        let mut events = chain.subscribe();
        let target = chain.clone();
        tokio::task::block_in_place(|| target.unwind(to).unwrap());
        let expected = &headers[to as usize];
        assert_eq!(&chain.tip(), expected);
        prove_newest(chain, B256::ZERO);
        let last = loop {
            match events.recv().await.unwrap() {
                ChainEvent::Unwound { to, blocks } => break (to, blocks),
                ChainEvent::Committed(_) => {}
            }
        };
        assert_eq!((last.0.number, last.0.hash), (to, expected.seal()));
        assert_eq!(last.1.last().unwrap().block.number(), to + 1);
        assert!(last.1.iter().all(|block| block.receipts.len() == 2));
    }
    chain
        .seal(build(chain, &[transfer(0, recipient(900), 1)]))
        .unwrap();
    running.settle().await;
    let error = chain.unwind(2).unwrap_err();
    assert!(
        matches!(error, ChainError::UnwindTarget { to: 2, tip: 1 }),
        "{error}"
    );
    let tip = chain.tip();
    drop(running);
    assert_eq!(Running::open(folder.path()).chain.tip(), tip);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_at_the_tip_verifies_an_account() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    extend(&running.chain, 3);
    running.settle().await;
    let key = hashed_account_key(recipient(3));
    let account = running
        .chain
        .tip_view()
        .unwrap()
        .account(recipient(3))
        .unwrap()
        .unwrap();
    let value = aura_smt::account_value(account.nonce, account.balance, account.code_hash);
    assert_eq!(prove_newest(&running.chain, key), Some(value));
    let absent = hashed_account_key(recipient(77));
    assert_eq!(prove_newest(&running.chain, absent), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_pruned_behind_the_window_and_unwinding_stops_there() {
    let folder = tempfile::tempdir().unwrap();
    let config = ChainConfig {
        history_blocks: 5,
        ..ChainConfig::default()
    };
    let running = Running::open_with(folder.path(), config);
    extend(&running.chain, 20);
    running.settle().await;
    let first = running
        .chain
        .store()
        .reader()
        .unwrap()
        .first_history_block()
        .unwrap();
    assert!(
        (10..=16).contains(&first),
        "history starts at {first} with a window of 5 below block 20"
    );
    let tip = running.chain.tip();
    let chain = running.chain.clone();
    let error = tokio::task::block_in_place(|| chain.unwind(3).unwrap_err());
    assert!(matches!(error, ChainError::Storage(_)), "{error}");
    assert_eq!(running.chain.tip(), tip);
    tokio::task::block_in_place(|| chain.unwind(17).unwrap());
    assert_eq!(running.chain.tip().number, 17);
    running.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_carries_all_of_the_state_that_its_block_touches() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::open(folder.path());
    let chain = &running.chain;
    extend(chain, 3);
    running.settle().await;
    for number in 1..=3 {
        let reader = chain.store().reader().unwrap();
        let [parent, header] = [number - 1, number].map(|n| reader.header(n).unwrap().unwrap());
        let witness = chain.witness(number).unwrap();
        assert_eq!(
            (witness.parent_root, witness.root),
            (parent.state_root, header.state_root)
        );
        let tree = witness.tree().unwrap();
        // The sender and both recipients, the latter absent before.
        let sender = reader
            .account_at(signer().address(), number - 1)
            .unwrap()
            .unwrap();
        let value = aura_smt::account_value(sender.nonce, sender.balance, sender.code_hash);
        let key = hashed_account_key(signer().address());
        assert_eq!(tree.get(key), Ok(Some(value)));
        for index in [2 * number - 2, 2 * number - 1] {
            let key = hashed_account_key(recipient(index));
            assert_eq!(tree.get(key), Ok(None));
        }
        let mut anywhere = (0..=255).map(|byte| tree.get(B256::repeat_byte(byte)));
        assert!(
            anywhere.any(|found| found.is_err()),
            "it carries the whole state"
        );
        // Nothing, or something else, does not lead to the block's root.
        assert!(witness.verify_update(&[]).is_err());
        assert!(witness.verify_update(&[(key, None)]).is_err());
    }
    for number in [0, 4] {
        let error = chain.witness(number).unwrap_err();
        assert!(matches!(error, ChainError::Storage(_)), "{error}");
    }
}

#[test]
fn what_comes_behind_the_end_of_the_writer_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &StoreConfig::default()).unwrap();
    let spec = Arc::new(ChainSpec::dev());
    let (chain, writer) = Chain::open(store, spec, ChainConfig::default()).unwrap();
    chain.shutdown();
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    let late = chain.clone();
    let write = move || answer.send(late.write(|_| Ok(()))).unwrap();
    thread::Builder::new().spawn(write).unwrap();
    // Long enough for the write to be queued; without that it is refused as it is sent.
    thread::sleep(Duration::from_millis(50));
    writer.run().unwrap();
    let outcome = answered.recv_timeout(Duration::from_secs(10));
    assert!(matches!(outcome, Ok(Err(ChainError::Stopped))));
}
