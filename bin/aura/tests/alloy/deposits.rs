//! Deposits, whose type is not one of Ethereum's: `AnyNetwork` reads them.

use std::{net::TcpListener, time::Instant};

use alloy_consensus::Typed2718;
use alloy_network::{
    AnyNetwork, EthereumWallet, ReceiptResponse, TransactionBuilder, TransactionResponse,
};
use alloy_primitives::{Address, U256};
use alloy_provider::{Provider, ProviderBuilder};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use aura_bindings::portal::AuraPortal;
use serde_json::json;

use crate::{
    common::{Node, signer},
    fixture::{PATIENCE, send},
};

const DEPOSIT: u8 = 0x7e;

#[tokio::test]
async fn a_block_with_a_deposit_is_read() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let l1_port = free.local_addr().unwrap().port();
    drop(free);
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--l1-port", &l1_port.to_string()]);
    let status = node.client().call("aura_bridgeStatus", json!([]));
    let portal: Address = serde_json::from_value(status["portal"].clone()).unwrap();

    let l1 = ProviderBuilder::new()
        .wallet(EthereumWallet::new(signer(0)))
        .connect_http(format!("http://127.0.0.1:{l1_port}").parse().unwrap());
    let to = Address::repeat_byte(0x77);
    let tx = TransactionRequest::default()
        .with_to(portal)
        .with_value(U256::from(5))
        .with_input(AuraPortal::depositToCall { to }.abi_encode());
    assert!(send(&l1, tx).await.status());

    let l2 = ProviderBuilder::new()
        .network::<AnyNetwork>()
        .connect_http(format!("http://{}", node.address).parse().unwrap());
    let sent = Instant::now();
    while l2.get_balance(to).await.unwrap() != U256::from(5) {
        assert!(sent.elapsed() < PATIENCE, "the deposit does not come");
    }
    let number = l2.get_block_number().await.unwrap();
    let block = l2.get_block_by_number(number.into()).full().await.unwrap();
    let block = block.unwrap();
    let [tx] = block.transactions.as_transactions().unwrap() else {
        panic!("{block:?}");
    };
    assert_eq!(tx.inner.ty(), DEPOSIT);
    let hash = tx.tx_hash();
    let found = l2.get_transaction_by_hash(hash).await.unwrap().unwrap();
    assert_eq!(found, *tx);
    let receipt = l2.get_transaction_receipt(hash).await.unwrap().unwrap();
    assert_eq!((receipt.transaction_hash, receipt.status()), (hash, true));
}
