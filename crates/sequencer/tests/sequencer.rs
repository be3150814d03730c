//! The sequencer on a real chain, pool and database.

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip4844};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer_local::{MnemonicBuilder, coins_bip39::English};
use aura_chain::{Chain, ChainConfig, ChainEvent};
use aura_chainspec::ChainSpec;
use aura_pool::{Pool, PoolConfig};
use aura_primitives::{CommittedBlock, HeadLabel};
use aura_runtime::{Switch, SwitchError, switch};
use aura_sequencer::{SealPolicy, Sequencer, SequencerConfig, maintain_pool};
use aura_storage::{Store, StoreConfig};
use tempfile::TempDir;
use tokio::{runtime::Handle, sync::broadcast::Receiver, time::timeout};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

/// A sequencer on a fresh development chain.
struct Rig {
    chain: Chain,
    pool: Pool,
    events: Receiver<ChainEvent>,
    token: CancellationToken,
    switch: Switch,
    threads: Vec<JoinHandle<()>>,
    _folder: TempDir,
}

impl Rig {
    fn start(policy: SealPolicy, empty: Option<Duration>, gas_limit: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &StoreConfig::default()).unwrap();
        let spec = Arc::new(ChainSpec::dev());
        let (chain, writer) =
            Chain::open(store.clone(), spec.clone(), ChainConfig::default()).unwrap();
        let config = PoolConfig {
            block_gas_limit: Some(gas_limit),
            ..PoolConfig::default()
        };
        let pool = Pool::open(config, spec, store).unwrap();
        let token = CancellationToken::new();
        let config = SequencerConfig {
            policy,
            empty_block_interval: empty,
            gas_limit,
            max_posted_bytes: None,
            extra_data: Bytes::new(),
        };
        let events = chain.subscribe();
        let (switch, switched) = switch();
        let sequencer = Sequencer::new(chain.clone(), pool.clone(), config).with_switch(switched);
        let maintenance = maintain_pool(chain.clone(), pool.clone(), token.clone());
        let (stopping, runtime, closing) = (token.clone(), Handle::current(), chain.clone());
        let maintaining = runtime.clone();
        let spawn =
            |work: Box<dyn FnOnce() + Send>| std::thread::Builder::new().spawn(work).unwrap();
        let threads = vec![
            spawn(Box::new(move || writer.run().unwrap())),
            spawn(Box::new(move || {
                sequencer.run(&runtime, &stopping).unwrap();
                closing.shutdown();
            })),
            spawn(Box::new(move || maintaining.block_on(maintenance))),
        ];
        Self {
            chain,
            pool,
            events,
            token,
            switch,
            threads,
            _folder: folder,
        }
    }

    async fn next_block(&mut self) -> Arc<CommittedBlock> {
        loop {
            if let ChainEvent::Committed(block) = timeout(PATIENCE, self.events.recv())
                .await
                .unwrap()
                .unwrap()
            {
                return block;
            }
        }
    }

    fn send(&self, nonce: u64) -> B256 {
        self.pool.submit(transfer(nonce)).unwrap()
    }

    fn stop(self) {
        self.token.cancel();
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

fn transfer(nonce: u64) -> Bytes {
    let phrase = "test test test test test test test test test test test junk";
    let signer = MnemonicBuilder::<English>::default()
        .phrase(phrase)
        .build()
        .unwrap();
    let mut tx = TxEip1559 {
        chain_id: 13371,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(Address::with_last_byte(nonce as u8 + 100)),
        value: U256::from(1),
        ..Default::default()
    };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    EthereumTxEnvelope::<TxEip4844>::Eip1559(tx.into_signed(signature))
        .encoded_2718()
        .into()
}

fn hashes(block: &CommittedBlock) -> Vec<B256> {
    block
        .block
        .transactions
        .iter()
        .map(|tx| tx.hash())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn instant_mode_seals_a_transaction_at_once_and_no_empty_block() {
    let mut rig = Rig::start(SealPolicy::Instant, None, 30_000_000);
    for nonce in 0..3 {
        let hash = rig.send(nonce);
        let block = rig.next_block().await;
        assert_eq!(hashes(&block), [hash]);
        assert_eq!(block.block.number(), nonce + 1);
    }
    assert_eq!(rig.chain.tip().number, 3);
    rig.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn interval_mode_collects_and_shows_the_open_block() {
    let interval = Duration::from_millis(400);
    let mut rig = Rig::start(SealPolicy::Interval(interval), None, 30_000_000);
    let sent: Vec<_> = (0..5).map(|nonce| rig.send(nonce)).collect();
    let block = rig.next_block().await;
    let mut mined = hashes(&block);
    while mined.len() < sent.len() {
        mined.extend(hashes(rig.next_block().await.as_ref()));
    }
    assert_eq!(mined, sent);
    let open = rig.chain.open_block().unwrap();
    let tip = rig.chain.tip();
    assert_eq!(open.header.number, tip.number + 1);
    assert!(open.header.timestamp >= tip.timestamp);
    rig.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_blocks_come_at_their_own_interval() {
    let empty = Some(Duration::from_millis(300));
    let mut rig = Rig::start(
        SealPolicy::Interval(Duration::from_millis(50)),
        empty,
        30_000_000,
    );
    for number in 1..=3 {
        let block = rig.next_block().await;
        assert_eq!(block.block.number(), number);
        assert!(block.receipts.is_empty());
    }
    rig.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_comes_in_the_next_block_in_order() {
    let interval = SealPolicy::Interval(Duration::from_millis(50));
    let mut rig = Rig::start(interval, None, 50_000);
    let sent: Vec<_> = (0..7).map(|nonce| rig.send(nonce)).collect();
    let mut mined = Vec::new();
    while mined.len() < sent.len() {
        let block = rig.next_block().await;
        assert!(
            block.receipts.len() <= 2,
            "two transfers fit into 50,000 gas"
        );
        assert!(block.block.header.gas_used <= 50_000);
        mined.extend(hashes(&block));
    }
    assert_eq!(mined, sent);
    rig.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_unwound_blocks_are_mined_again() {
    let mut rig = Rig::start(SealPolicy::Instant, None, 30_000_000);
    let mut sent = Vec::new();
    for nonce in 0..4 {
        sent.push(rig.send(nonce));
        rig.next_block().await;
    }
    let chain = rig.chain.clone();
    tokio::task::block_in_place(|| chain.unwind(1).unwrap());
    let mut mined = Vec::new();
    while mined.len() < 3 {
        let block = rig.next_block().await;
        assert!(block.block.number() >= 2);
        mined.extend(hashes(&block));
    }
    assert_eq!(mined, sent[1..]);
    let reader = rig.chain.store().reader().unwrap();
    let head = reader.head(HeadLabel::Unsafe).unwrap();
    assert_eq!(head.hash, rig.chain.tip().seal());
    drop(reader);
    rig.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_seals_what_has_been_executed() {
    let rig = Rig::start(
        SealPolicy::Interval(Duration::from_secs(3600)),
        None,
        30_000_000,
    );
    let hash = rig.send(0);
    timeout(PATIENCE, async {
        while rig
            .chain
            .open_block()
            .is_none_or(|open| open.body.read().transactions.is_empty())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    let store = rig.chain.store().clone();
    rig.stop();
    let location = store
        .reader()
        .unwrap()
        .transaction_location(hash)
        .unwrap()
        .unwrap();
    assert_eq!((location.block_number, location.index), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_sequencer_seals_what_it_has_and_makes_no_blocks() {
    let hour = Duration::from_secs(3_600);
    let mut rig = Rig::start(SealPolicy::Interval(hour), None, 30_000_000);
    let first = rig.send(0);
    let executed = async {
        while rig
            .chain
            .open_block()
            .is_none_or(|open| open.body.read().transactions.is_empty())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, executed).await.unwrap();
    rig.switch.turn(false).await.unwrap();
    assert!(!rig.switch.is_on());
    // Durable when the switch has turned, long before the block was due.
    let head = rig
        .chain
        .store()
        .reader()
        .unwrap()
        .head(HeadLabel::Unsafe)
        .unwrap();
    assert_eq!(head.number, 1);
    let block = rig.next_block().await;
    assert_eq!(block.block.transactions[0].hash(), first);
    assert!(rig.chain.open_block().is_none());

    let second = rig.send(1);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rig.chain.tip().number, 1);
    assert_eq!(
        rig.switch.turn(false).await,
        Err(SwitchError::Already { on: false })
    );
    rig.switch.turn(true).await.unwrap();
    timeout(PATIENCE, async {
        while rig
            .chain
            .open_block()
            .is_none_or(|open| open.body.read().transactions.is_empty())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    rig.switch.turn(false).await.unwrap();
    assert_eq!(rig.next_block().await.block.transactions[0].hash(), second);
    rig.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_sequencer_ends_with_the_node() {
    let rig = Rig::start(SealPolicy::Instant, None, 30_000_000);
    rig.switch.turn(false).await.unwrap();
    rig.stop();
}
