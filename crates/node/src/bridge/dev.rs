//! The bridge of a development chain: deployed when there is none.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_signer_local::{MnemonicBuilder, coins_bip39::English};
use aura_bindings::{Deployment, Profile, Roles};

use super::DeployRequest;
use crate::{ChainSource, ChainSpec, NodeConfig, NodeError};

/// The mnemonic of the development accounts; account 0 deploys.
const MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Deployment file in the data directory.
const DEPLOYMENT_FILE: &str = "deployment.json";
/// Genesis with the contracts' addresses in the data directory.
const GENESIS_FILE: &str = "genesis.json";

/// A development chain and its contracts.
#[derive(Debug, Clone)]
pub struct DevDeployment {
    /// The contracts.
    pub deployment: Deployment,
    /// The file with that.
    pub file: PathBuf,
    /// The chain that belongs to them.
    pub source: ChainSource,
}

/// Whether the chain has a bridge.
///
/// # Errors
/// Those of reading the genesis.
pub fn has_bridge(config: &NodeConfig, source: &ChainSource) -> Result<bool, NodeError> {
    Ok(crate::open::spec_of(&config.datadir, source)?.is_some_and(|spec| spec.bridge().is_some()))
}

/// Finds the contracts of a development chain in its data directory, or puts them on the first
/// endpoint of L1, with a genesis that names them. `window` is in seconds.
///
/// # Errors
/// [`NodeError::Deploy`], and those of files.
pub async fn deploy_dev(
    config: &NodeConfig,
    window: u64,
    source: ChainSource,
) -> Result<DevDeployment, NodeError> {
    let file = config.datadir.join(DEPLOYMENT_FILE);
    let genesis_file = config.datadir.join(GENESIS_FILE);
    let chosen = |deployment, source| DevDeployment {
        deployment,
        file: file.clone(),
        source,
    };
    if file.exists() {
        let source = match source {
            ChainSource::Datadir => ChainSource::Datadir,
            _ => ChainSource::File(genesis_file),
        };
        return Ok(chosen(Deployment::from_file(&file)?, source));
    }
    let genesis_json = match &source {
        ChainSource::File(path) => read(path)?,
        _ => ChainSpec::dev_genesis_json().to_owned(),
    };
    let genesis_json = with_gas_limit(genesis_json, config.sequencer.gas_limit)?;
    let mut profile = Profile::dev();
    profile.window = window;
    profile.fast = profile.fast.min(window);
    let signer = MnemonicBuilder::<English>::default()
        .phrase(MNEMONIC)
        .build()
        .expect("the mnemonic is valid");
    let request = DeployRequest {
        endpoint: config.bridge.l1_rpc.first().cloned().unwrap_or_default(),
        l1_chain_id: None,
        profile,
        roles: Roles::dev(),
        signer,
        genesis_json,
    };
    let prepared = request.prepare().await?;
    let genesis_json = prepared.genesis_json().to_owned();
    let deployed = prepared.run().await?;
    if window == 0 {
        tracing::warn!("a window of 0 seconds: every root is final at once, nobody can dispute it");
    }
    fs::create_dir_all(&config.datadir).map_err(|source| NodeError::File {
        path: config.datadir.clone(),
        source,
    })?;
    write(&genesis_file, &genesis_json)?;
    // Last: with it the deployment is complete.
    write(&file, &deployed.deployment.to_json())?;
    let source = match source {
        ChainSource::Datadir => ChainSource::Datadir,
        _ => ChainSource::File(genesis_file),
    };
    Ok(chosen(deployed.deployment, source))
}

/// The genesis with the gas limit that was asked for: later only L1 can change it.
fn with_gas_limit(genesis_json: String, gas_limit: Option<u64>) -> Result<String, NodeError> {
    let Some(gas_limit) = gas_limit else {
        return Ok(genesis_json);
    };
    let malformed = |error| NodeError::Config(format!("the genesis is not JSON: {error}"));
    let mut genesis: serde_json::Value = serde_json::from_str(&genesis_json).map_err(malformed)?;
    genesis["gasLimit"] = format!("{gas_limit:#x}").into();
    serde_json::to_string_pretty(&genesis).map_err(malformed)
}

fn read(path: &Path) -> Result<String, NodeError> {
    fs::read_to_string(path).map_err(|source| NodeError::File {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), NodeError> {
    fs::write(path, text).map_err(|source| NodeError::File {
        path: path.to_owned(),
        source,
    })
}
