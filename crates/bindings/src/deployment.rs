//! Where the contracts are: the deployment file.

use std::{collections::BTreeSet, fmt::Display, path::Path};

use alloy_primitives::{Address, B256};
use aura_chainspec::ChainSpec;
use aura_primitives::bridge::Output;
use serde::{Deserialize, Serialize};

use crate::Profile;

const DEV_ROLES: &str = include_str!("../../../contracts/profiles/dev-roles.json");
/// Places for verifiers in the rollup.
const MAX_VERIFIERS: usize = 64;

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Roles {
    /// Proposes to the timelock; is the admin itself if it deploys.
    pub admin: Address,
    /// Decides disputes, ends pauses, upgrades at once.
    pub council: Address,
    /// Pauses payouts.
    pub guardian: Address,
    /// Posts batches.
    pub sequencer: Address,
    /// Posts roots.
    pub proposer: Address,
    /// Sign roots; the place in the list is the bit in bitmaps.
    #[serde(default)]
    pub verifiers: Vec<Address>,
    /// Dispute roots.
    #[serde(default)]
    pub challengers: Vec<Address>,
}

/// Where the contracts of one chain are, and what they were made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Deployment {
    /// Name of the profile.
    pub profile: String,
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// Escrow and queue.
    pub portal: Address,
    /// Batches and roots.
    pub rollup: Address,
    /// Admin of both; zero if there is none.
    pub timelock: Address,
    /// Code behind the portal.
    pub portal_implementation: Address,
    /// Code behind the rollup.
    pub rollup_implementation: Address,
    /// L1 block of the first creation; there are no events before.
    pub deploy_block: u64,
    /// Hash of L2's genesis block.
    pub genesis_hash: B256,
    /// What the rollup starts from.
    #[serde(with = "output_fields")]
    pub genesis_output: Output,
    /// Who may do what.
    pub roles: Roles,
}

/// Why a deployment file, or a file of roles, cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeploymentError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Path as given.
        path: std::path::PathBuf,
        /// Reason.
        #[source]
        source: std::io::Error,
    },
    /// The text has another form; the reason names the member.
    #[error("not a {what} file")]
    Json {
        /// What was expected.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A member that must not be zero.
    #[error("`{0}` is zero")]
    Zero(&'static str),
    /// Two members that must differ.
    #[error("`{0}` and `{1}` are the same address")]
    Same(&'static str, &'static str),
    /// The genesis output is not that of a genesis.
    #[error("`genesisOutput.{0}` is not that of a genesis")]
    GenesisOutput(&'static str),
    /// More verifiers than there are places, or one of them twice or zero.
    #[error("`roles.verifiers`: {0}")]
    Verifiers(&'static str),
    /// With a timelock the deployer must be left with nothing.
    #[error("`roles.{0}` is the deployer, which must keep no role under this profile")]
    DeployerHasRole(&'static str),
    /// The genesis names no contracts on L1.
    #[error("the genesis has no section `aura.bridge`")]
    NoBridge,
    /// The chain is another one.
    #[error("the deployment's `{what}` is {deployment}, the genesis has {genesis}")]
    OtherChain {
        /// Member of the deployment.
        what: &'static str,
        /// Its value.
        deployment: String,
        /// The genesis' value.
        genesis: String,
    },
}

impl Roles {
    /// Those of the development mnemonic's accounts.
    pub fn dev() -> Self {
        serde_json::from_str(DEV_ROLES).expect("a test reads the embedded file")
    }

    /// Reads and checks a file of roles.
    ///
    /// # Errors
    /// [`DeploymentError`].
    pub fn from_json(json: &str) -> Result<Self, DeploymentError> {
        let roles: Self = serde_json::from_str(json).map_err(|source| DeploymentError::Json {
            what: "roles",
            source,
        })?;
        roles.validate()?;
        Ok(roles)
    }

    /// Refuses roles that nobody holds and verifiers that would count twice.
    ///
    /// # Errors
    /// [`DeploymentError::Zero`], [`DeploymentError::Verifiers`].
    pub fn validate(&self) -> Result<(), DeploymentError> {
        let named = [
            ("roles.admin", self.admin),
            ("roles.council", self.council),
            ("roles.guardian", self.guardian),
            ("roles.sequencer", self.sequencer),
            ("roles.proposer", self.proposer),
        ];
        not_zero(&named)?;
        if self.verifiers.len() > MAX_VERIFIERS {
            return Err(DeploymentError::Verifiers("more than 64"));
        }
        if self.verifiers.contains(&Address::ZERO) {
            return Err(DeploymentError::Verifiers("one is zero"));
        }
        let distinct: BTreeSet<_> = self.verifiers.iter().collect();
        if distinct.len() != self.verifiers.len() {
            return Err(DeploymentError::Verifiers("one is named twice"));
        }
        if self.challengers.contains(&Address::ZERO) {
            return Err(DeploymentError::Zero("roles.challengers"));
        }
        Ok(())
    }

    /// Refuses too few verifiers, and a deployer that keeps a role where a timelock is to have the last word.
    ///
    /// # Errors
    /// [`DeploymentError::Verifiers`], [`DeploymentError::DeployerHasRole`].
    pub fn check_against(
        &self,
        profile: &Profile,
        deployer: Address,
    ) -> Result<(), DeploymentError> {
        if self.verifiers.len() < usize::from(profile.k_slow) {
            return Err(DeploymentError::Verifiers("fewer than `kSlow`"));
        }
        if profile.timelock_delay == 0 {
            return Ok(());
        }
        let held = [
            ("admin", self.admin == deployer),
            ("council", self.council == deployer),
            ("guardian", self.guardian == deployer),
            ("sequencer", self.sequencer == deployer),
            ("proposer", self.proposer == deployer),
            ("verifiers", self.verifiers.contains(&deployer)),
            ("challengers", self.challengers.contains(&deployer)),
        ];
        match held.into_iter().find(|(_, is_held)| *is_held) {
            None => Ok(()),
            Some((role, _)) => Err(DeploymentError::DeployerHasRole(role)),
        }
    }
}

impl Deployment {
    /// Reads and checks a deployment.
    ///
    /// # Errors
    /// [`DeploymentError`], which names the member.
    pub fn from_json(json: &str) -> Result<Self, DeploymentError> {
        let deployment: Self =
            serde_json::from_str(json).map_err(|source| DeploymentError::Json {
                what: "deployment",
                source,
            })?;
        deployment.validate()?;
        Ok(deployment)
    }

    /// Reads and checks a deployment file.
    ///
    /// # Errors
    /// As [`Self::from_json`], and [`DeploymentError::Read`].
    pub fn from_file(path: &Path) -> Result<Self, DeploymentError> {
        let json = std::fs::read_to_string(path).map_err(|source| DeploymentError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_json(&json)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("has no map with other keys");
        text.push('\n');
        text
    }

    /// Refuses what no deployment is.
    ///
    /// # Errors
    /// [`DeploymentError`], which names the member.
    pub fn validate(&self) -> Result<(), DeploymentError> {
        not_zero(&[
            ("portal", self.portal),
            ("rollup", self.rollup),
            ("portalImplementation", self.portal_implementation),
            ("rollupImplementation", self.rollup_implementation),
        ])?;
        if self.l1_chain_id == 0 {
            return Err(DeploymentError::Zero("l1ChainId"));
        }
        if self.l2_chain_id == 0 {
            return Err(DeploymentError::Zero("l2ChainId"));
        }
        if self.portal == self.rollup {
            return Err(DeploymentError::Same("portal", "rollup"));
        }
        let output = &self.genesis_output;
        let wrong = [
            ("l2Block", output.l2_block != 0),
            ("batchIndex", output.batch_index != 0),
            ("batchHash", !output.batch_hash.is_zero()),
            ("l2BlockHash", output.l2_block_hash != self.genesis_hash),
            ("stateRoot", output.state_root.is_zero()),
        ];
        if let Some((member, _)) = wrong.into_iter().find(|(_, is_wrong)| *is_wrong) {
            return Err(DeploymentError::GenesisOutput(member));
        }
        self.roles.validate()
    }

    /// Refuses a genesis that these contracts do not belong to; `genesis_hash` is that of its block.
    ///
    /// # Errors
    /// [`DeploymentError::NoBridge`]; [`DeploymentError::OtherChain`], which names the first difference.
    pub fn check_genesis(
        &self,
        spec: &ChainSpec,
        genesis_hash: B256,
    ) -> Result<(), DeploymentError> {
        let bridge = spec.bridge().ok_or(DeploymentError::NoBridge)?;
        let pair = |what, ours: &dyn Display, theirs: &dyn Display| {
            (what, ours.to_string(), theirs.to_string())
        };
        let pairs = [
            pair("l2ChainId", &self.l2_chain_id, &spec.chain_id()),
            pair("l1ChainId", &self.l1_chain_id, &bridge.l1_chain_id),
            pair("portal", &self.portal, &bridge.portal),
            pair("rollup", &self.rollup, &bridge.rollup),
            pair("genesisHash", &self.genesis_hash, &genesis_hash),
        ];
        match pairs.into_iter().find(|(_, ours, theirs)| ours != theirs) {
            None => Ok(()),
            Some((what, deployment, genesis)) => Err(DeploymentError::OtherChain {
                what,
                deployment,
                genesis,
            }),
        }
    }
}

fn not_zero(members: &[(&'static str, Address)]) -> Result<(), DeploymentError> {
    match members.iter().find(|(_, address)| address.is_zero()) {
        None => Ok(()),
        Some((name, _)) => Err(DeploymentError::Zero(name)),
    }
}

/// [`Output`] with the names of the ABI.
mod output_fields {
    use alloy_primitives::B256;
    use aura_primitives::bridge::Output;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Fields {
        state_root: B256,
        withdrawal_root: B256,
        l2_block_hash: B256,
        l2_block: u64,
        batch_index: u64,
        batch_hash: B256,
    }

    pub(super) fn serialize<S: Serializer>(
        output: &Output,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Fields {
            state_root: output.state_root,
            withdrawal_root: output.withdrawal_root,
            l2_block_hash: output.l2_block_hash,
            l2_block: output.l2_block,
            batch_index: output.batch_index,
            batch_hash: output.batch_hash,
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Output, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        Ok(Output {
            state_root: fields.state_root,
            withdrawal_root: fields.withdrawal_root,
            l2_block_hash: fields.l2_block_hash,
            l2_block: fields.l2_block,
            batch_index: fields.batch_index,
            batch_hash: fields.batch_hash,
        })
    }
}
