//! A chain, an L1 with its contracts, and everything between both.

use std::{
    sync::Arc,
    thread::{Builder, JoinHandle},
    time::Duration,
};

use alloy_primitives::{Address, B256};
use alloy_provider::{Provider, ProviderBuilder};
use aura_bindings::Profile;
use aura_chain::{Chain, ChainConfig};
use aura_chainspec::ChainSpec;
use aura_derivation::{Inputs, Previous, check};
use aura_l1::{
    L1BatchRecord, L1Contracts, L1View, Tracker,
    tx::{Signer, TxConfig, TxManager},
};
use aura_primitives::bridge::Output;
use aura_runtime::CancellationToken;
use aura_settlement::{Batcher, DaChoice, Proposer, Rollup, SequencerRequest, SettlementConfig};
use aura_storage::{BatchRecord, Store, StoreConfig};
use tempfile::TempDir;
use tokio::{
    sync::mpsc,
    task,
    time::{sleep, timeout},
};

use crate::{
    l1::{Anvil, L1_CHAIN, PATIENCE, addresses, l1_config},
    sequencer::Sequencer,
};

/// Number of the sequencer's key.
const SEQUENCER: u32 = 9;
/// Number of the proposer's key.
const PROPOSER: u32 = 8;

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// A running service.
pub(crate) struct Task {
    token: CancellationToken,
    running: task::JoinHandle<()>,
}

impl Task {
    /// Runs `work` until the token is cancelled.
    #[allow(clippy::disallowed_methods, reason = "a test is its own supervisor")]
    fn start<W: Future<Output = ()> + Send + 'static>(
        work: impl FnOnce(CancellationToken) -> W,
    ) -> Self {
        let token = CancellationToken::new();
        let running = tokio::spawn(work(token.clone()));
        Self { token, running }
    }

    /// Stops it, and fails if it had failed.
    pub(crate) async fn stop(self) {
        self.token.cancel();
        self.running.await.unwrap();
    }
}

/// A transaction manager, and the task behind it.
pub(crate) struct Txs {
    pub(crate) manager: TxManager,
    pub(crate) task: Task,
}

pub(crate) struct Rig {
    pub(crate) anvil: Anvil,
    pub(crate) chain: Chain,
    pub(crate) view: L1View,
    pub(crate) sequencer: Arc<Sequencer>,
    /// Transactions of the sequencer's key.
    pub(crate) txs: Txs,
    pub(crate) genesis: Previous,
    rollup: Rollup,
    asks: mpsc::Sender<SequencerRequest>,
    token: CancellationToken,
    threads: Vec<JoinHandle<Outcome>>,
    _dir: TempDir,
}

/// Posts to calldata after a second.
pub(crate) fn calldata() -> SettlementConfig {
    SettlementConfig {
        da: DaChoice::Calldata,
        batch_interval_ms: 1_000,
        ..SettlementConfig::dev()
    }
}

/// The development profile with other limits.
pub(crate) fn profile(change: impl FnOnce(&mut Profile)) -> Profile {
    let mut profile = Profile::dev();
    change(&mut profile);
    profile
}

/// The account that posts batches.
pub(crate) fn poster() -> Address {
    Signer::dev(SEQUENCER, L1_CHAIN).unwrap().address()
}

impl Rig {
    /// `None`, with a word to the reader, if there is no anvil.
    pub(crate) async fn start(profile: &Profile) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &StoreConfig::default()).unwrap();
        let spec = Arc::new(ChainSpec::dev());
        let (chain, writer) = Chain::open(store, spec, ChainConfig::default()).unwrap();
        let writer = in_thread(move || writer.run().map_err(Into::into));
        let genesis = chain.tip();
        let genesis_output = Output {
            state_root: genesis.state_root,
            withdrawal_root: genesis.withdrawals_root.unwrap_or_default(),
            l2_block_hash: genesis.seal(),
            ..Output::default()
        };
        let Some(anvil) = Anvil::start(&genesis_output, profile).await else {
            chain.shutdown();
            writer.join().unwrap().unwrap();
            return None;
        };
        let contracts = L1Contracts {
            l2_chain_id: chain.spec().chain_id(),
            genesis_output,
        };
        let (l1, provider) = (l1_config(&anvil.url), anvil.provider.clone());
        let tracker = Tracker::new(l1, provider, chain.clone(), contracts).unwrap();
        let view = tracker.view();
        let token = CancellationToken::new();
        let watching = token.clone();
        let runtime = tokio::runtime::Handle::current();
        let watcher = in_thread(move || {
            let watched = runtime.block_on(tracker.run(watching));
            watched.map_err(Into::into)
        });
        until("the watcher is there", || view.status().synced).await;
        let sequencer = Sequencer::new(chain.clone(), view.clone());
        let (asks, asked) = mpsc::channel(4);
        let serving = Arc::clone(&sequencer);
        let _runs_until_nobody_asks = Task::start(|_| serving.serve(asked));
        Some(Self {
            txs: open(&anvil, "sequencer", SEQUENCER, &chain).await,
            anvil,
            sequencer,
            view,
            genesis: Previous {
                time: genesis.timestamp,
                ..Previous::default()
            },
            chain,
            rollup: Rollup {
                l1_chain_id: L1_CHAIN,
                address: addresses().rollup,
                genesis_output,
            },
            asks,
            token,
            threads: vec![watcher, writer],
            _dir: dir,
        })
    }

    /// Starts a batcher.
    pub(crate) fn batcher(&self, config: SettlementConfig) -> Task {
        let batcher = Batcher::new(
            config,
            self.rollup,
            self.chain.clone(),
            self.view.clone(),
            self.anvil.provider.clone(),
            self.txs.manager.clone(),
            self.asks.clone(),
        );
        let batcher = batcher.unwrap();
        Task::start(|token| async move { batcher.run(token).await.unwrap() })
    }

    /// Starts a proposer, with a transaction manager of its own.
    pub(crate) async fn proposer(&self) -> [Task; 2] {
        let txs = open(&self.anvil, "proposer", PROPOSER, &self.chain).await;
        let proposer = Proposer::new(
            SettlementConfig::dev(),
            self.rollup,
            self.chain.clone(),
            self.view.clone(),
            self.anvil.provider.clone(),
            txs.manager,
        );
        let proposer = proposer.unwrap();
        let task = Task::start(|token| async move { proposer.run(token).await.unwrap() });
        [task, txs.task]
    }

    /// Ends the sequencer's transaction manager, and starts another one on the same database.
    pub(crate) async fn restart_txs(self) -> Self {
        self.txs.task.stop().await;
        let txs = open(&self.anvil, "sequencer", SEQUENCER, &self.chain).await;
        Self { txs, ..self }
    }

    /// Waits for batch `index`, which is not the one of `slot`.
    pub(crate) async fn batch_besides(&self, index: u64, slot: B256) -> L1BatchRecord {
        let arrives = async {
            loop {
                let found = self.view.batches(index, 1).unwrap();
                if let Some(batch) = found.first().filter(|batch| batch.slot.0 != slot) {
                    return *batch;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        let arrived = timeout(PATIENCE, arrives).await;
        let (status, asked) = (self.view.status(), self.sequencer.asked());
        arrived.unwrap_or_else(|_| panic!("no batch {index}: {status:?}, {asked:?}"))
    }

    /// Waits until batch `index` is on L1, and written down as being there.
    pub(crate) async fn batch(&self, index: u64) -> (L1BatchRecord, BatchRecord) {
        let on_l1 = self.batch_besides(index, B256::ZERO).await;
        let recorded = || {
            let reader = self.chain.store().reader().unwrap();
            reader.batch(index).unwrap()
        };
        until("the batch is written down", || {
            recorded().is_some_and(|batch| batch.l1_tx == on_l1.l1_tx)
        })
        .await;
        (on_l1, recorded().unwrap())
    }

    /// What is on L1 derives to the blocks of the chain.
    pub(crate) fn derives(&self, on_l1: &L1BatchRecord, previous: Previous) {
        let reader = self.chain.store().reader().unwrap();
        let record = reader.batch(on_l1.index).unwrap().unwrap();
        let payload = reader.batch_payload(on_l1.index).unwrap().unwrap();
        let time = |number| {
            let origin = self.view.origin(number).unwrap();
            origin.map(|origin| origin.timestamp)
        };
        let count = usize::try_from(on_l1.header.consumed - previous.consumed).unwrap();
        let entries = self.view.entries(previous.consumed, count).unwrap();
        let inputs = Inputs {
            chain_id: self.chain.spec().chain_id(),
            block_gas_limit: 30_000_000,
            previous,
            entries: &entries,
            origin_time: &time,
        };
        let plan = check(&payload, &on_l1.header, &inputs).unwrap();
        let blocks: Vec<_> = (record.first_block..=record.last_block).collect();
        assert_eq!(plan.len(), blocks.len());
        for (planned, number) in plan.iter().zip(blocks) {
            let header = reader.header(number).unwrap().unwrap();
            let info = reader.l1_info_at(number).unwrap().unwrap();
            assert_eq!(planned.time, header.timestamp);
            assert_eq!(planned.origin_number, info.origin.number);
        }
    }

    /// What a batch whose first block comes after block `number` builds on.
    pub(crate) fn stand(&self, number: u64) -> Previous {
        let reader = self.chain.store().reader().unwrap();
        let info = reader.l1_info_at(number).unwrap().unwrap();
        Previous {
            time: reader.header(number).unwrap().unwrap().timestamp,
            origin_number: info.origin.number,
            consumed: info.consumed,
        }
    }

    /// Waits until the watcher has seen all of L1.
    pub(crate) async fn watched(&self) {
        let head = self.anvil.provider.head().await.unwrap().to_ref().number;
        let seen = || self.view.status().head.number >= head;
        until("the watcher is at L1's head", seen).await;
    }

    /// Stops what runs, and fails if any of it had failed.
    pub(crate) async fn stop(self) {
        self.token.cancel();
        self.txs.task.stop().await;
        let chain = self.chain;
        let mut threads = self.threads.into_iter();
        threads.next().unwrap().join().unwrap().unwrap();
        chain.shutdown();
        threads.next().unwrap().join().unwrap().unwrap();
    }
}

async fn open(anvil: &Anvil, role: &'static str, account: u32, chain: &Chain) -> Txs {
    let config = TxConfig {
        chain_id: L1_CHAIN,
        poll_interval: Duration::from_millis(100),
        ..TxConfig::default()
    };
    let rpc = ProviderBuilder::default()
        .connect_http(anvil.url.parse().unwrap())
        .erased();
    let signer = Signer::dev(account, L1_CHAIN).unwrap();
    let opened = TxManager::open(role, config, signer, Arc::new(rpc), Arc::new(chain.clone()));
    let (manager, runner) = opened.await.unwrap();
    let task = Task::start(|token| async move { runner.run(token).await.unwrap() });
    Txs { manager, task }
}

fn in_thread(work: impl FnOnce() -> Outcome + Send + 'static) -> JoinHandle<Outcome> {
    Builder::new().spawn(work).unwrap()
}

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let waits = async {
        while !holds() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, waits).await.expect(what);
}
