//! `aura state`: roots, proofs, their verification, audit and sizes.

mod common;

use std::{
    fs,
    io::Write,
    os::unix::fs::FileExt,
    path::Path,
    process::{Command, Stdio},
};

use alloy_primitives::Address;
use common::{Node, aura, signer, transfer};
use serde_json::{Value, json};

const TO: Address = Address::repeat_byte(9);
const VALUE: u64 = 0x0123_4567_89ab_cdef;

/// Mines transfers to [`TO`] one by one, the first of [`VALUE`] wei, the others of 5.
fn mine(node: &Node, count: u64) {
    let mut client = node.client();
    for nonce in 0..count {
        let value = if nonce == 0 { VALUE } else { 5 };
        let raw = transfer(&signer(0), nonce, TO, value);
        client.call("eth_sendRawTransactionSync", json!([raw]));
    }
}

fn state(args: &[&str]) -> (bool, String, String) {
    let output = aura(&[&["state"], args].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn state_ok(args: &[&str]) -> String {
    let (ok, out, err) = state(args);
    assert!(ok, "{args:?}: {err}");
    out
}

fn state_err(args: &[&str]) -> String {
    let (ok, out, err) = state(args);
    assert!(!ok, "{args:?} must fail: {out}");
    err
}

fn json_of(args: &[&str]) -> Value {
    serde_json::from_str(&state_ok(args)).unwrap()
}

#[test]
fn root_and_proof_are_what_the_node_answers() {
    let folder = tempfile::tempdir().unwrap();
    let datadir = folder.path().to_str().unwrap();
    let node = Node::start(
        folder.path(),
        &["--proof-window", "4", "--proof-interval", "8"],
    );
    mine(&node, 20);
    let to = TO.to_string();
    let args = |block: &'static str| {
        let mut args = vec!["--datadir", datadir];
        if !block.is_empty() {
            args.extend(["--block", block]);
        }
        args
    };
    let slots = json!(["0x0", "0x1f"]);
    let mut answers = Vec::new();
    for (block, tag) in [("", "latest"), ("20", "0x14"), ("0x8", "0x8"), ("0", "0x0")] {
        let root = node.client().call("aura_stateRoot", json!([tag]));
        let params = json!([TO, slots, tag]);
        let proof = node.client().call("aura_getProof", params);
        answers.push((block, root, proof));
    }
    let check = || {
        for (block, root, proof) in &answers {
            assert_eq!(json_of(&[&["root"], &args(block)[..]].concat()), *root);
            let own = ["proof", "--address", &to, "--slot", "0", "--slot", "0x1f"];
            assert_eq!(json_of(&[&own[..], &args(block)].concat()), *proof);
        }
    };
    // A node that runs does not mind, and one that is stopped is not needed.
    check();
    assert!(node.terminate().success());
    check();

    let own = ["proof", "--address", &to];
    let error = state_err(&[&own[..], &args("13")].concat());
    let window = error
        .split("no proof at block 13: every block from ")
        .nth(1);
    let window = window
        .and_then(|rest| rest.split(' ').next())
        .unwrap_or(&error);
    assert!((14..=16).contains(&window.parse().unwrap_or(0)), "{error}");
    for command in [&["root"][..], &own] {
        let error = state_err(&[command, &args("21")].concat());
        assert!(error.contains("block 21 is not in the database"), "{error}");
    }
    let stats = state_ok(&["stats", "--datadir", datadir]);
    for line in [
        &format!("all provable from block   {window:>14}"),
        "block                                 20",
        "first provable block                   0",
        "pinned blocks                          0",
    ] {
        assert!(stats.contains(line), "{stats}");
    }
    let nothing = state_err(&["root", "--datadir", "/nonexistent"]);
    assert!(nothing.contains("holds no chain"), "{nothing}");
}

#[test]
fn verify_tells_proofs_from_forgeries() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let node = Node::start(&data, &[]);
    mine(&node, 2);
    let proof = node
        .client()
        .call("aura_getProof", json!([TO, ["0x7"], "latest"]));
    drop(node);
    let file = folder.path().join("proof.json");
    let path = file.to_str().unwrap();
    let root = proof["stateRoot"].as_str().unwrap();
    let write = |proof: &Value| fs::write(&file, proof.to_string()).unwrap();

    write(&proof);
    let balance = format!("has nonce 0, balance {} wei", VALUE + 5);
    let slot = format!("slot 0x{:064x} is absent", 7);
    for args in [&["verify", path][..], &["verify", path, "--root", root]] {
        let said = state_ok(args);
        for words in [
            root,
            &balance,
            &slot,
            "not proven: that this is the root of block 2",
        ] {
            assert!(said.contains(words), "{said}");
        }
    }
    let mut piped = Command::new(env!("CARGO_BIN_EXE_aura"))
        .args(["state", "verify", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = piped.stdin.take().unwrap();
    input.write_all(proof.to_string().as_bytes()).unwrap();
    drop(input);
    assert!(piped.wait().unwrap().success());

    let other = format!("0x{:064x}", 1);
    let error = state_err(&["verify", path, "--root", &other]);
    assert!(error.contains("the file is about state root"), "{error}");
    let forge = |pointer: &str, value: Value| {
        let mut forged = proof.clone();
        *forged.pointer_mut(pointer).unwrap() = value;
        write(&forged);
        state_err(&["verify", path])
    };
    for (pointer, value, named) in [
        ("/balance", json!("0x1"), "proof of account"),
        ("/address", json!(Address::ZERO), "proof of account"),
        ("/stateRoot", json!(other), "proof of account"),
        ("/accountProof/depths", json!("0x"), "0 depths for"),
        ("/storageProof/0/value", json!(other), "proof of slot"),
        (
            "/storageProof/0/proof/leaf/value",
            json!(other),
            "proof of slot",
        ),
        (
            "/storageProof/0/proof",
            json!({}),
            "no answer of aura_getProof",
        ),
    ] {
        let error = forge(pointer, value);
        assert!(error.contains(named), "{pointer}: {error}");
    }
    let error = state_err(&["verify", "/nonexistent.json"]);
    assert!(error.contains("/nonexistent.json"), "{error}");
}

/// Overwrites the big-endian bytes of `value` wherever the database has them.
fn damage(datadir: &Path, value: u64) {
    let path = datadir.join("db/mdbx.dat");
    let bytes = value.to_be_bytes();
    let bytes = &bytes[value.leading_zeros() as usize / 8..];
    let content = fs::read(&path).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    let mut found = 0;
    for (offset, window) in content.windows(bytes.len()).enumerate() {
        if window == bytes {
            file.write_all_at(&vec![0xbd; bytes.len()], offset as u64)
                .unwrap();
            found += 1;
        }
    }
    assert!(found > 0, "nothing to damage");
}

#[test]
fn audit_names_the_first_block_and_key_that_differ() {
    let folder = tempfile::tempdir().unwrap();
    let datadir = folder.path().to_str().unwrap();
    let node = Node::start(folder.path(), &[]);
    mine(&node, 12);
    let error = state_err(&["audit", "--datadir", datadir]);
    assert!(error.contains("another process"), "{error}");
    assert!(node.terminate().success());
    for args in [&["audit"][..], &["audit", "--full"]] {
        let said = state_ok(&[args, &["--datadir", datadir]].concat());
        for words in ["leaves hash to the state root", "at 13 blocks verify"] {
            assert!(said.contains(words), "{said}");
        }
    }
    // The balance after block 1, which only the history has.
    damage(folder.path(), VALUE);
    let error = state_err(&["audit", "--full", "--datadir", datadir]);
    assert!(error.contains("at block 1 does not verify"), "{error}");
    // The newest one.
    damage(folder.path(), VALUE + 5 * 11);
    let error = state_err(&["audit", "--datadir", datadir]);
    assert!(error.contains("state root of block 12 is 0x"), "{error}");
}
