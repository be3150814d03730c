//! Tests of request dispatch.

use jsonrpsee::RpcModule;
use serde_json::{Value, json};

use super::*;
use crate::limits::{RateLimit, RateLimiter};

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

async fn text_of(config: &RpcConfig, body: &[u8]) -> String {
    let answer = dispatcher(config).answer(body, None).await;
    assert_eq!(answer.retry_after_ms, None);
    answer.text
}

async fn answer(body: &str) -> Value {
    let text = text_of(&RpcConfig::default(), body.as_bytes()).await;
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
    let text = text_of(&RpcConfig::default(), &[0xff, 0xfe]).await;
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
    let text = text_of(&RpcConfig::default(), only.as_bytes()).await;
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
    let text = text_of(&config, three.as_bytes()).await;
    assert!(text.contains("-32005"), "{text}");
    let slow = format!("[{},{}]", call("slow"), call("echo"));
    let text = text_of(&config, slow.as_bytes()).await;
    let answers: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answers[0]["result"], 1);
    assert_eq!(answers[1]["id"], 7);
    assert_eq!(answers[1]["error"]["code"], -32005);
}

#[tokio::test]
async fn notifications_get_no_answer() {
    let body = r#"{"jsonrpc":"2.0","method":"echo"}"#;
    let text = text_of(&RpcConfig::default(), body.as_bytes()).await;
    assert_eq!(text, "");
}

#[tokio::test]
async fn who_has_used_up_its_units_is_told_when_to_come_back() {
    let config = RpcConfig {
        rate_limit: RateLimit::PerSecond(1),
        rate_limit_burst: 3,
        ..RpcConfig::default()
    };
    let dispatcher = dispatcher(&config);
    let limiter = Arc::new(RateLimiter::new(&config, ["echo"].into_iter()).unwrap());
    let peer = "192.0.2.1".parse().unwrap();
    let allowance = limiter.allowance(peer, &Default::default());
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"echo"}"#;
    let refused = |answer: &Value| {
        assert_eq!(answer["error"]["code"], -32005, "{answer}");
        assert!(answer["error"]["data"]["retryAfterMs"].is_u64(), "{answer}");
    };

    let batch = format!(r#"[{call},1,{{"jsonrpc":"2.0","method":"echo"}}]"#);
    let first = dispatcher
        .answer(batch.as_bytes(), allowance.as_ref())
        .await;
    assert_eq!(first.retry_after_ms, None);
    assert!(first.text.contains("none"), "{}", first.text);

    let second = dispatcher
        .answer(batch.as_bytes(), allowance.as_ref())
        .await;
    assert!((2_000..=3_000).contains(&second.retry_after_ms.unwrap()));
    let answers: Value = serde_json::from_str(&second.text).unwrap();
    // One for the call and one for what is none; nothing for the notification.
    assert_eq!(answers.as_array().unwrap().len(), 2);
    refused(&answers[0]);
    assert_eq!(answers[0]["id"], 7);
    assert_eq!(answers[1]["error"]["code"], -32600);

    let single = dispatcher.answer(call.as_bytes(), allowance.as_ref()).await;
    refused(&serde_json::from_str(&single.text).unwrap());
    let notification = br#"{"jsonrpc":"2.0","method":"echo"}"#;
    let silent = dispatcher.answer(notification, allowance.as_ref()).await;
    assert_eq!(silent.text, "");

    let large = format!("[{0},{0},{0},{0}]", call);
    let never = dispatcher
        .answer(large.as_bytes(), allowance.as_ref())
        .await;
    assert_eq!(never.retry_after_ms, None);
    assert!(
        never.text.contains("costs 4 units, the limit is 3"),
        "{}",
        never.text
    );
}
