//! Traces in Parity's forms.

use aura_primitives::RecoveredTx;
use aura_rpc::RpcConfig;
use serde_json::{Value, json};

use crate::{
    SENDER,
    common::{Node, account, members, transfer, words},
    friend, scene,
};

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
