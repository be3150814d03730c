//! Deposits are in no fee market.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind};
use serde_json::json;

use crate::{
    common::{LOOP, sign, template, transfer},
    l1::World,
    messages::{credit, forced},
};

const FRIEND: Address = Address::repeat_byte(0x22);
/// What [`transfer`] pays.
const TIP: &str = "0x77359400";

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_fees_is_that_of_transactions_that_pay_them() {
    let mut world = World::start().await;
    let mut messages = vec![credit(FRIEND, 1), credit(FRIEND, 1)];
    messages.extend((0..5).map(|_| forced(FRIEND, 21_000, [])));
    world.enqueue(messages);
    world.node.send(&transfer(0)).await;
    world.block(6).await;
    world.block(1).await;
    let history = json!(["0x2", "latest", [0, 10, 50, 100]]);
    let history = world.node.call("eth_feeHistory", history).await;
    let none = json!(["0x0", "0x0", "0x0", "0x0"]);
    assert_eq!(history["reward"], json!([[TIP, TIP, TIP, TIP], none]));
    // They take room all the same: five transfers of 30 million.
    assert_eq!(history["gasUsedRatio"][0], 5.0 * 21_000.0 / 30_000_000.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tip_is_suggested_by_those_who_pay_among_many_deposits() {
    const PAID: u128 = 50_000_000;
    let mut world = World::start().await;
    let burner = world.node.deploy(0, LOOP).await;
    for nonce in [1, 2] {
        let tx = sign(TxEip1559 {
            nonce,
            to: TxKind::Call(burner),
            gas_limit: 14_000_000,
            max_priority_fee_per_gas: PAID,
            ..template()
        });
        world.node.send(&tx).await;
    }
    world.enqueue((0..200).map(|_| credit(FRIEND, 1)).collect());
    world.block(200).await;
    let tip = world.node.call("eth_maxPriorityFeePerGas", json!([])).await;
    assert_eq!(tip, json!(format!("{PAID:#x}")));
}
