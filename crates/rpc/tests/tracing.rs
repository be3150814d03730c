//! Traces in geth's forms.

mod common;

use std::time::{Duration, Instant};

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind, U256, hex, keccak256};
use aura_primitives::RecoveredTx;
use aura_rpc::RpcConfig;
use common::{
    LOGGER, LOOP, Node, REVERTER, account, log, members, sign, template, transfer, words,
};
use serde_json::{Value, json};

/// Adds one to slot 0, which is 42 at first, and returns it.
const COUNTER: &str = "5f546001015f555f545f5260205ff3";
/// Calls the address in calldata's first word with the value in the second and the data
/// 0x12345678; returns whether that succeeded.
const CALLER: &str = "631234567860e01b5f525f5f60045f6020355f355af15f5260205ff3";
/// Clears slot 0, which is refunded, and then calls itself in vain.
const REFUNDER: &str = "5f5f555f5f5f5f5f305af100";

/// Calls `to` with words as calldata.
fn invoke(nonce: u64, to: Address, words: &[U256]) -> RecoveredTx {
    let input: Vec<u8> = words.iter().flat_map(U256::to_be_bytes::<32>).collect();
    sign(TxEip1559 {
        nonce,
        to: TxKind::Call(to),
        value: U256::from(7),
        gas_limit: 300_000,
        input: input.into(),
        ..template()
    })
}

fn word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

/// A block with a call of the counter, and one of a caller that calls the reverter.
async fn scene() -> (Node, [Address; 3], [RecoveredTx; 2]) {
    let node = Node::start().await;
    let counter = node.deploy(0, COUNTER).await;
    let caller = node.deploy(1, CALLER).await;
    let reverter = node.deploy(2, REVERTER).await;
    let first = invoke(3, counter, &[]);
    let second = invoke(4, caller, &[word(reverter), U256::from(3)]);
    node.send(&first).await;
    node.send(&second).await;
    node.mine().await;
    (node, [counter, caller, reverter], [first, second])
}

async fn trace(node: &Node, tx: &RecoveredTx, options: Value) -> Value {
    let params = json!([tx.hash(), options]);
    node.call("debug_traceTransaction", params).await
}

fn ops(trace: &Value) -> Vec<&str> {
    let logs = trace["structLogs"].as_array().unwrap();
    logs.iter().map(|log| log["op"].as_str().unwrap()).collect()
}

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

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_traced_is_a_plain_error() {
    let node = Node::start().await;
    node.mine().await;
    let unknown = format!("0x{}1", "0".repeat(63));
    let genesis = node
        .call("eth_getBlockByNumber", json!(["0x0", false]))
        .await["hash"]
        .clone();
    for (method, params, want) in [
        (
            "debug_traceTransaction",
            json!([unknown]),
            "transaction not found",
        ),
        ("debug_traceBlockByHash", json!([unknown]), "not found"),
        (
            "debug_traceBlockByHash",
            json!([genesis]),
            "genesis is not traceable",
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x0"]),
            "genesis is not traceable",
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x63"]),
            "block #99 not found",
        ),
        ("debug_traceBlockByNumber", json!(["pending"]), "pending"),
        ("debug_getRawBlock", json!(["0x63"]), "block #99 not found"),
        (
            "trace_replayTransaction",
            json!([unknown, []]),
            "transaction not found",
        ),
    ] {
        let (code, message) = node.fail(method, params.clone()).await;
        assert_eq!(code, -32000, "{method} {params}");
        assert!(message.contains(want), "{method} {params}: {message}");
    }
    for method in [
        "debug_traceBlockByNumber",
        "debug_getRawBlock",
        "debug_getRawHeader",
    ] {
        let (code, message) = node.fail(method, json!(["3"])).await;
        assert_eq!(code, -32602);
        assert!(message.contains("without 0x prefix") || message.contains("0x prefix"));
    }
    assert_eq!(
        node.call("debug_traceBlockByNumber", json!(["0x1"])).await,
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_traced_in_one_pass_by_number_hash_and_bytes() {
    let (node, _, [first, second]) = scene().await;
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let rlp = node.call("debug_getRawBlock", json!(["latest"])).await;
    for options in [
        json!({}),
        json!({"tracer":"callTracer"}),
        json!({"tracer":"prestateTracer"}),
    ] {
        let by_number = node
            .call("debug_traceBlockByNumber", json!([head["number"], options]))
            .await;
        let entries = by_number.as_array().unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(members(&entries[0]), words("txHash result"));
        for (entry, tx) in entries.iter().zip([&first, &second]) {
            assert_eq!(entry["txHash"], json!(tx.hash()));
            assert_eq!(entry["result"], trace(&node, tx, options.clone()).await);
        }
        let by_hash = node
            .call("debug_traceBlockByHash", json!([head["hash"], options]))
            .await;
        assert_eq!(by_hash, by_number);
        assert_eq!(
            node.call("debug_traceBlock", json!([rlp, options])).await,
            by_number
        );
    }
    let (code, message) = node.fail("debug_traceBlock", json!(["0xc0"])).await;
    assert_eq!(code, -32602);
    assert!(message.contains("rlp"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_blocks_are_traced_on_their_own_state() {
    let (node, [counter, ..], [tx, _]) = scene().await;
    let before = trace(&node, &tx, json!({})).await;
    for nonce in 5..25 {
        node.send(&invoke(nonce, counter, &[])).await;
        node.mine().await;
    }
    assert_eq!(trace(&node, &tx, json!({})).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_traced_in_the_middle_of_a_block_and_with_overrides() {
    let (node, [counter, ..], _) = scene().await;
    for nonce in 5..8 {
        node.send(&invoke(nonce, counter, &[])).await;
    }
    node.mine().await;
    let result = async |options: Value| {
        let params = json!([{"to": counter}, "latest", options]);
        let found = node.call("debug_traceCall", params).await;
        U256::from_be_slice(&hex::decode(found["returnValue"].as_str().unwrap()).unwrap())
    };
    // The counter stood at 43; three more calls follow.
    assert_eq!(result(json!({})).await, U256::from(47));
    assert_eq!(result(json!({"txIndex":"0x0"})).await, U256::from(44));
    assert_eq!(result(json!({"txIndex":"0x2"})).await, U256::from(46));
    let slot = format!("0x{}", "0".repeat(64));
    let state = json!({counter.to_string(): {"stateDiff": {&slot: format!("{:#066x}", 9)}}});
    assert_eq!(
        result(json!({"stateOverrides": state})).await,
        U256::from(10)
    );
    let number = json!({"stateOverrides":{counter.to_string():{"code":"0x435f5260205ff3"}},
        "blockOverrides":{"number":"0x2a"}});
    assert_eq!(result(number).await, U256::from(42));
    let params = json!([{"to": counter}, "latest", {"txIndex": "0x9"}]);
    let (code, message) = node.fail("debug_traceCall", params).await;
    assert_eq!(code, -32000);
    assert!(message.contains("out of range"), "{message}");

    let bundles = json!([
        {"transactions":[{"to":counter},{"to":counter}]},
        {"transactions":[{"to":counter}],"blockOverride":{"number":"0x50"}},
    ]);
    let params = json!([bundles, {"blockNumber":"latest","transactionIndex":1}, {}]);
    let found = node.call("debug_traceCallMany", params).await;
    let values: Vec<Vec<&str>> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|bundle| {
            let traces = bundle.as_array().unwrap().iter();
            let last = |t: &'_ Value| -> usize { t["returnValue"].as_str().unwrap().len() - 2 };
            traces
                .map(|t| &t["returnValue"].as_str().unwrap()[last(t)..])
                .collect()
        })
        .collect();
    // 44 after the first transaction of the block: 45, 46 and 47.
    assert_eq!(values, [vec!["2d", "2e"], vec!["2f"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_code_neither_runs_on_nor_fills_memory() {
    let config = RpcConfig {
        call_gas_cap: u64::MAX,
        trace_timeout_ms: 1_500,
        max_trace_bytes: 1 << 20,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let endless = node.deploy(0, LOOP).await;
    let call = json!({"to": endless});
    let started = Instant::now();
    for (method, params) in [
        ("debug_traceCall", json!([call, "latest", {}])),
        (
            "debug_traceCall",
            json!([call, "latest", {"disableStack": true}]),
        ),
        (
            "debug_traceCall",
            json!([call, "latest", {"tracer": "erc7562Tracer"}]),
        ),
        ("trace_call", json!([call, ["vmTrace"], "latest"])),
    ] {
        let (code, message) = node.fail(method, params.clone()).await;
        assert_eq!(code, -32005, "{params}: {message}");
        assert!(message.contains("trace exceeds"), "{message}");
    }
    assert!(started.elapsed() < Duration::from_secs(10));
    for (options, least) in [
        (json!({"tracer":"callTracer"}), 1_400),
        (json!({"limit":5}), 1_400),
        (json!({"tracer":"prestateTracer","timeout":"200ms"}), 150),
    ] {
        let started = Instant::now();
        let (code, message) = node
            .fail("debug_traceCall", json!([call, "latest", options]))
            .await;
        assert_eq!(code, -32000);
        assert!(message.starts_with("execution aborted"), "{message}");
        assert!(started.elapsed() >= Duration::from_millis(least));
        assert!(started.elapsed() < Duration::from_secs(8));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deepest_calls_are_traced() {
    let config = RpcConfig {
        call_gas_cap: u64::MAX,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    // Calls itself as long as it can.
    let deep = node.deploy(0, "5f5f5f5f5f305af100").await;
    for (method, options, per_call) in [
        (
            "debug_traceCall",
            json!({"tracer":"callTracer"}),
            "\"type\":\"CALL\"",
        ),
        (
            "debug_traceCall",
            json!({"tracer":"flatCallTracer"}),
            "\"type\":\"call\"",
        ),
        ("debug_traceCall", json!({}), "\"op\":\"CALL\""),
        ("trace_call", json!(["vmTrace"]), "\"op\":\"CALL\""),
    ] {
        let params = match method {
            "trace_call" => json!([{"to": deep}, options]),
            _ => json!([{"to": deep}, "latest", options]),
        };
        let body = json!({"jsonrpc":"2.0","id":1,"method":method,"params":params}).to_string();
        // Too deep for the JSON parser of the tests.
        let address = node.server.local_addr();
        let reply = common::request(address, "POST", "/", &[], body.as_bytes()).await;
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        // 1,024 calls in calls; the one below them fails.
        assert!(text.matches(per_call).count() >= 1_025, "{options}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_is_passed_on_again_and_again_is_not_recorded_without_end() {
    let config = RpcConfig {
        max_trace_bytes: 4 << 20,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    // Calls address 0x77 with 256 KiB of memory, for ever.
    let passer = node.deploy(0, "5b5f5f620400005f5f60775af1505f56").await;
    let call = json!({"to": passer, "gas": "0x2faf080"});
    for tracer in ["callTracer", "flatCallTracer"] {
        let params = json!([call, "latest", {"tracer": tracer}]);
        let (code, message) = node.fail("debug_traceCall", params).await;
        assert_eq!(code, -32005, "{tracer}: {message}");
    }
    // What records no calls goes through; the code runs out of gas.
    let params = json!([call, "latest", {"tracer": "prestateTracer"}]);
    assert!(node.call("debug_traceCall", params).await.is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_their_parts_are_served_as_bytes() {
    let (node, _, [tx, _]) = scene().await;
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let bytes = |value: &Value| -> Bytes { value.as_str().unwrap().parse().unwrap() };
    let header = bytes(&node.call("debug_getRawHeader", json!(["latest"])).await);
    assert_eq!(json!(keccak256(&header)), head["hash"]);
    let block = bytes(&node.call("debug_getRawBlock", json!([head["hash"]])).await);
    assert_eq!(
        format!("{:#x}", block.len()),
        head["size"].as_str().unwrap()
    );
    assert!(
        block
            .windows(header.len())
            .any(|window| window == &header[..])
    );
    let raw = node
        .call("debug_getRawTransaction", json!([tx.hash()]))
        .await;
    assert_eq!(bytes(&raw), *tx.encoded());
    let list = node
        .call("debug_getRawTransactions", json!(["latest"]))
        .await;
    assert_eq!(list[0], raw);
    assert_eq!(list.as_array().unwrap().len(), 2);
    let receipts = node.call("debug_getRawReceipts", json!(["latest"])).await;
    assert_eq!(bytes(&receipts[0])[0], 2);
    assert_eq!(receipts.as_array().unwrap().len(), 2);
    let waiting = transfer(5);
    node.send(&waiting).await;
    let raw = node
        .call("debug_getRawTransaction", json!([waiting.hash()]))
        .await;
    assert_eq!(bytes(&raw), *waiting.encoded());
    assert_eq!(
        node.call("debug_getRawTransaction", json!([keccak256("none")]))
            .await,
        "0x"
    );
    assert_eq!(node.call("debug_getBadBlocks", json!([])).await, json!([]));
    let config = node.call("debug_chainConfig", json!([])).await;
    assert_eq!(config["chainId"], common::CHAIN_ID);
    let code = hex::decode(COUNTER).unwrap();
    let found = node
        .call("debug_codeByHash", json!([keccak256(&code)]))
        .await;
    assert_eq!(bytes(&found), code);
    assert_eq!(
        node.call("debug_codeByHash", json!([keccak256("none")]))
            .await,
        Value::Null
    );
}
