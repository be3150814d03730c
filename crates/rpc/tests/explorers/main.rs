//! Traces in Parity's forms, and what Otterscan asks for.

#[path = "../common/mod.rs"]
mod common;
mod otterscan;
mod parity;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind, U256};
use aura_primitives::RecoveredTx;
use common::{Node, sign, template};

/// Sends its calldata's second word as value to the address in the first; returns the success.
const SENDER: &str = "5f5f5f5f6020355f355af15f5260205ff3";
/// Creates an empty contract and returns its address.
const CREATOR: &str = "5f5f5ff05f5260205ff3";

fn invoke(nonce: u64, to: Address, value: u64, words: &[U256]) -> RecoveredTx {
    let input: Vec<u8> = words.iter().flat_map(U256::to_be_bytes::<32>).collect();
    sign(TxEip1559 {
        nonce,
        to: TxKind::Call(to),
        value: U256::from(value),
        gas_limit: 300_000,
        input: input.into(),
        ..template()
    })
}

fn word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

fn friend() -> Address {
    Address::repeat_byte(0x99)
}

/// Block 3 has a transfer through a contract and a creation inside of a call.
async fn scene() -> (Node, [Address; 2], [RecoveredTx; 2]) {
    let node = Node::start().await;
    let sender = node.deploy(0, SENDER).await;
    let creator = node.deploy(1, CREATOR).await;
    let first = invoke(2, sender, 9, &[word(friend()), U256::from(9)]);
    let second = invoke(3, creator, 0, &[]);
    node.send(&first).await;
    node.send(&second).await;
    node.mine().await;
    (node, [sender, creator], [first, second])
}
