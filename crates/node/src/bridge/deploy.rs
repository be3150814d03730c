//! Makes the contracts of a chain on L1: `contracts/profiles/README.md`.
//!
//! Every step looks first whether its effect is there, so that a run that was interrupted, or a second one, goes
//! on where the first ended. For that the genesis that [`Prepared::genesis_json`] returns must be kept: it names
//! the addresses.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use alloy_signer_local::PrivateKeySigner;
use aura_bindings::{
    Addresses, Creation, DeployInputs, DeployPlan, Deployment, Profile, Roles, STATE_ROOT_UPDATED,
    SetUp,
};
use aura_chain::genesis_block;
use aura_chainspec::{ChainSpec, with_bridge};
use aura_primitives::bridge::Output;

use super::{DeployError, sender::Sender};

/// Gas of all creations and calls, with a reserve.
const DEPLOYMENT_GAS: u64 = 20_000_000;

/// What to deploy, and who deploys.
#[derive(Debug, Clone)]
pub struct DeployRequest {
    /// JSON-RPC endpoint of L1: `http(s)://` or `ws(s)://`.
    pub endpoint: String,
    /// Refuse any other L1.
    pub l1_chain_id: Option<u64>,
    /// Times and limits.
    pub profile: Profile,
    /// Who may do what.
    pub roles: Roles,
    /// Key of the deployer.
    pub signer: PrivateKeySigner,
    /// Genesis of L2. If it names contracts that this deployer makes or has made on this L1, it stays as it is.
    pub genesis_json: String,
}

/// A deployment whose addresses are known.
pub struct Prepared {
    sender: Sender,
    profile: Profile,
    roles: Roles,
    spec: Arc<ChainSpec>,
    genesis_json: String,
    genesis_output: Output,
    l1_chain_id: u64,
    plan: DeployPlan,
}

/// What a deployment has made.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The deployment file.
    pub deployment: Deployment,
    /// Contracts made by this run; the others were there.
    pub created: Vec<&'static str>,
    /// Calls made by this run; the others had their effect.
    pub called: Vec<String>,
    /// Gas of this run.
    pub gas_used: u64,
}

/// What the rollup of a chain starts from.
///
/// # Errors
/// [`DeployError::NoBridge`]; [`DeployError::GenesisBlock`].
pub fn genesis_output(spec: &ChainSpec) -> Result<Output, DeployError> {
    if spec.bridge().is_none() {
        return Err(DeployError::NoBridge);
    }
    let (block, _) = genesis_block(spec)?;
    Ok(Output {
        state_root: block.header.state_root,
        withdrawal_root: block.header.withdrawals_root.ok_or(DeployError::NoBridge)?,
        l2_block_hash: block.hash(),
        l2_block: 0,
        batch_index: 0,
        batch_hash: B256::ZERO,
    })
}

impl DeployRequest {
    /// Asks L1 for the deployer's nonce, and makes addresses, genesis and plan. Sends nothing.
    ///
    /// # Errors
    /// [`DeployError`] if an input cannot be used or L1 does not answer.
    pub async fn prepare(self) -> Result<Prepared, DeployError> {
        self.profile.validate()?;
        self.roles.validate()?;
        let deployer = self.signer.address();
        self.roles.check_against(&self.profile, deployer)?;
        let sender = Sender::connect(&self.endpoint, &self.signer).await?;
        let l1_chain_id = sender.chain_id().await?;
        if let Some(expected) = self.l1_chain_id.filter(|id| *id != l1_chain_id) {
            return Err(DeployError::WrongChain {
                expected,
                found: l1_chain_id,
            });
        }
        let nonce = sender.nonce().await?;
        let named = ChainSpec::from_genesis_json(&self.genesis_json)?;
        let known = named
            .bridge()
            .filter(|bridge| bridge.l1_chain_id == l1_chain_id)
            .and_then(|bridge| Addresses::find(&self.roles, deployer, nonce, bridge));
        let (addresses, genesis_json, spec) = match known {
            Some(addresses) => (addresses, self.genesis_json, named),
            None => {
                let addresses = Addresses::new(&self.roles, deployer, nonce);
                let json = with_bridge(&self.genesis_json, &addresses.bridge(l1_chain_id))?;
                let spec = ChainSpec::from_genesis_json(&json)?;
                (addresses, json, spec)
            }
        };
        let genesis_output = genesis_output(&spec)?;
        let inputs = DeployInputs {
            profile: &self.profile,
            roles: &self.roles,
            deployer,
            l1_chain_id,
            l2_chain_id: spec.chain_id(),
            genesis_output: &genesis_output,
        };
        let plan = DeployPlan::new(&inputs, addresses);
        Ok(Prepared {
            sender,
            profile: self.profile,
            roles: self.roles,
            spec: Arc::new(spec),
            genesis_json,
            genesis_output,
            l1_chain_id,
            plan,
        })
    }
}

impl Prepared {
    /// Genesis of L2 that names the contracts; to be kept before [`Self::run`].
    pub fn genesis_json(&self) -> &str {
        &self.genesis_json
    }

    /// The same, read.
    pub fn spec(&self) -> Arc<ChainSpec> {
        Arc::clone(&self.spec)
    }

    /// Where the contracts are or will be.
    pub const fn addresses(&self) -> &Addresses {
        &self.plan.addresses
    }

    /// Makes what is not there, and checks all of it.
    ///
    /// # Errors
    /// [`DeployError`]. What was made stays, and another run goes on from there.
    pub async fn run(self) -> Result<Deployed, DeployError> {
        let (created, first_block, creation_gas) = self.create().await?;
        self.check_parameters().await?;
        let (called, call_gas) = self.set_up().await?;
        let deploy_block = match first_block {
            Some(block) => block,
            None => self.block_of_genesis_root().await?,
        };
        let addresses = self.plan.addresses;
        Ok(Deployed {
            deployment: Deployment {
                profile: self.profile.name,
                l1_chain_id: self.l1_chain_id,
                l2_chain_id: self.spec.chain_id(),
                portal: addresses.portal,
                rollup: addresses.rollup,
                timelock: addresses.timelock.unwrap_or_default(),
                portal_implementation: addresses.portal_implementation,
                rollup_implementation: addresses.rollup_implementation,
                deploy_block,
                genesis_hash: self.genesis_output.l2_block_hash,
                genesis_output: self.genesis_output,
                roles: self.roles,
            },
            created,
            called,
            gas_used: creation_gas + call_gas,
        })
    }

    /// Names of what it made, block of the first contract if it made that, and gas.
    async fn create(&self) -> Result<(Vec<&'static str>, Option<u64>, u64), DeployError> {
        let mut missing = Vec::new();
        for creation in &self.plan.creations {
            if !self.is_there(creation).await? {
                missing.push(creation);
            }
        }
        if missing.is_empty() {
            return Ok((Vec::new(), None, 0));
        }
        self.sender.require_funds(DEPLOYMENT_GAS).await?;
        let (mut first_block, mut gas) = (None, 0);
        for creation in &missing {
            let next = self.sender.nonce().await?;
            if next != creation.nonce {
                return Err(DeployError::Nonce {
                    name: creation.name,
                    wanted: creation.nonce,
                    next,
                });
            }
            let code = creation.init_code.clone();
            let receipt = self.sender.send(creation.name, next, None, code).await?;
            if !self.is_there(creation).await? {
                return Err(DeployError::ForeignCode {
                    name: creation.name,
                    address: creation.address,
                });
            }
            if missing.len() == self.plan.creations.len() {
                first_block = first_block.or(receipt.block_number);
            }
            gas += receipt.gas_used;
        }
        let names = missing.iter().map(|creation| creation.name).collect();
        Ok((names, first_block, gas))
    }

    async fn is_there(&self, creation: &Creation) -> Result<bool, DeployError> {
        let code = self.sender.code(creation.address).await?;
        if code.is_empty() || creation.has_code(&code) {
            return Ok(!code.is_empty());
        }
        Err(DeployError::ForeignCode {
            name: creation.name,
            address: creation.address,
        })
    }

    async fn check_parameters(&self) -> Result<(), DeployError> {
        for parameter in &self.plan.parameters {
            let answer = self
                .sender
                .differs(parameter.name, &parameter.check)
                .await?;
            refuse(parameter.name, answer)?;
        }
        Ok(())
    }

    async fn set_up(&self) -> Result<(Vec<String>, u64), DeployError> {
        let (mut called, mut gas) = (Vec::new(), 0);
        for SetUp {
            name,
            to,
            data,
            done,
        } in &self.plan.calls
        {
            if self.sender.differs(name, done).await?.is_none() {
                continue;
            }
            let nonce = self.sender.nonce().await?;
            let receipt = self
                .sender
                .send(name, nonce, Some(*to), data.clone())
                .await?;
            refuse(name, self.sender.differs(name, done).await?)?;
            gas += receipt.gas_used;
            called.push(name.clone());
        }
        Ok((called, gas))
    }

    async fn block_of_genesis_root(&self) -> Result<u64, DeployError> {
        let rollup = self.plan.addresses.rollup;
        let found = self
            .sender
            .first_log(rollup, STATE_ROOT_UPDATED, B256::ZERO)
            .await?;
        found.ok_or(DeployError::NoGenesisLog(rollup))
    }
}

fn refuse(name: &str, answer: Option<(Bytes, Bytes)>) -> Result<(), DeployError> {
    match answer {
        None => Ok(()),
        Some((expected, found)) => Err(DeployError::Parameter {
            name: name.to_owned(),
            found: found.to_string(),
            expected: expected.to_string(),
        }),
    }
}
