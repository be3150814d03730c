//! The node under test, in this process, with limits that a short run reaches.

use super::corpus::Facts;
use crate::{
    accounts::{Account, Unsigned},
    erc20,
    http::Endpoint,
    rpc::Rpc,
};
use alloy_primitives::{Address, Bytes, TxKind, U256, hex, keccak256};
use aura_node::{BlockTime, ChainSource, Interval, Node, NodeConfig, RateLimit, SealPolicy};
use eyre::{OptionExt, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

/// Longest wait for a transaction of the preparation.
const MINED_LIMIT: Duration = Duration::from_secs(60);

/// Larger payloads are refused as a whole.
pub(super) const MAX_REQUEST_BYTES: usize = 1 << 20;

/// A node and its data.
pub(super) struct Subject {
    pub(super) node: Node,
    pub(super) endpoint: Endpoint,
    _data: TempDir,
}

impl Subject {
    pub(super) async fn start() -> Result<Self> {
        let data = TempDir::new()?;
        let mut config = NodeConfig {
            datadir: data.path().join("data"),
            port: 0,
            ..NodeConfig::default()
        };
        config.sequencer.block_time = BlockTime(SealPolicy::Instant);
        config.sequencer.empty_block_interval = Interval(None);
        config.storage.durable = false;
        // What can hang, hangs for a moment; what can grow, reaches its bound in the warm-up.
        let rpc = &mut config.rpc;
        rpc.rate_limit = RateLimit::Unlimited;
        rpc.call_timeout_ms = 50;
        rpc.log_timeout_ms = 200;
        rpc.trace_timeout_ms = 500;
        rpc.simulate_timeout_ms = 500;
        rpc.request_timeout_ms = 5_000;
        rpc.max_sync_timeout_ms = 100;
        rpc.sync_timeout_ms = 100;
        rpc.block_cache_bytes = 1 << 20;
        rpc.fee_cache_bytes = 1 << 20;
        rpc.max_request_bytes = MAX_REQUEST_BYTES as u32;
        rpc.max_response_bytes = 4 << 20;
        rpc.max_log_bytes = 2 << 20;
        rpc.max_trace_bytes = 2 << 20;
        let node = Node::start(config, &ChainSource::Dev, None).await?;
        let endpoint = format!("http://{}", node.address()).parse()?;
        Ok(Self {
            node,
            endpoint,
            _data: data,
        })
    }

    /// Makes blocks with calls of a contract, and tells what is in them.
    pub(super) async fn prepare(&self) -> Result<Facts> {
        let mut rpc = Rpc::open(&self.endpoint).await?;
        let owner = Account::dev(0)?;
        let token = erc20::deploy(&mut rpc, std::slice::from_ref(&owner)).await?;
        let chain_id = rpc.chain_id().await?;
        let mut mined = None;
        for nonce in 0..20 {
            let signed = owner.sign(chain_id, transfer(nonce, token))?;
            let hash = rpc.submit(&[signed.raw]).await?[0];
            rpc.mined(hash, MINED_LIMIT).await?;
            mined = Some(hash);
        }
        let transaction = mined.ok_or_eyre("no transaction was made")?;
        let receipt: Value = rpc
            .call("eth_getTransactionReceipt", json!([transaction]))
            .await?;
        let logs = receipt["logs"].as_array().map_or(0, Vec::len);
        ensure!(logs > 0, "the transaction has no logs: {receipt}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        // Mined already, ready, and waiting for a nonce that never comes.
        let mut raw = Vec::new();
        let other = Account::dev(1)?;
        for (account, nonce) in [
            (&owner, 0),
            (&other, 0),
            (&other, 1),
            (&other, 2),
            (&other, 9),
        ] {
            raw.push(hex::encode_prefixed(
                account.sign(chain_id, transfer(nonce, token))?.raw,
            ));
        }
        Ok(Facts {
            account: owner.address().to_string(),
            contract: token.to_string(),
            block: text(&receipt["blockHash"]),
            number: text(&receipt["blockNumber"]),
            transaction: transaction.to_string(),
            input: hex::encode_prefixed(erc20::balance_input(owner.address())),
            topic: keccak256("Transfer(address,address,uint256)").to_string(),
            raw,
        })
    }
}

fn transfer(nonce: u64, token: Address) -> Unsigned {
    let input: Bytes = erc20::transfer_input(Address::repeat_byte(nonce as u8 + 1), U256::ONE);
    Unsigned {
        nonce,
        to: TxKind::Call(token),
        value: U256::ZERO,
        gas_limit: 80_000,
        input,
    }
}
