//! Reads of blocks, transactions, receipts and state in the shapes that clients know.

mod common;

use alloy_primitives::{Address, B256};
use common::{LOGGER, Node, account, log, members, transfer, words};
use serde_json::{Value, json};

const BLOCK: &str = "baseFeePerGas blobGasUsed difficulty excessBlobGas extraData gasLimit gasUsed \
    hash logsBloom miner mixHash nonce number parentBeaconBlockRoot parentHash receiptsRoot \
    requestsHash sha3Uncles size stateRoot timestamp transactions transactionsRoot uncles \
    withdrawals withdrawalsRoot";
const TRANSACTION: &str = "accessList blockHash blockNumber blockTimestamp chainId from gas \
    gasPrice hash input maxFeePerGas maxPriorityFeePerGas nonce r s to transactionIndex type v \
    value yParity";
const RECEIPT: &str = "blockHash blockNumber contractAddress cumulativeGasUsed effectiveGasPrice \
    from gasUsed logs logsBloom status to transactionHash transactionIndex type";
const LOG: &str = "address blockHash blockNumber blockTimestamp data logIndex removed topics \
    transactionHash transactionIndex";

#[tokio::test(flavor = "multi_thread")]
async fn chain_facts() {
    let node = Node::start().await;
    for (method, want) in [
        ("eth_chainId", json!("0x343b")),
        ("eth_blockNumber", json!("0x0")),
        ("eth_syncing", json!(false)),
        ("eth_accounts", json!([])),
        ("net_version", json!("13371")),
        ("net_listening", json!(true)),
        ("net_peerCount", json!("0x0")),
        ("web3_clientVersion", json!("aura/test")),
    ] {
        assert_eq!(node.call(method, json!([])).await, want, "{method}");
        let absent = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        assert_eq!(node.post(&absent).await["result"], want, "{method}");
    }
    let sha3 = node.call("web3_sha3", json!(["0x68656c6c6f"])).await;
    let hello = "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8";
    assert_eq!(sha3, json!(hello));
    assert_eq!(node.call("rpc_modules", json!([])).await["eth"], "1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn mined_things_have_exactly_geths_members() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    let tx = log(1, logger, 7);
    node.send(&tx).await;
    node.send(&transfer(2)).await;
    let committed = node.mine().await;
    let (number, hash) = (committed.block.number(), committed.block.hash());

    let full = node.call("eth_getBlockByHash", json!([hash, true])).await;
    assert_eq!(members(&full), words(BLOCK));
    assert_eq!(full["number"], json!(format!("{number:#x}")));
    assert_eq!(full["transactions"].as_array().unwrap().len(), 2);
    assert_eq!(members(&full["transactions"][0]), words(TRANSACTION));
    // Served again from the cache, by number, and with hashes only.
    let again = node
        .call("eth_getBlockByNumber", json!(["latest", true]))
        .await;
    assert_eq!(full, again);
    let hashes = node
        .call("eth_getBlockByNumber", json!(["0x2", false]))
        .await;
    assert_eq!(hashes["transactions"][0], json!(tx.hash()));
    let left_out = node.call("eth_getBlockByNumber", json!(["0x2"])).await;
    assert_eq!(hashes, left_out);

    let found = node
        .call("eth_getTransactionByHash", json!([tx.hash()]))
        .await;
    assert_eq!(found, full["transactions"][0]);
    assert_eq!(found["blockTimestamp"], full["timestamp"]);
    for (method, block) in [
        ("eth_getTransactionByBlockHashAndIndex", json!(hash)),
        ("eth_getTransactionByBlockNumberAndIndex", json!("0x2")),
    ] {
        assert_eq!(node.call(method, json!([block, "0x0"])).await, found);
        assert_eq!(node.call(method, json!([block, "0x2"])).await, Value::Null);
    }
    let raw = node
        .call("eth_getRawTransactionByHash", json!([tx.hash()]))
        .await;
    assert_eq!(raw, json!(tx.encoded()));

    let receipt = node
        .call("eth_getTransactionReceipt", json!([tx.hash()]))
        .await;
    assert_eq!(members(&receipt), words(RECEIPT));
    assert_eq!(members(&receipt["logs"][0]), words(LOG));
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["effectiveGasPrice"], found["gasPrice"]);
    let receipts = node.call("eth_getBlockReceipts", json!(["0x2"])).await;
    assert_eq!(receipts[0], receipt);
    assert_eq!(
        node.call("eth_getBlockReceipts", json!([hash])).await,
        receipts
    );
    let logs = node.call("eth_getLogs", json!([{"blockHash": hash}])).await;
    assert_eq!(logs, json!([receipt["logs"][0]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_hash_to_what_they_say() {
    let node = Node::start().await;
    node.send(&transfer(0)).await;
    node.mine().await;
    for tag in ["0x0", "latest", "pending", "safe", "finalized", "earliest"] {
        let block = node.call("eth_getBlockByNumber", json!([tag, true])).await;
        let parsed: alloy_rpc_types_eth::Block = serde_json::from_value(block).unwrap();
        let header = parsed.header;
        assert_eq!(header.inner.hash_slow(), header.hash, "{tag}");
        assert!(header.inner.requests_hash.is_some(), "{tag}");
    }
    let block = node
        .call("eth_getBlockByNumber", json!(["latest", true]))
        .await;
    let parsed: alloy_rpc_types_eth::Block = serde_json::from_value(block.clone()).unwrap();
    let transactions: Vec<_> = parsed
        .transactions
        .as_transactions()
        .unwrap()
        .iter()
        .map(|tx| tx.inner.inner().clone())
        .collect();
    let consensus = alloy_consensus::Block::new(
        parsed.header.inner.clone(),
        alloy_consensus::BlockBody {
            transactions,
            ommers: Vec::new(),
            withdrawals: parsed.withdrawals.clone(),
        },
    );
    let size = alloy_rlp::Encodable::length(&consensus);
    assert_eq!(block["size"], json!(format!("{size:#x}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_read_at_every_kind_of_block_parameter() {
    let node = Node::start().await;
    let contract = node.deploy(0, LOGGER).await;
    node.send(&transfer(1)).await;
    let block = node.mine().await.block.clone();
    let to = Address::repeat_byte(0x77);
    let balance = |at: Value| node.call("eth_getBalance", json!([to, at]));
    for at in [
        json!("latest"),
        json!("pending"),
        json!("0x2"),
        json!(null),
        json!(block.hash()),
        json!({"blockNumber": "0x2"}),
        json!({"blockHash": block.hash(), "requireCanonical": true}),
    ] {
        assert_eq!(balance(at.clone()).await, "0x3e9", "{at}");
    }
    assert_eq!(node.call("eth_getBalance", json!([to])).await, "0x3e9");
    for at in ["earliest", "0x1", "safe"] {
        assert_eq!(balance(json!(at)).await, "0x0", "{at}");
    }
    let sender = account(0).address();
    for (at, nonce) in [("0x0", "0x0"), ("0x1", "0x1"), ("latest", "0x2")] {
        let count = node
            .call("eth_getTransactionCount", json!([sender, at]))
            .await;
        assert_eq!(count, nonce, "{at}");
    }
    let code = node.call("eth_getCode", json!([contract, "latest"])).await;
    assert_eq!(code, json!(format!("0x{LOGGER}")));
    assert_eq!(
        node.call("eth_getCode", json!([contract, "0x0"])).await,
        "0x"
    );
    for slot in ["0x0", "0x00", &B256::ZERO.to_string()] {
        let word = node
            .call("eth_getStorageAt", json!([contract, slot, "latest"]))
            .await;
        assert_eq!(word, json!(B256::with_last_byte(42)), "{slot}");
    }
    let unknown = json!([to, B256::repeat_byte(9)]);
    let (code, message) = node.fail("eth_getBalance", unknown).await;
    assert_eq!((code, message.as_str()), (-32000, "header not found"));
    let (code, _) = node.fail("eth_getBalance", json!([to, "0x63"])).await;
    assert_eq!(code, -32000);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_things_are_null() {
    let node = Node::start().await;
    let hash = B256::repeat_byte(5);
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x64", false])),
        ("eth_getBlockByHash", json!([hash, true])),
        ("eth_getBlockReceipts", json!(["0x64"])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x64"])),
        ("eth_getBlockTransactionCountByHash", json!([hash])),
        ("eth_getUncleCountByBlockNumber", json!(["0x64"])),
        ("eth_getUncleCountByBlockHash", json!([hash])),
        ("eth_getUncleByBlockNumberAndIndex", json!(["0x0", "0x0"])),
        ("eth_getUncleByBlockHashAndIndex", json!([hash, "0x0"])),
        ("eth_getTransactionByHash", json!([hash])),
        ("eth_getTransactionReceipt", json!([hash])),
        ("aura_stateRoot", json!(["0x64"])),
        ("aura_stateRoot", json!([hash])),
    ] {
        assert_eq!(node.call(method, params).await, Value::Null, "{method}");
    }
    let count = node
        .call("eth_getUncleCountByBlockNumber", json!(["latest"]))
        .await;
    assert_eq!(count, "0x0");
    let status = node.call("aura_transactionStatus", json!([hash])).await;
    assert_eq!(status, json!({"status": "unknown"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_is_the_open_block() {
    let node = Node::start().await;
    let sender = account(0).address();
    let idle = node
        .call("eth_getBlockByNumber", json!(["pending", true]))
        .await;
    assert_eq!(members(&idle), words(BLOCK));
    assert_eq!(idle["number"], "0x1");
    let tx = transfer(0);
    node.send(&tx).await;
    let executor = node.open_block();
    let open = node
        .call("eth_getBlockByNumber", json!(["pending", true]))
        .await;
    assert_eq!(members(&open), words(BLOCK));
    assert_eq!(open["transactions"][0]["hash"], json!(tx.hash()));
    assert_eq!(open["gasUsed"], "0x5208");
    let to = Address::repeat_byte(0x77);
    assert_eq!(
        node.call("eth_getBalance", json!([to, "pending"])).await,
        "0x3e8"
    );
    assert_eq!(
        node.call("eth_getBalance", json!([to, "latest"])).await,
        "0x0"
    );
    let count = node
        .call("eth_getTransactionCount", json!([sender, "pending"]))
        .await;
    assert_eq!(count, "0x1");
    let count = node
        .call("eth_getBlockTransactionCountByNumber", json!(["pending"]))
        .await;
    assert_eq!(count, "0x1");
    let found = node
        .call("eth_getTransactionByHash", json!([tx.hash()]))
        .await;
    assert_eq!(found["blockHash"], Value::Null);
    assert_eq!(members(&found), words(TRANSACTION));
    let status = node
        .call("aura_transactionStatus", json!([tx.hash()]))
        .await;
    assert_eq!(status["status"], "executing");
    node.seal(executor).await;
    let status = node
        .call("aura_transactionStatus", json!([tx.hash()]))
        .await;
    assert_eq!(status["status"], "mined");
    assert_eq!(status["blockNumber"], "0x1");
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_work_on_a_chain_of_one_block_and_agree_with_the_headers() {
    let node = Node::start().await;
    let quantity = |value: Value| {
        u128::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    let next = quantity(node.call("eth_baseFee", json!([])).await);
    let price = quantity(node.call("eth_gasPrice", json!([])).await);
    let tip = quantity(node.call("eth_maxPriorityFeePerGas", json!([])).await);
    assert!(price >= next + next / 5 + tip, "{price} {next} {tip}");
    assert_eq!(node.call("eth_blobBaseFee", json!([])).await, "0x1");
    let history = node
        .call("eth_feeHistory", json!([4, "latest", [25.0, 75.0]]))
        .await;
    assert_eq!(history["oldestBlock"], "0x0");
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 2);
    assert_eq!(history["reward"], json!([["0x0", "0x0"]]));

    for nonce in 0..3 {
        node.send(&transfer(nonce)).await;
        node.mine().await;
    }
    let history = node
        .call("eth_feeHistory", json!(["0x2", "0x3", [0, 50, 100]]))
        .await;
    assert_eq!(history["oldestBlock"], "0x2");
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 2);
    assert_eq!(history["baseFeePerBlobGas"].as_array().unwrap().len(), 3);
    let tip = json!("0x77359400");
    assert_eq!(history["reward"], json!([[tip, tip, tip], [tip, tip, tip]]));
    for (index, number) in ["0x2", "0x3"].into_iter().enumerate() {
        let block = node
            .call("eth_getBlockByNumber", json!([number, false]))
            .await;
        assert_eq!(history["baseFeePerGas"][index], block["baseFeePerGas"]);
    }
    assert_eq!(
        history["baseFeePerGas"][2],
        node.call("eth_baseFee", json!([])).await
    );
    // There is room for everybody: what others paid is no price.
    let tip = node.call("eth_maxPriorityFeePerGas", json!([])).await;
    assert_eq!(tip, "0xf4240");
    let bare = node.call("eth_feeHistory", json!(["2", "latest"])).await;
    assert!(bare.get("reward").is_none());
    for (params, want) in [
        (json!([2, "latest", [50, 20]]), "20 after 50"),
        (json!([2, "latest", [101]]), "101"),
        (json!([2, "0x63", []]), "beyond head"),
        (json!(["x", "latest"]), "block count"),
    ] {
        let (code, message) = node.fail("eth_feeHistory", params).await;
        assert_eq!(code, -32602);
        assert!(message.contains(want), "{message}");
    }
}
