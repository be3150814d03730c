//! The mapping, as clients see it.

use alloy_primitives::Bytes;
use serde_json::{Value, json};

use super::*;

fn wire(fault: Fault) -> Value {
    let error = fault.into_error(|error| panic!("no damage: {error}"));
    serde_json::to_value(error).unwrap()
}

#[test]
fn parameter_errors_have_no_data_member() {
    let error = wire(Fault::params("missing value for required argument 0"));
    assert_eq!(
        error,
        serde_json::json!({"code": -32602, "message": "missing value for required argument 0"})
    );
}

#[test]
fn refused_transactions_speak_geth() {
    let error = wire(PoolError::AlreadyKnown.into());
    assert_eq!(
        error,
        serde_json::json!({"code": -32000, "message": "already known"})
    );
}

#[test]
fn reverts_carry_the_returned_bytes() {
    let data = Bytes::from_static(&[1, 2, 0xff]);
    let error = wire(CallError::Revert { data }.into());
    assert_eq!(error["code"], 3);
    assert_eq!(error["data"], "0x0102ff");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("execution reverted")
    );
}

#[test]
fn our_faults_do_not_leak_paths() {
    let error = wire(
        StorageError::Locked {
            path: "/secret".into(),
        }
        .into(),
    );
    assert_eq!(
        error,
        serde_json::json!({"code": -32603, "message": "internal error"})
    );
}

#[test]
fn a_block_that_cannot_be_proven_is_answered_with_those_that_can() {
    let error = StorageError::ProofUnavailable {
        requested: 5,
        first_available: 100,
        nearest: (None, Some(32)),
    };
    let message = error.to_string();
    assert!(message.contains("from 100 on"), "{message}");
    let data = json!({"requested": "0x5", "firstAvailable": "0x64", "nearest": ["0x20"]});
    assert_eq!(
        wire(ProofError::from(error).into()),
        json!({"code": -32000, "message": message, "data": data})
    );
}

#[test]
fn damage_is_reported_wherever_it_was_found() {
    let damaged = || StorageError::Decode {
        table: "Flat",
        key: Bytes::new(),
        source: aura_storage::DecodeError::TooShort,
    };
    let mismatch = ProofError::Mismatch {
        block: 1,
        key: B256::ZERO,
        tree: B256::ZERO,
        state: B256::ZERO,
    };
    let faults: [Fault; 5] = [
        damaged().into(),
        ProofError::from(damaged()).into(),
        PoolError::State(damaged()).into(),
        CallError::State(damaged()).into(),
        mismatch.into(),
    ];
    for fault in faults {
        let shown = format!("{fault:?}");
        let mut reported = false;
        let error = fault.into_error(|_| reported = true);
        assert!(reported, "{shown}");
        assert_eq!(error.code(), INTERNAL);
        assert_eq!(error.message(), "internal error");
    }
}

#[test]
fn sync_errors_follow_eip_7966() {
    let hash = B256::repeat_byte(7);
    let error = wire(Fault::SyncTimeout {
        hash,
        waited_ms: 50,
    });
    assert_eq!(error["code"], 4);
    assert_eq!(error["data"], hash.to_string());
    assert_eq!(wire(Fault::SyncNonceGap { expected: 3 })["data"], "0x3");
}

#[test]
fn a_full_pool_of_threads_is_a_limit() {
    let error = wire(Fault::Busy(PoolBusy::Full {
        pool: "rpc-call",
        queue: 3,
    }));
    assert_eq!(error["code"], LIMIT);
}
