//! Steps and tracers of one transaction.

use alloy_primitives::Address;
use serde_json::json;

use crate::{
    COUNTER, REFUNDER,
    common::{LOGGER, Node, account, log, members, words},
    invoke, ops, scene, trace,
};

#[tokio::test(flavor = "multi_thread")]
async fn struct_logs_show_each_step_as_geth_does() {
    let (node, _, [tx, _]) = scene().await;
    let found = trace(&node, &tx, json!({})).await;
    assert_eq!(members(&found), words("failed gas returnValue structLogs"));
    let receipt = node
        .call("eth_getTransactionReceipt", json!([tx.hash()]))
        .await;
    assert_eq!(
        format!("{:#x}", found["gas"].as_u64().unwrap()),
        receipt["gasUsed"].as_str().unwrap()
    );
    assert_eq!(found["failed"], false);
    let returned = found["returnValue"].as_str().unwrap();
    assert_eq!(returned, format!("0x{}", "0".repeat(62) + "2b"));
    assert_eq!(
        ops(&found),
        words_in_order(
            "PUSH0 SLOAD PUSH1 ADD PUSH0 SSTORE PUSH0 SLOAD PUSH0 MSTORE PUSH1 PUSH0 RETURN"
        )
    );
    let logs = found["structLogs"].as_array().unwrap();
    // 300,000 less the 21,000 of the transaction.
    let first = json!({"pc":0,"op":"PUSH0","gas":279_000,"gasCost":2,"depth":1,"stack":[]});
    assert_eq!(logs[0], first);
    let slot = |value: u8| json!({format!("0x{}", "0".repeat(64)): format!("{:#066x}", value)});
    let load = json!({"pc":1,"op":"SLOAD","gas":278_998,"gasCost":2_100,"depth":1,
        "stack":["0x0"],"storage":slot(42)});
    assert_eq!(logs[1], load);
    assert_eq!(logs[5]["storage"], slot(43));
    assert_eq!(logs[5]["stack"], json!(["0x2b", "0x0"]));
    assert_eq!(logs[5]["gasCost"], 2_900);
    assert_eq!(logs[7]["gasCost"], 100);
    assert_eq!(logs[12]["gasCost"], 0);
}

fn words_in_order(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn struct_logs_leave_out_and_add_what_they_are_told_to() {
    let (node, _, [tx, calling]) = scene().await;
    let bare = trace(
        &node,
        &tx,
        json!({"disableStack":true,"disableStorage":true}),
    )
    .await;
    for log in bare["structLogs"].as_array().unwrap() {
        assert_eq!(members(log), words("pc op gas gasCost depth"));
    }
    let full = trace(
        &node,
        &calling,
        json!({"enableMemory":true,"enableReturnData":true,"tracer":""}),
    )
    .await;
    let logs = full["structLogs"].as_array().unwrap();
    let mload = logs.iter().rposition(|log| log["op"] == "MSTORE").unwrap();
    let memory = format!("0x12345678{}", "0".repeat(56));
    assert_eq!(logs[mload]["memory"], json!([memory]));
    assert_eq!(logs[mload]["returnData"], "0x12345678");
    assert!(logs[0].get("memory").is_none());
    assert!(logs[0].get("returnData").is_none());
    let depths: Vec<u64> = logs.iter().map(|l| l["depth"].as_u64().unwrap()).collect();
    assert!(depths.contains(&2));
    assert!(!depths.contains(&3));
    let cut = trace(&node, &tx, json!({"limit":3})).await;
    assert_eq!(ops(&cut), ["PUSH0", "SLOAD", "PUSH1"]);
    assert_eq!(
        cut["returnValue"],
        trace(&node, &tx, json!(null)).await["returnValue"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_and_refunds_show_in_the_steps() {
    let node = Node::start().await;
    let refunder = node.deploy(0, REFUNDER).await;
    // The inner call is one of the same code: it clears nothing and goes on to the bottom.
    let tx = invoke(1, refunder, &[]);
    node.send(&tx).await;
    node.mine().await;
    let found = trace(&node, &tx, json!({})).await;
    let logs = found["structLogs"].as_array().unwrap();
    assert!(logs[0].get("refund").is_none());
    assert_eq!(logs[3]["refund"], 4_800);
    let deepest = logs.iter().max_by_key(|l| l["depth"].as_u64()).unwrap();
    assert!(deepest["depth"].as_u64().unwrap() > 10);
    // The counter is the transaction's, in every frame.
    assert_eq!(deepest["refund"], 4_800);
    let errors: Vec<_> = logs.iter().filter_map(|log| log.get("error")).collect();
    assert!(errors.contains(&&json!("out of gas")), "{errors:?}");
    for (code, error) in [
        ("0xfe", "invalid opcode: INVALID"),
        ("0x0c", "invalid opcode"),
        ("0x01", "stack underflow (0 <=> 2)"),
        ("0x5f56", "invalid jump destination"),
    ] {
        let params = json!([{"to": refunder}, "latest", {"stateOverrides":
            {refunder.to_string(): {"code": code}}}]);
        let found = node.call("debug_traceCall", params).await;
        let logs = found["structLogs"].as_array().unwrap();
        assert_eq!(found["failed"], true);
        assert_eq!(found["returnValue"], "0x");
        assert_eq!(logs.last().unwrap()["error"], error, "{code}");
    }
    let params = json!([{"to": refunder}, "latest", {"stateOverrides":
        {refunder.to_string(): {"code": "0x0c"}}}]);
    let found = node.call("debug_traceCall", params).await;
    assert_eq!(ops(&found), ["opcode 0xc not defined"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_tracer_gives_a_tree_of_calls() {
    let (node, [_, caller, reverter], [_, tx]) = scene().await;
    let found = trace(&node, &tx, json!({"tracer":"callTracer"})).await;
    assert_eq!(
        members(&found),
        words("calls from gas gasUsed input output to type value")
    );
    assert_eq!(found["type"], "CALL");
    assert_eq!(found["gas"], "0x493e0");
    assert_eq!(found["to"], json!(caller));
    assert_eq!(found["value"], "0x7");
    let inner = &found["calls"][0];
    assert_eq!(
        members(inner),
        words("error from gas gasUsed input output to type value")
    );
    assert_eq!(inner["error"], "execution reverted");
    assert_eq!(inner["output"], "0x12345678");
    assert_eq!(inner["to"], json!(reverter));
    let top = json!({"tracer":"callTracer","tracerConfig":{"onlyTopCall":true}});
    assert!(trace(&node, &tx, top).await.get("calls").is_none());

    let logger = node.deploy(5, LOGGER).await;
    let logged = log(6, logger, 9);
    node.send(&logged).await;
    node.mine().await;
    let with_log = json!({"tracer":"callTracer","tracerConfig":{"withLog":true}});
    let found = trace(&node, &logged, with_log).await;
    let log = &found["logs"][0];
    assert_eq!(members(log), words("address topics data position index"));
    assert_eq!(log["address"], json!(logger));
    assert_eq!(log["position"], "0x0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prestate_tracer_gives_what_is_read_or_changed() {
    let (node, [counter, ..], [tx, _]) = scene().await;
    let found = trace(&node, &tx, json!({"tracer":"prestateTracer"})).await;
    let sender = account(0).address();
    let vault = node.chain.spec().fee().fee_vault;
    let entry = |address: Address| &found[address.to_string().to_lowercase()];
    assert_eq!(entry(sender)["nonce"], 3);
    assert_eq!(entry(counter)["code"], format!("0x{COUNTER}"));
    assert_eq!(entry(counter)["balance"], "0x0");
    let slot = format!("0x{}", "0".repeat(64));
    assert_eq!(
        entry(counter)["storage"],
        json!({&slot: format!("{:#066x}", 42)})
    );
    assert!(entry(vault).is_object(), "{found}");
    let slim = json!({"tracer":"prestateTracer",
        "tracerConfig":{"disableCode":true,"disableStorage":true}});
    let found = trace(&node, &tx, slim).await;
    let entry = &found[counter.to_string().to_lowercase()];
    assert_eq!(members(entry), words("balance nonce"));

    let diff = json!({"tracer":"prestateTracer","tracerConfig":{"diffMode":true}});
    let found = trace(&node, &tx, diff).await;
    assert_eq!(members(&found), words("pre post"));
    let key = counter.to_string().to_lowercase();
    assert_eq!(
        found["post"][&key],
        json!({"balance":"0x7","storage":{&slot: format!("{:#066x}", 43)}})
    );
    assert_eq!(found["pre"][&key]["balance"], "0x0");
    let key = sender.to_string().to_lowercase();
    assert_eq!(found["pre"][&key]["nonce"], 3);
    assert_eq!(found["post"][&key]["nonce"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_tracers_have_their_shapes() {
    let (node, [_, caller, _], [_, tx]) = scene().await;
    let four = trace(&node, &tx, json!({"tracer":"4byteTracer"})).await;
    assert_eq!(four, json!({"0x00000000-60": 1, "0x12345678-0": 1}));
    assert_eq!(
        trace(&node, &tx, json!({"tracer":"noopTracer"})).await,
        json!({})
    );

    let flat = trace(&node, &tx, json!({"tracer":"flatCallTracer"})).await;
    let flat = flat.as_array().unwrap();
    assert_eq!(flat.len(), 2);
    assert_eq!(
        members(&flat[0]),
        words(
            "action blockHash blockNumber result subtraces traceAddress transactionHash \
             transactionPosition type"
        )
    );
    assert_eq!(flat[0]["action"]["to"], json!(caller));
    assert_eq!(flat[1]["traceAddress"], json!([0]));
    assert_eq!(flat[1]["error"], "Reverted");

    let both = json!({"tracer":"muxTracer","tracerConfig":
        {"callTracer":null,"4byteTracer":{},"prestateTracer":{"diffMode":true}}});
    let both = trace(&node, &tx, both).await;
    assert_eq!(
        members(&both),
        words("callTracer 4byteTracer prestateTracer")
    );
    assert_eq!(both["4byteTracer"], four);
    assert_eq!(
        both["callTracer"],
        trace(&node, &tx, json!({"tracer":"callTracer"})).await
    );

    let erc7562 = trace(&node, &tx, json!({"tracer":"erc7562Tracer"})).await;
    assert_eq!(erc7562["calls"].as_array().unwrap().len(), 1);
    assert!(erc7562["usedOpcodes"].is_object(), "{erc7562}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_cannot_be_served_are_refused_with_a_reason() {
    let (node, _, [tx, _]) = scene().await;
    for (options, want) in [
        (
            json!({"tracer":"{step:function(){},fault:function(){},result:function(){}}"}),
            "JavaScript tracers are not supported; use callTracer",
        ),
        (
            json!({"tracer":"bigramTracer"}),
            "tracer \"bigramTracer\" is unknown",
        ),
        (
            json!({"tracer":"callTracer","tracerConfig":{"withLog":7}}),
            "invalid tracerConfig of callTracer",
        ),
        (
            json!({"tracer":"muxTracer","tracerConfig":{"muxTracer":{}}}),
            "a mux cannot hold a mux",
        ),
        (json!({"timeout":"soon"}), "invalid timeout \"soon\""),
        (json!([]), "argument 1 (trace config)"),
    ] {
        let params = json!([tx.hash(), options]);
        let (code, message) = node.fail("debug_traceTransaction", params).await;
        assert_eq!(code, -32602, "{options}");
        assert!(message.contains(want), "{options}: {message}");
    }
}
