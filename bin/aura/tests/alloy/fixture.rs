//! A node, providers for it, and what they send.

use std::time::Duration;

use alloy_network::{EthereumWallet, TransactionBuilder};
use alloy_primitives::{Address, Bytes, U256, bytes};
use alloy_provider::{Provider, ProviderBuilder, WsConnect};
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use tempfile::TempDir;

use crate::common::{Node, signer};

/// Emits a log with calldata's first word as topic and the second as data, and returns 42.
pub(crate) const LOGGER: Bytes = bytes!("602060205f375f3560205fa1602a5f5260205ff3");
/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Fixture {
    node: Node,
    _folder: TempDir,
}

impl Fixture {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            node: Node::start(folder.path(), &[]),
            _folder: folder,
        }
    }

    /// A provider over HTTP that signs with account `index`.
    pub(crate) fn http(&self, index: u32) -> impl Provider {
        let url = format!("http://{}", self.node.address).parse().unwrap();
        ProviderBuilder::new()
            .wallet(EthereumWallet::new(signer(index)))
            .connect_http(url)
    }

    /// A provider over WebSocket that signs with account `index`.
    pub(crate) async fn ws(&self, index: u32) -> impl Provider {
        let url = format!("ws://{}", self.node.address);
        ProviderBuilder::new()
            .wallet(EthereumWallet::new(signer(index)))
            .connect_ws(WsConnect::new(url))
            .await
            .unwrap()
    }
}

pub(crate) fn transfer() -> TransactionRequest {
    TransactionRequest::default()
        .with_to(Address::repeat_byte(0x77))
        .with_value(U256::from(5))
}

/// Sends and waits for the receipt.
pub(crate) async fn send(provider: &impl Provider, tx: TransactionRequest) -> TransactionReceipt {
    let pending = provider.send_transaction(tx).await.unwrap();
    let receipt = pending.with_timeout(Some(PATIENCE)).get_receipt();
    receipt.await.unwrap()
}

/// Deploys `runtime`.
pub(crate) async fn deploy(provider: &impl Provider, runtime: &Bytes) -> Address {
    let length = u8::try_from(runtime.len()).unwrap();
    let mut init = vec![0x60, length, 0x60, 10, 0x5f, 0x39, 0x60, length, 0x5f, 0xf3];
    init.extend_from_slice(runtime);
    let tx = TransactionRequest::default().with_deploy_code(init);
    let receipt = send(provider, tx).await;
    assert!(receipt.status());
    receipt.contract_address.unwrap()
}

pub(crate) fn log_call(logger: Address, topic: u8) -> TransactionRequest {
    let mut input = [0; 64];
    input[..32].fill(topic);
    input[63] = topic;
    TransactionRequest::default()
        .with_to(logger)
        .with_input(input.to_vec())
}
