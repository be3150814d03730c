//! Settings from flags, environment, file and defaults, in this order.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aura_node::{
    BlockTime, BridgeSection, ChainSource, ConfirmationRule, Confirmations, Interval, KeySection,
    NodeConfig, RateLimit,
};
use eyre::WrapErr;
use tempfile::TempDir;

use crate::cli::{DevArgs, NodeArgs};

/// How often the L1 of a development chain is looked at where it does not tell by itself, in ms.
const DEV_L1_POLL_MS: u64 = 500;

/// The L1 of a development chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DevL1 {
    /// None.
    None,
    /// Inside of this process; on this port if one was named.
    Embedded(Option<u16>),
    /// Another program.
    External,
}

/// A development chain and its L1.
#[derive(Debug)]
pub(crate) struct DevSettings {
    pub(crate) node: Settings,
    pub(crate) l1: DevL1,
    /// Seconds until a posted root is final.
    pub(crate) window: u64,
    pub(crate) deployment_out: Option<PathBuf>,
}

/// What a node is started with.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) config: NodeConfig,
    pub(crate) source: ChainSource,
    /// Holds the data of a development chain without a data directory; removed when dropped.
    pub(crate) temporary: Option<TempDir>,
}

/// Reads a settings file.
pub(crate) fn read_file(path: &Path) -> eyre::Result<NodeConfig> {
    let text = fs::read_to_string(path).wrap_err_with(|| path.display().to_string())?;
    toml::from_str(&text).wrap_err_with(|| path.display().to_string())
}

/// Settings of `aura node`.
pub(crate) fn node(args: NodeArgs) -> eyre::Result<Settings> {
    let mut config = args
        .config
        .as_deref()
        .map(read_file)
        .transpose()?
        .unwrap_or_default();
    apply(&mut config, args);
    let source = config
        .chain
        .clone()
        .map_or(ChainSource::Datadir, ChainSource::File);
    Ok(Settings {
        config,
        source,
        temporary: None,
    })
}

/// Settings of `aura dev`: blocks are sealed at once, without an empty one, unless told otherwise,
/// and without a data directory everything is forgotten at exit.
pub(crate) fn dev(args: DevArgs) -> eyre::Result<DevSettings> {
    let DevArgs {
        node,
        l1_port,
        no_l1,
        window,
        deployment_out,
    } = args;
    let node = dev_node(node)?;
    let l1 = if !node.config.bridge.l1_rpc.is_empty() {
        DevL1::External
    } else if no_l1 {
        DevL1::None
    } else {
        DevL1::Embedded(l1_port)
    };
    Ok(DevSettings {
        node,
        l1,
        window,
        deployment_out,
    })
}

fn dev_node(args: NodeArgs) -> eyre::Result<Settings> {
    let from_file = args.config.is_some();
    let named_datadir = args.datadir.is_some() || from_file || inherited("STATE_DB_PATH").is_some();
    let mut config = args
        .config
        .as_deref()
        .map(read_file)
        .transpose()?
        .unwrap_or_default();
    if !from_file {
        config.sequencer.block_time = BlockTime(aura_node::SealPolicy::Instant);
        config.sequencer.empty_block_interval = Interval(None);
        config.log = "warn".to_owned();
        // The L1 of a development chain takes nothing back, or is told to by who tests that.
        config.bridge.confirmations = ConfirmationRule(Confirmations::Depth(0));
        config.bridge.l1_poll_interval_ms = DEV_L1_POLL_MS;
        // A test suite may ask what it likes, from a container too.
        config.rpc.rate_limit = RateLimit::Unlimited;
    }
    apply(&mut config, args);
    let mut temporary = None;
    if !named_datadir {
        let folder = temporary_folder()?;
        config.datadir = folder.path().to_owned();
        temporary = Some(folder);
    }
    let source = match &config.chain {
        Some(file) => ChainSource::File(file.clone()),
        None if config.datadir.join("chain.json").exists() => ChainSource::Datadir,
        None => ChainSource::Dev,
    };
    Ok(Settings {
        config,
        source,
        temporary,
    })
}

/// A folder in memory where the system has one, else an ordinary temporary one.
fn temporary_folder() -> eyre::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("aura-dev-");
        builder
    };
    if memory.is_dir()
        && let Ok(folder) = builder().tempdir_in(memory)
    {
        return Ok(folder);
    }
    builder().tempdir().wrap_err("temporary folder")
}

/// The value of a variable that a system before Aura used.
fn inherited(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn apply_bridge(bridge: &mut BridgeSection, args: &mut NodeArgs) {
    let mut endpoints = std::mem::take(&mut args.l1_rpc);
    if endpoints.is_empty()
        && let Some(list) = inherited("PROVIDER_URL")
    {
        endpoints = list.split(',').map(|url| url.trim().to_owned()).collect();
    }
    if !endpoints.is_empty() {
        bridge.l1_rpc = endpoints;
    }
    bridge.deployment = args.deployment.take().or(bridge.deployment.take());
    bridge.contract = args.bridge_contract.or(bridge.contract);
    if let Some(rule) = args.l1_confirmations {
        bridge.confirmations = rule;
    }
    if let Some(file) = args.sequencer_key.take() {
        bridge.sequencer_key = Some(KeySection::from_file(file));
    }
    if let Some(file) = args.proposer_key.take() {
        bridge.proposer_key = Some(KeySection::from_file(file));
    }
    bridge.hold_queue |= args.testing_hold_queue;
}

fn apply(config: &mut NodeConfig, mut args: NodeArgs) {
    apply_bridge(&mut config.bridge, &mut args);
    fn set<T>(target: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *target = value;
        }
    }
    set(&mut config.host, args.host);
    set(&mut config.port, args.port);
    let datadir = args
        .datadir
        .or_else(|| inherited("STATE_DB_PATH").map(Into::into));
    set(&mut config.datadir, datadir);
    set(&mut config.sequencer.block_time, args.block_time);
    set(
        &mut config.sequencer.empty_block_interval,
        args.empty_block_interval,
    );
    set(&mut config.log, args.log.or_else(|| inherited("RUST_LOG")));
    set(&mut config.log_format, args.log_format);
    set(&mut config.tree.proof_window_blocks, args.proof_window);
    set(&mut config.tree.proof_interval_blocks, args.proof_interval);
    config.chain = args.chain.or(config.chain.take());
    config.sequencer.gas_limit = args.gas_limit.or(config.sequencer.gas_limit);
    config.rpc.testing |= args.testing_api;
    config.metrics_port = args.metrics_port.or(config.metrics_port);
    set(&mut config.admin.host, args.admin_host);
    config.admin.port = args.admin_port.or(config.admin.port);
    set(&mut config.engine.host, args.engine_host);
    config.engine.port = args.engine_port.or(config.engine.port);
    config.engine.jwt_secret = args.jwt_secret.or(config.engine.jwt_secret.take());
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn args(line: &str) -> NodeArgs {
        match Cli::parse_from(line.split_whitespace()).command {
            Command::Dev(DevArgs { node, .. }) | Command::Node(node) => node,
            other => panic!("not a node command: {other:?}"),
        }
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("aura.toml");
        fs::write(
            &file,
            "port = 1\nlog = \"debug\"\n[sequencer]\nblock_time = \"250ms\"\n",
        )
        .unwrap();
        let line = format!("aura node --config {} --port 2", file.display());
        let settings = node(args(&line)).unwrap();
        assert_eq!(settings.config.port, 2);
        assert_eq!(settings.config.log, "debug");
        assert_eq!(
            settings.config.sequencer.block_time,
            "250ms".parse().unwrap()
        );
        assert_eq!(settings.config.host, NodeConfig::default().host);
    }

    #[test]
    fn dev_without_a_datadir_uses_a_folder_that_vanishes() {
        let settings = dev_node(args("aura dev")).unwrap();
        let path = settings.config.datadir.clone();
        assert!(path.is_dir());
        assert_eq!(
            settings.config.sequencer.block_time,
            "instant".parse().unwrap()
        );
        drop(settings);
        assert!(!path.exists());
    }

    #[test]
    fn clients_are_limited_unless_the_node_is_for_development() {
        let limit = |settings: Settings| settings.config.rpc.rate_limit;
        assert_eq!(
            limit(dev_node(args("aura dev")).unwrap()),
            RateLimit::Unlimited
        );
        let node = limit(node(args("aura node --datadir x")).unwrap());
        assert!(matches!(node, RateLimit::PerSecond(_)), "{node:?}");
    }

    #[test]
    fn an_unknown_key_in_the_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("aura.toml");
        fs::write(&file, "[pool]\nmax_transaction = 5\n").unwrap();
        let error = format!("{:#}", read_file(&file).unwrap_err());
        assert!(error.contains("max_transaction"), "{error}");
    }
}
