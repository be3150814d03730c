//! alloy's provider against the node, over HTTP and over WebSocket.

mod common;

use std::time::{Duration, Instant};

use alloy_consensus::{Transaction, proofs, transaction::SignerRecoverable};
use alloy_eips::{
    BlockId, BlockNumberOrTag, Encodable2718, eip2930::AccessList, eip7702::Authorization,
};
use alloy_network::{
    EthereumWallet, TransactionBuilder, TransactionBuilder7702, TransactionResponse,
};
use alloy_primitives::{Address, B256, Bytes, U256, bytes};
use alloy_provider::{
    Provider, ProviderBuilder, WsConnect,
    ext::{DebugApi, TraceApi, TxPoolApi},
};
use alloy_rpc_types_eth::{
    BlockOverrides, Filter, TransactionReceipt, TransactionRequest,
    simulate::{SimBlock, SimulatePayload},
    state::{AccountOverride, StateOverride},
};
use alloy_rpc_types_trace::geth::{
    CallConfig, GethDebugTracingOptions, GethTrace, PreStateConfig, PreStateFrame,
};
use alloy_signer::SignerSync;
use common::{Node, signer};
use futures_util::StreamExt;
use tempfile::TempDir;
use tokio::time::timeout;

/// Emits a log with calldata's first word as topic and the second as data, and returns 42.
const LOGGER: Bytes = bytes!("602060205f375f3560205fa1602a5f5260205ff3");
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Fixture {
    node: Node,
    _folder: TempDir,
}

impl Fixture {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            node: Node::start(folder.path(), &[]),
            _folder: folder,
        }
    }

    /// A provider over HTTP that signs with account `index`.
    fn http(&self, index: u32) -> impl Provider {
        let url = format!("http://{}", self.node.address).parse().unwrap();
        ProviderBuilder::new()
            .wallet(EthereumWallet::new(signer(index)))
            .connect_http(url)
    }

    /// A provider over WebSocket that signs with account `index`.
    async fn ws(&self, index: u32) -> impl Provider {
        let url = format!("ws://{}", self.node.address);
        ProviderBuilder::new()
            .wallet(EthereumWallet::new(signer(index)))
            .connect_ws(WsConnect::new(url))
            .await
            .unwrap()
    }
}

fn transfer() -> TransactionRequest {
    TransactionRequest::default()
        .with_to(Address::repeat_byte(0x77))
        .with_value(U256::from(5))
}

/// Sends and waits for the receipt.
async fn send(provider: &impl Provider, tx: TransactionRequest) -> TransactionReceipt {
    let pending = provider.send_transaction(tx).await.unwrap();
    let receipt = pending.with_timeout(Some(PATIENCE)).get_receipt();
    receipt.await.unwrap()
}

/// Deploys `runtime`.
async fn deploy(provider: &impl Provider, runtime: &Bytes) -> Address {
    let length = u8::try_from(runtime.len()).unwrap();
    let mut init = vec![0x60, length, 0x60, 10, 0x5f, 0x39, 0x60, length, 0x5f, 0xf3];
    init.extend_from_slice(runtime);
    let tx = TransactionRequest::default().with_deploy_code(init);
    let receipt = send(provider, tx).await;
    assert!(receipt.status());
    receipt.contract_address.unwrap()
}

fn log_call(logger: Address, topic: u8) -> TransactionRequest {
    let mut input = [0; 64];
    input[..32].fill(topic);
    input[63] = topic;
    TransactionRequest::default()
        .with_to(logger)
        .with_input(input.to_vec())
}

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
async fn calls_estimates_and_access_lists() {
    let fixture = Fixture::start();
    let provider = fixture.http(0);
    let logger = deploy(&provider, &LOGGER).await;
    let request = log_call(logger, 1).with_from(signer(0).address());
    let returned = provider.call(request.clone()).await.unwrap();
    assert_eq!(U256::from_be_slice(&returned), U256::from(42));
    // alloy sends a bare hash as the block.
    let head = provider
        .get_block(BlockId::latest())
        .await
        .unwrap()
        .unwrap();
    let at_hash = provider
        .call(request.clone())
        .block(head.header.hash.into())
        .await;
    assert_eq!(at_hash.unwrap(), returned);
    let gas = provider.estimate_gas(request.clone()).await.unwrap();
    let receipt = send(&provider, log_call(logger, 1)).await;
    assert!((receipt.gas_used..receipt.gas_used * 102 / 100).contains(&gas));
    let list = provider.create_access_list(&request).await.unwrap();
    assert!(list.access_list.is_empty() && list.error.is_none());
    let overridden = AccountOverride::default().with_code(bytes!("602b5f5260205ff3"));
    let state = StateOverride::from_iter([(logger, overridden)]);
    let returned = provider.call(request).overrides(state).await.unwrap();
    assert_eq!(U256::from_be_slice(&returned), U256::from(43));
    let reverter = AccountOverride::default().with_code(bytes!("365f5f37365ffd"));
    let state = StateOverride::from_iter([(logger, reverter)]);
    let data = bytes!("12345678");
    let request = TransactionRequest::default()
        .with_to(logger)
        .with_input(data.clone());
    let refused = provider.call(request).overrides(state).await.unwrap_err();
    assert_eq!(
        refused.as_error_resp().unwrap().as_revert_data(),
        Some(data)
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_reads_like_blocks() {
    let fixture = Fixture::start();
    let provider = fixture.http(0);
    let logger = deploy(&provider, &LOGGER).await;
    let rich = AccountOverride::default().with_balance(U256::from(100));
    let from = Address::repeat_byte(0x55);
    let payload = SimulatePayload {
        block_state_calls: vec![
            SimBlock::default()
                .with_state_overrides(StateOverride::from_iter([(from, rich)]))
                .with_block_overrides(BlockOverrides::default().with_base_fee(U256::ZERO))
                .call(transfer().with_from(from))
                .call(log_call(logger, 9)),
            // A creation.
            SimBlock::default().call(TransactionRequest::default().with_deploy_code(LOGGER)),
        ],
        trace_transfers: true,
        validation: false,
        return_full_transactions: true,
    };
    let blocks = provider.simulate(&payload).await.unwrap();
    assert_eq!(blocks.len(), 2);
    for block in &blocks {
        assert_eq!(
            block.inner.header.inner.hash_slow(),
            block.inner.header.hash
        );
        assert!(
            block
                .calls
                .iter()
                .all(|call| call.status && call.error.is_none())
        );
    }
    assert_eq!(
        blocks[1].inner.header.parent_hash,
        blocks[0].inner.header.hash
    );
    let sent = &blocks[0].calls[0].logs[0];
    assert_eq!(sent.address(), Address::repeat_byte(0xee));
    assert_eq!(U256::from_be_slice(&sent.data().data), U256::from(5));
    assert_eq!(blocks[0].calls[1].logs[0].topics(), [B256::repeat_byte(9)]);
    assert!(blocks[0].calls[1].max_used_gas.unwrap() >= blocks[0].calls[1].gas_used);
    let broke = SimulatePayload {
        block_state_calls: vec![SimBlock::default().call(transfer().with_from(from))],
        ..SimulatePayload::default()
    };
    let refused = provider.simulate(&broke).await.unwrap_err();
    assert_eq!(refused.as_error_resp().unwrap().code, -38014);
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_read_in_alloys_types() {
    let fixture = Fixture::start();
    let provider = fixture.http(0);
    let logger = deploy(&provider, &LOGGER).await;
    let receipt = send(&provider, log_call(logger, 2)).await;
    let hash = receipt.transaction_hash;
    let options = GethDebugTracingOptions::call_tracer(CallConfig::default().with_log());
    let frame = provider
        .debug_trace_transaction_call(hash, options)
        .await
        .unwrap();
    assert_eq!(frame.to, Some(logger));
    assert_eq!(frame.logs.len(), 1);
    assert_eq!(frame.gas_used, U256::from(receipt.gas_used));
    let options = GethDebugTracingOptions::default();
    let GethTrace::Default(steps) = provider
        .debug_trace_transaction(hash, options)
        .await
        .unwrap()
    else {
        panic!("no struct logs")
    };
    assert_eq!(steps.gas, receipt.gas_used);
    assert_eq!(steps.struct_logs.last().unwrap().op, "RETURN");
    let options = GethDebugTracingOptions::prestate_tracer(PreStateConfig {
        diff_mode: Some(true),
        ..PreStateConfig::default()
    });
    let traces = provider
        .debug_trace_block_by_number(receipt.block_number.unwrap().into(), options)
        .await
        .unwrap();
    let [trace] = traces.as_slice() else {
        panic!("one transaction in the block")
    };
    let GethTrace::PreStateTracer(PreStateFrame::Diff(diff)) = trace.success().unwrap() else {
        panic!("no diff")
    };
    let me = signer(0).address();
    assert_eq!(
        diff.pre[&me].nonce.unwrap_or_default() + 1,
        diff.post[&me].nonce.unwrap()
    );
    let traces = provider.trace_transaction(hash).await.unwrap();
    assert_eq!(traces.len(), 1);
    assert_eq!(traces[0].block_hash, receipt.block_hash);
    let block = receipt.block_number.unwrap().into();
    assert_eq!(provider.trace_block(block).await.unwrap(), traces);
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
