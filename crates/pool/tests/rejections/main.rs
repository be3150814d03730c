//! Every refusal, in the words that clients parse.

#[path = "../common/mod.rs"]
mod common;
mod rules;
mod sender;

use alloy_consensus::{SignableTransaction, TxEip4844};
use alloy_eips::{eip2718::Encodable2718, eip7702::Authorization};
use alloy_primitives::{B256, Bytes, Signature, U256};
use alloy_signer::SignerSync;
use aura_pool::Pool;
use aura_primitives::TxEnvelope;
use common::{Call, GWEI, RECIPIENT, TestChain, call, sign};

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
