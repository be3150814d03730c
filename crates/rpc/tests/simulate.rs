//! `eth_simulateV1` on the development chain.

mod common;

use aura_rpc::RpcConfig;
use common::{LOGGER, LOOP, Node, REVERTER, account, members, words};
use serde_json::{Value, json};

const ALICE: &str = "0xa11ce00000000000000000000000000000000000";
const BOB: &str = "0xb0b0000000000000000000000000000000000000";
const CODE: &str = "0xc0de000000000000000000000000000000000000";
/// Pays its call value on to BOB, then does what its calldata says: nothing if empty, else revert.
const FORWARDER: &str =
    "0x5f5f5f5f3473b0b00000000000000000000000000000000000005af15036602257005b5f5ffd";

async fn simulate(node: &Node, payload: Value) -> Vec<Value> {
    let answer = node
        .call("eth_simulateV1", json!([payload, "latest"]))
        .await;
    answer.as_array().unwrap().clone()
}

/// Code of the refusal of a payload.
async fn refusal(node: &Node, payload: Value) -> i64 {
    node.fail("eth_simulateV1", json!([payload, "latest"]))
        .await
        .0
}

fn calls(calls: Value) -> Value {
    json!({"blockStateCalls": [{"calls": calls}]})
}

/// The same with one override of CODE's code.
fn with_code(code: &str, calls: Value) -> Value {
    let state = json!({CODE: {"code": code}});
    json!({"blockStateCalls": [{"stateOverrides": state, "calls": calls}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_recorded_members() {
    let node = Node::start().await;
    let payload = json!({
        "blockStateCalls": [{"calls": [{"from": ALICE, "to": BOB}]}, {}],
        "returnFullTransactions": true,
    });
    let blocks = simulate(&node, payload).await;
    let block = "baseFeePerGas blobGasUsed calls difficulty excessBlobGas extraData gasLimit gasUsed \
        hash logsBloom miner mixHash nonce number parentBeaconBlockRoot parentHash receiptsRoot \
        requestsHash sha3Uncles size stateRoot timestamp transactions transactionsRoot uncles \
        withdrawals withdrawalsRoot";
    assert_eq!(members(&blocks[0]), words(block));
    let call = &blocks[0]["calls"][0];
    assert_eq!(
        members(call),
        words("gasUsed logs maxUsedGas returnData status")
    );
    let tx = &blocks[0]["transactions"][0];
    let tx_members = "accessList blockHash blockNumber blockTimestamp chainId from gas gasPrice hash \
        input maxFeePerGas maxPriorityFeePerGas nonce r s to transactionIndex type v value yParity";
    assert_eq!(members(tx), words(tx_members));
    assert_eq!(
        (&tx["v"], &tx["r"], &tx["s"]),
        (&json!("0x0"), &json!("0x0"), &json!("0x0"))
    );
    assert_eq!(tx["blockHash"], blocks[0]["hash"]);
    assert_eq!(tx["from"], ALICE);
    // The second block follows the first, and that one the head.
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    assert_eq!(blocks[0]["parentHash"], head["hash"]);
    assert_eq!(blocks[1]["parentHash"], blocks[0]["hash"]);
    assert_eq!(blocks[1]["transactions"], json!([]));
    // No root is computed of a state that the sparse Merkle tree commits to.
    assert_eq!(blocks[0]["stateRoot"], format!("{:#066x}", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_is_what_its_hash_says() {
    let node = Node::start().await;
    let payload = json!({"blockStateCalls": [{
        "blockOverrides": {
            "number": "0x2", "time": "0x77777777", "gasLimit": "0x1c9c380",
            "feeRecipient": BOB, "baseFeePerGas": "0x7",
            "prevRandao": "0x0000000000000000000000000000000000000000000000000000000000001234",
            "withdrawals": [{"index": "0x0", "validatorIndex": "0x1", "address": ALICE, "amount": "0x2"}],
        },
        "calls": [{"from": ALICE, "to": BOB}],
    }]});
    for block in simulate(&node, payload).await {
        let header: alloy_consensus::Header = serde_json::from_value(block.clone()).unwrap();
        assert_eq!(json!(header.hash_slow()), block["hash"]);
        if header.number == 2 {
            assert_eq!(header.timestamp, 0x7777_7777);
            assert_eq!(header.base_fee_per_gas, Some(7));
            assert_eq!(json!(header.beneficiary), BOB);
            assert_eq!(block["withdrawals"][0]["amount"], "0x2");
            // That of the bridge, as in every block of a bridged chain.
            let root = aura_primitives::bridge::empty_withdrawal_root();
            assert_eq!(header.withdrawals_root, Some(root));
        } else {
            assert_eq!(header.number, 1, "the gap is filled");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_runs_and_its_contract_is_there_afterwards() {
    let node = Node::start().await;
    // Deploys code that returns 42.
    let init = "0x69602a5f5260205ff35f5f5f52600a6016f3";
    let created = alloy_primitives::Address::repeat_byte(9).create(0);
    let payload = json!({"blockStateCalls": [
        {"calls": [{"from": "0x0909090909090909090909090909090909090909", "input": init}]},
        {"calls": [{"to": created}]},
    ]});
    let blocks = simulate(&node, payload).await;
    assert_eq!(
        blocks[0]["calls"][0]["status"], "0x1",
        "{}",
        blocks[0]["calls"]
    );
    let returned = blocks[1]["calls"][0]["returnData"].as_str().unwrap();
    assert!(returned.ends_with("2a"), "{returned}");
    assert_eq!(
        node.call("eth_getCode", json!([created, "latest"])).await,
        "0x"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn gas_and_logs_are_those_of_the_mined_transaction() {
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    let from = account(0).address();
    let input = format!("0x{}{:064x}", "07".repeat(32), 7);
    let call = json!([{"from": from, "to": logger, "input": input, "gas": "0xea60",
        "maxFeePerGas": "0x174876e800", "maxPriorityFeePerGas": "0x77359400"}]);
    let payload = json!({"blockStateCalls": [{"calls": call}], "validation": true});
    let simulated = simulate(&node, payload).await.remove(0);
    let hash = node.send(&common::log(1, logger, 7)).await;
    let mined = node.mine().await;
    let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
    let call = &simulated["calls"][0];
    assert_eq!(call["gasUsed"], receipt["gasUsed"]);
    for member in [
        "address",
        "topics",
        "data",
        "logIndex",
        "transactionIndex",
        "removed",
    ] {
        assert_eq!(
            call["logs"][0][member], receipt["logs"][0][member],
            "{member}"
        );
    }
    assert_eq!(call["logs"][0]["blockHash"], simulated["hash"]);
    assert_eq!(simulated["logsBloom"], receipt["logsBloom"]);
    let base_fee = mined.block.header.base_fee_per_gas.unwrap();
    assert_eq!(simulated["baseFeePerGas"], format!("{base_fee:#x}"));
    let receipts_root = mined.block.header.receipts_root;
    assert_eq!(simulated["receiptsRoot"], json!(receipts_root));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_call_has_an_error_of_its_own() {
    let node = Node::start().await;
    let revert = simulate(
        &node,
        with_code(
            &format!("0x{REVERTER}"),
            json!([{"to": CODE}, {"to": CODE, "input": "0x12345678"}]),
        ),
    )
    .await;
    let calls_of = |blocks: &[Value]| blocks[0]["calls"].clone();
    let empty = json!({"code": 3, "message": "execution reverted", "data": "0x"});
    assert_eq!(calls_of(&revert)[0]["error"], empty);
    assert_eq!(calls_of(&revert)[0]["status"], "0x0");
    let data = json!({"code": 3, "message": "execution reverted", "data": "0x12345678"});
    assert_eq!(calls_of(&revert)[1]["error"], data);
    assert_eq!(calls_of(&revert)[1]["returnData"], "0x");
    let halt = simulate(
        &node,
        with_code("0xfe", json!([{"to": CODE, "gas": "0x7530"}])),
    )
    .await;
    let want = json!({"code": -32015, "message": "invalid opcode: INVALID"});
    assert_eq!(calls_of(&halt)[0]["error"], want);
    assert_eq!(calls_of(&halt)[0]["gasUsed"], "0x7530");
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_are_logs_where_they_happened() {
    let node = Node::start().await;
    let call = |input: &str| json!({"from": ALICE, "to": CODE, "value": "0x5", "input": input});
    let payload = json!({
        "blockStateCalls": [{
            "stateOverrides": {ALICE: {"balance": "0xff"}, CODE: {"code": FORWARDER}},
            "calls": [call("0x"), call("0x01"), call("0x")],
        }],
        "traceTransfers": true,
    });
    let mut payload_without = payload.clone();
    let blocks = simulate(&node, payload).await;
    let logs = |index: usize| {
        blocks[0]["calls"][index]["logs"]
            .as_array()
            .unwrap()
            .clone()
    };
    let word = |address: &str| format!("0x{}{}", "0".repeat(24), &address[2..]);
    let first = logs(0);
    assert_eq!(first.len(), 2);
    assert_eq!(
        first[0]["address"],
        "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
    );
    assert_eq!(first[0]["topics"][1], word(ALICE));
    assert_eq!(first[0]["topics"][2], word(CODE));
    assert_eq!(first[1]["topics"][1], word(CODE));
    assert_eq!(first[1]["topics"][2], word(BOB));
    assert_eq!(first[1]["data"], format!("{:#066x}", 5));
    assert_eq!(logs(1), [] as [Value; 0], "reverted");
    // Numbers count what was written, kept or not.
    assert_eq!(logs(2)[0]["logIndex"], "0x4");
    // Such logs are no part of the block.
    payload_without["traceTransfers"] = false.into();
    let without = simulate(&node, payload_without).await;
    assert_eq!(without[0]["hash"], blocks[0]["hash"]);
    assert_eq!(without[0]["calls"][0]["logs"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_see_the_simulated_block() {
    let node = Node::start().await;
    // NUMBER, TIMESTAMP, COINBASE, BASEFEE, GASLIMIT, PREVRANDAO, BLOBBASEFEE, and the hash of the
    // block before.
    let code = "0x435f524260205241604052486060524560805244\
        60a0524a60c05260014303 4060e0526101005ff3"
        .replace(' ', "");
    let state = json!({CODE: {"code": code}});
    let payload = json!({"blockStateCalls": [
        {"blockOverrides": {"number": "0x3"}, "stateOverrides": state},
        {"blockOverrides": {
            "time": "0x70000000", "feeRecipient": BOB, "baseFeePerGas": "0x9", "gasLimit": "0x989680",
            "blobBaseFee": "0xb",
            "prevRandao": "0x00000000000000000000000000000000000000000000000000000000000000cc",
        }, "calls": [{"to": CODE}]},
    ]});
    let blocks = simulate(&node, payload).await;
    assert_eq!(blocks.len(), 4);
    let last = &blocks[3];
    let returned = last["calls"][0]["returnData"].as_str().unwrap();
    let words: Vec<_> = (0..8).map(|i| &returned[2 + 64 * i..66 + 64 * i]).collect();
    let number = |word: &str| u64::from_str_radix(word.trim_start_matches('0'), 16).unwrap();
    assert_eq!(number(words[0]), 4);
    assert_eq!(number(words[1]), 0x7000_0000);
    assert!(words[2].ends_with(&BOB[2..]));
    assert_eq!(number(words[3]), 9);
    assert_eq!(number(words[4]), 10_000_000);
    assert_eq!(number(words[5]), 0xcc);
    assert_eq!(number(words[6]), 0xb);
    assert_eq!(format!("0x{}", words[7]), blocks[2]["hash"]);
    // Base fee and randomness are of one block, gas limit and fee recipient stay.
    let payload = json!({"blockStateCalls": [
        {"blockOverrides": {"feeRecipient": BOB, "baseFeePerGas": "0x9", "gasLimit": "0x989680"}}, {},
    ]});
    let next = simulate(&node, payload).await.remove(1);
    assert_eq!(next["baseFeePerGas"], "0x0");
    assert_eq!(next["gasLimit"], "0x989680");
    assert_eq!(next["miner"], BOB);
}

#[tokio::test(flavor = "multi_thread")]
async fn state_carries_over_and_can_be_replaced() {
    let node = Node::start().await;
    let contract = node.deploy(0, "5f545f5260205ff3").await;
    let to = contract.to_string();
    let slot = |n: u64| format!("{n:#066x}");
    let payload = json!({"blockStateCalls": [
        {"calls": [{"to": to}]},
        {"stateOverrides": {&to: {"stateDiff": {slot(0): slot(7)}}}, "calls": [{"to": to}]},
        {"calls": [{"to": to}]},
        {"stateOverrides": {&to: {"state": {slot(1): slot(1)}}}, "calls": [{"to": to}]},
    ]});
    let blocks = simulate(&node, payload).await;
    let read = |index: usize| blocks[index]["calls"][0]["returnData"].clone();
    assert_eq!(
        [read(0), read(1), read(2), read(3)],
        [42, 7, 7, 0].map(|n| json!(slot(n)))
    );
    let both = json!({&to: {"state": {}, "stateDiff": {}}});
    let both = json!({"blockStateCalls": [{"stateOverrides": both}]});
    assert_eq!(refusal(&node, both).await, -32000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_precompile_moves_for_one_block() {
    let node = Node::start().await;
    let identity = "0x0000000000000000000000000000000000000004";
    let elsewhere = "0x0000000000000000000000000000000000123456";
    let both = json!([{"to": identity, "input": "0x1234"}, {"to": elsewhere, "input": "0x1234"}]);
    let moved = json!({identity: {"movePrecompileToAddress": elsewhere}});
    let payload = json!({"blockStateCalls": [
        {"stateOverrides": moved, "calls": both}, {"calls": both},
    ]});
    let blocks = simulate(&node, payload).await;
    let read = |block: usize, call: usize| blocks[block]["calls"][call]["returnData"].clone();
    assert_eq!((read(0, 0), read(0, 1)), (json!("0x"), json!("0x1234")));
    assert_eq!((read(1, 0), read(1, 1)), (json!("0x1234"), json!("0x")));
    let sha = "0x0000000000000000000000000000000000000002";
    for (overrides, code) in [
        (json!({ALICE: {"movePrecompileToAddress": BOB}}), -32000),
        (
            json!({identity: {"movePrecompileToAddress": identity}}),
            -38022,
        ),
        (
            json!({identity: {"movePrecompileToAddress": BOB}, sha: {"movePrecompileToAddress": BOB}}),
            -38023,
        ),
        (
            json!({identity: {"movePrecompileToAddress": BOB}, BOB: {"nonce": "0x1"}}),
            -32000,
        ),
    ] {
        let payload = json!({"blockStateCalls": [{"stateOverrides": overrides}]});
        assert_eq!(refusal(&node, payload.clone()).await, code, "{payload}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_block_cannot_hold_is_refused_by_its_code() {
    let node = Node::start().await;
    let from = account(0).address();
    let strict = |call: Value| json!({"blockStateCalls": [{"calls": [call]}], "validation": true});
    let fee = "0x174876e800";
    let overridden = |fields: Value, call: Value| json!({"blockStateCalls": [{"blockOverrides": fields, "calls": [call]}]});
    let deploy = format!("0x{}", "00".repeat(49_153));
    for (payload, code) in [
        (
            strict(json!({"from": from, "to": BOB, "nonce": "0x1", "maxFeePerGas": fee})),
            -38011,
        ),
        (strict(json!({"from": from, "to": BOB})), -38012),
        (
            strict(json!({"from": ALICE, "to": BOB, "maxFeePerGas": fee})),
            -38014,
        ),
        (
            calls(json!([{"from": ALICE, "to": BOB, "value": "0x1"}])),
            -38014,
        ),
        (calls(json!([{"to": BOB, "gas": "0x5207"}])), -38013),
        (calls(json!([{"input": deploy}])), -38025),
        (
            calls(json!([{"maxPriorityFeePerGas": "0x1", "to": BOB}])),
            -32602,
        ),
        (
            overridden(
                json!({"gasLimit": "0x5208"}),
                json!({"to": BOB, "gas": "0x5209"}),
            ),
            -38015,
        ),
        (
            overridden(
                json!({"baseFeePerGas": "0x9"}),
                json!({"to": BOB, "maxFeePerGas": "0x8"}),
            ),
            -38012,
        ),
        (
            overridden(json!({"number": "0x0"}), json!({"to": BOB})),
            -38020,
        ),
        (
            overridden(json!({"time": "0x0"}), json!({"to": BOB})),
            -38021,
        ),
        (
            overridden(json!({"number": "0x101"}), json!({"to": BOB})),
            -38026,
        ),
        (json!({"blockStateCalls": []}), -32602),
        (calls(json!([{"to": "0x12"}])), -32602),
        (
            calls(json!([{"to": BOB, "gasPrice": "0x1", "maxFeePerGas": "0x1"}])),
            -32000,
        ),
    ] {
        assert_eq!(refusal(&node, payload.clone()).await, code, "{payload}");
    }
    let used = json!({"blockStateCalls": [
        {"stateOverrides": {from.to_string(): {"nonce": "0x5"}},
         "calls": [{"from": from, "to": BOB, "nonce": "0x4", "maxFeePerGas": fee}]},
    ], "validation": true});
    assert_eq!(refusal(&node, used).await, -38010);
    let unknown = node
        .fail("eth_simulateV1", json!([{"blockStateCalls": [{}]}, "0xff"]))
        .await;
    assert_eq!(unknown, (-32000, "header not found".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_nonce_starts_again_without_validation() {
    let node = Node::start().await;
    let call = json!({"from": ALICE, "to": BOB});
    let mut payload = json!({"blockStateCalls": [{
        "stateOverrides": {ALICE: {"nonce": "0xffffffffffffffff"}},
        "calls": [call, call],
    }], "returnFullTransactions": true});
    let block = simulate(&node, payload.clone()).await.remove(0);
    let nonce = |index: usize| block["transactions"][index]["nonce"].clone();
    assert_eq!(
        (nonce(0), nonce(1)),
        (json!("0xffffffffffffffff"), json!("0x0"))
    );
    payload["validation"] = true.into();
    assert_eq!(refusal(&node, payload).await, -32603);
}

#[tokio::test(flavor = "multi_thread")]
async fn gas_and_time_of_a_simulation_are_limited() {
    let node = Node::with(RpcConfig {
        call_gas_cap: 3_000_000,
        simulate_timeout_ms: 200,
        ..RpcConfig::default()
    })
    .await;
    let code = format!("0x{LOOP}");
    // All calls share the cap: the first takes what it asks for, the second the rest.
    let payload = with_code(
        &code,
        json!([{"to": CODE, "gas": "0x1e8480"}, {"to": CODE}]),
    );
    let block = simulate(&node, payload).await.remove(0);
    assert_eq!(block["gasUsed"], format!("{:#x}", 3_000_000));
    let third = with_code(&code, json!([{"to": CODE}, {"to": BOB}]));
    assert_eq!(refusal(&node, third).await, -38026);
    let node = Node::with(RpcConfig {
        call_gas_cap: u64::MAX / 2,
        simulate_timeout_ms: 200,
        ..RpcConfig::default()
    })
    .await;
    let endless = json!({"blockStateCalls": [{
        "blockOverrides": {"gasLimit": "0xffffffffffff"},
        "stateOverrides": {CODE: {"code": code}}, "calls": [{"to": CODE}],
    }]});
    assert_eq!(refusal(&node, endless).await, -32016);
}
