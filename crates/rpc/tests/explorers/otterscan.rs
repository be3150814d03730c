//! What Otterscan asks for.

use alloy_consensus::TxEip1559;
use alloy_primitives::{TxKind, U256};
use aura_rpc::RpcConfig;
use serde_json::{Value, json};

use crate::{
    common::{Node, REVERTER, account, members, sign, sign_with, template, transfer, words},
    friend, invoke, scene,
};

/// Creates a contract whose code is one STOP.
const FACTORY: &str = "6001600c60003960016000f3";

#[tokio::test(flavor = "multi_thread")]
async fn otterscan_sees_the_inside_of_transactions() {
    let (node, [sender, creator], [first, second]) = scene().await;
    assert_eq!(node.call("ots_getApiLevel", json!([])).await, 8);
    assert_eq!(
        node.call("ots_hasCode", json!([sender, "latest"])).await,
        true
    );
    assert_eq!(node.call("ots_hasCode", json!([sender, 0])).await, false);
    let operations = node
        .call("ots_getInternalOperations", json!([first.hash()]))
        .await;
    assert_eq!(
        operations,
        json!([{"type":0,"from":sender,"to":friend(),"value":"0x9"}])
    );
    let operations = node
        .call("ots_getInternalOperations", json!([second.hash()]))
        .await;
    assert_eq!(operations[0]["type"], 2);
    let frames = node
        .call("ots_traceTransaction", json!([first.hash()]))
        .await;
    assert_eq!(
        frames[1],
        json!({"type":"CALL","depth":1,"from":sender,"to":friend(),"value":"0x9",
               "input":"0x","output":"0x"})
    );
    let frames = node
        .call("ots_traceTransaction", json!([second.hash()]))
        .await;
    assert_eq!(frames[1]["type"], "CREATE");
    assert_eq!(frames[1]["from"], json!(creator));
    assert_eq!(
        node.call("ots_getTransactionError", json!([first.hash()]))
            .await,
        "0x"
    );
    let reverter = node.deploy(4, REVERTER).await;
    let failing = invoke(5, reverter, 0, &[U256::from(77)]);
    node.send(&failing).await;
    node.mine().await;
    assert_eq!(
        node.call("ots_getTransactionError", json!([failing.hash()]))
            .await,
        format!("{:#066x}", 77)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn otterscan_sees_blocks() {
    let (node, _, [first, second]) = scene().await;
    let details = node.call("ots_getBlockDetails", json!([3])).await;
    assert_eq!(members(&details), words("block issuance totalFees"));
    assert_eq!(details["block"]["transactionCount"], 2);
    assert_eq!(details["block"]["logsBloom"], Value::Null);
    assert!(details["block"].get("transactions").is_none());
    assert_eq!(
        details["issuance"],
        json!({"blockReward":"0x0","uncleReward":"0x0","issuance":"0x0"})
    );
    let mut fees = U256::ZERO;
    for tx in [&first, &second] {
        let receipt = node
            .call("eth_getTransactionReceipt", json!([tx.hash()]))
            .await;
        let number = |name: &str| -> U256 { receipt[name].as_str().unwrap().parse().unwrap() };
        fees += number("gasUsed") * number("effectiveGasPrice");
    }
    assert_eq!(details["totalFees"], format!("{fees:#x}"));
    let hash = &details["block"]["hash"];
    assert_eq!(
        node.call("ots_getBlockDetailsByHash", json!([hash])).await,
        details
    );
    assert_eq!(
        node.call("ots_getBlockDetails", json!([99])).await,
        Value::Null
    );

    let page = node
        .call("ots_getBlockTransactions", json!([3, 0, 1]))
        .await;
    assert_eq!(members(&page), words("fullblock receipts"));
    assert_eq!(page["fullblock"]["transactionCount"], 2);
    let transactions = page["fullblock"]["transactions"].as_array().unwrap();
    assert_eq!(transactions.len(), 1);
    assert_eq!(transactions[0]["hash"], json!(second.hash()));
    assert_eq!(page["receipts"][0]["logs"], Value::Null);
    let next = node
        .call("ots_getBlockTransactions", json!([3, 1, 1]))
        .await;
    assert_eq!(next["fullblock"]["transactions"][0]["input"], "0x00000000");
    assert_eq!(next["receipts"][0]["transactionHash"], json!(first.hash()));
    let header = node.call("ots_getHeaderByNumber", json!([3])).await;
    assert_eq!(header["hash"], *hash);
    assert_eq!(
        node.call("erigon_getHeaderByNumber", json!(["0x3"])).await,
        header
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_an_account_come_page_by_page() {
    let (node, _, [first, _]) = scene().await;
    let other = account(1);
    let mut hashes = vec![first.hash()];
    for nonce in 0..3 {
        let tx = sign_with(
            &other,
            TxEip1559 {
                nonce,
                to: TxKind::Call(friend()),
                value: U256::from(1),
                ..template()
            },
        );
        node.send(&tx).await;
        hashes.push(tx.hash());
        node.mine().await;
    }
    hashes.reverse();
    let search = async |name: &str, block: u64, size: u64| {
        let found = node.call(name, json!([friend(), block, size])).await;
        assert_eq!(members(&found), words("txs receipts firstPage lastPage"));
        let txs = found["txs"].as_array().unwrap().clone();
        for (tx, receipt) in txs.iter().zip(found["receipts"].as_array().unwrap()) {
            assert_eq!(tx["hash"], receipt["transactionHash"]);
            assert_eq!(tx["blockTimestamp"], receipt["timestamp"]);
        }
        let hashes: Vec<Value> = txs.iter().map(|tx| tx["hash"].clone()).collect();
        (
            hashes,
            found["firstPage"] == true,
            found["lastPage"] == true,
        )
    };
    let wanted = |range: std::ops::Range<usize>| -> Vec<Value> {
        hashes[range].iter().map(|hash| json!(hash)).collect()
    };
    let before = "ots_searchTransactionsBefore";
    let after = "ots_searchTransactionsAfter";
    // The transfer in block 3 came from inside of a call.
    assert_eq!(search(before, 0, 10).await, (wanted(0..4), true, true));
    assert_eq!(search(before, 0, 2).await, (wanted(0..2), true, false));
    assert_eq!(search(before, 5, 2).await, (wanted(2..4), false, false));
    assert_eq!(search(before, 3, 2).await, (Vec::new(), false, true));
    assert_eq!(search(after, 0, 2).await, (wanted(2..4), false, true));
    assert_eq!(search(after, 4, 5).await, (wanted(0..2), true, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_finds_nothing_in_its_limits_says_where_to_go_on() {
    let config = RpcConfig {
        max_search_blocks: 2,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    for nonce in 0..4 {
        node.send(&transfer(nonce)).await;
        node.mine().await;
    }
    let params = json!([friend(), 0, 5]);
    let (code, message) = node.fail("ots_searchTransactionsBefore", params).await;
    assert_eq!(code, -32005);
    assert!(message.contains("go on from block 3"), "{message}");
    // What was found by then is a page.
    let params = json!([account(0).address(), 0, 5]);
    let found = node.call("ots_searchTransactionsBefore", params).await;
    assert_eq!(found["txs"].as_array().unwrap().len(), 2);
    assert_eq!(found["lastPage"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_found_by_its_nonce_and_a_contract_by_its_creator() {
    let (node, [sender, creator], [first, _]) = scene().await;
    for nonce in 4..10 {
        node.send(&transfer(nonce)).await;
        node.mine().await;
    }
    let from = account(0).address();
    let by_nonce = "ots_getTransactionBySenderAndNonce";
    assert_eq!(
        node.call(by_nonce, json!([from, 2])).await,
        json!(first.hash())
    );
    assert_eq!(
        node.call(by_nonce, json!([from, 9])).await,
        json!(transfer(9).hash())
    );
    assert_eq!(node.call(by_nonce, json!([from, 10])).await, Value::Null);
    assert_eq!(node.call(by_nonce, json!([friend(), 0])).await, Value::Null);

    let found = node.call("ots_getContractCreator", json!([sender])).await;
    assert_eq!(members(&found), words("hash creator"));
    assert_eq!(found["creator"], json!(from));
    assert_eq!(
        node.call("ots_getContractCreator", json!([from])).await,
        Value::Null
    );
    assert_eq!(
        node.call("ots_getContractCreator", json!([friend()])).await,
        Value::Null
    );
    // A contract that a contract created: the code of its creation is in calldata.
    let nested = node.deploy(10, "365f5f37365f5ff05f5260205ff3").await;
    let tx = sign(TxEip1559 {
        nonce: 11,
        to: TxKind::Call(nested),
        gas_limit: 300_000,
        input: format!("0x{FACTORY}00").parse().unwrap(),
        ..template()
    });
    node.send(&tx).await;
    node.mine().await;
    let created = nested.create(1);
    let found = node.call("ots_getContractCreator", json!([created])).await;
    assert_eq!(found, json!({"hash": tx.hash(), "creator": nested}));
    assert_ne!(created, creator);
}
