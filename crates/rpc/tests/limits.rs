//! What a client may ask for, over HTTP and WebSocket.

mod common;

use aura_rpc::{RateLimit, RpcConfig};
use common::{Node, Reply, Socket, request};
use serde_json::{Value, json};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
const LOGS: &str = r#"{"jsonrpc":"2.0","id":2,"method":"eth_getLogs","params":[{}]}"#;

/// Hardly anything flows back during a test.
fn config() -> RpcConfig {
    RpcConfig {
        rate_limit: RateLimit::PerSecond(1),
        rate_limit_burst: 60,
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..RpcConfig::default()
    }
}

async fn post_as(node: &Node, client: &str, body: &str) -> (Reply, Value) {
    let headers = [("x-forwarded-for", client)];
    let address = node.server.local_addr();
    let reply = request(address, "POST", "/", &headers, body.as_bytes()).await;
    assert_eq!(reply.status, 200, "libraries read errors from a 200 only");
    let answer = serde_json::from_slice(&reply.body).unwrap();
    (reply, answer)
}

fn assert_refused(answer: &Value) -> u64 {
    let error = &answer["error"];
    assert_eq!(error["code"], -32005, "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("rate limit exceeded"), "{message}");
    error["data"]["retryAfterMs"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_each_client_has_its_own_account() {
    let node = Node::with(config()).await;
    // 25 + 25 + 1 of 60.
    let batch = format!("[{LOGS},{LOGS},{CALL}]");
    let (_, answers) = post_as(&node, "198.51.100.1", &batch).await;
    assert_eq!(answers[2]["result"], "0x343b");
    let (reply, answers) = post_as(&node, "198.51.100.1", &batch).await;
    assert_eq!(answers.as_array().unwrap().len(), 3);
    for answer in answers.as_array().unwrap() {
        let wait = assert_refused(answer);
        assert!((35_000..=42_000).contains(&wait), "{wait}");
    }
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((35..=42).contains(&seconds), "{seconds}");
    // What is left is enough for a small call, but not for another search.
    let (reply, answer) = post_as(&node, "198.51.100.1", CALL).await;
    assert_eq!(answer["result"], "0x343b");
    assert_eq!(reply.header("retry-after"), None);
    assert_refused(&post_as(&node, "198.51.100.1", LOGS).await.1);
    // Another client, and one that only claims to be another.
    let (_, answers) = post_as(&node, "198.51.100.2", &batch).await;
    assert_eq!(answers[2]["result"], "0x343b");
    let (_, answers) = post_as(&node, "203.0.113.9, 198.51.100.2", &batch).await;
    assert_refused(&answers[0]);
    // Whoever comes from this machine is not limited, the proxy itself included.
    for _ in 0..5 {
        assert_eq!(node.post(&batch).await[2]["result"], "0x343b");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_draw_on_the_same_account() {
    let node = Node::with(config()).await;
    let headers = [("x-forwarded-for", "198.51.100.1")];
    let address = node.server.local_addr();
    let mut socket = Socket::open(address, &headers).await;
    assert!(socket.exchange(LOGS).await["result"].is_array());
    let batch = format!("[{LOGS},{CALL}]");
    assert_eq!(socket.exchange(&batch).await[1]["result"], "0x343b");
    // 51 of 60 are used.
    assert_refused(&socket.exchange(LOGS).await);
    let answers = socket.exchange(&batch).await;
    assert_refused(&answers[0]);
    assert_refused(&answers[1]);
    assert_eq!(answers[1]["id"], 1);
    // A second socket and HTTP do not help.
    let mut second = Socket::open(address, &headers).await;
    assert_refused(&second.exchange(LOGS).await);
    assert_refused(&post_as(&node, "198.51.100.1", LOGS).await.1);
    // 5 + 5 make it 61.
    let heads = json!(["newHeads"]);
    let first = socket.respond("eth_subscribe", heads.clone()).await;
    assert!(first["result"].is_string(), "{first}");
    assert_refused(&second.respond("eth_subscribe", heads).await);
    let too_large = format!("[{LOGS},{LOGS},{LOGS}]");
    let answers = socket.exchange(&too_large).await;
    assert_eq!(answers[0]["error"]["code"], -32005);
    assert!(answers[0]["error"].get("data").is_none(), "{answers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_on_this_machine_are_limited_if_told_so() {
    let settings = RpcConfig {
        rate_limit_loopback: true,
        trusted_proxies: Vec::new(),
        ..config()
    };
    let node = Node::with(settings).await;
    assert!(node.post(LOGS).await["result"].is_array());
    assert!(node.post(LOGS).await["result"].is_array());
    assert_refused(&node.post(LOGS).await);
    // Without trusted proxies the header is anybody's word.
    assert_refused(&post_as(&node, "198.51.100.7", LOGS).await.1);
}
