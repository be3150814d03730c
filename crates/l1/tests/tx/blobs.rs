//! Transactions with blobs, and signers at the other end of a line.

use std::{sync::Arc, time::Duration};

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::{Encodable2718, eip4844::Blob};
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use aura_l1::tx::{
    Answer, L1Rpc, MemoryTxStore, RpcFault, Sidecar, Signer, TxOutcome, TxRequest, TxState, Waiting,
};
use serde_json::Value;

use crate::fixture::{L1, NOWHERE, Running, config, number, outcome, reaches, sent, waits};

async fn sidecar(running: &Running, fills: &[u8]) -> Sidecar {
    let blob = |fill: &u8| {
        let mut blob = Blob::ZERO;
        blob[1..32].fill(*fill);
        blob
    };
    let made = running.manager.sidecar(fills.iter().map(blob).collect());
    made.await.unwrap()
}

#[tokio::test]
async fn blobs_arrive() {
    let l1 = L1::start();
    let running = Running::fresh(&l1).await;
    let blobs = sidecar(&running, &[1, 2]).await;
    let request = TxRequest::call("test", NOWHERE, Bytes::new()).with_blobs(blobs.clone());
    let mut ticket = running.manager.submit(request).unwrap();
    let receipt = outcome(&mut ticket).await.success().cloned().unwrap();
    assert_eq!(receipt.blob_gas_used, Some(2 * 131_072));
    let tx = l1.transaction(receipt.transaction_hash).await;
    let hashes: Vec<_> = blobs.versioned_hashes().collect();
    assert_eq!(tx["blobVersionedHashes"], serde_json::json!(hashes));
    running.kill().await;
}

#[tokio::test]
async fn stuck_blobs_get_twice_the_fees() {
    let l1 = L1::held().await;
    let mut config = config();
    config.resubmit_after = Duration::from_millis(500);
    let running = Running::start(&l1, config, Arc::new(MemoryTxStore::default())).await;
    let blobs = sidecar(&running, &[3]).await;
    let request = TxRequest::call("test", NOWHERE, Bytes::new()).with_blobs(blobs);
    let mut ticket = running.manager.submit(request).unwrap();
    let first = sent(&mut ticket).await;
    let old = l1.transaction(first).await;
    let second = reaches(&mut ticket, "raised", |state| match state {
        TxState::Sent { hash, .. } if *hash != first => Some(*hash),
        _ => None,
    })
    .await;
    let new = l1.transaction(second).await;
    for fee in ["maxFeePerGas", "maxPriorityFeePerGas", "maxFeePerBlobGas"] {
        assert!(number(&new[fee]) >= 2 * number(&old[fee]), "{fee}");
    }
    l1.mine(1).await;
    assert!(outcome(&mut ticket).await.success().is_some());
    running.kill().await;
}

#[tokio::test]
async fn calldata_takes_the_place_of_blobs() {
    let l1 = L1::held().await;
    let running = Running::fresh(&l1).await;
    let blobs = sidecar(&running, &[4]).await;
    let request = TxRequest::call("test", NOWHERE, Bytes::new()).with_blobs(blobs);
    let mut ticket = running.manager.submit(request).unwrap();
    let first = sent(&mut ticket).await;
    let old = l1.transaction(first).await;
    let calldata = TxRequest::call("test", NOWHERE, vec![0xab; 1_000]);
    running
        .manager
        .replace(ticket.id(), calldata)
        .await
        .unwrap();
    let second = reaches(&mut ticket, "replaced", |state| match state {
        TxState::Sent { hash, .. } if *hash != first => Some(*hash),
        _ => None,
    })
    .await;
    let new = l1.transaction(second).await;
    for fee in ["maxFeePerGas", "maxPriorityFeePerGas"] {
        assert!(number(&new[fee]) >= 2 * number(&old[fee]), "{fee}");
    }
    l1.mine(1).await;
    let TxOutcome::Mined { receipt, version } = outcome(&mut ticket).await else {
        panic!("{:?}", ticket.state());
    };
    assert_eq!((receipt.transaction_hash, version), (second, 1));
    running.kill().await;
}

/// A signer at the other end of a line, perhaps a dishonest one.
struct FarSigner {
    key: PrivateKeySigner,
    changes_value: bool,
}

impl L1Rpc for FarSigner {
    fn request(&self, method: &'static str, params: Value) -> Answer<'_, Value> {
        assert_eq!(method, "eth_signTransaction");
        let wanted = &params[0];
        let small = |name: &str| u64::try_from(number(&wanted[name])).unwrap();
        let mut tx = TxEip1559 {
            chain_id: small("chainId"),
            nonce: small("nonce"),
            gas_limit: small("gas"),
            max_fee_per_gas: number(&wanted["maxFeePerGas"]),
            max_priority_fee_per_gas: number(&wanted["maxPriorityFeePerGas"]),
            to: TxKind::Call(serde_json::from_value(wanted["to"].clone()).unwrap()),
            value: serde_json::from_value(wanted["value"].clone()).unwrap(),
            input: serde_json::from_value(wanted["data"].clone()).unwrap(),
            access_list: Default::default(),
        };
        if self.changes_value {
            tx.value += U256::ONE;
        }
        let signature = self.key.sign_hash_sync(&tx.signature_hash());
        Box::pin(async move {
            let signature = signature.map_err(|error| RpcFault::Unavailable(error.to_string()))?;
            let raw: Bytes = tx.into_signed(signature).encoded_2718().into();
            Ok(serde_json::json!(raw))
        })
    }
}

/// Account 0 of the development mnemonic.
fn dev_key() -> PrivateKeySigner {
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_remote_signer_signs() {
    let l1 = L1::start();
    let key = dev_key();
    let address = key.address();
    let far = FarSigner {
        key,
        changes_value: false,
    };
    let signer = Signer::carried(Arc::new(far), address);
    let store = Arc::new(MemoryTxStore::default());
    let running = Running::with(l1.line.clone(), config(), store, signer).await;
    let request = TxRequest::call("test", NOWHERE, Bytes::new()).with_value(U256::from(9));
    let mut ticket = running.manager.submit(request).unwrap();
    assert!(outcome(&mut ticket).await.success().is_some());
    running.kill().await;
}

#[tokio::test]
async fn what_a_remote_signer_changed_is_never_sent() {
    let l1 = L1::start();
    let honest = dev_key();
    let address = honest.address();
    let liars = [
        (honest, true),
        (
            PrivateKeySigner::from_bytes(&[7; 32].into()).unwrap(),
            false,
        ),
    ];
    for (key, changes_value) in liars {
        let far = FarSigner { key, changes_value };
        let signer = Signer::carried(Arc::new(far), address);
        let store = Arc::new(MemoryTxStore::default());
        let running = Running::with(l1.line.clone(), config(), store, signer).await;
        let request = TxRequest::call("test", NOWHERE, Bytes::new());
        let mut ticket = running.manager.submit(request).unwrap();
        waits(&mut ticket, Waiting::Unavailable).await;
        assert_eq!(l1.nonce(address).await, 0);
        running.kill().await;
    }
}
