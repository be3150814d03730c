//! What posting costs, and where it costs less.

use alloy_primitives::U256;
use alloy_rpc_types_eth::TransactionReceipt;
use aura_derivation::{MAX_PAYLOAD_BYTES, payload_bytes_in};

use crate::{DaChoice, SettlementConfig};

/// Below, blobs are not worth looking at.
const SMALL: usize = 4 << 10;
/// What appending costs beside the data: call of the proxy, checks, three slots, the event.
const APPEND_GAS: u64 = 66_000;
const BASE_GAS: u64 = 21_000;
const GAS_PER_BLOB: u64 = 131_072;
/// Words of calldata that the contract hashes, and the header before them.
const HEADER_BYTES: usize = 324;

/// Prices on L1, wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prices {
    pub(crate) gas: U256,
    /// Zero where there are no blobs.
    pub(crate) blob_gas: U256,
}

/// Gas of a batch in calldata, by EIP-7623: at least 10 for each token, a byte that is not zero is four.
pub(crate) fn calldata_gas(payload: &[u8]) -> u64 {
    let zeros = payload.iter().filter(|byte| **byte == 0).count() as u64;
    let tokens = zeros + 4 * (payload.len() as u64 - zeros) + HEADER_BYTES as u64;
    let hashed = 6 * (payload.len() as u64).div_ceil(32);
    let usual = 4 * tokens + APPEND_GAS + hashed;
    BASE_GAS + usual.max(10 * tokens)
}

/// Blobs of a payload of `len` bytes.
pub(crate) fn blobs_for(len: usize) -> usize {
    (1..)
        .find(|blobs| payload_bytes_in(*blobs) >= len)
        .unwrap_or(1)
}

/// Longest payload that can be posted at all.
pub(crate) fn longest_payload(config: &SettlementConfig, has_blobs: bool) -> usize {
    let in_blobs = payload_bytes_in(config.max_blobs).min(MAX_PAYLOAD_BYTES);
    match config.da {
        DaChoice::Calldata => config.max_calldata_bytes,
        DaChoice::Blobs => in_blobs,
        DaChoice::Auto if has_blobs => in_blobs,
        DaChoice::Auto => config.max_calldata_bytes,
    }
}

/// Whether `payload` goes into blobs.
pub(crate) fn goes_into_blobs(payload: &[u8], config: &SettlementConfig, prices: &Prices) -> bool {
    match config.da {
        DaChoice::Calldata => false,
        DaChoice::Blobs => true,
        DaChoice::Auto if prices.blob_gas.is_zero() => false,
        DaChoice::Auto if payload.len() > config.max_calldata_bytes => true,
        DaChoice::Auto if payload.len() <= SMALL => false,
        DaChoice::Auto => {
            let blob_gas = U256::from(GAS_PER_BLOB * blobs_for(payload.len()) as u64);
            let in_blobs =
                blob_gas * prices.blob_gas + U256::from(BASE_GAS + APPEND_GAS) * prices.gas;
            in_blobs < U256::from(calldata_gas(payload)) * prices.gas
        }
    }
}

/// What a transaction has cost, wei.
pub(crate) fn paid(receipt: &TransactionReceipt) -> u128 {
    let gas = u128::from(receipt.gas_used).saturating_mul(receipt.effective_gas_price);
    let blob_gas = u128::from(receipt.blob_gas_used.unwrap_or_default());
    gas.saturating_add(blob_gas.saturating_mul(receipt.blob_gas_price.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(gas: u64, blob_gas: u64) -> Prices {
        Prices {
            gas: U256::from(gas),
            blob_gas: U256::from(blob_gas),
        }
    }

    #[test]
    fn data_goes_where_it_is_cheaper() {
        let config = SettlementConfig::default();
        let small = vec![1; SMALL];
        let large = vec![1; 100_000];
        assert!(!goes_into_blobs(&small, &config, &prices(1_000, 1)));
        assert!(goes_into_blobs(&large, &config, &prices(1_000, 1)));
        // 4 million gas against 131,072 blob gas.
        assert!(goes_into_blobs(&large, &config, &prices(1_000, 29_000)));
        assert!(!goes_into_blobs(&large, &config, &prices(1_000, 31_000)));
        // Without blobs on L1, never; by configuration, always and never.
        assert!(!goes_into_blobs(&large, &config, &prices(1_000, 0)));
        let only = |da| SettlementConfig {
            da,
            ..SettlementConfig::default()
        };
        assert!(goes_into_blobs(
            &small,
            &only(DaChoice::Blobs),
            &prices(1, 1_000)
        ));
        assert!(!goes_into_blobs(
            &large,
            &only(DaChoice::Calldata),
            &prices(1_000, 1)
        ));
    }

    #[test]
    fn the_floor_price_of_calldata_counts() {
        // 40 gas for each byte that is not zero, 10 for each zero.
        assert_eq!(calldata_gas(&vec![1; 100_000]), 21_000 + 4_003_240);
        assert_eq!(calldata_gas(&vec![0; 100_000]), 21_000 + 1_003_240);
        // A short one pays for what the contract does.
        assert_eq!(calldata_gas(&[1; 32]), 21_000 + 4 * (128 + 324) + 66_006);
    }

    #[test]
    fn blobs_are_as_many_as_needed() {
        assert_eq!(blobs_for(1), 1);
        assert_eq!(blobs_for(126_945), 1);
        assert_eq!(blobs_for(126_946), 2);
        assert_eq!(
            longest_payload(&SettlementConfig::default(), true),
            payload_bytes_in(6)
        );
        assert_eq!(
            longest_payload(&SettlementConfig::default(), false),
            120_000
        );
    }
}
