//! alloy's provider against the node, over HTTP and over WebSocket.

#[path = "../common/mod.rs"]
mod common;
mod deposits;
mod execution;
mod fixture;
mod news;

use std::time::{Duration, Instant};

use alloy_consensus::{Transaction, proofs, transaction::SignerRecoverable};
use alloy_eips::{
    BlockId, BlockNumberOrTag, Encodable2718, eip2930::AccessList, eip7702::Authorization,
};
use alloy_network::{TransactionBuilder, TransactionBuilder7702, TransactionResponse};
use alloy_primitives::{Address, U256};
use alloy_provider::{Provider, ext::TxPoolApi};
use alloy_signer::SignerSync;
use common::signer;
use fixture::{Fixture, LOGGER, deploy, log_call, send, transfer};

async fn transactions_of_every_type(provider: &impl Provider) {
    let price = provider.get_gas_price().await.unwrap();
    let me = signer(0);
    let authorization = Authorization {
        chain_id: U256::from(provider.get_chain_id().await.unwrap()),
        address: Address::repeat_byte(0x99),
        nonce: 0,
    };
    let authority = signer(7);
    let signature = authority
        .sign_hash_sync(&authorization.signature_hash())
        .unwrap();
    let requests = [
        transfer().with_gas_price(price),
        transfer()
            .with_gas_price(price)
            .with_access_list(AccessList::default()),
        transfer(),
        transfer().with_authorization_list(vec![authorization.into_signed(signature)]),
    ];
    for (tx_type, request) in [0, 1, 2, 4].into_iter().zip(requests) {
        let receipt = send(provider, request).await;
        assert!(receipt.status(), "type {tx_type}");
        assert_eq!(receipt.from, me.address());
        assert_eq!(u8::from(receipt.inner.tx_type()), tx_type);
        let tx = provider.get_transaction_by_hash(receipt.transaction_hash);
        let tx = tx.await.unwrap().unwrap();
        // alloy hashes what it has read; the hash is not taken from the answer.
        assert_eq!(tx.inner.trie_hash(), receipt.transaction_hash);
        assert_eq!(
            tx.inner.recover_signer().unwrap(),
            me.address(),
            "type {tx_type}"
        );
        assert_eq!(tx.block_hash(), receipt.block_hash);
    }
    let code = provider.get_code_at(authority.address()).await.unwrap();
    assert!(code.starts_with(&[0xef, 0x01, 0x00]), "{code}");
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_every_type_over_http() {
    transactions_of_every_type(&Fixture::start().http(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_every_type_over_ws() {
    transactions_of_every_type(&Fixture::start().ws(0).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_what_its_hash_and_its_roots_say() {
    let fixture = Fixture::start();
    let provider = fixture.http(0);
    let logger = deploy(&provider, &LOGGER).await;
    let receipt = send(&provider, log_call(logger, 3)).await;
    for number in 0..=receipt.block_number.unwrap() {
        let block = provider.get_block_by_number(number.into()).full();
        let block = block.await.unwrap().unwrap();
        assert_eq!(block.header.inner.hash_slow(), block.header.hash);
        let transactions: Vec<_> = block
            .transactions
            .txns()
            .map(|tx| tx.inner.inner().clone())
            .collect();
        let root = proofs::calculate_transaction_root(&transactions);
        assert_eq!(root, block.header.transactions_root);
        let receipts = provider
            .get_block_receipts(number.into())
            .await
            .unwrap()
            .unwrap();
        let receipts: Vec<_> = receipts
            .into_iter()
            .map(|receipt| receipt.inner.into_primitives_receipt())
            .collect();
        assert_eq!(receipts.len(), transactions.len());
        let root = proofs::calculate_receipt_root(&receipts);
        assert_eq!(root, block.header.receipts_root);
        let by_hash = provider.get_block_by_hash(block.header.hash).await.unwrap();
        assert_eq!(by_hash.unwrap().header, block.header);
    }
    assert_eq!(receipt.logs()[0].block_hash, receipt.block_hash);
    assert!(receipt.inner.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_are_sane_on_an_empty_chain() {
    let fixture = Fixture::start();
    let provider = fixture.http(0);
    send(&provider, transfer()).await;
    let head = provider
        .get_block(BlockId::latest())
        .await
        .unwrap()
        .unwrap();
    let base_fee = u128::from(head.header.base_fee_per_gas.unwrap());
    let fees = provider.estimate_eip1559_fees().await.unwrap();
    assert!(fees.max_fee_per_gas >= fees.max_priority_fee_per_gas);
    assert!(fees.max_fee_per_gas >= base_fee * 7 / 8);
    let history = provider
        .get_fee_history(2, BlockNumberOrTag::Latest, &[10.0, 90.0])
        .await
        .unwrap();
    assert_eq!(
        history.base_fee_per_gas.len(),
        history.gas_used_ratio.len() + 1
    );
    assert_eq!(history.latest_block_base_fee(), Some(base_fee));
    assert!(provider.get_max_priority_fee_per_gas().await.unwrap() > 0);
    let receipt = send(&provider, transfer()).await;
    assert!(receipt.effective_gas_price <= fees.max_fee_per_gas * 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_sends_and_waits() {
    let fixture = Fixture::start();
    let provider = fixture.http(0);
    let receipt = provider.send_transaction_sync(transfer()).await.unwrap();
    assert!(receipt.status());
    let read = provider
        .get_transaction_receipt(receipt.transaction_hash)
        .await
        .unwrap();
    assert_eq!(read.unwrap(), receipt);
    // A nonce gap: the transaction waits, and the pool shows it.
    let gap = transfer().with_nonce(7);
    let pending = provider.send_transaction(gap).await.unwrap();
    // The pool learns of a block a moment after those who asked for its receipts.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let status = provider.txpool_status().await.unwrap();
        if (status.pending, status.queued) == (0, 1) {
            break;
        }
        assert!(Instant::now() < deadline, "{status:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let content = provider.txpool_content().await.unwrap();
    let queued = &content.queued[&signer(0).address()]["7"];
    assert_eq!(queued.tx_hash(), *pending.tx_hash());
    assert_eq!(queued.block_hash(), None);
    let raw = provider
        .get_raw_transaction_by_hash(*pending.tx_hash())
        .await
        .unwrap();
    assert_eq!(raw.unwrap(), queued.inner.encoded_2718());
    assert_eq!(queued.inner.to(), Some(Address::repeat_byte(0x77)));
}
