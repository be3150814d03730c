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

/// Small numbers from a seed, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Asks for all blocks, and whenever it is too much for the range that the error names; goes on
/// behind it until the head is reached. Returns the logs and how often it was refused.
async fn follow_the_errors(url: std::net::SocketAddr, head: u64) -> (Vec<Value>, usize) {
    let (mut from, mut to, mut found, mut refused) = (0, head, Vec::new(), 0);
    while from <= head {
        let filter = json!([{"fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}")}]);
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": filter});
        let reply = common::request(url, "POST", "/", &[], body.to_string().as_bytes()).await;
        let response: Value = serde_json::from_slice(&reply.body).unwrap();
        if let Some(logs) = response["result"].as_array() {
            found.extend_from_slice(logs);
            (from, to) = (to + 1, head);
            continue;
        }
        refused += 1;
        let error = &response["error"];
        assert_eq!(error["code"], -32005, "{response}");
        let range = &error["data"];
        let (low, high) = (&range["from"], &range["to"]);
        let message = error["message"].as_str().unwrap();
        let text = format!(
            "Try with this block range [{}, {}].",
            low.as_str().unwrap(),
            high.as_str().unwrap()
        );
        assert!(message.ends_with(&text), "{message}");
        assert_eq!(low, &json!(format!("{from:#x}")));
        let high = u64::from_str_radix(&high.as_str().unwrap()[2..], 16).unwrap();
        // Strictly smaller, and not empty.
        assert!((from..to).contains(&high), "{from} {high} {to}");
        to = high;
    }
    (found, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_the_errors_reaches_the_end() {
    let seed = 0x5eed_0001;
    let mut dice = Dice(seed);
    let node = Node::start().await;
    let logger = node.deploy(0, LOGGER).await;
    let mut nonce = 1;
    for _ in 0..40 {
        // Many blocks without logs, some with a dozen.
        for _ in 0..[0, 0, 0, 1, 2, 12][dice.roll(6) as usize] {
            node.send(&log(nonce, logger, 1)).await;
            nonce += 1;
        }
        node.mine().await;
    }
    let everything = json!([{"fromBlock": "0x0", "toBlock": "latest"}]);
    let want = node.call("eth_getLogs", everything).await;
    let want = want.as_array().unwrap();
    let head = node.chain.tip().number;
    let mut refusals = 0;
    for round in 0..24 {
        // Most limits are out of the way, so that each one bites in some rounds.
        let mut limit = |most: u64, none: u64| match dice.roll(3) {
            0 => none,
            _ => 1 + dice.roll(most),
        };
        let config = RpcConfig {
            max_log_blocks: limit(45, 1_000),
            max_log_results: limit(20, 1_000) as usize,
            max_log_bytes: limit(1_500, 100_000) as usize,
            log_timeout_ms: limit(2, 10_000),
            ..RpcConfig::default()
        };
        let shown = format!("seed {seed:#x} round {round}: {config:?}");
        let context = aura_rpc::RpcContext {
            chain: node.chain.clone(),
            pool: node.pool.clone(),
            client_version: "limits".into(),
            automine: false,
            bridge: None,
        };
        let address = "127.0.0.1:0".parse().unwrap();
        let server = aura_rpc::serve(address, config, context, node.token.child_token());
        let server = server.await.unwrap();
        let (found, refused) = follow_the_errors(server.local_addr(), head).await;
        assert_eq!(&found, want, "{shown}");
        refusals += refused;
    }
    assert!(refusals > 50, "{refusals}");
}
