//! `eth_config` (EIP-7910): which rules are in force, and which come next.

use std::collections::BTreeMap;

use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS,
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, eip7840::BlobParams,
};
use alloy_genesis::ChainConfig;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{Address, B256};
use aura_chainspec::ChainSpec;
use aura_primitives::HeadLabel;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{api::Api, errors::Fault, params::Args, types::Quantity};

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Forks {
    current: Option<Fork>,
    next: Option<Fork>,
    last: Option<Fork>,
}

/// The rules from a moment on.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fork {
    activation_time: u64,
    blob_schedule: Option<BlobSchedule>,
    chain_id: Quantity<u64>,
    fork_id: String,
    precompiles: BTreeMap<&'static str, Address>,
    system_contracts: BTreeMap<&'static str, Address>,
}

#[derive(Debug, Clone, Copy)]
struct BlobSchedule(BlobParams);

impl Serialize for BlobSchedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("target", &self.0.target_blob_count)?;
        map.serialize_entry("max", &self.0.max_blob_count)?;
        let fraction = u64::try_from(self.0.update_fraction).unwrap_or(u64::MAX);
        map.serialize_entry("baseFeeUpdateFraction", &fraction)?;
        map.end()
    }
}

/// `eth_config()`.
pub(crate) fn config(api: &Api, _: Args<'_>) -> Result<Forks, Fault> {
    let reader = api.reader()?;
    let missing = Fault::Inconsistent;
    let genesis = reader
        .header(0)?
        .ok_or(missing("the genesis block is missing"))?;
    let head = reader.head(HeadLabel::Unsafe)?.number;
    let now = reader
        .header(head)?
        .ok_or(missing("header of a block is missing"))?
        .timestamp;
    let spec = api.spec();
    let schedule = Schedule::new(&spec.genesis().config, genesis.timestamp);
    let fork = |time: Option<u64>| time.map(|time| fork(spec, genesis.seal(), &schedule, time));
    let next = schedule.times.iter().copied().find(|time| *time > now);
    Ok(Forks {
        current: fork(schedule.at(now)),
        last: fork(schedule.times.last().copied().filter(|_| next.is_some())),
        next: fork(next),
    })
}

/// When forks were, or will be.
#[derive(Debug, PartialEq, Eq)]
struct Schedule {
    /// Blocks above the genesis block.
    blocks: Vec<u64>,
    /// Times, with that of the genesis block for whatever is in force there.
    times: Vec<u64>,
    genesis: u64,
}

impl Schedule {
    fn new(config: &ChainConfig, genesis: u64) -> Self {
        let blocks = [
            config.homestead_block,
            config.dao_fork_block,
            config.eip150_block,
            config.eip155_block,
            config.eip158_block,
            config.byzantium_block,
            config.constantinople_block,
            config.petersburg_block,
            config.istanbul_block,
            config.muir_glacier_block,
            config.berlin_block,
            config.london_block,
            config.arrow_glacier_block,
            config.gray_glacier_block,
            config.merge_netsplit_block,
        ];
        let times = [
            config.shanghai_time,
            config.cancun_time,
            config.prague_time,
            config.osaka_time,
            config.bpo1_time,
            config.bpo2_time,
            config.bpo3_time,
            config.bpo4_time,
            config.bpo5_time,
            config.amsterdam_time,
        ];
        let sorted = |forks: &[Option<u64>]| {
            let mut forks: Vec<u64> = forks.iter().copied().flatten().collect();
            forks.sort_unstable();
            forks.dedup();
            forks
        };
        let mut blocks = sorted(&blocks);
        blocks.retain(|block| *block > 0);
        Self {
            blocks,
            times: sorted(&times),
            genesis,
        }
    }

    /// Start of the rules in force at a time, if they started at a time.
    fn at(&self, now: u64) -> Option<u64> {
        self.times.iter().copied().rfind(|time| *time <= now)
    }

    /// EIP-6122: a checksum over the genesis block's hash and every fork up to `time`.
    fn id(&self, genesis: B256, time: u64) -> String {
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(genesis.as_slice());
        // What is in force at the genesis block is no fork of the chain.
        let times = self.times.iter().filter(|fork| **fork > self.genesis);
        for fork in self
            .blocks
            .iter()
            .chain(times.take_while(|fork| **fork <= time))
        {
            checksum.update(&fork.to_be_bytes());
        }
        format!("0x{:08x}", checksum.finalize())
    }
}

fn fork(spec: &ChainSpec, genesis: B256, schedule: &Schedule, time: u64) -> Fork {
    Fork {
        activation_time: time,
        blob_schedule: spec.blob_params_at(time).map(BlobSchedule),
        chain_id: Quantity(spec.chain_id()),
        fork_id: schedule.id(genesis, time),
        precompiles: precompiles(spec, time),
        system_contracts: system_contracts(spec, time),
    }
}

/// Precompiles by the names that their EIPs give them.
fn precompiles(spec: &ChainSpec, time: u64) -> BTreeMap<&'static str, Address> {
    const SHANGHAI: [&str; 9] = [
        "ECREC",
        "SHA256",
        "RIPEMD160",
        "ID",
        "MODEXP",
        "BN254_ADD",
        "BN254_MUL",
        "BN254_PAIRING",
        "BLAKE2F",
    ];
    const CANCUN: [&str; 1] = ["KZG_POINT_EVALUATION"];
    const PRAGUE: [&str; 7] = [
        "BLS12_G1ADD",
        "BLS12_G1MSM",
        "BLS12_G2ADD",
        "BLS12_G2MSM",
        "BLS12_PAIRING_CHECK",
        "BLS12_MAP_FP_TO_G1",
        "BLS12_MAP_FP2_TO_G2",
    ];
    const P256VERIFY: u64 = 0x100;
    let mut names = SHANGHAI.to_vec();
    if spec.is_cancun_active_at_timestamp(time) {
        names.extend(CANCUN);
    }
    if spec.is_prague_active_at_timestamp(time) {
        names.extend(PRAGUE);
    }
    let at = |number: u64| Address::left_padding_from(&number.to_be_bytes());
    let mut named: BTreeMap<_, _> = names.into_iter().zip((1..).map(at)).collect();
    if spec.is_osaka_active_at_timestamp(time) {
        named.insert("P256VERIFY", at(P256VERIFY));
    }
    named
}

/// System contracts by the names that their EIPs give them.
fn system_contracts(spec: &ChainSpec, time: u64) -> BTreeMap<&'static str, Address> {
    let mut named = BTreeMap::new();
    if spec.is_cancun_active_at_timestamp(time) {
        named.insert("BEACON_ROOTS_ADDRESS", BEACON_ROOTS_ADDRESS);
    }
    if spec.is_prague_active_at_timestamp(time) {
        let deposits = spec.genesis().config.deposit_contract_address;
        named.extend([
            (
                "CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS",
                CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            ),
            ("DEPOSIT_CONTRACT_ADDRESS", deposits.unwrap_or_default()),
            ("HISTORY_STORAGE_ADDRESS", HISTORY_STORAGE_ADDRESS),
            (
                "WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS",
                WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            ),
        ]);
    }
    named
}

#[cfg(test)]
mod tests {
    use alloy_primitives::b256;

    use super::*;

    /// The table of EIP-6122 for mainnet.
    #[test]
    fn fork_ids_are_those_of_mainnet() {
        let genesis = b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");
        let config = ChainConfig {
            homestead_block: Some(1_150_000),
            dao_fork_block: Some(1_920_000),
            eip150_block: Some(2_463_000),
            eip155_block: Some(2_675_000),
            eip158_block: Some(2_675_000),
            byzantium_block: Some(4_370_000),
            constantinople_block: Some(7_280_000),
            petersburg_block: Some(7_280_000),
            istanbul_block: Some(9_069_000),
            muir_glacier_block: Some(9_200_000),
            berlin_block: Some(12_244_000),
            london_block: Some(12_965_000),
            arrow_glacier_block: Some(13_773_000),
            gray_glacier_block: Some(15_050_000),
            shanghai_time: Some(1_681_338_455),
            cancun_time: Some(1_710_338_135),
            prague_time: Some(1_746_612_311),
            ..ChainConfig::default()
        };
        let schedule = Schedule::new(&config, 0);
        for (time, id) in [
            (0, "0xf0afd0e3"),
            (1_681_338_455, "0xdce96c2d"),
            (1_710_338_135, "0x9f3d2254"),
            (1_746_612_311, "0xc376cf8b"),
        ] {
            assert_eq!(schedule.id(genesis, time), id);
        }
        assert_eq!(schedule.at(1_710_338_134), Some(1_681_338_455));
        assert_eq!(schedule.at(0), None);
    }

    #[test]
    fn the_development_chain_has_been_at_osaka_for_ever() {
        let spec = ChainSpec::dev();
        let schedule = Schedule::new(&spec.genesis().config, spec.genesis().timestamp);
        let fork = fork(&spec, B256::ZERO, &schedule, 0);
        assert_eq!(fork.precompiles.len(), 18);
        assert_eq!(fork.system_contracts.len(), 5);
        let shown = serde_json::to_value(&fork).unwrap();
        assert_eq!(
            shown["precompiles"]["P256VERIFY"],
            "0x0000000000000000000000000000000000000100"
        );
        assert!(shown["blobSchedule"]["target"].is_u64());
    }
}
