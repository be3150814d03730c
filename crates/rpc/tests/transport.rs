//! Bad input on the wire, limits, CORS, health.

mod common;

use std::time::Duration;

use aura_rpc::RpcConfig;
use common::{Node, raw, request};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_origin_may_use_the_node() {
    let node = Node::start().await;
    let address = node.server.local_addr();
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    for origin in ["https://app.example", "null"] {
        let preflight = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-library"),
        ];
        let reply = request(address, "OPTIONS", "/", &preflight, b"").await;
        assert!((200..300).contains(&reply.status));
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        let headers = reply.header("access-control-allow-headers").unwrap();
        assert!(headers.contains("x-library"), "{headers}");
        let methods = reply.header("access-control-allow-methods").unwrap();
        assert!(methods.contains("POST"), "{methods}");
        let headers = [("origin", origin), ("host", "evil.example:99")];
        let reply = request(address, "POST", "/", &headers, body).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert!(reply.text().contains("0x343b"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_readiness() {
    let node = Node::start().await;
    node.mine().await;
    let address = node.server.local_addr();
    assert_eq!(
        request(address, "GET", "/health", &[], b"").await.status,
        200
    );
    let ready = request(address, "GET", "/ready", &[], b"").await;
    assert_eq!(ready.status, 200);
    let body: Value = serde_json::from_slice(&ready.body).unwrap();
    assert_eq!((&body["ready"], &body["head"]), (&json!(true), &json!(1)));
    let other = request(address, "GET", "/", &[], b"").await;
    assert_eq!(other.status, 405);
    let plain = [("content-type", "text/plain")];
    assert_eq!(
        request(address, "POST", "/", &plain, b"{}").await.status,
        415
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_get_the_codes_of_the_book_and_the_node_goes_on() {
    let node = Node::start().await;
    let address = node.server.local_addr();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = |inner: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{inner}]}}"#)
    };
    let deep_object = format!("{}1{}", "{\"to\":".repeat(50_000), "}".repeat(50_000));
    for (body, code) in [
        ("{", -32700),
        ("", -32700),
        ("\u{feff}", -32700),
        ("[]", -32600),
        ("{}", -32600),
        ("42", -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_none"}"#, -32601),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{}}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":5}"#,
            -32602,
        ),
        (&nested(&deep), -32602),
        (&nested(&deep_object), -32602),
    ] {
        let reply = request(address, "POST", "/", &[], body.as_bytes()).await;
        assert_eq!(reply.status, 200);
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        let start: String = body.chars().take(60).collect();
        assert_eq!(answer["error"]["code"], code, "{start}: {answer}");
        assert!(answer["error"].get("data").is_none(), "{answer}");
    }
    let reply = request(address, "POST", "/", &[], &[0xff, 0xfe, b'{']).await;
    assert!(reply.text().contains("-32700"));
    // Nothing that HTTP can say either.
    assert_eq!(raw(address, b"nonsense\r\n\r\n").await.status, 400);
    assert_eq!(node.call("eth_chainId", json!([])).await, "0x343b");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_types_and_arity_are_named() {
    let node = Node::start().await;
    let address = "0x1111111111111111111111111111111111111111";
    for (method, params, want) in [
        (
            "eth_chainId",
            json!([1]),
            "too many arguments, want at most 0",
        ),
        ("eth_getBalance", json!([]), "argument 0 (address)"),
        ("eth_getBalance", json!([5]), "want a string, have 5"),
        ("eth_getBalance", json!(["0xzz"]), "argument 0 (address)"),
        (
            "eth_getBalance",
            json!([&address[2..]]),
            "without 0x prefix",
        ),
        (
            "eth_getBalance",
            json!([address, "tomorrow"]),
            "argument 1 (block)",
        ),
        (
            "eth_getBalance",
            json!([address, "12"]),
            "argument 1 (block)",
        ),
        (
            "eth_getStorageAt",
            json!([address, "0xasdf"]),
            "argument 1 (slot)",
        ),
        (
            "eth_getStorageAt",
            json!([address, format!("0x{}", "0".repeat(66))]),
            "too long",
        ),
        ("eth_getBlockByNumber", json!([]), "argument 0 (block)"),
        (
            "eth_getBlockByNumber",
            json!(["latest", "yes"]),
            "argument 1 (full transactions)",
        ),
        (
            "eth_getBlockByHash",
            json!(["0x12", true]),
            "argument 0 (hash)",
        ),
        (
            "eth_getTransactionByHash",
            json!(["12"]),
            "argument 0 (hash)",
        ),
        ("eth_getTransactionReceipt", json!([null]), "missing value"),
        (
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["latest"]),
            "argument 1 (index)",
        ),
        ("eth_sendRawTransaction", json!([{}]), "want a string"),
        ("web3_sha3", json!(["0x1"]), "odd length"),
    ] {
        let (code, message) = node.fail(method, params.clone()).await;
        assert_eq!(code, -32602, "{method} {params}");
        assert!(message.contains(want), "{method} {params}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_answered_cleanly() {
    let config = RpcConfig {
        max_request_bytes: 100_000,
        max_response_bytes: 20_000,
        max_log_bytes: 20_000,
        max_trace_bytes: 20_000,
        max_batch_calls: 10,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let address = node.server.local_addr();
    for size in [100_001, 700_000] {
        let reply = request(address, "POST", "/", &[], &vec![b' '; size]).await;
        assert_eq!(reply.status, 413, "{size}");
        assert!(reply.text().contains("-32005"), "{}", reply.text());
    }
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let batch = format!("[{}]", [call; 11].join(","));
    assert_eq!(node.post(&batch).await["error"]["code"], -32005);
    let batch = format!("[{}]", [call; 10].join(","));
    assert_eq!(node.post(&batch).await.as_array().unwrap().len(), 10);
    let block =
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["latest",true]}"#;
    let batch = format!("[{}]", [block; 10].join(","));
    let answers = node.post(&batch).await;
    assert!(answers[0].get("result").is_some());
    assert!(answers.to_string().len() < 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_and_half_sent_connections_do_not_matter_and_too_many_are_refused() {
    let config = RpcConfig {
        max_connections: 40,
        request_timeout_ms: 300,
        trace_timeout_ms: 300,
        simulate_timeout_ms: 300,
        call_timeout_ms: 100,
        header_timeout_ms: 600,
        ..RpcConfig::default()
    };
    let node = Node::with(config).await;
    let address = node.server.local_addr();
    let mut idle = Vec::new();
    for index in 0..39 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if index % 3 == 0 {
            let half = b"POST / HTTP/1.1\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
            stream.write_all(half).await.unwrap();
        }
        idle.push(stream);
    }
    assert_eq!(node.call("eth_chainId", json!([])).await, "0x343b");
    let one_more = TcpStream::connect(address).await.unwrap();
    idle.push(one_more);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let refused = raw(address, b"").await;
    assert_eq!(refused.status, 503);
    // The idle ones run out of time and make room.
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(node.call("eth_chainId", json!([])).await, "0x343b");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_sockets_soon() {
    let node = Node::start().await;
    let address = node.server.local_addr();
    let mut socket = node.socket().await;
    socket.subscribe(json!(["newHeads"])).await;
    let _idle = TcpStream::connect(address).await.unwrap();
    node.token.cancel();
    let closed = tokio::time::timeout(Duration::from_secs(4), socket.text()).await;
    assert_eq!(closed.expect("closed in time"), None);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_in_a_batch_is_refused_and_answered_once() {
    let node = Node::start().await;
    let mut socket = node.socket().await;
    let subscribe = r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#;
    let chain = r#"{"jsonrpc":"2.0","id":2,"method":"eth_chainId"}"#;
    let answers = socket.exchange(&format!("[{subscribe},{chain}]")).await;
    assert_eq!(answers[0]["error"]["code"], -32600, "{answers}");
    assert_eq!(answers[1]["result"], "0x343b");
    assert!(socket.is_silent().await, "nothing is answered twice");
}
