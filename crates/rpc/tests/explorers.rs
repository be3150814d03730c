//! Traces in Parity's forms, and what Otterscan asks for.

mod common;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind, U256};
use aura_primitives::RecoveredTx;
use aura_rpc::RpcConfig;
use common::{Node, REVERTER, account, members, sign, sign_with, template, transfer, words};
use serde_json::{Value, json};

/// Sends its calldata's second word as value to the address in the first; returns the success.
const SENDER: &str = "5f5f5f5f6020355f355af15f5260205ff3";
/// Creates an empty contract and returns its address.
const CREATOR: &str = "5f5f5ff05f5260205ff3";
/// Creates a contract whose code is one STOP.
const FACTORY: &str = "6001600c60003960016000f3";

fn invoke(nonce: u64, to: Address, value: u64, words: &[U256]) -> RecoveredTx {
    let input: Vec<u8> = words.iter().flat_map(U256::to_be_bytes::<32>).collect();
    sign(TxEip1559 {
        nonce,
        to: TxKind::Call(to),
        value: U256::from(value),
        gas_limit: 300_000,
        input: input.into(),
        ..template()
    })
}

fn word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

fn friend() -> Address {
    Address::repeat_byte(0x99)
}

/// Block 3 has a transfer through a contract and a creation inside of a call.
async fn scene() -> (Node, [Address; 2], [RecoveredTx; 2]) {
    let node = Node::start().await;
    let sender = node.deploy(0, SENDER).await;
    let creator = node.deploy(1, CREATOR).await;
    let first = invoke(2, sender, 9, &[word(friend()), U256::from(9)]);
    let second = invoke(3, creator, 0, &[]);
    node.send(&first).await;
    node.send(&second).await;
    node.mine().await;
    (node, [sender, creator], [first, second])
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_blocks_and_transactions_are_listed_in_paritys_form() {
    let (node, [sender, creator], [first, second]) = scene().await;
    let block = node.call("trace_block", json!(["0x3"])).await;
    let block = block.as_array().unwrap();
    assert_eq!(block.len(), 4);
    for trace in block {
        assert_eq!(
            members(trace),
            words(
                "action blockHash blockNumber result subtraces traceAddress transactionHash \
                 transactionPosition type"
            )
        );
        assert_eq!(trace["blockNumber"], 3);
    }
    assert_eq!(
        members(&block[0]["action"]),
        words("callType from gas input to value")
    );
    assert_eq!(block[0]["action"]["to"], json!(sender));
    assert_eq!(members(&block[0]["result"]), words("gasUsed output"));
    assert_eq!(block[1]["action"]["to"], json!(friend()));
    assert_eq!(block[1]["action"]["value"], "0x9");
    assert_eq!(block[1]["traceAddress"], json!([0]));
    assert_eq!(block[3]["type"], "create");
    assert_eq!(block[3]["action"]["from"], json!(creator));
    assert_eq!(members(&block[3]["result"]), words("address code gasUsed"));
    assert_eq!(block[3]["transactionPosition"], 1);

    let one = node.call("trace_transaction", json!([second.hash()])).await;
    assert_eq!(one.as_array().unwrap()[..], block[2..]);
    let inner = node.call("trace_get", json!([first.hash(), ["0x0"]])).await;
    assert_eq!(inner, block[1]);
    let root = node.call("trace_get", json!([first.hash(), []])).await;
    assert_eq!(root, block[0]);
    let none = node
        .call("trace_get", json!([first.hash(), ["0x0", "0x5"]]))
        .await;
    assert_eq!(none, Value::Null);
    assert_eq!(node.call("trace_block", json!(["0x0"])).await, json!([]));
    assert_eq!(node.call("trace_block", json!(["0x99"])).await, Value::Null);
    let unknown = format!("0x{}", "12".repeat(32));
    assert_eq!(
        node.call("trace_transaction", json!([unknown])).await,
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn replays_hold_the_types_that_are_wanted() {
    let (node, [sender, _], [first, _]) = scene().await;
    let all = json!(["trace", "vmTrace", "stateDiff"]);
    let found = node
        .call("trace_replayTransaction", json!([first.hash(), all]))
        .await;
    assert_eq!(members(&found), words("output stateDiff trace vmTrace"));
    assert_eq!(found["trace"].as_array().unwrap().len(), 2);
    let key = friend().to_string().to_lowercase();
    assert_eq!(found["stateDiff"][&key]["balance"], json!({"+":"0x9"}));
    let key = account(0).address().to_string().to_lowercase();
    assert_eq!(
        found["stateDiff"][&key]["nonce"],
        json!({"*":{"from":"0x2","to":"0x3"}})
    );
    let vm = &found["vmTrace"];
    assert_eq!(vm["code"], format!("0x{SENDER}"));
    let first_op = &vm["ops"][0];
    assert_eq!(members(first_op), words("cost ex op pc sub"));
    assert_eq!(first_op["ex"]["push"], json!(["0x0"]));

    let block = node
        .call("trace_replayBlockTransactions", json!(["0x3", ["trace"]]))
        .await;
    let block = block.as_array().unwrap();
    assert_eq!(block.len(), 2);
    assert_eq!(
        members(&block[0]),
        words("output stateDiff trace transactionHash vmTrace")
    );
    assert_eq!(block[0]["trace"], found["trace"]);
    assert_eq!(block[0]["vmTrace"], Value::Null);
    assert_eq!(block[0]["transactionHash"], json!(first.hash()));

    // The same call on the same state gives the same calls.
    let call = json!({"from": account(0).address(), "to": sender, "value": "0x9",
        "gas": "0x493e0", "data": first.envelope_input()});
    let again = node
        .call("trace_call", json!([call, ["trace"], "0x2"]))
        .await;
    assert_eq!(again["trace"], found["trace"]);
    let (code, message) = node.fail("trace_call", json!([call, ["opcodes"]])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("argument 1 (trace types)"), "{message}");
}

trait Input {
    fn envelope_input(&self) -> Value;
}

impl Input for RecoveredTx {
    fn envelope_input(&self) -> Value {
        use alloy_consensus::Transaction;
        json!(self.envelope().input())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_list_see_what_those_before_them_did() {
    let (node, [_, creator], _) = scene().await;
    let call = json!([{"to": creator}, ["trace"]]);
    let found = node
        .call("trace_callMany", json!([[call, call], "latest"]))
        .await;
    let address = |index: usize| found[index]["trace"][1]["result"]["address"].clone();
    assert!(address(0).is_string());
    assert_ne!(address(0), address(1));
    let (code, _) = node.fail("trace_callMany", json!([[[1]], "latest"])).await;
    assert_eq!(code, -32602);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_transaction_is_traced_as_if_it_were_next() {
    let (node, _, _) = scene().await;
    let tx = transfer(4);
    let params = json!([tx.encoded(), ["trace", "stateDiff"]]);
    let found = node.call("trace_rawTransaction", params).await;
    assert_eq!(found["trace"][0]["action"]["value"], "0x3ec");
    let gap = json!([transfer(7).encoded(), ["trace"]]);
    let (code, message) = node.fail("trace_rawTransaction", gap).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("nonce too high"), "{message}");
    let (code, _) = node
        .fail("trace_rawTransaction", json!(["0x00", ["trace"]]))
        .await;
    assert_eq!(code, -32602);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_finds_calls_by_address_and_pages_through_them() {
    let (node, [sender, creator], _) = scene().await;
    let find = async |filter: Value| {
        let found = node.call("trace_filter", json!([filter])).await;
        found.as_array().unwrap().clone()
    };
    assert_eq!(find(json!({})).await.len(), 6);
    let inner = find(json!({"fromAddress": [sender]})).await;
    assert_eq!(inner.len(), 1);
    assert_eq!(inner[0]["action"]["to"], json!(friend()));
    assert_eq!(find(json!({"toAddress": friend()})).await, inner);
    let created = find(json!({"fromAddress":[creator],"fromBlock":"0x3"})).await;
    assert_eq!(created[0]["type"], "create");
    let neither = json!({"fromAddress":[sender],"toAddress":[creator]});
    assert!(find(neither).await.is_empty());
    let either = json!({"fromAddress":[sender],"toAddress":[creator],"mode":"union"});
    let either = find(either).await;
    assert_eq!(either.len(), 3);
    let page = json!({"fromAddress":[sender],"toAddress":[creator],"mode":"union",
        "after":1,"count":1});
    assert_eq!(find(page).await, either[1..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_over_too_many_blocks_names_a_range_that_works() {
    let config = RpcConfig {
        max_trace_blocks: 2,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    for nonce in 0..4 {
        node.send(&transfer(nonce)).await;
        node.mine().await;
    }
    let filter = json!([{"fromBlock":"0x1","toBlock":"0x4"}]);
    let error = node.respond("trace_filter", filter).await["error"].clone();
    assert_eq!(error["code"], -32005);
    assert_eq!(error["data"], json!({"from":"0x1","to":"0x2"}));
    let smaller = json!([{"fromBlock":"0x1","toBlock":"0x2"}]);
    let found = node.call("trace_filter", smaller).await;
    assert_eq!(found.as_array().unwrap().len(), 2);
    let (code, _) = node
        .fail("trace_filter", json!([{"fromBlock":"0x3","toBlock":"0x2"}]))
        .await;
    assert_eq!(code, -32602);
}

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
