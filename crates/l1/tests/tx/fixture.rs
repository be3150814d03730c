//! A real L1 (anvil) with a manager that can be killed and started again.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_provider::{DynProvider, Provider, ProviderBuilder};
use aura_l1::tx::{
    Answer, L1Rpc, MemoryTxStore, RpcFault, Signer, TxConfig, TxManager, TxOutcome, TxState,
    TxStore, TxTicket, Waiting,
};
use aura_runtime::{CancellationToken, Tasks};
use serde_json::{Value, json};
use tokio::time::timeout;

/// anvil's chain id.
pub(crate) const CHAIN_ID: u64 = 31_337;
/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const GWEI: u128 = 1_000_000_000;
/// Code that reverts with `0xdeadbeef`.
pub(crate) const REVERTS: &str = "0x63deadbeef5f526004601cfd";
/// Where nothing is.
pub(crate) const NOWHERE: Address = Address::repeat_byte(0x77);

fn anvil_path() -> PathBuf {
    let installed = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../e2e/node_modules/.bin/anvil"
    );
    let path = std::env::var_os("ANVIL").map_or_else(|| PathBuf::from(installed), PathBuf::from);
    assert!(
        path.exists(),
        "{} is missing: `npm ci` in e2e brings anvil, or ANVIL says where it is",
        path.display()
    );
    path
}

/// A carrier that can be cut.
pub(crate) struct Line {
    provider: DynProvider,
    is_cut: AtomicBool,
    loses_sends: AtomicBool,
    pub(crate) sends: AtomicU32,
}

impl L1Rpc for Line {
    fn request(&self, method: &'static str, params: Value) -> Answer<'_, Value> {
        let is_send = method == "eth_sendRawTransaction";
        if is_send {
            self.sends.fetch_add(1, Ordering::Relaxed);
        }
        let is_lost = is_send && self.loses_sends.load(Ordering::Relaxed);
        if is_lost || self.is_cut.load(Ordering::Relaxed) {
            return Box::pin(async { Err(RpcFault::Unavailable("cut".to_owned())) });
        }
        L1Rpc::request(&self.provider, method, params)
    }
}

pub(crate) struct L1 {
    child: Child,
    pub(crate) line: Arc<Line>,
}

impl Drop for L1 {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl L1 {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(anvil_path())
            .args(["--port", "0", "--slots-in-an-epoch", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("anvil says where it listens").unwrap();
            if let Some(address) = line.strip_prefix("Listening on ") {
                break address.to_owned();
            }
        };
        // It stops when nobody reads what it says.
        thread::Builder::new()
            .spawn(move || lines.for_each(drop))
            .unwrap();
        let url = format!("http://{address}").parse().unwrap();
        let provider = ProviderBuilder::default().connect_http(url).erased();
        let line = Line {
            provider,
            is_cut: AtomicBool::new(false),
            loses_sends: AtomicBool::new(false),
            sends: AtomicU32::new(0),
        };
        Self {
            child,
            line: Arc::new(line),
        }
    }

    /// One that mines when it is told to.
    pub(crate) async fn held() -> Self {
        let l1 = Self::start();
        l1.ask("evm_setAutomine", json!([false])).await;
        l1
    }

    pub(crate) async fn ask(&self, method: &'static str, params: Value) -> Value {
        let answer = L1Rpc::request(&self.line.provider, method, params).await;
        answer.unwrap_or_else(|fault| panic!("{method}: {fault}"))
    }

    pub(crate) async fn mine(&self, blocks: u64) {
        self.ask("anvil_mine", json!([format!("{blocks:#x}")]))
            .await;
    }

    pub(crate) async fn set_balance(&self, account: Address, wei: U256) {
        self.ask("anvil_setBalance", json!([account, wei])).await;
    }

    pub(crate) async fn set_code(&self, account: Address, code: &str) {
        self.ask("anvil_setCode", json!([account, code])).await;
    }

    /// Mines a block with `base_fee`, so that the next one costs seven eighths of it or more.
    pub(crate) async fn mine_at(&self, base_fee: u128) {
        let fee = json!([format!("{base_fee:#x}")]);
        self.ask("anvil_setNextBlockBaseFeePerGas", fee).await;
        self.mine(1).await;
    }

    pub(crate) async fn nonce(&self, account: Address) -> u64 {
        let answer = self
            .ask("eth_getTransactionCount", json!([account, "latest"]))
            .await;
        serde_json::from_value::<U64>(answer).unwrap().to()
    }

    pub(crate) async fn transaction(&self, hash: B256) -> Value {
        self.ask("eth_getTransactionByHash", json!([hash])).await
    }

    /// Nobody answers while `is_cut`.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.line.is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// What is sent does not arrive while `loses`.
    pub(crate) fn lose_sends(&self, loses: bool) {
        self.line.loses_sends.store(loses, Ordering::Relaxed);
    }
}

/// A running manager.
pub(crate) struct Running {
    pub(crate) manager: TxManager,
    tasks: Tasks,
}

impl Running {
    pub(crate) async fn start(l1: &L1, config: TxConfig, store: Arc<dyn TxStore>) -> Self {
        let signer = Signer::dev(0, CHAIN_ID).unwrap();
        let line: Arc<dyn L1Rpc> = l1.line.clone();
        Self::with(line, config, store, signer).await
    }

    pub(crate) async fn with(
        line: Arc<dyn L1Rpc>,
        config: TxConfig,
        store: Arc<dyn TxStore>,
        signer: Signer,
    ) -> Self {
        let opened = TxManager::open("test", config, signer, line, store).await;
        let (manager, runner) = opened.unwrap();
        let tasks = Tasks::new();
        let token: CancellationToken = tasks.token();
        tasks.spawn("tx", async move { Ok(runner.run(token).await?) });
        Self { manager, tasks }
    }

    pub(crate) async fn fresh(l1: &L1) -> Self {
        Self::start(l1, config(), Arc::new(MemoryTxStore::default())).await
    }

    /// Ends it as a crash would: in the middle of whatever it does.
    pub(crate) async fn kill(self) {
        self.tasks.token().cancel();
        self.tasks.wait(PATIENCE).await.unwrap();
    }
}

/// Settings for a clock that runs in milliseconds.
pub(crate) fn config() -> TxConfig {
    TxConfig {
        chain_id: CHAIN_ID,
        poll_interval: Duration::from_millis(40),
        resubmit_after: Duration::from_secs(3_600),
        low_balance: U256::ZERO,
        ..TxConfig::default()
    }
}

pub(crate) async fn outcome(ticket: &mut TxTicket) -> TxOutcome {
    let shown = ticket.clone();
    let end = timeout(PATIENCE, ticket.outcome()).await;
    end.unwrap_or_else(|_| panic!("no end: {:?}", shown.state()))
        .unwrap()
}

/// Waits for a state that `wanted` takes.
pub(crate) async fn reaches<T>(
    ticket: &mut TxTicket,
    what: &str,
    wanted: impl Fn(&TxState) -> Option<T>,
) -> T {
    let mut last = ticket.state();
    let found = timeout(PATIENCE, async {
        loop {
            if let Some(found) = wanted(&last) {
                return found;
            }
            last = ticket.changed().await.unwrap();
        }
    });
    match found.await {
        Ok(found) => found,
        Err(_) => panic!("never {what}: {:?}", ticket.state()),
    }
}

pub(crate) async fn sent(ticket: &mut TxTicket) -> B256 {
    reaches(ticket, "sent", |state| match state {
        TxState::Sent { hash, .. } => Some(*hash),
        _ => None,
    })
    .await
}

pub(crate) async fn waits(ticket: &mut TxTicket, reason: Waiting) {
    reaches(ticket, "waiting", |state| match state {
        TxState::Waiting(waiting) if *waiting == reason => Some(()),
        _ => None,
    })
    .await;
}

pub(crate) fn number(value: &Value) -> u128 {
    serde_json::from_value::<U256>(value.clone()).unwrap().to()
}

pub(crate) fn bytes(text: &str) -> Bytes {
    text.parse().unwrap()
}
