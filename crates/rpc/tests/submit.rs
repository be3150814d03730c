//! Sending transactions.

mod common;

use std::{sync::Arc, time::Duration};

use alloy_consensus::TxEip1559;
use alloy_primitives::TxKind;
use common::{Node, account, sign, template, transfer};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_returned_hash_is_found_at_once() {
    let node = Node::start().await;
    let tx = transfer(0);
    let hash = node.send(&tx).await;
    let found = node.call("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(found["hash"], json!(hash));
    assert_eq!(found["blockNumber"], Value::Null);
    let (code, message) = node
        .fail("eth_sendRawTransaction", json!([tx.encoded()]))
        .await;
    assert_eq!((code, message.as_str()), (-32000, "already known"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_nonces_count_the_gapless_run() {
    let node = Node::start().await;
    let sender = account(0).address();
    for nonce in [0, 1, 3] {
        node.send(&transfer(nonce)).await;
    }
    let count = |at: &'static str| node.call("eth_getTransactionCount", json!([sender, at]));
    assert_eq!(count("pending").await, "0x2");
    assert_eq!(count("latest").await, "0x0");
    let queued = node
        .call("aura_transactionStatus", json!([transfer(3).hash()]))
        .await;
    assert_eq!(queued["status"], "queued");
    node.mine().await;
    assert_eq!(count("latest").await, "0x2");
    node.send(&transfer(2)).await;
    assert_eq!(count("pending").await, "0x4");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_use_geths_words() {
    let node = Node::start().await;
    let refused = |tx: TxEip1559| {
        let tx = sign(tx);
        let node = &node;
        async move {
            let (code, message) = node
                .fail("eth_sendRawTransaction", json!([tx.encoded()]))
                .await;
            assert_eq!(code, -32000, "{message}");
            message
        }
    };
    let to = TxKind::Call(account(1).address());
    let plain = TxEip1559 { to, ..template() };
    let cases = [
        (
            TxEip1559 {
                chain_id: 1,
                ..plain.clone()
            },
            "invalid chain id for signer",
        ),
        (
            TxEip1559 {
                gas_limit: 20_000,
                ..plain.clone()
            },
            "intrinsic gas too low",
        ),
        (
            TxEip1559 {
                max_priority_fee_per_gas: u128::MAX,
                ..plain.clone()
            },
            "max priority fee per gas higher than max fee per gas",
        ),
        (
            TxEip1559 {
                value: alloy_primitives::U256::MAX >> 1,
                ..plain.clone()
            },
            "insufficient funds for gas * price + value",
        ),
    ];
    for (tx, want) in cases {
        let message = refused(tx).await;
        assert!(message.starts_with(want), "{message}");
    }
    node.send(&transfer(0)).await;
    node.mine().await;
    let message = refused(TxEip1559 { nonce: 0, ..plain }).await;
    assert!(message.starts_with("nonce too low"), "{message}");
    for (raw, code) in [("0x02", -32000), ("0x1", -32602), ("02", -32602)] {
        let (have, _) = node.fail("eth_sendRawTransaction", json!([raw])).await;
        assert_eq!(have, code, "{raw}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_waiting_form_answers_the_receipt() {
    let node = Arc::new(Node::start().await);
    let tx = transfer(0);
    let sending = {
        let (node, encoded) = (node.clone(), tx.encoded().clone());
        async move {
            node.call("eth_sendRawTransactionSync", json!([encoded, 5000]))
                .await
        }
    };
    let mining = async {
        while !node.pool.contains(tx.hash()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        node.mine().await
    };
    let (receipt, _) = tokio::join!(sending, mining);
    assert_eq!(receipt["transactionHash"], json!(tx.hash()));
    let again = node
        .call("eth_getTransactionReceipt", json!([tx.hash()]))
        .await;
    assert_eq!(receipt, again);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_waiting_form_says_why_there_is_no_receipt() {
    let node = Node::start().await;
    let tx = transfer(0);
    let params = json!([tx.encoded(), "0x32"]);
    let error = node.respond("eth_sendRawTransactionSync", params).await["error"].clone();
    assert_eq!(error["code"], 4);
    assert_eq!(error["data"], json!(tx.hash()));
    let gapped = transfer(5);
    let params = json!([gapped.encoded()]);
    let error = node.respond("eth_sendRawTransactionSync", params).await["error"].clone();
    assert_eq!((&error["code"], &error["data"]), (&json!(6), &json!("0x1")));
    let (code, _) = node
        .fail("eth_sendRawTransactionSync", json!([tx.encoded(), "soon"]))
        .await;
    assert_eq!(code, -32602);
    let (code, message) = node
        .fail("eth_sendRawTransactionSync", json!([tx.encoded()]))
        .await;
    assert_eq!((code, message.as_str()), (-32000, "already known"));
}

/// "If the timeout is invalid, the handler function MUST use the default" (EIP-7966).
#[tokio::test(flavor = "multi_thread")]
async fn the_waiting_form_takes_the_default_for_a_time_that_it_does_not_accept() {
    let node = Node::with(aura_rpc::RpcConfig {
        sync_timeout_ms: 60,
        max_sync_timeout_ms: 100,
        ..Default::default()
    })
    .await;
    let waits = [
        (json!(0), 60),
        (json!(101), 60),
        (Value::Null, 60),
        (json!(70), 70),
        (json!("0x46"), 70),
    ];
    for (nonce, (timeout, waited)) in (0..).zip(waits) {
        let tx = transfer(nonce);
        let params = json!([tx.encoded(), timeout]);
        let error = node.respond("eth_sendRawTransactionSync", params).await["error"].clone();
        assert_eq!(error["code"], 4);
        let message = error["message"].as_str().unwrap();
        assert!(message.ends_with(&format!("in {waited}ms.")), "{message}");
    }
}
