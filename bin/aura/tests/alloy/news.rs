//! What is new: filters that are polled, and subscriptions.

use std::time::Duration;

use alloy_network::TransactionResponse;
use alloy_primitives::B256;
use alloy_provider::Provider;
use alloy_rpc_types_eth::Filter;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::fixture::{Fixture, LOGGER, PATIENCE, deploy, log_call, send};

#[tokio::test(flavor = "multi_thread")]
async fn filters_tell_what_is_new() {
    let fixture = Fixture::start();
    let provider = fixture.http(0);
    let logger = deploy(&provider, &LOGGER).await;
    let poller = provider.watch_blocks().await.unwrap();
    let mut blocks = poller
        .with_poll_interval(Duration::from_millis(50))
        .into_stream();
    let logs = provider
        .new_filter(&Filter::new().address(logger))
        .await
        .unwrap();
    let hashes = provider
        .new_pending_transactions_filter(false)
        .await
        .unwrap();
    let receipt = send(&provider, log_call(logger, 5)).await;
    let seen = timeout(PATIENCE, blocks.next()).await.unwrap().unwrap();
    assert_eq!(seen, [receipt.block_hash.unwrap()]);
    let new: Vec<alloy_rpc_types_eth::Log> = provider.get_filter_changes(logs).await.unwrap();
    assert_eq!(new, receipt.logs());
    let again: Vec<alloy_rpc_types_eth::Log> = provider.get_filter_changes(logs).await.unwrap();
    assert_eq!(again, []);
    let pending: Vec<B256> = provider.get_filter_changes(hashes).await.unwrap();
    assert_eq!(pending, [receipt.transaction_hash]);
    let all = provider.get_filter_logs(logs).await.unwrap();
    assert_eq!(all, receipt.logs());
    assert!(provider.uninstall_filter(logs).await.unwrap());
    assert!(!provider.uninstall_filter(logs).await.unwrap());
    let topic = Filter::new()
        .from_block(0)
        .event_signature(B256::repeat_byte(5));
    assert_eq!(provider.get_logs(&topic).await.unwrap(), receipt.logs());
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_tell_what_is_new() {
    let fixture = Fixture::start();
    let provider = fixture.ws(0).await;
    let logger = deploy(&provider, &LOGGER).await;
    let mut heads = provider.subscribe_blocks().await.unwrap();
    let mut full = provider
        .subscribe_full_blocks()
        .full()
        .into_stream()
        .await
        .unwrap();
    let filter = Filter::new().address(logger);
    let mut logs = provider.subscribe_logs(&filter).await.unwrap();
    let mut arrivals = provider.subscribe_pending_transactions().await.unwrap();
    let mut whole = provider
        .subscribe_full_pending_transactions()
        .await
        .unwrap();
    let receipt = send(&provider, log_call(logger, 6)).await;
    let head = timeout(PATIENCE, heads.recv()).await.unwrap().unwrap();
    assert_eq!(Some(head.hash), receipt.block_hash);
    assert_eq!(head.inner.hash_slow(), head.hash);
    let block = timeout(PATIENCE, full.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(
        block.transactions.hashes().collect::<Vec<_>>(),
        [receipt.transaction_hash]
    );
    let log = timeout(PATIENCE, logs.recv()).await.unwrap().unwrap();
    assert_eq!([log], receipt.logs());
    let arrival = timeout(PATIENCE, arrivals.recv()).await.unwrap().unwrap();
    assert_eq!(arrival, receipt.transaction_hash);
    let tx = timeout(PATIENCE, whole.recv()).await.unwrap().unwrap();
    assert_eq!(tx.tx_hash(), receipt.transaction_hash);
}
