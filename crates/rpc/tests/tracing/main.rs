//! Traces in geth's forms.

mod blocks;
mod bounds;
#[path = "../common/mod.rs"]
mod common;
mod tracers;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind, U256};
use aura_primitives::RecoveredTx;
use common::{Node, REVERTER, sign, template};
use serde_json::{Value, json};

/// Adds one to slot 0, which is 42 at first, and returns it.
const COUNTER: &str = "5f546001015f555f545f5260205ff3";
/// Calls the address in calldata's first word with the value in the second and the data
/// 0x12345678; returns whether that succeeded.
const CALLER: &str = "631234567860e01b5f525f5f60045f6020355f355af15f5260205ff3";
/// Clears slot 0, which is refunded, and then calls itself in vain.
const REFUNDER: &str = "5f5f555f5f5f5f5f305af100";

/// Calls `to` with words as calldata.
fn invoke(nonce: u64, to: Address, words: &[U256]) -> RecoveredTx {
    let input: Vec<u8> = words.iter().flat_map(U256::to_be_bytes::<32>).collect();
    sign(TxEip1559 {
        nonce,
        to: TxKind::Call(to),
        value: U256::from(7),
        gas_limit: 300_000,
        input: input.into(),
        ..template()
    })
}

fn word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

/// A block with a call of the counter, and one of a caller that calls the reverter.
async fn scene() -> (Node, [Address; 3], [RecoveredTx; 2]) {
    let node = Node::start().await;
    let counter = node.deploy(0, COUNTER).await;
    let caller = node.deploy(1, CALLER).await;
    let reverter = node.deploy(2, REVERTER).await;
    let first = invoke(3, counter, &[]);
    let second = invoke(4, caller, &[word(reverter), U256::from(3)]);
    node.send(&first).await;
    node.send(&second).await;
    node.mine().await;
    (node, [counter, caller, reverter], [first, second])
}

async fn trace(node: &Node, tx: &RecoveredTx, options: Value) -> Value {
    let params = json!([tx.hash(), options]);
    node.call("debug_traceTransaction", params).await
}

fn ops(trace: &Value) -> Vec<&str> {
    let logs = trace["structLogs"].as_array().unwrap();
    logs.iter().map(|log| log["op"].as_str().unwrap()).collect()
}
