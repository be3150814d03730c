//! What the rules of chain and pool refuse, whoever sends it.

use alloy_primitives::TxKind;
use aura_pool::PoolConfig;

use crate::{
    common::{self, GWEI, TestChain, call, sign},
    refuses, refuses_call,
};

#[test]
fn refuses_another_chain_id_of_legacy_transactions_too() {
    let chain = TestChain::new(1);
    let words = "invalid chain id for signer: have 1 want 13371";
    let mut foreign = call(0);
    foreign.chain_id = 1;
    refuses_call(&chain, &foreign, words);
    refuses(
        &chain.pool(),
        sign(&chain.keys[0], foreign.legacy(Some(1))),
        words,
    );
}

#[test]
fn refuses_oversized_transactions_and_initcode() {
    let chain = TestChain::new(1);
    let mut big = call(0);
    big.gas_limit = 16_000_000;
    big.input = vec![0; 131_072].into();
    let error = chain
        .submit(&chain.pool(), 0, &big)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("oversized data: transaction size 1311"),
        "{error}"
    );
    assert!(error.ends_with(", limit 131072"), "{error}");
    big.input = vec![0; 49_153].into();
    chain.submit(&chain.pool(), 0, &big).unwrap();
    big.to = TxKind::Create;
    refuses_call(
        &chain,
        &big,
        "max initcode size exceeded: code size 49153, limit 49152",
    );
    big.input = vec![0; 49_152].into();
    chain.submit(&chain.pool(), 0, &big).unwrap();
}

#[test]
fn refuses_gas_limits_that_no_block_has_room_for() {
    let chain = TestChain::new(1);
    let mut tx = call(0);
    tx.gas_limit = 16_777_217;
    refuses_call(
        &chain,
        &tx,
        "transaction gas limit too high (cap: 16777216, tx: 16777217)",
    );
    tx.gas_limit = 100_000_001;
    refuses_call(
        &chain,
        &tx,
        "exceeds block gas limit: tx gas 100000001, block gas limit 100000000",
    );
    tx.gas_limit = 16_777_216;
    chain.submit(&chain.pool(), 0, &tx).unwrap();
}

#[test]
fn refuses_too_little_gas_for_the_transaction_itself() {
    let chain = TestChain::new(1);
    let mut tx = call(0);
    tx.gas_limit = 20_999;
    refuses_call(&chain, &tx, "intrinsic gas too low: have 20999, want 21000");
    // One zero byte: 4 gas by the old rule, a floor of 10 by EIP-7623.
    tx.gas_limit = 21_000;
    tx.input = vec![0].into();
    refuses_call(&chain, &tx, "intrinsic gas too low: have 21000, want 21004");
    tx.gas_limit = 21_009;
    refuses_call(
        &chain,
        &tx,
        "insufficient gas for floor data gas cost: have 21009, want 21010",
    );
    tx.gas_limit = 21_010;
    chain.submit(&chain.pool(), 0, &tx).unwrap();
    let mut create = call(0);
    create.to = TxKind::Create;
    refuses_call(
        &chain,
        &create,
        "intrinsic gas too low: have 21000, want 53000",
    );
}

#[test]
fn refuses_fees_that_can_never_be_right() {
    let chain = TestChain::new(1);
    refuses_call(
        &chain,
        &call(0).fees(GWEI, GWEI + 1),
        "max priority fee per gas higher than max fee per gas: \
         maxPriorityFeePerGas: 1000000001, maxFeePerGas: 1000000000",
    );
    let sender = chain.address(0);
    refuses_call(
        &chain,
        &call(0).fees(999_999, 0),
        &format!(
            "max fee per gas less than block base fee: \
             address {sender}, maxFeePerGas: 999999, baseFee: 1000000"
        ),
    );
    // Under today's base fee, but not under the lowest one that the chain can have: it waits.
    let pool = chain.pool();
    let hash = chain.submit(&pool, 0, &call(0).fees(1_000_000, 0)).unwrap();
    assert!(pool.take(10, common::BASE_FEE).is_empty());
    assert_eq!(pool.take(10, 1_000_000)[0].hash(), hash);
}

#[test]
fn refuses_tips_below_the_configured_minimum() {
    let chain = TestChain::new(1);
    let pool = chain.pool_with(PoolConfig {
        min_tip_wei: 5,
        ..PoolConfig::default()
    });
    refuses(
        &pool,
        chain.signed(0, &call(0).fees(GWEI, 4)),
        "transaction underpriced: tip needed 5, tip permitted 4",
    );
    chain.submit(&pool, 0, &call(0).fees(GWEI, 5)).unwrap();
}

#[test]
fn refuses_an_empty_authorization_list() {
    let chain = TestChain::new(1);
    refuses(
        &chain.pool(),
        sign(&chain.keys[0], call(0).set_code(Vec::new())),
        "set code tx must have at least one authorization tuple",
    );
}

#[test]
fn refuses_set_code_before_prague() {
    let chain = TestChain::with_genesis(1, |genesis| {
        let config = genesis["config"].as_object_mut().unwrap();
        config.remove("pragueTime");
        config.remove("osakaTime");
        config.remove("bpo1Time");
        config.remove("bpo2Time");
    });
    refuses(
        &chain.pool(),
        sign(&chain.keys[0], call(0).set_code(Vec::new())),
        "transaction type not supported: type 4 rejected, pool not yet in Prague",
    );
    // No floor (EIP-7623) and no cap (EIP-7825) either.
    let mut tx = call(0);
    tx.input = vec![0].into();
    tx.gas_limit = 21_004;
    chain.submit(&chain.pool(), 0, &tx).unwrap();
    tx.gas_limit = 20_000_000;
    chain.submit(&chain.pool(), 0, &tx).unwrap();
}
