//! The price of blobs, which depends on rules that differ between networks.

use alloy_consensus::Header;
use alloy_eips::eip7840::BlobParams;
use alloy_hardforks::{
    holesky::{HOLESKY_BPO1_TIMESTAMP, HOLESKY_BPO2_TIMESTAMP, HOLESKY_PRAGUE_TIMESTAMP},
    hoodi::{HOODI_BPO1_TIMESTAMP, HOODI_BPO2_TIMESTAMP, HOODI_PRAGUE_TIMESTAMP},
    mainnet::{MAINNET_BPO1_TIMESTAMP, MAINNET_BPO2_TIMESTAMP, MAINNET_PRAGUE_TIMESTAMP},
    sepolia::{SEPOLIA_BPO1_TIMESTAMP, SEPOLIA_BPO2_TIMESTAMP, SEPOLIA_PRAGUE_TIMESTAMP},
};
use alloy_primitives::U256;

/// Which rules for the price of blobs hold from which time on.
///
/// All nodes of an L2 must have the same one: the price is part of what a block of L2 is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobSchedule(Vec<(u64, BlobParams)>);

impl BlobSchedule {
    /// The schedule of a public network by its chain id; on any other the rules of Prague and Osaka
    /// hold for ever.
    pub fn of_chain(chain_id: u64) -> Self {
        let (prague, bpo1, bpo2) = match chain_id {
            1 => (
                MAINNET_PRAGUE_TIMESTAMP,
                MAINNET_BPO1_TIMESTAMP,
                MAINNET_BPO2_TIMESTAMP,
            ),
            17_000 => (
                HOLESKY_PRAGUE_TIMESTAMP,
                HOLESKY_BPO1_TIMESTAMP,
                HOLESKY_BPO2_TIMESTAMP,
            ),
            560_048 => (
                HOODI_PRAGUE_TIMESTAMP,
                HOODI_BPO1_TIMESTAMP,
                HOODI_BPO2_TIMESTAMP,
            ),
            11_155_111 => (
                SEPOLIA_PRAGUE_TIMESTAMP,
                SEPOLIA_BPO1_TIMESTAMP,
                SEPOLIA_BPO2_TIMESTAMP,
            ),
            _ => return Self(vec![(0, BlobParams::prague())]),
        };
        // Osaka has the prices of Prague.
        Self(vec![
            (0, BlobParams::cancun()),
            (prague, BlobParams::prague()),
            (bpo1, BlobParams::bpo1()),
            (bpo2, BlobParams::bpo2()),
        ])
    }

    /// Rules at a time. Ascending `forks`; before the first the rules of Prague hold.
    pub const fn new(forks: Vec<(u64, BlobParams)>) -> Self {
        Self(forks)
    }

    /// Price of the blobs of a block, in wei; zero before there were any.
    pub fn blob_base_fee(&self, header: &Header) -> U256 {
        let Some(excess) = header.excess_blob_gas else {
            return U256::ZERO;
        };
        let fork = self
            .0
            .iter()
            .rev()
            .find(|(time, _)| *time <= header.timestamp);
        let params = fork.map_or_else(BlobParams::prague, |(_, params)| *params);
        U256::from(params.calc_blob_fee(excess))
    }
}
