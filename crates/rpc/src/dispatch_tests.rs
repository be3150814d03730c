//! Tests of request dispatch.

use jsonrpsee::RpcModule;
use serde_json::{Value, json};

use super::*;

fn dispatcher(config: &RpcConfig) -> Dispatcher {
    let mut module = RpcModule::new(());
    module
        .register_method("echo", |params, (), _| {
            Ok::<_, ErrorObject<'static>>(params.as_str().unwrap_or("none").to_owned())
        })
        .unwrap();
    module
        .register_async_method("slow", |_, _, _| async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            Ok::<_, ErrorObject<'static>>(1)
        })
        .unwrap();
    let metrics = Arc::new(RpcMetrics::new(module.method_names()));
    Dispatcher::new(module.into(), metrics, config)
}

async fn answer(body: &str) -> Value {
    let text = dispatcher(&RpcConfig::default())
        .answer(body.as_bytes())
        .await;
    serde_json::from_str(&text).unwrap()
}

async fn code(body: &str) -> i64 {
    let answer = answer(body).await;
    assert_eq!(answer["jsonrpc"], "2.0");
    assert!(answer["error"].get("data").is_none(), "{answer}");
    answer["error"]["code"].as_i64().unwrap()
}

#[tokio::test]
async fn answers_with_the_same_id() {
    for id in [json!(1), json!("a\"b"), json!(null), json!(u64::MAX)] {
        let body = json!({"jsonrpc":"2.0","id":id,"method":"echo","params":[1],"extra":{}});
        let answer = answer(&body.to_string()).await;
        assert_eq!(answer, json!({"jsonrpc":"2.0","id":id,"result":"[1]"}));
    }
}

#[tokio::test]
async fn malformed_json_is_a_parse_error() {
    for body in ["", "{", "nonsense", "{\"id\":1,}", "[1,2", "\u{0}"] {
        assert_eq!(code(body).await, -32700, "{body}");
    }
    let text = dispatcher(&RpcConfig::default())
        .answer(&[0xff, 0xfe])
        .await;
    assert!(text.contains("-32700"));
}

#[tokio::test]
async fn well_formed_json_that_is_no_request_is_invalid() {
    for body in [
        "{}",
        "1",
        "\"text\"",
        "[]",
        r#"{"foo":1}"#,
        r#"{"jsonrpc":"2.0","method":1,"id":1}"#,
        r#"{"jsonrpc":"1.0","method":"echo","id":1}"#,
        r#"{"jsonrpc":"2.0","method":"echo","id":{}}"#,
        r#"{"jsonrpc":"2.0","method":"echo","id":[1]}"#,
    ] {
        assert_eq!(code(body).await, -32600, "{body}");
    }
}

#[tokio::test]
async fn unknown_methods_say_so_exactly() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"anvil_nodeInfo"}"#;
    assert_eq!(code(body).await, -32601);
}

#[tokio::test]
async fn deep_nesting_is_answered() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":{deep}}}"#);
    assert!(answer(&body).await.get("result").is_some());
    // A batch of one entry that is itself an array is no request.
    let answer = answer(&deep).await;
    assert_eq!(answer[0]["error"]["code"], -32600);
}

#[tokio::test]
async fn batches_keep_their_order_and_skip_notifications() {
    let body = r#"[{"jsonrpc":"2.0","id":2,"method":"echo"},
        {"jsonrpc":"2.0","method":"echo"}, 1,
        {"jsonrpc":"2.0","id":3,"method":"none"}]"#;
    let answer = answer(body).await;
    assert_eq!(answer[0], json!({"jsonrpc":"2.0","id":2,"result":"none"}));
    assert_eq!(answer[1]["error"]["code"], -32600);
    assert_eq!(answer[2]["error"]["code"], -32601);
    assert_eq!(answer.as_array().unwrap().len(), 3);
    let only = r#"[{"jsonrpc":"2.0","method":"echo"}]"#;
    let text = dispatcher(&RpcConfig::default())
        .answer(only.as_bytes())
        .await;
    assert_eq!(text, "");
}

#[tokio::test]
async fn batches_have_limits() {
    let config = RpcConfig {
        max_batch_calls: 2,
        request_timeout_ms: 10,
        ..RpcConfig::default()
    };
    let call = |method: &str| format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}"}}"#);
    let three = format!("[{0},{0},{0}]", call("echo"));
    let text = dispatcher(&config).answer(three.as_bytes()).await;
    assert!(text.contains("-32005"), "{text}");
    let slow = format!("[{},{}]", call("slow"), call("echo"));
    let text = dispatcher(&config).answer(slow.as_bytes()).await;
    let answers: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answers[0]["result"], 1);
    assert_eq!(answers[1]["id"], 7);
    assert_eq!(answers[1]["error"]["code"], -32005);
}

#[tokio::test]
async fn notifications_get_no_answer() {
    let body = r#"{"jsonrpc":"2.0","method":"echo"}"#;
    let text = dispatcher(&RpcConfig::default())
        .answer(body.as_bytes())
        .await;
    assert_eq!(text, "");
}
