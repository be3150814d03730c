//! An L1 of anvil with our contracts, and a watcher on it.

// Each test file uses its own part of this.
#![allow(dead_code)]

pub(crate) mod proxy;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::SolCall;
use aura_bindings::{Addresses, DeployInputs, DeployPlan, Profile, Roles, portal::AuraPortal};
use aura_chain::{Chain, ChainConfig, ChainError};
use aura_chainspec::ChainSpec;
use aura_l1::{Confirmations, L1Config, L1Contracts, L1Error, L1Provider, L1View, Tracker};
use aura_primitives::bridge::Output;
use aura_runtime::CancellationToken;
use aura_storage::{StorageError, Store, StoreConfig};
use serde_json::json;
use tokio::time::{sleep, timeout};
use url::Url;

pub(crate) const L1_CHAIN: u64 = 31_337;
pub(crate) const L2_CHAIN: u64 = 13_371;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Where anvil is: `AURA_ANVIL`, or with the end-to-end tests. `None`, with a word to the reader, if it is
/// nowhere.
fn anvil_path() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/node_modules/.bin/anvil");
    let path = std::env::var_os("AURA_ANVIL").map_or(beside, PathBuf::from);
    if path.exists() {
        return Some(path);
    }
    eprintln!("{} is absent: this test did not run", path.display());
    None
}

/// A running anvil.
#[derive(Debug)]
pub(crate) struct Anvil {
    process: Child,
    pub(crate) port: u16,
    provider: L1Provider,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(crate) fn config(endpoints: Vec<String>) -> L1Config {
    let endpoints = endpoints.iter().map(|url| Url::parse(url).unwrap());
    let at = addresses();
    L1Config {
        deploy_block: 1,
        confirmations: Confirmations::Depth(0),
        poll_interval: Duration::from_millis(100),
        request_timeout: Duration::from_secs(3),
        max_backoff: Duration::from_secs(1),
        probe_interval: Duration::from_millis(300),
        ..L1Config::new(endpoints.collect(), L1_CHAIN, at.portal, at.rollup)
    }
}

fn deployer() -> Address {
    Roles::dev().admin
}

pub(crate) fn addresses() -> Addresses {
    Addresses::new(&Roles::dev(), deployer(), 0)
}

pub(crate) fn genesis_output() -> Output {
    Output {
        state_root: B256::repeat_byte(7),
        ..Output::default()
    }
}

impl Anvil {
    /// An L1 without our contracts.
    pub(crate) async fn bare(chain_id: u64) -> Option<Self> {
        let port = free_port();
        let process = Command::new(anvil_path()?)
            .args(["--port", &port.to_string()])
            .args(["--chain-id", &chain_id.to_string()])
            .args(["--slots-in-an-epoch", "4", "--silent"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut settings = config(vec![format!("http://127.0.0.1:{port}")]);
        settings.chain_id = chain_id;
        let provider = L1Provider::new(&settings).unwrap();
        let anvil = Self {
            process,
            port,
            provider,
        };
        let up = async {
            while anvil.provider.chain_id().await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, up).await.expect("anvil starts");
        Some(anvil)
    }

    /// An L1 with our contracts.
    pub(crate) async fn start() -> Option<Self> {
        let anvil = Self::bare(L1_CHAIN).await?;
        anvil.deploy().await;
        Some(anvil)
    }

    /// Our contracts, by the first transactions of the deployer.
    pub(crate) async fn deploy(&self) {
        let (profile, roles) = (Profile::dev(), Roles::dev());
        let inputs = DeployInputs {
            profile: &profile,
            roles: &roles,
            deployer: deployer(),
            l1_chain_id: L1_CHAIN,
            l2_chain_id: L2_CHAIN,
            genesis_output: &genesis_output(),
        };
        let plan = DeployPlan::new(&inputs, addresses());
        for creation in plan.creations {
            self.send(json!({"from": deployer(), "data": creation.init_code, "gas": "0xffffff"}))
                .await;
        }
        for call in plan.calls {
            self.send(json!({"from": deployer(), "to": call.to, "data": call.data}))
                .await;
        }
    }

    pub(crate) fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn ws(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn ask(
        &self,
        method: &'static str,
        params: serde_json::Value,
    ) -> serde_json::Value {
        self.provider.request(method, params).await.unwrap()
    }

    /// Sends a transaction of an unlocked account; fails if it fails.
    pub(crate) async fn send(&self, request: serde_json::Value) {
        let hash: B256 = self
            .provider
            .request("eth_sendTransaction", (request,))
            .await
            .unwrap();
        let mined = async {
            loop {
                if let Some(receipt) = self.provider.receipt(hash).await.unwrap() {
                    break receipt;
                }
                sleep(Duration::from_millis(2)).await;
            }
        };
        let receipt: TransactionReceipt = timeout(PATIENCE, mined).await.expect("it is mined");
        assert!(receipt.status(), "{hash} failed");
    }

    /// A deposit transaction.
    pub(crate) fn deposit_request(&self, wei: u64) -> serde_json::Value {
        let to = Address::with_last_byte((wei % 251) as u8 + 1);
        let data: Bytes = AuraPortal::depositToCall { to }.abi_encode().into();
        json!({
            "from": deployer(), "to": addresses().portal, "value": U256::from(wei),
            "data": data, "gas": "0x493e0",
        })
    }

    pub(crate) async fn deposit(&self, wei: u64) {
        self.send(self.deposit_request(wei)).await;
    }

    pub(crate) async fn mine(&self, blocks: u64) {
        self.ask("anvil_mine", json!([U256::from(blocks)])).await;
    }

    /// Replaces the newest blocks by as many others, the first of which have these transactions.
    pub(crate) async fn reorg(&self, depth: u64, requests: &[serde_json::Value]) {
        let placed: Vec<_> = requests
            .iter()
            .enumerate()
            .map(|(index, request)| json!([request, index as u64 % depth]))
            .collect();
        self.ask("anvil_reorg", json!([depth, placed])).await;
    }

    pub(crate) async fn head(&self) -> (u64, B256) {
        let head = self.provider.head().await.unwrap();
        (head.inner().number, head.hash())
    }

    async fn call<C: SolCall>(&self, to: Address, call: C) -> C::Return {
        let data = call.abi_encode().into();
        let answer = self.provider.call(to, data, BlockId::latest()).await;
        C::abi_decode_returns(&answer.unwrap()).unwrap()
    }

    /// The queue as the contract has it.
    pub(crate) async fn queue(&self) -> Vec<B256> {
        let portal = addresses().portal;
        let count = self.call(portal, AuraPortal::messageCountCall {}).await;
        let mut slots = Vec::new();
        for id in 0..count {
            slots.push(self.call(portal, AuraPortal::queueSlotCall { id }).await);
        }
        slots
    }
}

/// A chain of L2 without a sequencer, and a watcher that fills its tables.
#[derive(Debug)]
pub(crate) struct Watcher {
    chain: Chain,
    writer: Option<JoinHandle<Result<(), ChainError>>>,
    task: Option<tokio::task::JoinHandle<Result<(), L1Error>>>,
    token: CancellationToken,
    pub(crate) view: L1View,
}

pub(crate) fn contracts() -> L1Contracts {
    L1Contracts {
        l2_chain_id: L2_CHAIN,
        genesis_output: genesis_output(),
    }
}

#[allow(clippy::disallowed_methods, reason = "a test is its own supervisor")]
impl Watcher {
    pub(crate) fn start(dir: &Path, config: L1Config) -> Self {
        Self::with(dir, config, contracts())
    }

    pub(crate) fn with(dir: &Path, config: L1Config, contracts: L1Contracts) -> Self {
        if let Ok(filter) = std::env::var("RUST_LOG") {
            // Another test of this process may have done it.
            aura_runtime::init_tracing(&filter, aura_runtime::LogFormat::Text).ok();
        }
        let store = Self::open(dir);
        let spec = Arc::new(ChainSpec::dev());
        let (chain, writer) = Chain::open(store, spec, ChainConfig::default()).unwrap();
        let writer = std::thread::Builder::new()
            .spawn(move || writer.run())
            .unwrap();
        let provider = L1Provider::new(&config).unwrap();
        let tracker = Tracker::new(config, provider, chain.clone(), contracts).unwrap();
        let (view, token) = (tracker.view(), CancellationToken::new());
        let task = tokio::spawn(tracker.run(token.clone()));
        Self {
            chain,
            writer: Some(writer),
            task: Some(task),
            token,
            view,
        }
    }

    /// A read of the watcher before may still hold the database for a moment.
    fn open(dir: &Path) -> Store {
        for _ in 0..500 {
            match Store::open(dir, &StoreConfig::default()) {
                Err(StorageError::Locked { .. }) => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                opened => return opened.unwrap(),
            }
        }
        panic!("the database stays locked");
    }

    /// Waits until the watcher has the head of L1, then compares everything with the contracts.
    pub(crate) async fn agrees_with(&mut self, anvil: &Anvil) {
        let (number, hash) = anvil.head().await;
        self.reaches(number, hash).await;
        let truth = anvil.queue().await;
        let entries = self.view.entries(0, usize::MAX).unwrap();
        let slots: Vec<_> = entries.iter().map(|entry| entry.slot.0).collect();
        assert_eq!(slots, truth, "the queue is that of the contract");
        assert_eq!(self.view.status().queue_len, truth.len() as u64);
        let ids = entries.iter().map(|entry| entry.message.id);
        assert!(ids.eq(0..truth.len() as u64), "ids have no holes");
        let origin = self.view.origin(number).unwrap().unwrap();
        assert_eq!((origin.number, origin.hash), (number, hash));
    }

    pub(crate) async fn reaches(&mut self, number: u64, hash: B256) {
        let view = &mut self.view;
        let arrives = async {
            while view.status().head.hash != hash || !view.status().synced {
                view.changed().await;
            }
        };
        if timeout(PATIENCE, arrives).await.is_err() {
            panic!("no {number} {hash} but {:?}", self.view.status());
        }
    }

    /// The error that ends the watcher.
    pub(crate) async fn fails(mut self) -> L1Error {
        let task = self.task.take().unwrap();
        let ended = timeout(PATIENCE, task).await.expect("it ends");
        let error = ended.unwrap().unwrap_err();
        self.end().await;
        error
    }

    pub(crate) async fn stop(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        self.token.cancel();
        if let Some(task) = self.task.take() {
            task.await.unwrap().unwrap();
        }
        self.chain.shutdown();
        self.writer.take().unwrap().join().unwrap().unwrap();
    }
}
