//! `aura import` and `aura export` on a chain of our own.

mod common;

use std::{fs, path::Path};

use alloy_primitives::Address;
use common::{Node, aura, signer, transfer};
use serde_json::json;

const GENESIS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../genesis/dev.json");

/// The development genesis without its bridge: blocks of a bridged chain follow from L1 alone.
fn write_genesis(to: &Path) {
    let text = fs::read_to_string(GENESIS).unwrap();
    let mut genesis: serde_json::Value = serde_json::from_str(&text).unwrap();
    genesis["aura"]
        .as_object_mut()
        .unwrap()
        .remove("bridge")
        .unwrap();
    fs::write(to, genesis.to_string()).unwrap();
}

#[test]
fn a_chain_is_exported_and_imported_and_a_bad_file_fails_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let genesis = path("genesis.json");
    write_genesis(genesis.as_ref());
    let node = Node::start(path("made").as_ref(), &["--chain", &genesis]);
    for nonce in 0..5 {
        let raw = transfer(&signer(0), nonce, Address::repeat_byte(9), 5);
        let sent = node
            .client()
            .call("eth_sendRawTransactionSync", json!([raw]));
        assert_eq!(sent["status"], "0x1");
    }
    assert!(node.terminate().success());

    let (made, file) = (path("made"), path("blocks.rlp"));
    let output = aura(&["export", "--datadir", &made, &file]);
    assert!(output.status.success(), "{output:?}");
    let output = aura(&["export", "--datadir", &made, "-"]);
    let bytes = fs::read(&file).unwrap();
    assert_eq!(output.stdout, bytes);

    let copy = path("copy");
    let import = [
        "import",
        "--genesis",
        &genesis,
        "--datadir",
        &copy,
        "--finalize",
        &file,
    ];
    let output = aura(&import);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("imported 5 blocks with 5 transactions"),
        "{text}"
    );
    let output = aura(&["export", "--datadir", &copy, "-"]);
    assert_eq!(output.stdout, bytes);

    // The data directory knows its chain; the file of blocks ends too early.
    let cut = path("cut.rlp");
    fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
    let other = path("other");
    let output = aura(&["import", "--genesis", &genesis, "--datadir", &other, &cut]);
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    for part in ["cut.rlp", "block after number 4", "ends within the block"] {
        assert!(text.contains(part), "{text}");
    }
    let output = aura(&["import", "--datadir", &other, &file]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("imported 1 blocks"), "{text}");
    assert!(text.contains("passed over 4"), "{text}");
}

#[test]
fn a_bridged_chain_is_not_exported() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().to_str().unwrap();
    let node = Node::start(made.as_ref(), &[]);
    let raw = transfer(&signer(0), 0, Address::repeat_byte(9), 5);
    node.client()
        .call("eth_sendRawTransactionSync", json!([raw]));
    assert!(node.terminate().success());
    let output = aura(&["export", "--datadir", made, "-"]);
    assert!(!output.status.success() && output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("follow from L1"), "{text}");
}
