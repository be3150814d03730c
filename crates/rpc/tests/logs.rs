//! `eth_getLogs`: filters, ranges and limits.

mod common;

use alloy_primitives::{Address, B256};
use aura_rpc::RpcConfig;
use common::{LOGGER, Node, log};
use serde_json::{Value, json};

/// Two logs a block in blocks 2 to 5: topic = block number, and 9.
async fn node_with_logs(config: RpcConfig) -> (Node, Address) {
    let node = Node::with(config).await;
    let logger = node.deploy(0, LOGGER).await;
    for block in 2..=5u8 {
        let nonce = 2 * u64::from(block) - 3;
        node.send(&log(nonce, logger, block)).await;
        node.send(&log(nonce + 1, logger, 9)).await;
        node.mine().await;
    }
    (node, logger)
}

fn numbers(logs: &Value) -> Vec<&str> {
    let logs = logs.as_array().unwrap();
    logs.iter()
        .map(|log| log["blockNumber"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_find_what_they_name() {
    let (node, logger) = node_with_logs(RpcConfig::default()).await;
    let topic = B256::repeat_byte;
    let all = ["0x2", "0x2", "0x3", "0x3", "0x4", "0x4", "0x5", "0x5"];
    for (filter, want) in [
        (json!({"fromBlock": "earliest"}), &all[..]),
        (
            json!({"fromBlock": "earliest", "toBlock": "latest", "address": null}),
            &all,
        ),
        (
            json!({"fromBlock": "0x0", "address": [logger], "topics": []}),
            &all,
        ),
        (json!({}), &["0x5", "0x5"]),
        (json!({"fromBlock": "0x0", "topics": [topic(3)]}), &["0x3"]),
        (
            json!({"fromBlock": "0x0", "topics": [[topic(3), topic(4)]]}),
            &["0x3", "0x4"],
        ),
        (
            json!({"fromBlock": "0x3", "toBlock": "0x4", "topics": [topic(9)]}),
            &["0x3", "0x4"],
        ),
        (json!({"fromBlock": "0x0", "topics": [null, topic(9)]}), &[]),
        (
            json!({"fromBlock": "0x0", "address": Address::repeat_byte(1)}),
            &[],
        ),
    ] {
        let logs = node.call("eth_getLogs", json!([filter])).await;
        assert_eq!(numbers(&logs), want, "{filter}");
    }
    let logs = node
        .call(
            "eth_getLogs",
            json!([{"fromBlock": "0x2", "toBlock": "0x2"}]),
        )
        .await;
    assert_eq!(logs[1]["logIndex"], "0x1");
    assert_eq!(logs[1]["transactionIndex"], "0x1");
    assert_eq!(logs[0]["topics"], json!([topic(2)]));
    assert_eq!(logs[0]["data"], json!(B256::with_last_byte(2)));
    assert_eq!(logs[0]["removed"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_ranges_are_invalid_parameters() {
    let (node, _) = node_with_logs(RpcConfig::default()).await;
    let hash = B256::repeat_byte(3);
    for (filter, want) in [
        (
            json!({"fromBlock": "0x4", "toBlock": "0x2"}),
            "invalid block range params",
        ),
        (
            json!({"fromBlock": "0x2", "toBlock": "0x63"}),
            "beyond current head block",
        ),
        (json!({"fromBlock": "0x63"}), "invalid block range params"),
        (json!({"fromBlock": "0x2", "blockHash": hash}), "choose one"),
        (json!({"fromBlock": "2"}), "fromBlock"),
        (json!({"topics": ["0x1"]}), "topics[0]"),
        (json!("latest"), "want a filter object"),
    ] {
        let (code, message) = node.fail("eth_getLogs", json!([filter])).await;
        assert_eq!(code, -32602, "{filter}");
        assert!(message.contains(want), "{filter}: {message}");
    }
    let (code, message) = node.fail("eth_getLogs", json!([{"blockHash": hash}])).await;
    assert_eq!((code, message.as_str()), (-32000, "unknown block"));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_name_a_range_that_works() {
    let configs = [
        RpcConfig {
            max_log_results: 3,
            ..RpcConfig::default()
        },
        RpcConfig {
            max_log_blocks: 2,
            ..RpcConfig::default()
        },
        RpcConfig {
            max_log_bytes: 100,
            ..RpcConfig::default()
        },
        RpcConfig {
            max_log_results: 1,
            ..RpcConfig::default()
        },
    ];
    for config in configs {
        let (node, _) = node_with_logs(config).await;
        let (mut from, mut found, mut refused) = ("0x0".to_owned(), 0, 0);
        while from != "0x6" {
            let mut to = "0x5".to_owned();
            loop {
                let filter = json!([{"fromBlock": from, "toBlock": to}]);
                let response = node.respond("eth_getLogs", filter).await;
                if let Some(logs) = response["result"].as_array() {
                    found += logs.len();
                    break;
                }
                refused += 1;
                assert_eq!(response["error"]["code"], -32005, "{response}");
                let message = response["error"]["message"].as_str().unwrap();
                let range = message.split_once('[').unwrap().1.trim_end_matches(']');
                let (low, high) = range.split_once(", ").unwrap();
                assert_eq!(low, from, "{message}");
                to = high.to_owned();
            }
            let next = u64::from_str_radix(&to[2..], 16).unwrap() + 1;
            from = format!("{next:#x}");
        }
        assert_eq!(found, 8);
        assert!(refused > 0);
    }
}
