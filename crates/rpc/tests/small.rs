//! Methods that answer one small thing, and the pool's content.

mod common;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, TxKind, U256};
use common::{LOGGER, Node, account, log, members, sign, template, transfer, words};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn storage_values_come_as_they_were_asked() {
    let node = Node::start().await;
    let contract = node.deploy(0, LOGGER).await;
    let unknown = Address::repeat_byte(0xcd);
    let word = |value: u64| json!(B256::from(U256::from(value)));
    let asked = json!([{contract.to_string(): ["0x0", "0x1"], unknown.to_string(): [word(5)]}]);
    let values = node.call("eth_getStorageValues", asked.clone()).await;
    let lower = |address: Address| format!("{address:#x}");
    assert_eq!(
        values,
        json!({lower(contract): [word(42), word(0)], lower(unknown): [word(0)]})
    );
    let before = json!([asked[0], "earliest"]);
    let values = node.call("eth_getStorageValues", before).await;
    assert_eq!(values[lower(contract)], json!([word(0), word(0)]));
    for wrong in [
        json!([]),
        json!([{}]),
        json!([{contract.to_string(): []}]),
        json!([{"0x12": ["0x0"]}]),
        json!([{contract.to_string(): ["x"]}]),
        json!([{contract.to_string(): vec!["0x0"; 1_025]}]),
        json!([[contract]]),
    ] {
        let (code, message) = node.fail("eth_getStorageValues", wrong).await;
        assert_eq!(code, -32602, "{message}");
    }
    let (code, _) = node
        .fail("eth_getStorageValues", json!([asked[0], "0x63"]))
        .await;
    assert_eq!(code, -32000);
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_the_chain() {
    let node = Node::start().await;
    node.mine().await;
    let config = node.call("eth_config", json!([])).await;
    assert_eq!(members(&config), words("current next last"));
    assert_eq!(
        members(&config["current"]),
        words("activationTime blobSchedule chainId forkId precompiles systemContracts")
    );
    assert_eq!(config["current"]["chainId"], "0x343b");
    assert_eq!(
        members(&config["current"]["blobSchedule"]),
        words("target max baseFeeUpdateFraction")
    );
    assert_eq!(
        (&config["next"], &config["last"]),
        (&Value::Null, &Value::Null)
    );
    let capabilities = node.call("eth_capabilities", json!([])).await;
    assert_eq!(
        members(&capabilities),
        words("head state tx logs receipts blocks stateproofs")
    );
    assert_eq!(capabilities["head"]["number"], "0x1");
    let there = json!({"disabled": false, "oldestBlock": "0x0"});
    assert_eq!(capabilities["logs"], there);
    assert_eq!(capabilities["state"], there);
    assert_eq!(capabilities["stateproofs"], json!({"disabled": true}));
    assert_eq!(node.call("eth_txGasLimitCap", json!([])).await, "0x1000000");
    let vault = node.chain.spec().fee().fee_vault;
    assert_eq!(node.call("eth_coinbase", json!([])).await, json!(vault));
    assert_eq!(
        node.call("eth_pendingTransactions", json!([])).await,
        json!([])
    );
    for method in [
        "eth_sendTransaction",
        "eth_sign",
        "eth_signTransaction",
        "eth_mining",
    ] {
        assert_eq!(node.fail(method, json!([])).await.0, -32601);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_raw_transactions_agree_with_blocks() {
    let node = Node::start().await;
    let tx = transfer(0);
    node.send(&tx).await;
    node.mine().await;
    let block = node
        .call("eth_getBlockByNumber", json!(["0x1", false]))
        .await;
    let header = node.call("eth_getHeaderByNumber", json!(["latest"])).await;
    assert_eq!(
        header,
        node.call("eth_getHeaderByHash", json!([block["hash"]]))
            .await
    );
    for (name, value) in header.as_object().unwrap() {
        assert_eq!(&block[name], value, "{name}");
    }
    let pending = node.call("eth_getHeaderByNumber", json!(["pending"])).await;
    assert_eq!(pending["number"], "0x2");
    assert_eq!(
        node.call("eth_getHeaderByNumber", json!(["0x9"])).await,
        Value::Null
    );
    let raw = json!(tx.encoded());
    for (method, at) in [
        ("eth_getRawTransactionByBlockNumberAndIndex", json!("0x1")),
        (
            "eth_getRawTransactionByBlockHashAndIndex",
            block["hash"].clone(),
        ),
    ] {
        assert_eq!(node.call(method, json!([at, "0x0"])).await, raw);
        assert_eq!(node.call(method, json!([at, "0x1"])).await, "0x");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_told_in_one_answer() {
    let node = Node::start().await;
    let contract = node.deploy(0, LOGGER).await;
    let info = node
        .call("eth_getAccountInfo", json!([contract, "latest"]))
        .await;
    assert_eq!(
        info,
        json!({"balance": "0x0", "nonce": "0x1", "code": format!("0x{LOGGER}")})
    );
    let nobody = json!([Address::repeat_byte(9)]);
    assert_eq!(
        node.call("eth_getAccountInfo", nobody).await,
        json!({"balance": "0x0", "nonce": "0x0", "code": "0x"})
    );
    let (code, message) = node
        .fail("eth_getAccount", json!([contract, "latest"]))
        .await;
    assert_eq!(code, -32000);
    assert!(message.contains("eth_getAccountInfo"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_found_by_sender_and_nonce() {
    let node = Node::start().await;
    let sender = account(0).address();
    for nonce in 0..7 {
        node.send(&transfer(nonce)).await;
        if nonce % 3 == 2 {
            node.mine().await;
            node.mine().await;
        }
    }
    node.send(&transfer(9)).await;
    for nonce in [0, 1, 2, 3, 5, 6, 9] {
        let params = json!([sender, format!("{nonce:#x}")]);
        let found = node
            .call("eth_getTransactionBySenderAndNonce", params)
            .await;
        let want = node
            .call("eth_getTransactionByHash", json!([transfer(nonce).hash()]))
            .await;
        assert!(want.is_object());
        assert_eq!(found, want, "{nonce}");
    }
    for (sender, nonce) in [(sender, 7), (sender, 10), (account(1).address(), 0)] {
        let params = json!([sender, nonce]);
        let found = node
            .call("eth_getTransactionBySenderAndNonce", params)
            .await;
        assert_eq!(found, Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_is_shown_as_geth_shows_it() {
    let node = Node::start().await;
    let sender = account(0).address();
    let empty = json!({"pending": {}, "queued": {}});
    for (method, params) in [
        ("txpool_content", json!([])),
        ("txpool_inspect", json!([])),
        ("txpool_contentFrom", json!([sender])),
    ] {
        assert_eq!(node.call(method, params).await, empty);
    }
    for nonce in [0, 1, 10] {
        node.send(&transfer(nonce)).await;
    }
    let creation = sign(TxEip1559 {
        nonce: 12,
        to: TxKind::Create,
        gas_limit: 100_000,
        input: vec![0].into(),
        ..template()
    });
    node.send(&creation).await;
    assert_eq!(
        node.call("txpool_status", json!([])).await,
        json!({"pending": "0x2", "queued": "0x2"})
    );
    let content = node.call("txpool_content", json!([])).await;
    let key = sender.to_checksum(None);
    let waiting = node
        .call("eth_getTransactionByHash", json!([transfer(10).hash()]))
        .await;
    assert_eq!(content["queued"][&key]["10"], waiting);
    assert_eq!(waiting["blockHash"], Value::Null);
    assert_eq!(members(&content["pending"][&key]), ["0", "1"]);
    let from = node.call("txpool_contentFrom", json!([sender])).await;
    for part in ["pending", "queued"] {
        assert_eq!(from[part], content[part][&key]);
    }
    let lines = node.call("txpool_inspect", json!([])).await;
    let to = Address::repeat_byte(0x77).to_checksum(None);
    assert_eq!(
        lines["pending"][&key]["1"],
        format!("{to}: 1001 wei + 21000 gas × 100000000000 wei")
    );
    assert_eq!(
        lines["queued"][&key]["12"],
        "contract creation: 0 wei + 100000 gas × 100000000000 wei"
    );
    node.mine().await;
    assert_eq!(
        node.call("txpool_status", json!([])).await,
        json!({"pending": "0x0", "queued": "0x2"})
    );
    node.send(&log(2, Address::repeat_byte(1), 1)).await;
}
