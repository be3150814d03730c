//! `aura import` and `aura export` on a chain of our own.

mod common;

use std::fs;

use alloy_primitives::Address;
use common::{Node, aura, signer, transfer};
use serde_json::json;

const GENESIS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../genesis/dev.json");

#[test]
fn a_chain_is_exported_and_imported_and_a_bad_file_fails_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let node = Node::start(path("made").as_ref(), &[]);
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
        GENESIS,
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
    let output = aura(&["import", "--genesis", GENESIS, "--datadir", &other, &cut]);
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
