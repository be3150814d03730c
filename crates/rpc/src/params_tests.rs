//! Tests of parameter parsing.

use proptest::prelude::*;

use super::*;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn message(fault: Fault) -> String {
    fault.to_string()
}

#[test]
fn absent_null_and_empty_parameters_are_the_same() {
    for params in [None, Some("null"), Some("[]"), Some(" [ ] ")] {
        let mut args = Args::parse(params, 1).unwrap();
        assert_eq!(args.block().unwrap(), BlockId::latest());
    }
}

#[test]
fn errors_name_the_parameter_and_the_problem() {
    let mut args = Args::parse(Some(r#"["0x12"]"#), 2).unwrap();
    assert_eq!(
        message(args.required("address", address).unwrap_err()),
        "invalid argument 0 (address): hex string has 2 digits, want 40"
    );
    assert_eq!(
        message(args.required("slot", slot).unwrap_err()),
        "missing value for required argument 1 (slot)"
    );
    assert_eq!(
        message(Args::parse(Some("[1,2,3]"), 2).unwrap_err()),
        "too many arguments, want at most 2"
    );
    assert_eq!(
        message(Args::parse(Some(r#"{"a":1}"#), 2).unwrap_err()),
        "non-array args: named parameters"
    );
}

#[test]
fn block_parameters_take_every_form_that_clients_send() {
    let hash = B256::repeat_byte(0xab);
    for (json, want) in [
        (r#""latest""#.to_owned(), BlockId::latest()),
        (r#""pending""#.to_owned(), BlockId::pending()),
        (r#""earliest""#.to_owned(), BlockId::earliest()),
        (r#""safe""#.to_owned(), BlockId::safe()),
        (r#""finalized""#.to_owned(), BlockId::finalized()),
        (r#""0x10""#.to_owned(), BlockId::number(16)),
        (r#""0x0010""#.to_owned(), BlockId::number(16)),
        (r#"{"blockNumber":"0x10"}"#.to_owned(), BlockId::number(16)),
        (format!("\"{hash}\""), BlockId::hash(hash)),
        (format!(r#"{{"blockHash":"{hash}"}}"#), BlockId::hash(hash)),
        (
            format!(r#"{{"blockHash":"{hash}","requireCanonical":true}}"#),
            BlockId::hash_canonical(hash),
        ),
    ] {
        assert_eq!(block_id(&raw(&json)).unwrap(), want, "{json}");
    }
}

#[test]
fn block_parameters_refuse_what_is_neither() {
    for json in [
        r#""2""#,
        r#""newest""#,
        r#""0xzz""#,
        r#""0x""#,
        r#""0x10000000000000000""#,
        "5",
        "[]",
        "{}",
        r#"{"blockNumber":"0x1","blockHash":"0x2"}"#,
        r#"{"blockHash":"0x2"}"#,
    ] {
        assert!(block_id(&raw(json)).is_err(), "{json}");
    }
}

#[test]
fn hashes_need_their_prefix() {
    let without = format!("\"{}\"", "ab".repeat(32));
    assert!(hash(&raw(&without)).unwrap_err().contains("without 0x"));
}

#[test]
fn slots_may_be_short_but_not_long() {
    assert_eq!(slot(&raw(r#""0x0""#)).unwrap(), U256::ZERO);
    assert_eq!(slot(&raw(r#""0x1""#)).unwrap(), U256::from(1));
    assert!(slot(&raw(&format!("\"0x{}\"", "0".repeat(65)))).is_err());
    assert!(slot(&raw(r#""0xasdf""#)).is_err());
    assert!(slot(&raw(r#""5""#)).is_err());
}

#[test]
fn counts_may_be_decimal() {
    for json in ["5", r#""5""#, r#""0x5""#] {
        assert_eq!(count(&raw(json)).unwrap(), 5, "{json}");
    }
    assert!(count(&raw(r#""five""#)).is_err());
    assert!(count(&raw("-1")).is_err());
}

#[test]
fn escaped_strings_are_read() {
    assert_eq!(text(&raw(r#""la\u0074est""#)).unwrap(), "latest");
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    let mut args = Args::parse(Some(&deep), 1).unwrap();
    assert!(args.required("filter", json::<serde_json::Value>).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_panics(text in ".{0,80}") {
        let json = raw(&serde_json::to_string(&text).unwrap());
        let _ = (address(&json), hash(&json), bytes(&json), u256(&json), u64(&json));
        let _ = (u128(&json), count(&json), slot(&json), block_id(&json), boolean(&json));
        let _ = Args::parse(Some(&text), 3);
    }

    #[test]
    fn quantities_round_trip(value: u64) {
        prop_assert_eq!(u64(&raw(&format!("\"{value:#x}\""))).unwrap(), value);
        prop_assert_eq!(count(&raw(&value.to_string())).unwrap(), value);
    }
}
