//! A case as it stands in its file.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B64, B256, Bytes, U64, U256};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::network;

/// The contract whose deposits make requests (EIP-6110).
const DEPOSIT_CONTRACT: &str = "0x00000000219ab540356cbb839cbe05303d7705fa";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Case {
    pub(crate) network: String,
    #[serde(default)]
    config: Config,
    genesis_block_header: GenesisHeader,
    pre: State,
    pub(crate) blocks: Vec<Block>,
    pub(crate) lastblockhash: B256,
    pub(crate) post_state: Option<State>,
    pub(crate) post_state_hash: Option<B256>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    chainid: Option<U64>,
    #[serde(default)]
    blob_schedule: BTreeMap<String, BlobParams>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlobParams {
    target: U64,
    max: U64,
    base_fee_update_fraction: U64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenesisHeader {
    hash: B256,
    coinbase: Address,
    difficulty: U256,
    extra_data: Bytes,
    gas_limit: U64,
    mix_hash: B256,
    nonce: B64,
    parent_hash: B256,
    timestamp: U64,
    base_fee_per_gas: Option<U64>,
    blob_gas_used: Option<U64>,
    excess_blob_gas: Option<U64>,
}

pub(crate) type State = BTreeMap<Address, Account>;

#[derive(Debug, Deserialize)]
pub(crate) struct Account {
    pub(crate) nonce: U64,
    pub(crate) balance: U256,
    pub(crate) code: Bytes,
    pub(crate) storage: BTreeMap<U256, U256>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Block {
    pub(crate) rlp: Bytes,
    pub(crate) expect_exception: Option<String>,
}

impl Case {
    /// Hash of block 0.
    pub(crate) const fn genesis_hash(&self) -> B256 {
        self.genesis_block_header.hash
    }

    /// The genesis file of the case.
    pub(crate) fn genesis(&self) -> String {
        let header = &self.genesis_block_header;
        let mut genesis = json!({
            "config": self.config(),
            "coinbase": header.coinbase,
            "difficulty": header.difficulty,
            "extraData": header.extra_data,
            "gasLimit": header.gas_limit,
            "mixHash": header.mix_hash,
            "nonce": header.nonce,
            "parentHash": header.parent_hash,
            "timestamp": header.timestamp,
            "alloc": self.alloc(),
        });
        for (field, value) in [
            ("baseFeePerGas", header.base_fee_per_gas),
            ("blobGasUsed", header.blob_gas_used),
            ("excessBlobGas", header.excess_blob_gas),
        ] {
            if let Some(value) = value {
                genesis[field] = json!(value);
            }
        }
        genesis.to_string()
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = network::config(&self.network);
        let chain_id = self.config.chainid.unwrap_or(U64::from(1));
        config.insert("chainId".into(), json!(chain_id.to::<u64>()));
        config.insert("depositContractAddress".into(), json!(DEPOSIT_CONTRACT));
        let schedule = self.config.blob_schedule.iter();
        let schedule: Map<String, Value> = schedule
            .map(|(fork, params)| {
                let params = json!({
                    "target": params.target.to::<u64>(),
                    "max": params.max.to::<u64>(),
                    "baseFeeUpdateFraction": params.base_fee_update_fraction.to::<u64>(),
                });
                (fork.to_lowercase(), params)
            })
            .collect();
        if !schedule.is_empty() {
            config.insert("blobSchedule".into(), Value::Object(schedule));
        }
        config
    }

    fn alloc(&self) -> Map<String, Value> {
        let accounts = self.pre.iter().map(|(address, account)| {
            let storage = account.storage.iter();
            let storage: Map<String, Value> = storage
                .map(|(slot, word)| {
                    let (slot, word) = (B256::from(*slot), B256::from(*word));
                    (slot.to_string(), json!(word))
                })
                .collect();
            let entry = json!({
                "nonce": account.nonce,
                "balance": account.balance,
                "code": account.code,
                "storage": storage,
            });
            (address.to_string(), entry)
        });
        accounts.collect()
    }
}
