//! What a transaction offers for its gas.

use alloy_consensus::Transaction;
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_primitives::U256;
use alloy_rpc_types_eth::FeeHistory;

use super::TxConfig;

/// What L1's nodes ask of a replacement, in percent of the fees before: geth's pool of transactions.
const RAISE: u128 = 110;
/// The same if blobs are replaced, or replace: geth's pool of blobs.
const RAISE_BLOBS: u128 = 200;

/// Prices of the next L1 block, wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Market {
    pub(super) base_fee: u128,
    pub(super) tip: u128,
    pub(super) blob_base_fee: u128,
}

impl Market {
    /// Reads them from the newest blocks: the median of the median tips.
    pub(super) fn of(history: &FeeHistory, min_tip: u128) -> Option<Self> {
        let base_fee = *history.base_fee_per_gas.last()?;
        let rewards = history.reward.iter().flatten();
        let mut tips: Vec<u128> = rewards.filter_map(|block| block.first().copied()).collect();
        tips.sort_unstable();
        let tip = tips.get(tips.len() / 2).copied().unwrap_or_default();
        let blob_base_fee = history.base_fee_per_blob_gas.last().copied();
        Some(Self {
            base_fee,
            tip: tip.max(min_tip),
            blob_base_fee: blob_base_fee.unwrap_or_default().max(1),
        })
    }
}

/// What a transaction offers, wei for each gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fees {
    pub(super) max_fee: u128,
    pub(super) tip: u128,
    /// Of blob gas; `None` without blobs.
    pub(super) max_blob_fee: Option<u128>,
}

/// Gas that a transaction can use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub(super) gas: u64,
    pub(super) blobs: usize,
}

impl Use {
    const fn blob_gas(self) -> u128 {
        DATA_GAS_PER_BLOB as u128 * self.blobs as u128
    }
}

impl Fees {
    /// What `tx` offers.
    pub(super) fn of(tx: &impl Transaction) -> Self {
        Self {
            max_fee: tx.max_fee_per_gas(),
            tip: tx.max_priority_fee_per_gas().unwrap_or_default(),
            max_blob_fee: tx.max_fee_per_blob_gas(),
        }
    }

    /// Fees that reach the next block and hold for several that get dearer; `None` above a ceiling.
    pub(super) fn initial(market: &Market, used: Use, config: &TxConfig) -> Option<Self> {
        let wanted = Self {
            max_fee: market.base_fee.saturating_mul(2).saturating_add(market.tip),
            tip: market.tip,
            max_blob_fee: (used.blobs > 0).then(|| market.blob_base_fee.saturating_mul(2)),
        };
        let least = Self {
            max_fee: market.base_fee.saturating_add(market.tip),
            tip: market.tip,
            max_blob_fee: (used.blobs > 0).then_some(market.blob_base_fee),
        };
        wanted.within(&least, used, config)
    }

    /// Fees with which a transaction that offers `self` can be replaced; `None` above a ceiling.
    /// `is_blob_pool`: the one or the other has blobs.
    pub(super) fn raised(
        &self,
        market: &Market,
        used: Use,
        is_blob_pool: bool,
        config: &TxConfig,
    ) -> Option<Self> {
        let percent = if is_blob_pool { RAISE_BLOBS } else { RAISE };
        // One more, for nodes that round up.
        let raise = |fee: u128| (fee.saturating_mul(percent) / 100).saturating_add(1);
        let tip = raise(self.tip).max(market.tip);
        let blob_floor = self.max_blob_fee.map_or(1, raise);
        let least = Self {
            max_fee: raise(self.max_fee)
                .max(market.base_fee.saturating_add(tip))
                .max(tip),
            tip,
            max_blob_fee: (used.blobs > 0).then(|| blob_floor.max(market.blob_base_fee)),
        };
        let double = market.base_fee.saturating_mul(2).saturating_add(tip);
        let blob_double = market.blob_base_fee.saturating_mul(2);
        let wanted = Self {
            max_fee: least.max_fee.max(double),
            tip,
            max_blob_fee: least.max_blob_fee.map(|floor| floor.max(blob_double)),
        };
        wanted.within(&least, used, config)
    }

    /// `self` lowered to the ceilings, unless that is below `least`.
    fn within(self, least: &Self, used: Use, config: &TxConfig) -> Option<Self> {
        let blob_gas = U256::from(used.blob_gas());
        let blob_fee = match (self.max_blob_fee, least.max_blob_fee) {
            (Some(wanted), Some(floor)) => {
                // Blobs may not eat up what gas needs.
                let gas = U256::from(least.max_fee) * U256::from(used.gas);
                let left = config.max_cost.checked_sub(gas)?;
                let most = (left / blob_gas.max(U256::ONE)).saturating_to();
                let fee = wanted.min(config.max_fee_per_blob_gas).min(most);
                (fee >= floor).then_some(fee)?.into()
            }
            _ => None,
        };
        let blob_cost = blob_gas * U256::from(blob_fee.unwrap_or_default());
        let left = config.max_cost.checked_sub(blob_cost)?;
        let most = (left / U256::from(used.gas.max(1))).saturating_to::<u128>();
        let max_fee = self.max_fee.min(config.max_fee_per_gas).min(most);
        if max_fee < least.max_fee {
            return None;
        }
        Some(Self {
            max_fee,
            tip: self.tip.min(max_fee),
            max_blob_fee: blob_fee,
        })
    }

    /// Most that gas and blobs can cost.
    pub(super) fn cost(&self, used: Use) -> U256 {
        let gas = U256::from(used.gas) * U256::from(self.max_fee);
        let blobs = U256::from(used.blob_gas()) * U256::from(self.max_blob_fee.unwrap_or_default());
        gas.saturating_add(blobs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GWEI: u128 = 1_000_000_000;

    fn config() -> TxConfig {
        TxConfig {
            max_fee_per_gas: 100 * GWEI,
            max_fee_per_blob_gas: 50 * GWEI,
            ..TxConfig::default()
        }
    }

    const fn market(base_fee: u128, blob_base_fee: u128) -> Market {
        Market {
            base_fee,
            tip: GWEI,
            blob_base_fee,
        }
    }

    const CALL: Use = Use {
        gas: 100_000,
        blobs: 0,
    };
    const BLOBS: Use = Use {
        gas: 100_000,
        blobs: 6,
    };

    #[test]
    fn offers_twice_the_base_fee() {
        let fees = Fees::initial(&market(10 * GWEI, 3), CALL, &config()).unwrap();
        assert_eq!((fees.max_fee, fees.tip), (21 * GWEI, GWEI));
        assert_eq!(fees.max_blob_fee, None);
        let fees = Fees::initial(&market(10 * GWEI, 3), BLOBS, &config()).unwrap();
        assert_eq!(fees.max_blob_fee, Some(6));
    }

    #[test]
    fn a_ceiling_lowers_the_margin_and_then_refuses() {
        let fees = Fees::initial(&market(80 * GWEI, 1), CALL, &config()).unwrap();
        assert_eq!(fees.max_fee, 100 * GWEI);
        assert!(Fees::initial(&market(99 * GWEI, 1), CALL, &config()).is_some());
        assert!(Fees::initial(&market(100 * GWEI, 1), CALL, &config()).is_none());
        assert!(Fees::initial(&market(GWEI, 50 * GWEI), BLOBS, &config()).is_some());
        assert!(Fees::initial(&market(GWEI, 51 * GWEI), BLOBS, &config()).is_none());
    }

    #[test]
    fn a_replacement_pays_what_pools_ask() {
        let old = Fees::initial(&market(GWEI, 100), BLOBS, &config()).unwrap();
        let new = old
            .raised(&market(GWEI, 100), BLOBS, true, &config())
            .unwrap();
        assert!(new.max_fee >= 2 * old.max_fee);
        assert!(new.tip >= 2 * old.tip);
        assert!(new.max_blob_fee.unwrap() >= 2 * old.max_blob_fee.unwrap());
        // Calldata instead of blobs: twice both, and no third.
        let new = old
            .raised(&market(GWEI, 100), CALL, true, &config())
            .unwrap();
        assert!(new.max_fee >= 2 * old.max_fee && new.tip >= 2 * old.tip);
        assert_eq!(new.max_blob_fee, None);
        // What cannot be raised is not replaced.
        let dear = Fees {
            max_fee: 95 * GWEI,
            ..old
        };
        assert!(
            dear.raised(&market(GWEI, 1), CALL, false, &config())
                .is_none()
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn no_ceiling_is_ever_passed(
            base_fee in 1..200 * GWEI,
            blob_base_fee in 1..100 * GWEI,
            gas in 21_000..10_000_000u64,
            blobs in 0..7usize,
            max_cost in 1..(10u128.pow(18)),
            raise in any::<bool>(),
        ) {
            let config = TxConfig { max_cost: U256::from(max_cost), ..config() };
            let market = market(base_fee, blob_base_fee);
            let used = Use { gas, blobs };
            let first = Fees::initial(&market, used, &config);
            let fees = match first {
                Some(first) if raise => first.raised(&market, used, blobs > 0, &config),
                other => other,
            };
            if let Some(fees) = fees {
                prop_assert!(fees.max_fee <= config.max_fee_per_gas);
                prop_assert!(fees.tip <= fees.max_fee);
                prop_assert!(fees.max_blob_fee.unwrap_or(0) <= config.max_fee_per_blob_gas);
                prop_assert!(fees.cost(used) <= config.max_cost);
                prop_assert!(fees.max_fee >= market.base_fee + market.tip.min(fees.tip));
                prop_assert_eq!(fees.max_blob_fee.is_some(), blobs > 0);
            }
        }
    }
}
