//! Fee suggestions on an empty, a steady and a congested chain.

mod common;

use std::sync::Arc;

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxLegacy};
use alloy_network::TxSignerSync;
use alloy_primitives::{Address, TxKind, U256};
use aura_primitives::{CommittedBlock, RecoveredTx};
use common::{CHAIN_ID, LOOP, Node, account, sign_with, template};
use serde_json::{Value, json};

/// Gas limit of the blocks that tests make.
const BLOCK_GAS: u64 = 30_000_000;
/// The least tip that is suggested.
const LEAST_TIP: u128 = 1_000_000;

fn wei(value: &Value) -> u128 {
    u128::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// A chain with a contract that uses all the gas it is given.
struct Market {
    node: Node,
    burner: Address,
    nonce: u64,
}

impl Market {
    async fn open() -> Self {
        let node = Node::start().await;
        let burner = node.deploy(0, LOOP).await;
        Self {
            node,
            burner,
            nonce: 1,
        }
    }

    async fn ask(&self, method: &str) -> u128 {
        wei(&self.node.call(method, json!([])).await)
    }

    /// Sends transactions of account 0 that use `gas` altogether, with this tip.
    async fn demand(&mut self, gas: u64, tip: u128) {
        let mut left = gas;
        while left > 0 {
            let gas_limit = left.min(15_000_000);
            left -= gas_limit;
            let tx = common::sign(TxEip1559 {
                nonce: self.nonce,
                to: TxKind::Call(self.burner),
                gas_limit,
                max_priority_fee_per_gas: tip,
                ..template()
            });
            self.node.send(&tx).await;
            self.nonce += 1;
        }
    }

    /// A block with transactions that use so much gas, in percent of its limit.
    async fn block(&mut self, percent: u64, tip: u128) -> Arc<CommittedBlock> {
        self.demand(BLOCK_GAS * percent / 100, tip).await;
        self.node.mine().await
    }

    async fn blocks(&mut self, count: usize, percent: u64, tip: u128) {
        for _ in 0..count {
            self.block(percent, tip).await;
        }
    }
}

/// A transfer as a wallet makes it that knows nothing but `eth_gasPrice`.
fn priced(index: u32, nonce: u64, price: u128, dynamic: bool) -> RecoveredTx {
    let to = TxKind::Call(Address::repeat_byte(0x55));
    let signer = account(index);
    if dynamic {
        return sign_with(
            &signer,
            TxEip1559 {
                nonce,
                to,
                max_fee_per_gas: price,
                max_priority_fee_per_gas: price,
                ..template()
            },
        );
    }
    let mut tx = TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: price,
        gas_limit: 21_000,
        to,
        value: U256::from(1),
        ..TxLegacy::default()
    };
    let signature = signer.sign_transaction_sync(&mut tx).unwrap();
    RecoveredTx::new(
        EthereumTxEnvelope::Legacy(tx.into_signed(signature)),
        signer.address(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_chain_asks_for_next_to_nothing() {
    let mut market = Market::open().await;
    market.blocks(30, 0, 0).await;
    let base_fee = market.ask("eth_baseFee").await;
    assert_eq!(market.ask("eth_maxPriorityFeePerGas").await, LEAST_TIP);
    let price = market.ask("eth_gasPrice").await;
    assert_eq!(price, base_fee + base_fee / 4 + LEAST_TIP);
    // One generous user does not make it dear for everybody.
    market.block(1, 90_000_000_000).await;
    assert_eq!(market.ask("eth_maxPriorityFeePerGas").await, LEAST_TIP);
    assert!(market.ask("eth_gasPrice").await <= price);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_gas_price_do_not_drive_it_up_on_a_steady_chain() {
    let mut market = Market::open().await;
    market.blocks(8, 50, 1).await;
    let start = market.ask("eth_gasPrice").await;
    for nonce in 0..25 {
        let price = market.ask("eth_gasPrice").await;
        // Each pays the whole of it, headroom included, as a tip.
        let tx = priced(1, nonce, price, nonce % 2 == 0);
        market.node.send(&tx).await;
        let block = market.block(50, 1).await;
        assert!(
            block
                .block
                .transactions
                .iter()
                .any(|mined| mined.hash() == tx.hash())
        );
    }
    let end = market.ask("eth_gasPrice").await;
    assert!(end <= start + start / 20, "{start} {end}");
    assert_eq!(market.ask("eth_maxPriorityFeePerGas").await, LEAST_TIP);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_lasts_while_the_base_fee_rises_for_several_blocks() {
    let mut market = Market::open().await;
    market.blocks(10, 0, 0).await;
    market.blocks(2, 100, 2_000_000_000).await;
    let price = market.ask("eth_gasPrice").await;
    let base_fee = market.ask("eth_baseFee").await;
    // Signed at leisure, while five more blocks are full.
    market.blocks(5, 100, 2_000_000_000).await;
    let risen = market.ask("eth_baseFee").await;
    assert!(risen > base_fee * 17 / 10, "{base_fee} {risen}");
    assert!(price > risen, "{price} {risen}");
    // Not beyond reason either.
    assert!(
        price < 4 * base_fee + 3 * LEAST_TIP * 100,
        "{price} {base_fee}"
    );
    let txs = [priced(1, 0, price, true), priced(2, 0, price, false)];
    for tx in &txs {
        market.node.send(tx).await;
    }
    let block = market.node.mine().await;
    for tx in &txs {
        assert!(
            block
                .block
                .transactions
                .iter()
                .any(|mined| mined.hash() == tx.hash())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_congested_chain_suggests_what_others_pay_within_reason() {
    let mut market = Market::open().await;
    market.blocks(4, 100, 30_000_000).await;
    assert_eq!(market.ask("eth_maxPriorityFeePerGas").await, 30_000_000);
    // Somebody bids a hundred times the base fee.
    market.blocks(4, 100, 90_000_000_000).await;
    let tip = market.ask("eth_maxPriorityFeePerGas").await;
    let base_fee = market.ask("eth_baseFee").await;
    assert!(tip <= base_fee.max(100 * LEAST_TIP), "{tip} {base_fee}");
    // When there is room again nobody needs to bid.
    market.blocks(4, 10, 30_000_000).await;
    assert_eq!(market.ask("eth_maxPriorityFeePerGas").await, LEAST_TIP);
}

#[tokio::test(flavor = "multi_thread")]
async fn fee_history_of_a_chain_of_one_block_is_whole() {
    let node = Node::start().await;
    let history = node
        .call("eth_feeHistory", json!(["0x5", "latest", [10, 50, 90]]))
        .await;
    assert_eq!(history["oldestBlock"], "0x0");
    assert_eq!(history["reward"], json!([["0x0", "0x0", "0x0"]]));
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 1);
    assert_eq!(history["blobGasUsedRatio"].as_array().unwrap().len(), 1);
    let next = node.call("eth_baseFee", json!([])).await;
    assert_eq!(history["baseFeePerGas"][1], next);
    let blob = node.call("eth_blobBaseFee", json!([])).await;
    assert_eq!(history["baseFeePerBlobGas"][1], blob);
    let pending = node
        .call("eth_getBlockByNumber", json!(["pending", false]))
        .await;
    assert_eq!(pending["baseFeePerGas"], next);
}

#[tokio::test(flavor = "multi_thread")]
async fn rewards_are_weighted_by_gas() {
    let mut market = Market::open().await;
    // 1 Mgas at 1 wei, 3 at 2, 6 at 3: 10, 40 and 100 percent.
    for (gas, tip) in [(6_000_000, 3), (1_000_000, 1), (3_000_000, 2)] {
        market.demand(gas, tip).await;
    }
    market.node.mine().await;
    let history = market
        .node
        .call(
            "eth_feeHistory",
            json!(["0x1", "latest", [0, 10, 11, 40, 41, 100]]),
        )
        .await;
    assert_eq!(
        history["reward"],
        json!([["0x1", "0x1", "0x2", "0x2", "0x3", "0x3"]])
    );
    let ratio = history["gasUsedRatio"][0].as_f64().unwrap();
    assert!((ratio - 1.0 / 3.0).abs() < 1e-9, "{ratio}");
    // Many blocks, none of them there twice, and the rest is cut off.
    let history = market
        .node
        .call("eth_feeHistory", json!([1_000, "latest", []]))
        .await;
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 3);
    assert!(history.get("reward").is_none());
    let history = market
        .node
        .call("eth_feeHistory", json!([0, "latest", [1]]))
        .await;
    assert_eq!(history["gasUsedRatio"], json!([]));
}
