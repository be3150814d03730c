//! Every refusal, in the words that clients parse.

mod common;

use alloy_consensus::{SignableTransaction, TxEip4844};
use alloy_eips::{eip2718::Encodable2718, eip7702::Authorization};
use alloy_primitives::{B256, Bytes, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use aura_pool::{Pool, PoolConfig};
use aura_primitives::{Account, TxEnvelope};
use common::{Call, ETHER, GWEI, RECIPIENT, TestChain, call, sign};

/// Asserts that the pool refuses the bytes with exactly these words, and stays as it was.
#[track_caller]
fn refuses(pool: &Pool, raw: Bytes, words: &str) {
    let before = pool.counts();
    let error = pool.submit(raw).unwrap_err();
    assert_eq!(error.to_string(), words);
    assert!(!error.is_internal());
    assert_eq!(pool.counts(), before);
}

#[track_caller]
fn refuses_call(chain: &TestChain, call: &Call, words: &str) {
    refuses(&chain.pool(), chain.signed(0, call), words);
}

#[test]
fn accepts_every_type_but_blobs() {
    let chain = TestChain::new(1);
    let (pool, key) = (chain.pool(), &chain.keys[0]);
    pool.submit(sign(key, call(0).legacy(Some(13_371))))
        .unwrap();
    pool.submit(sign(key, call(1).legacy(None))).unwrap();
    pool.submit(sign(key, call(2).access_list())).unwrap();
    pool.submit(sign(key, call(3).dynamic())).unwrap();
    let authorization = Authorization {
        chain_id: U256::from(13_371),
        address: RECIPIENT,
        nonce: 0,
    };
    let signature = key.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let mut set_code = call(4);
    set_code.gas_limit = 50_000;
    let list = vec![authorization.into_signed(signature)];
    pool.submit(sign(key, set_code.set_code(list))).unwrap();
    assert_eq!(pool.counts(), (5, 0));
}

#[test]
fn refuses_blob_transactions_by_name() {
    let chain = TestChain::new(1);
    let words = "transaction type not supported: blob transactions are not accepted on this chain";
    let tx = TxEip4844 {
        chain_id: 13_371,
        gas_limit: 21_000,
        max_fee_per_gas: GWEI,
        max_fee_per_blob_gas: 1,
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        ..TxEip4844::default()
    };
    refuses(&chain.pool(), sign(&chain.keys[0], tx), words);
    // With its sidecar it is far over the size limit, which is not the point.
    refuses(&chain.pool(), vec![0x03; 300_000].into(), words);
}

#[test]
fn refuses_unknown_types_and_bad_bytes() {
    let pool = TestChain::new(1).pool();
    refuses(
        &pool,
        vec![0x05, 0xc0].into(),
        "transaction type not supported: type 5",
    );
    refuses(
        &pool,
        vec![0x7e, 0xc0].into(),
        "transaction type not supported: deposits are made on L1, in the portal",
    );
    for bytes in [
        &[][..],
        &[0x02],
        &[0x02, 0xc0],
        &[0xc0],
        &[0xff; 40],
        &[0x80],
    ] {
        let error = pool.submit(Bytes::copy_from_slice(bytes)).unwrap_err();
        assert!(
            error.to_string().starts_with("rlp: "),
            "{bytes:x?}: {error}"
        );
    }
}

#[test]
fn refuses_trailing_bytes() {
    let chain = TestChain::new(1);
    let mut raw = chain.signed(0, &call(0)).to_vec();
    raw.push(0);
    refuses(
        &chain.pool(),
        raw.into(),
        "rlp: 1 trailing bytes after the transaction",
    );
}

#[test]
fn refuses_high_s_and_unrecoverable_signatures() {
    let chain = TestChain::new(1);
    let words = "invalid sender: invalid signature";
    let tx = call(0).dynamic();
    let signature = chain.keys[0].sign_hash_sync(&tx.signature_hash()).unwrap();
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .unwrap();
    let high = Signature::new(signature.r(), order - signature.s(), !signature.v());
    for signature in [high, Signature::new(U256::ZERO, U256::ZERO, false)] {
        let envelope = TxEnvelope::from(tx.clone().into_signed(signature));
        refuses(&chain.pool(), envelope.encoded_2718().into(), words);
    }
}

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
fn refuses_used_nonces() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    chain.submit(&pool, 0, &call(0)).unwrap();
    pool.on_committed(&chain.commit(&pool.take(1, common::BASE_FEE)));
    refuses(
        &pool,
        chain.signed(0, &call(0).fees(20 * GWEI, 2 * GWEI)),
        "nonce too low: next nonce 1, tx nonce 0",
    );
    // The mined transaction itself, and a pool that has never seen the sender.
    refuses(
        &chain.pool(),
        chain.signed(0, &call(0)),
        "nonce too low: next nonce 1, tx nonce 0",
    );
    let sender = chain.address(0);
    refuses(
        &pool,
        chain.signed(0, &call(u64::MAX)),
        &format!("nonce has max value: address {sender}, nonce: 18446744073709551615"),
    );
}

#[test]
fn refuses_what_the_balance_does_not_cover() {
    let chain = TestChain::new(1);
    let mut tx = call(0).fees(GWEI, 0);
    tx.value = U256::from(10 * ETHER);
    let cost = 10 * ETHER + 21_000 * GWEI;
    refuses_call(
        &chain,
        &tx,
        &format!(
            "insufficient funds for gas * price + value: \
             balance {}, tx cost {cost}, overshot {}",
            10 * ETHER,
            21_000 * GWEI
        ),
    );
    tx.value = U256::MAX;
    refuses_call(
        &chain,
        &tx,
        "insufficient funds for gas * price + value: cost exceeds 256 bits",
    );
    tx.value = U256::from(10 * ETHER - 21_000 * GWEI);
    chain.submit(&chain.pool(), 0, &tx).unwrap();
}

#[test]
fn refuses_what_the_balance_does_not_cover_with_all_before_it() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let mut tx = call(0).fees(GWEI, GWEI);
    tx.value = U256::from(6 * ETHER);
    chain.submit(&pool, 0, &tx).unwrap();
    tx.nonce = 1;
    let (balance, cost) = (10 * ETHER, 6 * ETHER + 21_000 * GWEI);
    refuses(
        &pool,
        chain.signed(0, &tx),
        &format!(
            "insufficient funds for gas * price + value: balance {balance}, \
             queued cost {cost}, tx cost {cost}, overshot {}",
            2 * cost - balance
        ),
    );
    // A replacement counts with the difference only.
    tx.nonce = 0;
    tx.value = U256::from(9 * ETHER);
    chain
        .submit(&pool, 0, &tx.fees(2 * GWEI, 2 * GWEI))
        .unwrap();
}

#[test]
fn refuses_senders_with_code_but_not_delegations() {
    let chain = TestChain::new(2);
    let account = chain.account(chain.address(0));
    let delegation = [&[0xef, 0x01, 0x00][..], RECIPIENT.as_slice()].concat();
    for (sender, code) in [(0, vec![0x60, 0x00]), (1, delegation)] {
        let code_hash = alloy_primitives::keccak256(&code);
        let with_code = Account {
            code_hash,
            ..account
        };
        let mut block = chain.build(&[], &[(chain.address(sender), with_code)]);
        let mut diff = (*block.diff).clone();
        diff.code.insert(code_hash, code.into());
        block.diff = diff.into();
        chain.put(&block);
    }
    let (pool, sender) = (chain.pool(), chain.address(0));
    refuses(
        &pool,
        chain.signed(0, &call(0)),
        &format!("sender not an eoa: address {sender}"),
    );
    chain.submit(&pool, 1, &call(0)).unwrap();
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

#[test]
fn refuses_the_same_transaction_twice() {
    let chain = TestChain::new(1);
    let pool = chain.pool();
    let raw = chain.signed(0, &call(0));
    pool.submit(raw.clone()).unwrap();
    refuses(&pool, raw.clone(), "already known");
    pool.take(1, common::BASE_FEE);
    refuses(&pool, raw, "already known");
}

#[test]
fn accepts_the_keyless_deployment_price() {
    let chain = TestChain::new(1);
    let tx = call(0).fees(100 * GWEI, 100 * GWEI);
    let hash = chain.pool().submit(sign(&chain.keys[0], tx.legacy(None)));
    assert!(hash.is_ok());
}

#[test]
fn refuses_too_many_transactions_of_one_sender() {
    let chain = TestChain::new(1);
    let pool = chain.pool_with(PoolConfig {
        max_per_sender: 3,
        max_queued_per_sender: 1,
        ..PoolConfig::default()
    });
    chain.submit(&pool, 0, &call(5)).unwrap();
    refuses(
        &pool,
        chain.signed(0, &call(7)),
        "account limit exceeded: pooled 1 txs, limit 1",
    );
    chain.submit(&pool, 0, &call(0)).unwrap();
    chain.submit(&pool, 0, &call(1)).unwrap();
    refuses(
        &pool,
        chain.signed(0, &call(2)),
        "account limit exceeded: pooled 3 txs, limit 3",
    );
}
