//! What runs without being sent, and what has run once more: calls, simulations, traces.

use alloy_eips::BlockId;
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, U256, bytes};
use alloy_provider::{
    Provider,
    ext::{DebugApi, TraceApi},
};
use alloy_rpc_types_eth::{
    BlockOverrides, TransactionRequest,
    simulate::{SimBlock, SimulatePayload},
    state::{AccountOverride, StateOverride},
};
use alloy_rpc_types_trace::geth::{
    CallConfig, GethDebugTracingOptions, GethTrace, PreStateConfig, PreStateFrame,
};

use crate::{
    common::signer,
    fixture::{Fixture, LOGGER, deploy, log_call, send, transfer},
};

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
