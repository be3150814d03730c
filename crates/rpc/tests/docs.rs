//! The pages of `docs/rpc` tell of every method and every error code, and of no others.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use aura_rpc::{Endpoints, JwtSecret, Operator, RpcConfig, RpcContext, serve_all};
use common::Node;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<(String, String)> {
    let folder = here().join("../../docs/rpc");
    let mut pages: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "md"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    pages.sort();
    pages
}

/// Methods that have a heading, with the page where it stands.
fn documented() -> BTreeMap<String, String> {
    let mut methods = BTreeMap::new();
    for (page, text) in pages() {
        let headings = text.lines().filter_map(|line| line.strip_prefix("### `"));
        for heading in headings {
            let name = heading.split('`').next().unwrap().to_owned();
            let before = methods.insert(name.clone(), page.clone());
            assert_eq!(before, None, "{name} has two headings");
        }
    }
    methods
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_has_a_heading_on_its_page_and_every_heading_is_a_method() {
    let node = Node::start().await;
    let local = "127.0.0.1:0".parse().unwrap();
    let operator = Operator {
        datadir: PathBuf::new(),
        sequencer: None,
    };
    let endpoints = Endpoints {
        public: local,
        admin: Some((local, operator)),
        engine: Some((local, JwtSecret::new([7; 32]))),
    };
    let context = RpcContext {
        chain: node.chain.clone(),
        pool: node.pool.clone(),
        client_version: String::new(),
        automine: false,
        bridge: None,
    };
    let config = RpcConfig {
        testing: true,
        ..RpcConfig::default()
    };
    let all = serve_all(endpoints, config, context, node.token.clone());
    let methods: BTreeSet<&str> = all.await.unwrap().methods().collect();
    assert!(methods.len() > 40, "{methods:?}");
    let documented = documented();
    let missing: Vec<_> = methods
        .iter()
        .filter(|name| !documented.contains_key(**name))
        .collect();
    assert!(
        missing.is_empty(),
        "without a heading in docs/rpc: {missing:?}"
    );
    for (name, page) in &documented {
        assert!(
            methods.contains(&**name),
            "{page}.md tells of {name}, which the node has not"
        );
        let namespace = name.split('_').next().unwrap();
        // One method each, which go with another namespace.
        let guests = [("rpc", "net"), ("erigon", "ots")];
        let right = page == namespace || guests.contains(&(namespace, page));
        assert!(right, "{name} stands in {page}.md");
    }
    let index = &pages()
        .into_iter()
        .find(|(name, _)| name == "README")
        .unwrap()
        .1;
    for page in documented.values() {
        assert!(
            index.contains(&format!("({page}.md)")),
            "README.md lacks {page}.md"
        );
    }
}

/// Integers that follow `before` in the sources of the errors.
fn numbers_after<'a>(source: &'a str, before: &'a str) -> impl Iterator<Item = i64> + 'a {
    source.split(before).skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| c != '-' && !c.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    })
}

#[test]
fn every_error_code_is_documented_and_every_documented_code_exists() {
    let source = |name: &str| -> String {
        let path: PathBuf = here().join("src/errors").join(name);
        fs::read_to_string(path).unwrap()
    };
    let mut codes = BTreeSet::new();
    for text in [source("mod.rs"), source("wire.rs")] {
        codes.extend(numbers_after(&text, ": i32 = "));
        codes.extend(numbers_after(&text, "Wire::new("));
    }
    assert!(codes.contains(&-32602) && codes.contains(&4), "{codes:?}");
    // Those that jsonrpsee itself gives: subscriptions, and sizes over WebSocket.
    use jsonrpsee::types::error;
    codes.extend([
        i64::from(error::TOO_MANY_SUBSCRIPTIONS_CODE),
        i64::from(error::OVERSIZED_REQUEST_CODE),
        i64::from(error::OVERSIZED_RESPONSE_CODE),
        i64::from(error::TOO_BIG_BATCH_REQUEST_CODE),
        i64::from(error::TOO_BIG_BATCH_RESPONSE_CODE),
    ]);
    let page = &pages()
        .into_iter()
        .find(|(name, _)| name == "errors")
        .unwrap()
        .1;
    let documented: BTreeSet<i64> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(documented, codes);
}
