//! `eth_simulateV1` on the development chain.

mod answers;
mod bounds;
#[path = "../common/mod.rs"]
mod common;
mod state;

use common::Node;
use serde_json::{Value, json};

const ALICE: &str = "0xa11ce00000000000000000000000000000000000";
const BOB: &str = "0xb0b0000000000000000000000000000000000000";
const CODE: &str = "0xc0de000000000000000000000000000000000000";
/// Pays its call value on to BOB, then does what its calldata says: nothing if empty, else revert.
const FORWARDER: &str =
    "0x5f5f5f5f3473b0b00000000000000000000000000000000000005af15036602257005b5f5ffd";

async fn simulate(node: &Node, payload: Value) -> Vec<Value> {
    let answer = node
        .call("eth_simulateV1", json!([payload, "latest"]))
        .await;
    answer.as_array().unwrap().clone()
}

/// Code of the refusal of a payload.
async fn refusal(node: &Node, payload: Value) -> i64 {
    node.fail("eth_simulateV1", json!([payload, "latest"]))
        .await
        .0
}

fn calls(calls: Value) -> Value {
    json!({"blockStateCalls": [{"calls": calls}]})
}

/// The same with one override of CODE's code.
fn with_code(code: &str, calls: Value) -> Value {
    let state = json!({CODE: {"code": code}});
    json!({"blockStateCalls": [{"stateOverrides": state, "calls": calls}]})
}
