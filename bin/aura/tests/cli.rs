//! The command line: starting, stopping, refusing.

mod common;

use std::{
    fs,
    net::TcpListener,
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use common::{Node, aura, signer, transfer};
use serde_json::json;

fn stderr_of(args: &[&str]) -> String {
    let output = aura(args);
    assert!(!output.status.success(), "{args:?} must fail");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn terminate_finishes_the_open_block_and_exits_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--block-time", "1m"]);
    let raw = transfer(&signer(0), 0, Address::repeat_byte(9), 5);
    let hash = node.client().call("eth_sendRawTransaction", json!([raw]));
    let mut client = node.client();
    let executing = Instant::now();
    while client.call("aura_transactionStatus", json!([hash]))["status"] != "executing" {
        assert!(
            executing.elapsed() < Duration::from_secs(10),
            "the transaction is not executed"
        );
    }
    assert!(
        client
            .call("eth_getTransactionReceipt", json!([hash]))
            .is_null()
    );
    let asked = Instant::now();
    assert!(node.terminate().success());
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "took {:?}",
        asked.elapsed()
    );
    let node = Node::start(folder.path(), &[]);
    let receipt = node
        .client()
        .call("eth_getTransactionReceipt", json!([hash]));
    assert_eq!(receipt["blockNumber"], "0x1");
}

#[test]
fn a_data_directory_serves_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let _node = Node::start(folder.path(), &[]);
    let datadir = folder.path().to_str().unwrap();
    for args in [
        &["dev", "--port", "0", "--datadir", datadir][..],
        &["db", "check", "--datadir", datadir],
    ] {
        let error = stderr_of(args);
        assert!(
            error.contains("another process") || error.contains("locked"),
            "{error}"
        );
    }
    // Looking is allowed.
    assert!(
        aura(&["db", "stats", "--datadir", datadir])
            .status
            .success()
    );
}

#[test]
fn an_l1_inside_takes_another_port_if_the_usual_one_is_taken() {
    // If this fails somebody else has it.
    let _usual = TcpListener::bind("127.0.0.1:9545");
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let [held_port, port] = [&held, &free].map(|socket| socket.local_addr().unwrap().port());
    drop(free);
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start_on(port, folder.path(), &[]);
    let status = node.client().call("aura_bridgeStatus", json!([]));
    assert!(status["portal"].is_string(), "{status}");

    // One that was named is not exchanged for another.
    let other = tempfile::tempdir().unwrap();
    let datadir = other.path().to_str().unwrap();
    let named = held_port.to_string();
    let args = [
        "dev",
        "--port",
        "0",
        "--l1-port",
        &named,
        "--datadir",
        datadir,
    ];
    let error = stderr_of(&args);
    let wanted = format!("cannot listen on 127.0.0.1:{held_port}");
    assert!(error.contains(&wanted), "{error}");
}

#[test]
fn a_taken_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &[]);
    let port = node.address.port().to_string();
    let error = stderr_of(&["dev", "--port", &port]);
    assert!(error.contains(&port) && error.contains("in use"), "{error}");
}

#[test]
fn init_then_node_without_the_genesis_file() {
    let folder = tempfile::tempdir().unwrap();
    let datadir = folder.path().join("data");
    let datadir = datadir.to_str().unwrap();
    let genesis = concat!(env!("CARGO_MANIFEST_DIR"), "/../../genesis/dev.json");
    let missing = stderr_of(&["node", "--port", "0", "--datadir", datadir]);
    assert!(missing.contains("holds no chain"), "{missing}");
    let init = aura(&["init", "--chain", genesis, "--datadir", datadir]);
    assert!(init.status.success(), "{init:?}");
    let again = stderr_of(&["init", "--chain", genesis, "--datadir", datadir]);
    assert!(again.contains("already holds"), "{again}");

    let other = folder.path().join("other.json");
    let text = fs::read_to_string(genesis)
        .unwrap()
        .replace("13371", "13372");
    fs::write(&other, text).unwrap();
    let other = other.to_str().unwrap();
    let wrong = stderr_of(&[
        "node",
        "--port",
        "0",
        "--chain",
        other,
        "--datadir",
        datadir,
    ]);
    assert!(
        wrong.contains("holds chain 13371") && wrong.contains("not chain 13372"),
        "{wrong}"
    );

    let node = Node::start(std::path::Path::new(datadir), &[]);
    assert_eq!(node.client().call("eth_chainId", json!([])), "0x343b");
}

#[test]
fn a_genesis_with_a_fork_that_cannot_run_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = concat!(env!("CARGO_MANIFEST_DIR"), "/../../genesis/dev.json");
    let text = fs::read_to_string(genesis).unwrap();
    let file = folder.path().join("genesis.json");
    for (from, to, named) in [
        (
            "\"osakaTime\": 0",
            "\"osakaTime\": 0, \"amsterdamTime\": 0",
            "amsterdam",
        ),
        ("\"commitment\"", "\"comitment\"", "comitment"),
    ] {
        assert!(text.contains(from), "the development genesis has {from}");
        fs::write(&file, text.replace(from, to)).unwrap();
        let datadir = folder.path().join("data");
        let error = stderr_of(&[
            "init",
            "--chain",
            file.to_str().unwrap(),
            "--datadir",
            datadir.to_str().unwrap(),
        ]);
        assert!(error.to_lowercase().contains(named), "{error}");
    }
}

#[test]
fn settings_are_printed_checked_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("aura.toml");
    let defaults = aura(&["config", "defaults"]);
    fs::write(&file, &defaults.stdout).unwrap();
    let path = file.to_str().unwrap();
    assert!(aura(&["config", "check", path]).status.success());
    for (text, named) in [
        ("prot = 8545", "prot"),
        ("[rpc]\nmax_batch = 1", "max_batch"),
        ("[sequencer]\nblock_time = \"1ms\"", "below the minimum"),
        ("[pool]\nmax_transactions = 0", "max_transactions"),
        (
            "[tree]\npin_blocks = 2000000",
            "exceeds storage.history_blocks",
        ),
        ("port = \"http\"", "port"),
    ] {
        fs::write(&file, text).unwrap();
        let error = stderr_of(&["config", "check", path]);
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn stats_and_check_read_a_stopped_node() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &[]);
    for nonce in 0..3 {
        let raw = transfer(&signer(0), nonce, Address::repeat_byte(9), 5);
        node.client()
            .call("eth_sendRawTransactionSync", json!([raw]));
    }
    assert!(node.terminate().success());
    let datadir = folder.path().to_str().unwrap();
    let stats = String::from_utf8(aura(&["db", "stats", "--datadir", datadir]).stdout).unwrap();
    assert!(stats.contains("file size"), "{stats}");
    let check = aura(&["db", "check", "--reexecute", "--datadir", datadir]);
    let out = String::from_utf8(check.stdout).unwrap();
    assert!(check.status.success(), "{out}");
    assert!(
        out.contains("3 transactions are linked and indexed"),
        "{out}"
    );
}
