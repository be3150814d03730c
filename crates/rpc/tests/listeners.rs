//! The operator's and the engine's listeners: who gets in, and what they serve.

mod common;

use std::time::{Duration, SystemTime};

use aura_primitives::HeadLabel;
use aura_rpc::{Endpoints, JwtSecret, Operator, RpcConfig, RpcContext, RpcServerHandle, serve_all};
use aura_runtime::{Switched, switch};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{Node, request};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};

const SECRET: [u8; 32] = *b"secretsecretsecretsecretsecretse";

struct Rig {
    node: Node,
    server: RpcServerHandle,
    sequencer: Switched,
}

impl Rig {
    async fn start() -> Self {
        let node = Node::start().await;
        let (operators, sequencer) = switch();
        let free = "127.0.0.1:0".parse().unwrap();
        let operator = Operator {
            datadir: "/var/lib/aura".into(),
            sequencer: Some(operators),
        };
        let endpoints = Endpoints {
            public: free,
            admin: Some((free, operator)),
            engine: Some((free, JwtSecret::new(SECRET))),
        };
        let context = RpcContext {
            chain: node.chain.clone(),
            pool: node.pool.clone(),
            client_version: "aura/test".into(),
            automine: false,
            bridge: None,
        };
        let token = node.token.clone();
        let server = serve_all(endpoints, RpcConfig::default(), context, token)
            .await
            .unwrap();
        Self {
            node,
            server,
            sequencer,
        }
    }

    async fn public(&self, method: &str, params: Value) -> Value {
        call(self.server.local_addr(), &[], method, params).await
    }

    async fn admin(&self, method: &str, params: Value) -> Value {
        call(self.server.admin_addr().unwrap(), &[], method, params).await
    }

    async fn engine(&self, method: &str, params: Value) -> Value {
        let bearer = format!("Bearer {}", token(0));
        let headers = [("authorization", bearer.as_str())];
        call(self.server.engine_addr().unwrap(), &headers, method, params).await
    }
}

async fn call(
    address: std::net::SocketAddr,
    headers: &[(&str, &str)],
    method: &str,
    params: Value,
) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let reply = request(address, "POST", "/", headers, body.to_string().as_bytes()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    serde_json::from_slice(&reply.body).unwrap()
}

/// A token issued `age` seconds ago.
fn token(age: u64) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let head = encode(r#"{"typ":"JWT","alg":"HS256"}"#.to_owned());
    let signed = format!("{head}.{}", encode(format!(r#"{{"iat":{}}}"#, now - age)));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&SECRET).unwrap();
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_has_its_own_methods() {
    let rig = Rig::start().await;
    for (method, on_admin, on_engine) in [
        ("eth_chainId", true, true),
        ("admin_datadir", true, false),
        ("admin_stopSequencer", true, false),
        ("engine_exchangeCapabilities", false, true),
    ] {
        let unknown = |answer: &Value| answer["error"]["code"] == -32601;
        let is_public = method.starts_with("eth_");
        let answer = rig.public(method, json!([])).await;
        assert_eq!(unknown(&answer), !is_public, "{method}");
        if method != "admin_stopSequencer" {
            assert_eq!(unknown(&rig.admin(method, json!([])).await), !on_admin);
        }
        assert_eq!(unknown(&rig.engine(method, json!([])).await), !on_engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_admits_who_has_the_secret() {
    let rig = Rig::start().await;
    let address = rig.server.engine_addr().unwrap();
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let status = |headers: Vec<(&'static str, String)>| async move {
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        request(address, "POST", "/", &headers, body).await.status
    };
    let bearer = |token: String| vec![("authorization", format!("Bearer {token}"))];
    assert_eq!(status(bearer(token(0))).await, 200);
    assert_eq!(status(bearer(token(30))).await, 200);
    assert_eq!(status(vec![]).await, 401);
    assert_eq!(status(bearer(token(300))).await, 401);
    assert_eq!(status(bearer(token(0) + "x")).await, 401);
    // Pages have no business here, whatever they know.
    let mut with_origin = bearer(token(0));
    with_origin.push(("origin", "https://app.example".into()));
    let headers: Vec<_> = with_origin.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let reply = request(address, "POST", "/", &headers, body).await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn web_pages_do_not_reach_the_operators_methods() {
    let rig = Rig::start().await;
    let address = rig.server.admin_addr().unwrap();
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"admin_stopSequencer"}"#;
    let page = [("origin", "http://localhost:3000")];
    assert_eq!(request(address, "POST", "/", &page, body).await.status, 403);
    let handshake = [
        ("origin", "http://localhost:3000"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    assert_eq!(
        request(address, "GET", "/", &handshake, b"").await.status,
        403
    );
    let preflight = [
        ("origin", "http://localhost:3000"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let reply = request(address, "OPTIONS", "/", &preflight, b"").await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    assert!(rig.sequencer.is_wanted_on());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_stops_and_starts_the_sequencer() {
    let rig = Rig::start().await;
    rig.node.mine().await;
    let head = rig.node.chain.tip().seal();
    assert_eq!(
        rig.admin("admin_sequencerActive", json!([])).await["result"],
        true
    );
    let follow = |on: bool| {
        let switched = &rig.sequencer;
        async move {
            switched.wanted(on).await;
            switched.report(on);
        }
    };
    let (stopped, ()) = tokio::join!(rig.admin("admin_stopSequencer", json!([])), follow(false));
    assert_eq!(stopped["result"], json!(head));
    assert_eq!(
        rig.admin("admin_sequencerActive", json!([])).await["result"],
        false
    );
    let again = rig.admin("admin_stopSequencer", json!([])).await;
    assert_eq!(again["error"]["code"], -32000, "{again}");
    let elsewhere = json!([format!("0x{}", "12".repeat(32))]);
    let refused = rig.admin("admin_startSequencer", elsewhere).await;
    assert_eq!(refused["error"]["code"], -32000, "{refused}");
    let start = rig.admin("admin_startSequencer", json!([head]));
    let (started, ()) = tokio::join!(start, follow(true));
    assert_eq!(started, json!({"jsonrpc": "2.0", "id": 1, "result": null}));
    assert_eq!(
        rig.admin("admin_sequencerActive", json!([])).await["result"],
        true
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_learns_about_the_node() {
    let rig = Rig::start().await;
    assert_eq!(
        rig.admin("admin_datadir", json!([])).await["result"],
        "/var/lib/aura"
    );
    assert_eq!(
        rig.admin("admin_peers", json!([])).await["result"],
        json!([])
    );
    let info = &rig.admin("admin_nodeInfo", json!([])).await["result"];
    assert_eq!(info["name"], "aura/test");
    let eth = &info["protocols"]["eth"];
    assert_eq!(eth["network"], rig.node.chain.spec().chain_id());
    assert_eq!(eth["config"]["chainId"], rig.node.chain.spec().chain_id());
    assert_eq!(eth["genesis"], eth["head"]);
    let wrong = rig.admin("admin_setLogLevel", json!(["aura=loud"])).await;
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forkchoice_moves_safe_and_finalized_of_the_newest_block() {
    let rig = Rig::start().await;
    let mut hashes = vec![rig.node.chain.tip().seal()];
    for _ in 0..3 {
        rig.node.mine().await;
        hashes.push(rig.node.chain.tip().seal());
    }
    let state = |head: usize, safe: usize, finalized: usize| {
        json!({
            "headBlockHash": hashes[head],
            "safeBlockHash": hashes[safe],
            "finalizedBlockHash": hashes[finalized],
        })
    };
    let heads = || {
        let reader = rig.node.chain.store().reader().unwrap();
        [HeadLabel::Safe, HeadLabel::Finalized].map(|label| reader.head(label).unwrap().number)
    };
    let updated = |version: u8, params: Value| {
        let method = format!("engine_forkchoiceUpdatedV{version}");
        let rig = &rig;
        async move { rig.engine(&method, params).await }
    };
    let answer = updated(3, json!([state(3, 2, 1), null])).await;
    let valid = json!({
        "payloadStatus": {
            "status": "VALID",
            "latestValidHash": hashes[3],
            "validationError": null,
        },
        "payloadId": null,
    });
    assert_eq!(answer["result"], valid);
    assert_eq!(heads(), [2, 1]);
    // An older block of the chain is valid, and nothing follows from it.
    let older = updated(1, json!([state(1, 1, 1)])).await;
    assert_eq!(
        older["result"]["payloadStatus"]["latestValidHash"],
        json!(hashes[1])
    );
    assert_eq!(heads(), [2, 1]);
    let crossed = updated(2, json!([state(3, 1, 2), null])).await;
    assert_eq!(crossed["error"]["code"], -38002, "{crossed}");
    let mut unknown = state(3, 3, 3);
    unknown["finalizedBlockHash"] = json!(format!("0x{}", "12".repeat(32)));
    let unknown = updated(3, json!([unknown])).await;
    assert_eq!(unknown["error"]["code"], -38002, "{unknown}");
    assert_eq!(heads(), [2, 1]);
    // The heads move although no payload is built.
    let attributes = json!({"timestamp": "0x1"});
    let building = updated(4, json!([state(3, 3, 3), attributes, null])).await;
    assert_eq!(building["error"]["code"], -38003, "{building}");
    assert_eq!(heads(), [3, 3]);
    let zero = format!("0x{}", "00".repeat(32));
    let mut only_head = state(3, 3, 3);
    only_head["safeBlockHash"] = json!(zero);
    only_head["finalizedBlockHash"] = json!(zero);
    assert_eq!(updated(3, json!([only_head])).await["result"], valid);
    assert_eq!(heads(), [3, 3]);
    let mut elsewhere = state(3, 3, 3);
    elsewhere["headBlockHash"] = json!(format!("0x{}", "34".repeat(32)));
    let syncing = updated(3, json!([elsewhere])).await;
    assert_eq!(syncing["result"]["payloadStatus"]["status"], "SYNCING");
    rig.node.token.cancel();
    let stopped = rig.server.stopped();
    tokio::time::timeout(Duration::from_secs(20), stopped)
        .await
        .unwrap();
}
