//! Accounts of a genesis file.

use alloy_primitives::{Address, Bytes, U256, keccak256};
use serde_json::{Value, json};

use crate::{read, refused, with};

const ADDRESS: &str = "0x00000000000000000000000000000000000000aa";

fn with_account(account: Value) -> Value {
    with("alloc", json!({ ADDRESS: account }))
}

#[test]
fn refuses_wrong_accounts_by_address() {
    let long = format!("0x{}", "11".repeat(33));
    let word = format!("0x{}", "11".repeat(32));
    let cases = [
        (json!({ "balance": long }), "account"),
        (
            json!({ "balance": "0x1", "nonce": "0x10000000000000000" }),
            "account",
        ),
        (
            json!({ "balance": "0x1", "storage": { long.as_str(): "0x01" } }),
            "33 bytes",
        ),
        (
            json!({ "balance": "0x1", "storage": { word.as_str(): long } }),
            "33 bytes",
        ),
        (
            json!({ "balance": "0x1", "storage": { "0x01": "0x02", "0x0001": "0x03" } }),
            "repeated",
        ),
        (json!({ "balance": "0x1", "code": "0x0" }), "account"),
        (
            json!({ "balance": "0x1", "builtin": {} }),
            "unknown field `builtin`",
        ),
        (json!({ "nonce": "0x1" }), "missing field `balance`"),
        (
            json!({ "balance": "0x1", "nonce": "0xffffffffffffffff" }),
            "EIP-2681",
        ),
        (
            json!({ "balance": "0x0", "storage": { "0x01": "0x02" } }),
            "storage",
        ),
    ];
    for (account, word) in cases {
        let text = read(&with_account(account)).unwrap_err().to_string();
        let lower = text.to_lowercase();
        assert!(
            lower.contains(ADDRESS) && text.contains(word),
            "{text:?}, expected {word:?}"
        );
        assert!(
            !text.contains("at line"),
            "position within a part misleads: {text}"
        );
    }
    refused(
        &with("alloc", json!({ "0xaa": { "balance": "0x1" } })),
        &["`alloc`"],
    );
    let repeated = with(
        "alloc",
        json!({
            ADDRESS: { "balance": "1" },
            &ADDRESS[2..]: { "balance": "2" },
        }),
    );
    refused(&repeated, &["is repeated"]);
}

#[test]
fn genesis_state_is_sorted_without_empty_accounts_and_zero_slots() {
    let code = "0x6001";
    let spec = read(&with(
        "alloc",
        json!({
            "0x00000000000000000000000000000000000000bb": {
                "balance": "0x0", "nonce": "0x1", "code": code,
                "storage": { "0x02": "0x0a", "0x01": "0x00", "0x0100": "0x0b" }
            },
            "0x00000000000000000000000000000000000000aa": { "balance": "12", "code": code },
            "0x00000000000000000000000000000000000000cc": { "balance": "0x0", "code": "0x" },
        }),
    ))
    .unwrap();
    let state = spec.genesis_state();
    let address = Address::with_last_byte;
    let addresses: Vec<_> = state.accounts.iter().map(|(address, _)| *address).collect();
    assert_eq!(addresses, [address(0xaa), address(0xbb)]);
    assert_eq!(state.accounts[0].1.balance, U256::from(12));
    assert_eq!(
        state.slots,
        [
            (address(0xbb), U256::from(2), U256::from(10)),
            (address(0xbb), U256::from(256), U256::from(11)),
        ]
    );
    let code: Bytes = code.parse().unwrap();
    assert_eq!(state.code, [(keccak256(&code), code)]);
}
