//! Deployment profiles: `contracts/profiles`.

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use crate::{portal::PortalBase::Limits, rollup::RollupRoots::Timing};

const MAINNET: &str = include_str!("../../../contracts/profiles/mainnet.json");
const DEV: &str = include_str!("../../../contracts/profiles/dev.json");

/// What differs between networks. Times in seconds, amounts in wei.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Profile {
    /// `mainnet` or `dev`.
    pub name: String,
    /// How long the timelock keeps what the admin does.
    pub timelock_delay: u64,
    /// Age from which a queue entry must be, and can be, forced.
    pub force_delay: u64,
    /// Age from which a root with `k_slow` signatures is final.
    pub window: u64,
    /// Age from which a root with `k_fast` signatures is final.
    pub fast: u64,
    /// From then on an undecided dispute means that the root is wrong.
    pub dispute_timeout: u64,
    /// Beyond the window, until a chain without final roots can be frozen.
    pub freeze_delay: u64,
    /// Age of the first block of a batch, at most.
    pub max_batch_age: u64,
    /// Age of the anchor in L1 blocks, at most.
    pub anchor_depth: u64,
    /// Signatures for slow finality.
    pub k_slow: u8,
    /// Signatures for fast finality.
    pub k_fast: u8,
    /// Wei that a dispute costs if it is rejected.
    #[serde(with = "decimal")]
    pub bond: U256,
    /// Gas limit of a forced transaction, at most.
    pub forced_gas_max: u64,
    /// Bytes of its data, at most.
    pub forced_data_max: u64,
    /// Length of a pause.
    pub pause_max: u64,
    /// From the end of a pause to the next.
    pub pause_cooldown: u64,
    /// From the freeze until the escape output can be fixed.
    pub settle_delay: u64,
    /// Most of ether, and of each token, that the escrow takes.
    #[serde(with = "decimal")]
    pub max_escrow: U256,
    /// What of ether may leave in a day, however little is there.
    #[serde(with = "decimal")]
    pub outflow_floor: U256,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// There is no such profile.
    #[error("unknown profile {0:?}; known are mainnet and dev")]
    Unknown(String),
    /// A value that the contracts would not work with.
    #[error("profile {name}: `{field}` {reason}")]
    Invalid {
        /// The profile.
        name: String,
        /// The value.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Profile {
    /// A profile by its name.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`].
    pub fn named(name: &str) -> Result<Self, ProfileError> {
        match name {
            "mainnet" => Ok(Self::mainnet()),
            "dev" => Ok(Self::dev()),
            unknown => Err(ProfileError::Unknown(unknown.to_owned())),
        }
    }

    /// Ethereum's mainnet.
    pub fn mainnet() -> Self {
        serde_json::from_str(MAINNET).expect("a test reads the embedded file")
    }

    /// anvil and `aura dev`.
    pub fn dev() -> Self {
        serde_json::from_str(DEV).expect("a test reads the embedded file")
    }

    /// Refuses what would make contracts that cannot work.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`].
    pub fn validate(&self) -> Result<(), ProfileError> {
        let checks = [
            (
                (1..=255).contains(&self.anchor_depth),
                "anchorDepth",
                "is not in 1..=255, as far as BLOCKHASH reaches",
            ),
            (self.k_fast >= self.k_slow, "kFast", "is below `kSlow`"),
            (self.fast <= self.window, "fast", "is above `window`"),
            (
                self.k_slow <= 64,
                "kSlow",
                "is above 64, the places for verifiers",
            ),
            (
                self.forced_gas_max >= 21_000,
                "forcedGasMax",
                "is below a transaction's 21000",
            ),
            (self.max_batch_age > 0, "maxBatchAge", "is zero"),
            (!self.max_escrow.is_zero(), "maxEscrow", "is zero"),
            (
                self.outflow_floor.bit_len() <= 192,
                "outflowFloor",
                "does not fit 192 bits",
            ),
        ];
        match checks.into_iter().find(|(holds, ..)| !holds) {
            None => Ok(()),
            Some((_, field, reason)) => Err(ProfileError::Invalid {
                name: self.name.clone(),
                field,
                reason,
            }),
        }
    }

    /// What the rollup's constructor takes.
    pub fn timing(&self) -> Timing {
        Timing {
            forceDelay: self.force_delay,
            window: self.window,
            fast: self.fast,
            disputeTimeout: self.dispute_timeout,
            freezeDelay: self.freeze_delay,
            maxBatchAge: self.max_batch_age,
            anchorDepth: self.anchor_depth,
            kSlow: self.k_slow,
            kFast: self.k_fast,
            bond: self.bond,
        }
    }

    /// What the portal's constructor takes.
    pub fn limits(&self) -> Limits {
        Limits {
            forcedGasMax: self.forced_gas_max,
            forcedDataMax: self.forced_data_max,
            pauseMax: self.pause_max,
            pauseCooldown: self.pause_cooldown,
            settleDelay: self.settle_delay,
        }
    }
}

/// Amounts as decimal strings, which Solidity's JSON reader takes too.
mod decimal {
    use alloy_primitives::U256;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &U256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<U256, D::Error> {
        let text = String::deserialize(deserializer)?;
        U256::from_str_radix(&text, 10).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Profile, ProfileError};

    #[test]
    fn committed_profiles_are_usable_and_have_their_names() {
        for name in ["mainnet", "dev"] {
            let profile = Profile::named(name).unwrap();
            assert_eq!(profile.name, name);
            profile.validate().unwrap();
            let text = serde_json::to_string(&profile).unwrap();
            assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
        }
        assert!(matches!(
            Profile::named("goerli"),
            Err(ProfileError::Unknown(_))
        ));
    }

    #[test]
    fn mainnet_needs_signatures_a_week_and_the_exit_window() {
        let profile = Profile::mainnet();
        assert!(profile.k_slow >= 1, "silence must make nothing final");
        assert!(profile.window >= 7 * 86_400);
        let worst_exit =
            profile.force_delay + profile.window + profile.freeze_delay + profile.settle_delay;
        assert!(profile.timelock_delay >= worst_exit + 7 * 86_400);
    }

    #[test]
    fn names_the_value_that_cannot_work() {
        let refused = |change: fn(&mut Profile)| {
            let mut profile = Profile::dev();
            change(&mut profile);
            profile.validate().unwrap_err().to_string()
        };
        assert!(refused(|p| p.anchor_depth = 256).contains("anchorDepth"));
        assert!(refused(|p| p.window = 4).contains("`fast`"));
        assert!(refused(|p| p.k_slow = 2).contains("`kFast`"));
        assert!(refused(|p| p.forced_gas_max = 20_999).contains("forcedGasMax"));
    }
}
