//! A real chain, pool and server in a temporary folder, and plain clients for it.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test binary uses a part"
)]

mod http;
mod ws;

use std::{
    os::unix::fs::FileExt,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use aura_chain::{Chain, ChainConfig, ChainError, ChainEvent};
use aura_chainspec::ChainSpec;
use aura_evm::{BlockExecutor, PayloadAttributes};
use aura_pool::{ExecOutcome, Pool, PoolConfig};
use aura_primitives::{CommittedBlock, RecoveredTx, bridge::L1BlockInfo};
use aura_rpc::{BridgeContext, RpcConfig, RpcContext, RpcServerHandle, serve};
use aura_runtime::CancellationToken;
use aura_storage::{Store, StoreConfig};
use serde_json::{Value, json};

pub use http::{Reply, raw, request};
pub use ws::Socket;

/// Chain id of the development chain.
pub const CHAIN_ID: u64 = 13_371;

/// A running node without a sequencer: tests say when a block is made.
pub struct Node {
    pub chain: Chain,
    pub pool: Pool,
    pub server: RpcServerHandle,
    pub token: CancellationToken,
    writer: Option<JoinHandle<Result<(), ChainError>>>,
    folder: tempfile::TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.token.cancel();
        self.chain.shutdown();
        if let Some(writer) = self.writer.take() {
            writer.join().unwrap().unwrap();
        }
    }
}

impl Node {
    pub async fn start() -> Self {
        Self::with(RpcConfig::default()).await
    }

    pub async fn with(config: RpcConfig) -> Self {
        Self::with_chain(config, ChainConfig::default()).await
    }

    pub async fn with_chain(config: RpcConfig, limits: ChainConfig) -> Self {
        Self::of(ChainSpec::dev(), config, limits, None).await
    }

    /// A node of the chain `spec`, which follows L1 if it has a `bridge`.
    pub async fn of(
        spec: ChainSpec,
        config: RpcConfig,
        limits: ChainConfig,
        bridge: Option<BridgeContext>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = StoreConfig {
            durable: false,
            growth_step_bytes: 16 << 20,
            ..StoreConfig::default()
        };
        let store = Store::open(folder.path(), &settings).unwrap();
        let spec = Arc::new(spec);
        let (chain, writer) = Chain::open(store.clone(), spec.clone(), limits).unwrap();
        let writer = thread::Builder::new().spawn(move || writer.run()).unwrap();
        let pool = Pool::open(PoolConfig::default(), spec, store).unwrap();
        let token = CancellationToken::new();
        let context = RpcContext {
            chain: chain.clone(),
            pool: pool.clone(),
            client_version: "aura/test".into(),
            automine: false,
            bridge,
        };
        let address = "127.0.0.1:0".parse().unwrap();
        let server = serve(address, config, context, token.clone())
            .await
            .unwrap();
        Self {
            chain,
            pool,
            server,
            token,
            writer: Some(writer),
            folder,
        }
    }

    /// Overwrites `bytes` wherever the database has them.
    pub fn damage(&self, bytes: &[u8]) {
        let path = self.folder.path().join("mdbx.dat");
        let content = std::fs::read(&path).unwrap();
        let found = content.windows(bytes.len()).enumerate();
        let found: Vec<_> = found.filter(|(_, window)| *window == bytes).collect();
        assert!(!found.is_empty(), "nothing to damage");
        let file = std::fs::File::options().write(true).open(path).unwrap();
        for (offset, _) in found {
            file.write_all_at(&vec![0xbd; bytes.len()], offset as u64)
                .unwrap();
        }
    }

    /// Waits until the chain's writer stops by itself, and returns why.
    pub fn failure(&mut self) -> ChainError {
        let writer = self.writer.take().unwrap();
        for _ in 0..1_000 {
            if writer.is_finished() {
                return writer.join().unwrap().unwrap_err();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the writer goes on")
    }

    /// Starts a block on the tip with what the pool has.
    pub fn open_block(&self) -> BlockExecutor {
        self.open_with(None, &[])
    }

    /// Starts a block with deposits, and what the pool has.
    pub fn open_with(
        &self,
        l1_info: Option<L1BlockInfo>,
        deposits: &[Arc<RecoveredTx>],
    ) -> BlockExecutor {
        let parent = self.chain.tip();
        let attributes = PayloadAttributes {
            l1_info,
            timestamp: parent.timestamp.max(1_800_000_000) + 1,
            prev_randao: B256::repeat_byte(0x11),
            fee_recipient: self.chain.spec().fee().fee_vault,
            gas_limit: 30_000_000,
            parent_beacon_block_root: Some(B256::ZERO),
            withdrawals: None,
            extra_data: Default::default(),
        };
        let view = self.chain.tip_view().unwrap();
        let mut executor =
            BlockExecutor::begin(self.chain.spec().clone(), &parent, attributes, view).unwrap();
        for tx in deposits {
            executor.execute(tx).unwrap();
        }
        let base_fee = executor.header().base_fee_per_gas.unwrap();
        for tx in self.pool.take(10_000, base_fee) {
            executor.execute(&tx).unwrap();
            self.pool.report(&[(tx.hash(), ExecOutcome::Included)]);
        }
        self.chain.set_open_block(Some(executor.shared()));
        executor
    }

    /// Seals the block, waits until it is durable and tells the pool.
    pub async fn seal(&self, executor: BlockExecutor) -> Arc<CommittedBlock> {
        let mut events = self.chain.subscribe();
        self.chain.seal(executor.finish().unwrap()).unwrap();
        self.chain.set_open_block(None);
        let ChainEvent::Committed(block) = events.recv().await.unwrap() else {
            panic!("nothing is unwound here")
        };
        self.pool.on_committed(&block);
        block
    }

    /// Makes a block of what the pool has.
    pub async fn mine(&self) -> Arc<CommittedBlock> {
        let executor = self.open_block();
        self.seal(executor).await
    }

    /// Calls a method over HTTP; the whole response.
    pub async fn respond(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc":"2.0","id":1,"method":method,"params":params});
        self.post(&body.to_string()).await
    }

    /// Posts a body; the response as JSON.
    pub async fn post(&self, body: &str) -> Value {
        let reply = request(self.server.local_addr(), "POST", "/", &[], body.as_bytes()).await;
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// Calls a method that must succeed; its result.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let response = self.respond(method, params).await;
        assert!(response.get("error").is_none(), "{method}: {response}");
        response["result"].clone()
    }

    /// Calls a method that must fail; code and message. Parameter errors must have no data.
    pub async fn fail(&self, method: &str, params: Value) -> (i64, String) {
        let response = self.respond(method, params).await;
        let error = &response["error"];
        let code = error["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("{method} succeeded: {response}"));
        if code == -32602 {
            assert!(error.get("data").is_none(), "{response}");
        }
        (code, error["message"].as_str().unwrap().to_owned())
    }

    /// Submits a transaction over RPC.
    pub async fn send(&self, tx: &RecoveredTx) -> B256 {
        let hash = self
            .call("eth_sendRawTransaction", json!([tx.encoded()]))
            .await;
        assert_eq!(hash, json!(tx.hash()));
        tx.hash()
    }

    /// Deploys `runtime` and mines it; slot 0 of the contract is 42.
    pub async fn deploy(&self, nonce: u64, runtime: &str) -> Address {
        let runtime = hex::decode(runtime).unwrap();
        let length = u8::try_from(runtime.len()).unwrap();
        let mut code = hex::decode("602a5f55").unwrap();
        code.extend([0x60, length, 0x60, 14, 0x5f, 0x39, 0x60, length, 0x5f, 0xf3]);
        code.extend(runtime);
        let tx = sign(TxEip1559 {
            nonce,
            to: TxKind::Create,
            gas_limit: 300_000,
            input: code.into(),
            ..template()
        });
        self.send(&tx).await;
        self.mine().await;
        tx.sender().create(nonce)
    }

    pub async fn socket(&self) -> Socket {
        Socket::open(self.server.local_addr(), &[]).await
    }
}

/// Emits a log with calldata's first word as topic and the second as data.
pub const LOGGER: &str = "602060205f375f3560205fa100";
/// Reverts with its calldata.
pub const REVERTER: &str = "365f5f37365ffd";
/// Never ends.
pub const LOOP: &str = "5b5f56";

/// The development account with `index`.
pub fn account(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::<English>::default()
        .phrase("test test test test test test test test test test test junk")
        .index(index)
        .unwrap()
        .build()
        .unwrap()
}

pub fn template() -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 2_000_000_000,
        ..TxEip1559::default()
    }
}

/// Signs with account 0.
pub fn sign(tx: TxEip1559) -> RecoveredTx {
    sign_with(&account(0), tx)
}

pub fn sign_with(signer: &PrivateKeySigner, mut tx: TxEip1559) -> RecoveredTx {
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    let envelope = EthereumTxEnvelope::Eip1559(tx.into_signed(signature));
    RecoveredTx::new(envelope, signer.address())
}

pub fn transfer(nonce: u64) -> RecoveredTx {
    sign(TxEip1559 {
        nonce,
        to: TxKind::Call(Address::repeat_byte(0x77)),
        value: U256::from(1_000 + nonce),
        ..template()
    })
}

/// Calls the logger.
pub fn log(nonce: u64, logger: Address, topic: u8) -> RecoveredTx {
    let mut input = [0; 64];
    input[..32].fill(topic);
    input[63] = topic;
    sign(TxEip1559 {
        nonce,
        to: TxKind::Call(logger),
        gas_limit: 60_000,
        input: Bytes::copy_from_slice(&input),
        ..template()
    })
}

/// Sorted names of an object's members.
pub fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

/// The words of a text, sorted, to compare with [`members`].
pub fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<_> = text.split_whitespace().collect();
    words.sort_unstable();
    words
}
