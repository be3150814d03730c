//! Endpoints that lie, lag or refuse are put aside, and what they say is not believed.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use common::{
    Anvil, Watcher, config,
    proxy::{Liar, Reply},
};
use serde_json::{Value, json};

macro_rules! anvil {
    ($start:expr) => {
        match $start.await {
            Some(anvil) => anvil,
            None => return,
        }
    };
}

/// A first endpoint that changes answers and a second one that is honest: the watcher must notice
/// (`lies` were told) and have the truth in the end.
async fn is_caught(lie: impl Fn(&Value, &mut Value) -> bool + Send + 'static) {
    let anvil = anvil!(Anvil::start());
    for wei in 1..=10 {
        anvil.deposit(wei).await;
    }
    let told = Arc::new(AtomicU32::new(0));
    let counter = told.clone();
    let liar = Liar::about(anvil.port, move |request, mut answer| {
        if lie(request, &mut answer) {
            counter.fetch_add(1, Relaxed);
        }
        Reply::Json(answer)
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::start(dir.path(), config(vec![liar.http(), anvil.http()]));
    watcher.agrees_with(&anvil).await;
    anvil.deposit(11).await;
    watcher.agrees_with(&anvil).await;
    assert!(told.load(Relaxed) > 0, "the lie was told");
    watcher.stop().await;
}

fn first_log(request: &Value, answer: &mut Value) -> Option<Value> {
    let is_logs = request["method"] == "eth_getLogs";
    let log = answer["result"].get_mut(0).filter(|_| is_logs)?;
    Some(log.take())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_amount_is_noticed() {
    is_caught(|request, answer| {
        let Some(mut log) = first_log(request, answer) else {
            return false;
        };
        // The amount is the third word of the data.
        let mut data = log["data"].as_str().unwrap_or_default().to_owned();
        if data.len() > 200 {
            data.replace_range(2 + 3 * 64 - 1..2 + 3 * 64, "f");
        }
        log["data"] = json!(data);
        answer["result"][0] = log;
        true
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_left_out_log_is_noticed() {
    is_caught(|request, answer| {
        let is_lie = first_log(request, answer).is_some();
        if is_lie {
            answer["result"] = json!([]);
        }
        is_lie
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_header_is_noticed() {
    is_caught(|request, answer| {
        let is_block = request["method"] == "eth_getBlockByNumber";
        let header = answer["result"].get_mut("timestamp").filter(|_| is_block);
        header.is_some_and(|time| {
            *time = json!("0x12345678");
            true
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_left_out_of_old_blocks_are_read_again() {
    let anvil = anvil!(Anvil::start());
    for wei in 1..=10 {
        anvil.deposit(wei).await;
    }
    anvil.mine(20).await;
    // Only what old ranges say is a lie, and only at first: nothing else shows that it is one.
    let lies = AtomicU32::new(0);
    let liar = Liar::about(anvil.port, move |request, mut answer| {
        let is_range = request["params"][0].get("fromBlock").is_some();
        if request["method"] == "eth_getLogs" && is_range && lies.fetch_add(1, Relaxed) < 3 {
            let logs = answer["result"].as_array_mut().unwrap();
            logs.truncate(logs.len() / 2);
        }
        Reply::Json(answer)
    })
    .await;
    let mut old = config(vec![liar.http()]);
    old.proof_depth = 0;
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::start(dir.path(), old);
    watcher.agrees_with(&anvil).await;
    assert!(watcher.view.status().generation > 0, "it was read again");
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_endpoint_is_left() {
    let fresh = anvil!(Anvil::start());
    fresh.mine(30).await;
    // The first endpoint sees no new blocks.
    let seen = Arc::new(std::sync::Mutex::new(None::<Value>));
    let kept = seen.clone();
    let lagging = Liar::about(fresh.port, move |request, answer| {
        let is_head =
            request["method"] == "eth_getBlockByNumber" && request["params"][0] == "latest";
        if !is_head {
            return Reply::Json(answer);
        }
        let mut kept = kept.lock().unwrap();
        let mut old = kept.get_or_insert(answer.clone()).clone();
        old["id"] = answer["id"].clone();
        Reply::Json(old)
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::start(dir.path(), config(vec![lagging.http(), fresh.http()]));
    watcher.agrees_with(&fresh).await;
    fresh.mine(20).await;
    fresh.deposit(5).await;
    watcher.agrees_with(&fresh).await;
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_rate_and_range_are_respected() {
    let anvil = anvil!(Anvil::start());
    for wei in 1..=30 {
        anvil.deposit(wei).await;
    }
    anvil.mine(100).await;
    let started = Instant::now();
    let (refused, early) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (refusals, earlies) = (refused.clone(), early.clone());
    let mut until: Option<Instant> = None;
    let mut asked = 0;
    let liar = Liar::about(anvil.port, move |request, answer| {
        asked += 1;
        if until.is_some_and(|until| Instant::now() < until) {
            // Those that were under way when the first was refused do not count.
            earlies.fetch_add(1, Relaxed);
            return Reply::Status(429, "retry-after: 1");
        }
        if asked == 40 {
            until = Some(Instant::now() + Duration::from_millis(950));
            refusals.fetch_add(1, Relaxed);
            return Reply::Status(429, "retry-after: 1");
        }
        let filter = &request["params"][0];
        let number = |name: &str| {
            let text = filter[name].as_str().unwrap_or("0x0");
            u64::from_str_radix(&text[2..], 16).unwrap_or(0)
        };
        let is_range = request["method"] == "eth_getLogs" && filter.get("fromBlock").is_some();
        if is_range && number("toBlock") - number("fromBlock") >= 5 {
            refusals.fetch_add(1, Relaxed);
            let error = json!({"code": -32005, "message": "query returned more than 10 results"});
            return Reply::Json(json!({"jsonrpc": "2.0", "id": request["id"], "error": error}));
        }
        Reply::Json(answer)
    })
    .await;
    let mut limited = config(vec![liar.http()]);
    limited.proof_depth = 1;
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::start(dir.path(), limited);
    watcher.agrees_with(&anvil).await;
    assert!(refused.load(Relaxed) >= 2, "both limits were met");
    assert!(
        early.load(Relaxed) <= 16,
        "it waited as long as it was told"
    );
    assert!(started.elapsed() >= Duration::from_millis(900));
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_endpoint_is_replaced_and_comes_back() {
    let anvil = anvil!(Anvil::start());
    let dead = format!("ws://127.0.0.1:{}", common::free_port());
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::start(dir.path(), config(vec![dead, anvil.http()]));
    for wei in 1..=5 {
        anvil.deposit(wei).await;
        watcher.agrees_with(&anvil).await;
    }
    watcher.stop().await;
}
