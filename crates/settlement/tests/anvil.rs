//! Batches and roots on a real L1: the rollup takes them, and gets them again after a reorganisation.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

use alloy_primitives::{B256, Bytes};
use alloy_provider::{Provider, ProviderBuilder};
use alloy_rpc_types_eth::TransactionReceipt;
use aura_bindings::{Addresses, DeployInputs, DeployPlan, Profile, Roles};
use aura_chain::{Chain, ChainConfig};
use aura_chainspec::ChainSpec;
use aura_derivation::{Inputs, Previous, check};
use aura_evm::{BlockExecutor, PayloadAttributes};
use aura_l1::{
    Confirmations, L1BatchRecord, L1Config, L1Contracts, L1Provider, L1View, Tracker,
    tx::{Signer, TxConfig, TxManager},
};
use aura_primitives::{
    HeadLabel,
    bridge::{L1BlockInfo, Output},
};
use aura_runtime::CancellationToken;
use aura_settlement::{Batcher, DaChoice, Proposer, Rollup, SequencerRequest, SettlementConfig};
use aura_storage::{Store, StoreConfig};
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use url::Url;

const L1_CHAIN: u64 = 1_337;
const PATIENCE: Duration = Duration::from_secs(40);

struct Anvil {
    process: Child,
    url: String,
    provider: L1Provider,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn addresses() -> Addresses {
    Addresses::new(&Roles::dev(), Roles::dev().admin, 0)
}

fn l1_config(url: &str) -> L1Config {
    let at = addresses();
    L1Config {
        deploy_block: 1,
        confirmations: Confirmations::Depth(0),
        poll_interval: Duration::from_millis(100),
        ..L1Config::new(
            vec![Url::parse(url).unwrap()],
            L1_CHAIN,
            at.portal,
            at.rollup,
        )
    }
}

impl Anvil {
    /// `None`, with a word to the reader, if there is no anvil.
    async fn start(genesis: &Output) -> Option<Self> {
        let beside =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/node_modules/.bin/anvil");
        let path = std::env::var_os("AURA_ANVIL").map_or(beside, PathBuf::from);
        if !path.exists() {
            eprintln!("{} is absent: this test did not run", path.display());
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let process = Command::new(path)
            .args(["--port", &port.to_string(), "--silent"])
            .args([
                "--chain-id",
                &L1_CHAIN.to_string(),
                "--slots-in-an-epoch",
                "2",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let provider = L1Provider::new(&l1_config(&url)).unwrap();
        let anvil = Self {
            process,
            url,
            provider,
        };
        let up = async {
            while anvil.provider.chain_id().await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, up).await.expect("anvil starts");
        anvil.deploy(genesis).await;
        Some(anvil)
    }

    async fn deploy(&self, genesis: &Output) {
        let (profile, roles) = (Profile::dev(), Roles::dev());
        let deployer = roles.admin;
        let inputs = DeployInputs {
            profile: &profile,
            roles: &roles,
            deployer,
            l1_chain_id: L1_CHAIN,
            l2_chain_id: ChainSpec::dev().chain_id(),
            genesis_output: genesis,
        };
        let plan = DeployPlan::new(&inputs, addresses());
        for creation in plan.creations {
            self.send(json!({"from": deployer, "data": creation.init_code, "gas": "0xffffff"}))
                .await;
        }
        for call in plan.calls {
            self.send(json!({"from": deployer, "to": call.to, "data": call.data}))
                .await;
        }
    }

    async fn send(&self, request: serde_json::Value) {
        let sent = self
            .provider
            .request("eth_sendTransaction", (request,))
            .await;
        let hash: B256 = sent.unwrap();
        let mined = async {
            loop {
                let receipt: Option<TransactionReceipt> =
                    self.provider.receipt(hash).await.unwrap();
                if let Some(receipt) = receipt {
                    return receipt;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let receipt = timeout(PATIENCE, mined).await.expect("anvil mines");
        assert!(receipt.status(), "{hash} failed");
    }

    async fn ask(&self, method: &'static str, params: serde_json::Value) {
        let answer: Result<serde_json::Value, _> = self.provider.request(method, params).await;
        answer.unwrap();
    }

    async fn manager(&self, role: &'static str, account: u32, chain: &Chain) -> TxManager {
        let config = TxConfig {
            chain_id: L1_CHAIN,
            poll_interval: Duration::from_millis(100),
            ..TxConfig::default()
        };
        let rpc = ProviderBuilder::default()
            .connect_http(self.url.parse().unwrap())
            .erased();
        let signer = Signer::dev(account, L1_CHAIN).unwrap();
        let opened = TxManager::open(role, config, signer, Arc::new(rpc), Arc::new(chain.clone()));
        let (manager, runner) = opened.await.unwrap();
        spawn(async move { runner.run(CancellationToken::new()).await.unwrap() });
        manager
    }
}

#[allow(clippy::disallowed_methods, reason = "a test is its own supervisor")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

/// Seals an empty block that knows the newest usable L1 block.
fn make_block(chain: &Chain, view: &L1View) -> u64 {
    let parent = chain.tip();
    let origin = view.status().usable.expect("L1 is there");
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let attributes = PayloadAttributes {
        timestamp: now.max(parent.timestamp).max(origin.timestamp),
        prev_randao: origin.prev_randao,
        fee_recipient: chain.spec().fee().fee_vault,
        gas_limit: 30_000_000,
        parent_beacon_block_root: Some(origin.parent_beacon_block_root),
        withdrawals: None,
        l1_info: Some(L1BlockInfo {
            origin,
            consumed: 0,
            queue_acc: B256::ZERO,
        }),
        extra_data: Bytes::new(),
    };
    let state = chain.tip_view().unwrap();
    let executor = BlockExecutor::begin(chain.spec().clone(), &parent, attributes, state).unwrap();
    chain.seal(executor.finish().unwrap()).unwrap().number
}

/// Waits for batch `index` in another L1 transaction than `not`.
async fn batch(view: &L1View, index: u64, not: B256) -> L1BatchRecord {
    let arrives = async {
        loop {
            let found = view.batches(index, 1).unwrap();
            if let Some(batch) = found.first().filter(|batch| batch.slot.0 != not) {
                return *batch;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let arrived = timeout(PATIENCE, arrives).await;
    arrived.unwrap_or_else(|_| panic!("no batch {index}: {:?}", view.status()))
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waits = async {
        while !holds() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, waits).await.expect(what);
}

/// What is on L1 derives to the blocks of the chain.
fn derives(chain: &Chain, view: &L1View, on_l1: &L1BatchRecord, previous: Previous) {
    let reader = chain.store().reader().unwrap();
    let record = reader.batch(on_l1.index).unwrap().unwrap();
    let payload = reader.batch_payload(on_l1.index).unwrap().unwrap();
    let time = |number| view.origin(number).unwrap().map(|origin| origin.timestamp);
    let inputs = Inputs {
        chain_id: chain.spec().chain_id(),
        block_gas_limit: 30_000_000,
        previous,
        entries: &[],
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

#[tokio::test(flavor = "multi_thread")]
async fn batches_and_roots_are_taken_and_posted_again_after_a_reorganisation() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &StoreConfig::default()).unwrap();
    let spec = Arc::new(ChainSpec::dev());
    let (chain, writer) = Chain::open(store, spec, ChainConfig::default()).unwrap();
    let writer = std::thread::Builder::new()
        .spawn(move || writer.run())
        .unwrap();
    let genesis = chain.tip();
    let genesis_output = Output {
        state_root: genesis.state_root,
        withdrawal_root: genesis.withdrawals_root.unwrap_or_default(),
        l2_block_hash: genesis.seal(),
        ..Output::default()
    };
    let Some(anvil) = Anvil::start(&genesis_output).await else {
        return;
    };
    let rollup = Rollup {
        l1_chain_id: L1_CHAIN,
        address: addresses().rollup,
        genesis_output,
    };
    let contracts = L1Contracts {
        l2_chain_id: chain.spec().chain_id(),
        genesis_output,
    };
    let l1 = l1_config(&anvil.url);
    let tracker = Tracker::new(l1, anvil.provider.clone(), chain.clone(), contracts).unwrap();
    let view = tracker.view();
    let token = CancellationToken::new();
    let watching = token.clone();
    let runtime = tokio::runtime::Handle::current();
    let watcher = std::thread::Builder::new()
        .spawn(move || runtime.block_on(tracker.run(watching)))
        .unwrap();
    until("the watcher is there", || view.status().synced).await;

    let sequencer_txs = anvil.manager("sequencer", 9, &chain).await;
    let proposer_txs = anvil.manager("proposer", 8, &chain).await;
    let (asks, mut asked) = mpsc::channel::<SequencerRequest>(4);
    spawn(async move {
        if let Some(request) = asked.recv().await {
            panic!("nothing is to be asked: {request:?}");
        }
    });
    let start = |da, token: CancellationToken| {
        let config = SettlementConfig {
            da,
            batch_interval_ms: 1_000,
            ..SettlementConfig::dev()
        };
        let batcher = Batcher::new(
            config,
            rollup,
            chain.clone(),
            view.clone(),
            anvil.provider.clone(),
            sequencer_txs.clone(),
            asks.clone(),
        )
        .unwrap();
        spawn(async move { batcher.run(token).await.unwrap() });
    };

    let first = token.child_token();
    start(DaChoice::Calldata, first.clone());
    for _ in 0..3 {
        make_block(&chain, &view);
    }
    let one = batch(&view, 1, B256::ZERO).await;
    assert_eq!(one.da_kind, 0);
    let recorded = |index| {
        let reader = chain.store().reader().unwrap();
        reader.batch(index).unwrap().unwrap()
    };
    until("batch 1 is written down", || recorded(1).l1_tx == one.l1_tx).await;
    let previous = Previous {
        time: genesis.timestamp,
        ..Previous::default()
    };
    derives(&chain, &view, &one, previous);
    first.cancel();

    start(DaChoice::Blobs, token.child_token());
    let proposer = Proposer::new(
        SettlementConfig::dev(),
        rollup,
        chain.clone(),
        view.clone(),
        anvil.provider.clone(),
        proposer_txs,
    )
    .unwrap();
    let proposing = token.child_token();
    spawn(async move { proposer.run(proposing).await.unwrap() });
    let last = make_block(&chain, &view);
    let two = batch(&view, 2, B256::ZERO).await;
    assert_eq!(two.da_kind, 1);
    until("the root of batch 2 is there", || {
        let root = view.last_root().unwrap();
        root.is_some_and(|root| root.output.batch_index == 2 && root.output.l2_block == last)
    })
    .await;

    // The batch, its root and what followed are gone; the anchor stays.
    let head = view.status().head.number;
    let depth = head - two.l1_block + 1;
    anvil.ask("anvil_reorg", json!([depth, []])).await;
    let again = batch(&view, 2, two.slot.0).await;
    assert_eq!(again.header, two.header);
    until("the root is there again", || {
        let root = view.last_root().unwrap();
        root.is_some_and(|root| root.output.batch_hash == again.slot.trim())
    })
    .await;

    anvil.ask("anvil_mine", json!(["0x10"])).await;
    until("the heads follow L1", || {
        let reader = chain.store().reader().unwrap();
        let [safe, finalized] =
            [HeadLabel::Safe, HeadLabel::Finalized].map(|head| reader.head(head).unwrap().number);
        safe == last && finalized == last
    })
    .await;
    token.cancel();
    sleep(Duration::from_millis(300)).await;
    watcher.join().unwrap().unwrap();
    chain.shutdown();
    writer.join().unwrap().unwrap();
}
