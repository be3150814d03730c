//! What an answer is made of.

use serde_json::{Value, json};

use crate::{
    ALICE, BOB, CODE, FORWARDER,
    common::{LOGGER, Node, REVERTER, account, log, members, words},
    simulate, with_code,
};

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
    let hash = node.send(&log(1, logger, 7)).await;
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
