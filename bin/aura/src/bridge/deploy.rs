//! `aura bridge deploy`: the contracts of a chain on L1.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::U256;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use aura_bindings::{Deployment, Profile, Roles};
use aura_node::bridge::{DeployRequest, Deployed};
use clap::{ArgGroup, Args};
use eyre::{WrapErr, bail, ensure};

/// Keys of this mnemonic are known to everybody.
const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Flags of `aura bridge deploy`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("deployer").required(true).args(["deployer_key_file", "dev_account"]))]
pub(crate) struct DeployArgs {
    /// JSON-RPC of L1
    #[arg(long, env = "AURA_L1_RPC", value_name = "URL")]
    l1_rpc: String,
    /// Refuse an L1 with another chain id
    #[arg(long, value_name = "ID")]
    l1_chain_id: Option<u64>,
    /// Times and limits: dev or mainnet
    #[arg(long)]
    profile: String,
    /// Genesis file of L2 [default with the profile dev: the development chain's]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// File with the deployer's key, 32 bytes in hex
    #[arg(long, value_name = "FILE")]
    deployer_key_file: Option<PathBuf>,
    /// Account of the development mnemonic as deployer; only with the profile dev
    #[arg(long, value_name = "INDEX")]
    dev_account: Option<u32>,
    /// Who may do what [default with the profile dev: accounts of the development mnemonic]
    #[arg(long, value_name = "FILE")]
    roles: Option<PathBuf>,
    /// Deployment file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Genesis file to write, which names the contracts; another run goes on from it
    #[arg(long, value_name = "FILE")]
    genesis_out: PathBuf,
    /// Age of a root until it is final, in seconds; only with the profile dev
    #[arg(long, value_name = "SECONDS")]
    window: Option<u64>,
    /// Age from which a queue entry can be forced, in seconds; only with the profile dev
    #[arg(long, value_name = "SECONDS")]
    force_delay: Option<u64>,
    /// Beyond the window, until a chain without final roots can be frozen, in seconds; only with the profile dev
    #[arg(long, value_name = "SECONDS")]
    freeze_delay: Option<u64>,
    /// Most of ether and of each token that the escrow takes, in wei
    #[arg(long, value_name = "WEI")]
    max_escrow: Option<U256>,
}

/// Deploys, or says what is there.
pub(crate) async fn run(args: DeployArgs) -> eyre::Result<()> {
    let profile = profile(&args)?;
    let request = DeployRequest {
        endpoint: args.l1_rpc.clone(),
        l1_chain_id: args.l1_chain_id,
        roles: roles(&args)?,
        signer: deployer(&args)?,
        genesis_json: genesis(&args)?,
        profile,
    };
    let before = existing(&args.out)?;
    let prepared = request.prepare().await?;
    let addresses = *prepared.addresses();
    if let Some(before) = &before {
        ensure!(
            (before.portal, before.rollup) == (addresses.portal, addresses.rollup),
            "{} is of other contracts: portal {}, this deployment's is {}",
            args.out.display(),
            before.portal,
            addresses.portal
        );
    }
    // First of all: without it nobody could go on after an interruption.
    write(&args.genesis_out, prepared.genesis_json())?;
    let mut deployed = prepared.run().await?;
    if let Some(before) = before {
        deployed.deployment.deploy_block = before.deploy_block;
    }
    write(&args.out, &deployed.deployment.to_json())?;
    report(&deployed);
    Ok(())
}

fn profile(args: &DeployArgs) -> eyre::Result<Profile> {
    let mut profile = Profile::named(&args.profile)?;
    let is_changed =
        args.window.is_some() || args.force_delay.is_some() || args.freeze_delay.is_some();
    ensure!(
        profile.name == "dev" || !is_changed,
        "--window, --force-delay and --freeze-delay are for the profile dev only"
    );
    if let Some(window) = args.window {
        profile.window = window;
        profile.fast = profile.fast.min(window);
    }
    profile.force_delay = args.force_delay.unwrap_or(profile.force_delay);
    profile.freeze_delay = args.freeze_delay.unwrap_or(profile.freeze_delay);
    profile.max_escrow = args.max_escrow.unwrap_or(profile.max_escrow);
    Ok(profile)
}

fn roles(args: &DeployArgs) -> eyre::Result<Roles> {
    match &args.roles {
        Some(path) => Roles::from_json(&read(path)?).wrap_err_with(|| path.display().to_string()),
        None if args.profile == "dev" => Ok(Roles::dev()),
        None => bail!("--roles is missing; only the profile dev has roles of its own"),
    }
}

fn deployer(args: &DeployArgs) -> eyre::Result<PrivateKeySigner> {
    if let Some(index) = args.dev_account {
        ensure!(
            args.profile == "dev",
            "--dev-account is for the profile dev only: everybody knows these keys"
        );
        let builder = MnemonicBuilder::english().phrase(DEV_MNEMONIC);
        return Ok(builder.index(index)?.build()?);
    }
    let Some(path) = &args.deployer_key_file else {
        bail!("--deployer-key-file or --dev-account is missing");
    };
    // The reason must not repeat what the file has.
    read(path)?
        .trim()
        .parse()
        .map_err(|_| eyre::eyre!("{} has no key of 32 bytes in hex", path.display()))
}

/// What a run before wrote goes first: it names the contracts that are there.
fn genesis(args: &DeployArgs) -> eyre::Result<String> {
    if args.genesis_out.exists() {
        return read(&args.genesis_out);
    }
    match &args.genesis {
        Some(path) => read(path),
        None if args.profile == "dev" => Ok(aura_node::ChainSpec::dev_genesis_json().to_owned()),
        None => bail!("--genesis is missing"),
    }
}

fn existing(path: &Path) -> eyre::Result<Option<Deployment>> {
    if !path.exists() {
        return Ok(None);
    }
    let deployment = Deployment::from_file(path);
    Ok(Some(
        deployment.wrap_err_with(|| path.display().to_string())?,
    ))
}

fn read(path: &Path) -> eyre::Result<String> {
    fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, text: &str) -> eyre::Result<()> {
    fs::write(path, text).wrap_err_with(|| format!("cannot write {}", path.display()))
}

fn report(deployed: &Deployed) {
    let deployment = &deployed.deployment;
    println!("portal   {}", deployment.portal);
    println!("rollup   {}", deployment.rollup);
    if !deployment.timelock.is_zero() {
        println!("timelock {}", deployment.timelock);
    }
    println!("since L1 block {}", deployment.deploy_block);
    if deployed.created.is_empty() && deployed.called.is_empty() {
        println!("all of it was there");
        return;
    }
    for name in &deployed.created {
        println!("created  {name}");
    }
    for name in &deployed.called {
        println!("set      {name}");
    }
    println!("gas      {}", deployed.gas_used);
}
