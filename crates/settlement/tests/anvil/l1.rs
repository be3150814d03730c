//! An anvil with our contracts on it.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::SolCall;
use aura_bindings::{Addresses, DeployInputs, DeployPlan, Profile, Roles, rollup::AuraRollup};
use aura_chainspec::ChainSpec;
use aura_l1::{Confirmations, L1Config, L1Provider};
use aura_primitives::bridge::Output;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use url::Url;

pub(crate) const L1_CHAIN: u64 = 1_337;
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) struct Anvil {
    process: Child,
    pub(crate) url: String,
    pub(crate) provider: L1Provider,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(crate) fn addresses() -> Addresses {
    Addresses::new(&Roles::dev(), Roles::dev().admin, 0)
}

pub(crate) fn l1_config(url: &str) -> L1Config {
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
    pub(crate) async fn start(genesis: &Output, profile: &Profile) -> Option<Self> {
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
            .args(["--chain-id", &L1_CHAIN.to_string()])
            .args(["--slots-in-an-epoch", "2"])
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
        anvil.deploy(genesis, profile).await;
        Some(anvil)
    }

    async fn deploy(&self, genesis: &Output, profile: &Profile) {
        profile.validate().unwrap();
        let roles = Roles::dev();
        let deployer = roles.admin;
        let inputs = DeployInputs {
            profile,
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

    /// Sends as one of anvil's accounts, and waits until it is mined.
    pub(crate) async fn send(&self, request: Value) {
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

    /// Calls `to` as `from`, one of anvil's accounts, and waits until it is mined.
    pub(crate) async fn transact(&self, from: Address, to: Address, call: impl SolCall) {
        let data = alloy_primitives::Bytes::from(call.abi_encode());
        self.send(json!({"from": from, "to": to, "data": data}))
            .await;
    }

    /// Has the entries below `end` forced by somebody who pays for being the first of the next block.
    pub(crate) async fn force(&self, end: u64) {
        let data = AuraRollup::forceBatchCall { upTo: end }.abi_encode();
        let tip = "0xba43b7400";
        let request = json!({
            "from": Roles::dev().admin,
            "to": addresses().rollup,
            "data": alloy_primitives::Bytes::from(data),
            "gas": "0x24000",
            "maxPriorityFeePerGas": tip,
            "maxFeePerGas": tip,
        });
        self.ask("eth_sendTransaction", json!([request])).await;
    }

    /// What a contract answers now.
    pub(crate) async fn call<C: SolCall>(&self, to: Address, call: C) -> C::Return {
        let data = call.abi_encode().into();
        let answer = self.provider.call(to, data, BlockId::latest()).await;
        C::abi_decode_returns(&answer.unwrap()).unwrap()
    }

    pub(crate) async fn ask(&self, method: &'static str, params: Value) {
        let answer: Result<Value, _> = self.provider.request(method, params).await;
        answer.unwrap();
    }

    /// Mines `count` blocks, a second apart by their times.
    pub(crate) async fn mine(&self, count: u64) {
        self.ask("anvil_mine", json!([format!("{count:#x}")])).await;
    }

    /// Whether transactions are mined when they come; what waits is mined when this is switched on.
    pub(crate) async fn automine(&self, on: bool) {
        self.ask("evm_setAutomine", json!([on])).await;
        if on {
            self.mine(1).await;
        }
    }

    /// Waits until `account` has sent `count` transactions.
    pub(crate) async fn sends(&self, account: Address, count: u64) {
        let sent = async {
            while self.sent(account).await < count {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, sent).await.expect("it is sent");
    }

    /// What `account`'s transaction in the pool calls.
    pub(crate) async fn waiting(&self, account: Address) -> Option<Address> {
        let content: Value = self.provider.request("txpool_content", ()).await.unwrap();
        let (_, of_account) = content["pending"]
            .as_object()
            .unwrap()
            .iter()
            .find(|(from, _)| from.parse() == Ok(account))?;
        let (_, transaction) = of_account.as_object().unwrap().iter().next()?;
        transaction["to"].as_str().unwrap().parse().ok()
    }

    /// How many transactions `account` has in blocks and in the pool.
    pub(crate) async fn sent(&self, account: Address) -> u64 {
        let pending = BlockNumberOrTag::Pending;
        self.provider.nonce(account, pending).await.unwrap()
    }

    /// For each transaction of `account` on L1 whether it succeeded.
    pub(crate) async fn outcomes(&self, account: Address) -> Vec<bool> {
        let head = self.provider.head().await.unwrap();
        let mut outcomes = Vec::new();
        for number in 1..=head.to_ref().number {
            let block = (format!("{number:#x}"),);
            let receipts: Vec<TransactionReceipt> = self
                .provider
                .request("eth_getBlockReceipts", block)
                .await
                .unwrap();
            let ours = receipts.iter().filter(|receipt| receipt.from == account);
            outcomes.extend(ours.map(TransactionReceipt::status));
        }
        outcomes
    }
}
