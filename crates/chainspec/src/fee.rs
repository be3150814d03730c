//! Fee parameters and the base fee rule.

use alloy_consensus::Header;
use alloy_eips::eip1559::{
    DEFAULT_BASE_FEE_MAX_CHANGE_DENOMINATOR, DEFAULT_ELASTICITY_MULTIPLIER, INITIAL_BASE_FEE,
};
use alloy_primitives::Address;
use aura_primitives::bridge::predeploys;

/// Fee parameters of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeParams {
    /// Gas limit divided by gas target; not zero.
    pub elasticity: u64,
    /// Bound on the change of the base fee from block to block, as one part in `denominator`; not
    /// zero.
    pub denominator: u64,
    /// The base fee never falls below this, in wei.
    pub min_base_fee_wei: u64,
    /// Receives base and priority fees; also the coinbase of every block.
    pub fee_vault: Address,
}

impl FeeParams {
    /// Fee vault of a chain that names none.
    pub const DEFAULT_FEE_VAULT: Address = predeploys::FEE_VAULT;

    /// Ethereum's parameters: the base fee may fall to zero.
    pub const ETHEREUM: Self = Self {
        elasticity: DEFAULT_ELASTICITY_MULTIPLIER,
        denominator: DEFAULT_BASE_FEE_MAX_CHANGE_DENOMINATOR,
        min_base_fee_wei: 0,
        fee_vault: Self::DEFAULT_FEE_VAULT,
    };

    /// Base fee of the first block that has one: 1 gwei, or the minimum if that is higher.
    pub const fn initial_base_fee(&self) -> u64 {
        if self.min_base_fee_wei > INITIAL_BASE_FEE {
            self.min_base_fee_wei
        } else {
            INITIAL_BASE_FEE
        }
    }

    /// Base fee of the block after `parent`, by EIP-1559, not below the minimum.
    ///
    /// A parent without a base fee is the last block before London; its child starts at
    /// [`Self::initial_base_fee`]. If the gas target is zero the base fee stays. A result above
    /// `u64::MAX` wei is capped there.
    pub fn next_base_fee(&self, parent: &Header) -> u64 {
        let Some(base_fee) = parent.base_fee_per_gas else {
            return self.initial_base_fee();
        };
        self.unbounded_next(parent.gas_used, parent.gas_limit, base_fee)
            .max(self.min_base_fee_wei)
    }

    /// EIP-1559 without the minimum. Unlike alloy's function it cannot overflow: elasticity and
    /// denominator are the chain's choice, and a full block of a chain with elasticity 100 and
    /// denominator 1 multiplies the base fee by 100.
    fn unbounded_next(&self, gas_used: u64, gas_limit: u64, base_fee: u64) -> u64 {
        let target = gas_limit.checked_div(self.elasticity).unwrap_or(0);
        if target == 0 || self.denominator == 0 || gas_used == target {
            return base_fee;
        }
        // base_fee * distance is below 2^128. One division after the other is the same as one by
        // the product, which could exceed 128 bits together with elasticity.
        let distance = gas_used.abs_diff(target);
        let change = u128::from(base_fee) * u128::from(distance)
            / u128::from(target)
            / u128::from(self.denominator);
        let change = u64::try_from(change).unwrap_or(u64::MAX);
        if gas_used > target {
            base_fee.saturating_add(change.max(1))
        } else {
            base_fee.saturating_sub(change)
        }
    }
}

impl Default for FeeParams {
    fn default() -> Self {
        Self::ETHEREUM
    }
}

#[cfg(test)]
mod tests {
    use alloy_eips::{calc_next_block_base_fee, eip1559::BaseFeeParams};
    use proptest::prelude::*;

    use super::*;

    fn parent(gas_used: u64, base_fee: Option<u64>) -> Header {
        Header {
            gas_limit: 30_000_000,
            gas_used,
            base_fee_per_gas: base_fee,
            ..Header::default()
        }
    }

    #[test]
    fn follows_eip_1559_with_default_parameters() {
        let fee = FeeParams::default();
        let gwei = 1_000_000_000;
        assert_eq!(
            fee.next_base_fee(&parent(30_000_000, Some(gwei))),
            1_125_000_000
        );
        assert_eq!(fee.next_base_fee(&parent(15_000_000, Some(gwei))), gwei);
        assert_eq!(fee.next_base_fee(&parent(0, Some(gwei))), 875_000_000);
        assert_eq!(fee.next_base_fee(&parent(15_000_001, Some(gwei))), gwei + 8);
        assert_eq!(fee.next_base_fee(&parent(15_000_001, Some(1))), 2);
    }

    #[test]
    fn starts_at_one_gwei_or_the_minimum() {
        let mut fee = FeeParams::default();
        assert_eq!(fee.next_base_fee(&parent(0, None)), 1_000_000_000);
        fee.min_base_fee_wei = 2_000_000_000;
        assert_eq!(fee.next_base_fee(&parent(0, None)), 2_000_000_000);
    }

    #[test]
    fn never_falls_below_the_minimum() {
        let fee = FeeParams {
            min_base_fee_wei: 1_000_000,
            ..FeeParams::default()
        };
        let mut base_fee = 1_000_000_000;
        for _ in 0..200 {
            base_fee = fee.next_base_fee(&parent(0, Some(base_fee)));
            assert!(base_fee >= 1_000_000);
        }
        assert_eq!(base_fee, 1_000_000);
        // And rises again from there.
        assert!(fee.next_base_fee(&parent(30_000_000, Some(base_fee))) > 1_000_000);
    }

    #[test]
    fn extreme_parameters_saturate() {
        let fee = FeeParams {
            elasticity: u64::MAX / 2,
            denominator: 1,
            ..FeeParams::default()
        };
        let full = Header {
            gas_limit: u64::MAX,
            gas_used: u64::MAX,
            base_fee_per_gas: Some(u64::MAX),
            ..Header::default()
        };
        assert_eq!(fee.next_base_fee(&full), u64::MAX);
        assert_eq!(fee.next_base_fee(&parent(1, Some(7))), 7, "gas target zero");
    }

    proptest! {
        #[test]
        fn agrees_with_alloy(
            gas_limit in 5_000u64..1 << 40,
            used_percent in 0u64..=100,
            base_fee in 0u64..1 << 50,
            elasticity in 1u64..20,
            denominator in 1u64..300,
        ) {
            let gas_used = gas_limit * used_percent / 100;
            let fee = FeeParams { elasticity, denominator, ..FeeParams::default() };
            let header = Header {
                gas_limit,
                gas_used,
                base_fee_per_gas: Some(base_fee),
                ..Header::default()
            };
            let params = BaseFeeParams::new(denominator.into(), elasticity.into());
            prop_assert_eq!(
                fee.next_base_fee(&header),
                calc_next_block_base_fee(gas_used, gas_limit, base_fee, params)
            );
        }
    }
}
