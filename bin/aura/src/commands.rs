//! What each subcommand does.

use std::{path::Path, time::Instant};

use aura_chain::ChainConfig;
use aura_node::{
    ChainSource, GenesisAccounts, LogStyle, Node, NodeConfig, OpenedChain, StorageSection, audit,
    initialise, open_chain, reexecute,
};
use aura_runtime::{CancellationToken, LogFormat, MetricsHandle, init_tracing, install_metrics};
use aura_storage::Store;
use eyre::WrapErr;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use crate::{
    blocks, bridge,
    cli::{Cli, Command, ConfigCommand, DbCommand, InitArgs},
    dev::DevStack,
    settings::{self, DevSettings, Settings},
    state,
};

/// Runs the command.
pub(crate) fn run(cli: Cli) -> eyre::Result<()> {
    match cli.command {
        Command::Dev(args) => start_dev(settings::dev(args)?),
        Command::Node(args) => start(settings::node(args)?),
        Command::Init(args) => init(args),
        Command::Import(args) => blocks::import_files(args),
        Command::Export(args) => blocks::export_file(args),
        Command::Config(ConfigCommand::Check { file }) => {
            settings::read_file(&file)?.validate()?;
            println!("{} is valid", file.display());
            Ok(())
        }
        Command::Config(ConfigCommand::Defaults) => {
            print!("{}", toml::to_string(&NodeConfig::default())?);
            Ok(())
        }
        Command::Db(DbCommand::Stats { datadir }) => stats(&datadir),
        Command::Db(DbCommand::Check {
            datadir,
            reexecute,
            chain,
        }) => check(&datadir, reexecute, chain.map(ChainSource::File)),
        Command::State(command) => state::run(command),
        Command::Bridge(command) => bridge::run(command),
        Command::Version => {
            println!("aura {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}

fn start(settings: Settings) -> eyre::Result<()> {
    let Settings { config, source, .. } = settings;
    let (runtime, metrics) = prepare(&config)?;
    runtime.block_on(async {
        let node = Node::start(config, &source, metrics).await?;
        stop_on_signal(node.token())?;
        tracing::info!(address = %node.address(), "node started");
        node.wait().await
    })
}

fn start_dev(mut settings: DevSettings) -> eyre::Result<()> {
    let (runtime, metrics) = prepare(&settings.node.config)?;
    // Lives until the node has ended.
    let temporary = settings.node.temporary.take();
    let outcome = runtime.block_on(async {
        let stack = DevStack::start(settings, metrics).await?;
        stop_on_signal(stack.node().token())?;
        tracing::info!(address = %stack.node().address(), "node started");
        stack.greet()?;
        stack.wait().await
    });
    drop(temporary);
    outcome
}

/// Logs, metrics and threads of a running node.
fn prepare(config: &NodeConfig) -> eyre::Result<(Runtime, Option<MetricsHandle>)> {
    let format = match config.log_format {
        LogStyle::Text => LogFormat::Text,
        LogStyle::Json => LogFormat::Json,
    };
    init_tracing(&config.log, format)?;
    let metrics = config.metrics_port.map(|_| install_metrics()).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    Ok((runtime, metrics))
}

/// Cancels `token` on SIGINT and SIGTERM.
fn stop_on_signal(token: CancellationToken) -> eyre::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    aura_runtime::detach(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
        token.cancel();
    });
    Ok(())
}

fn init(args: InitArgs) -> eyre::Result<()> {
    init_tracing("warn", LogFormat::Text)?;
    let store = StorageSection::default().to_config();
    let identity = initialise(&args.datadir, &ChainSource::File(args.chain), &store)?;
    println!(
        "chain id {}, genesis {}",
        identity.chain_id, identity.genesis_hash
    );
    Ok(())
}

fn stats(datadir: &Path) -> eyre::Result<()> {
    let path = datadir.join("db");
    eyre::ensure!(path.is_dir(), "{} holds no database", datadir.display());
    let store = Store::open_read_only(&path, &StorageSection::default().to_config())?;
    let stats = store.stats()?;
    println!(
        "{:<20} {:>14} {:>12} {:>16}",
        "table", "entries", "pages", "bytes"
    );
    for table in &stats.tables {
        println!(
            "{:<20} {:>14} {:>12} {:>16}",
            table.name, table.entries, table.pages, table.bytes
        );
    }
    println!(
        "file size {} bytes, {} used, {} free",
        stats.file_bytes, stats.used_bytes, stats.free_bytes
    );
    Ok(())
}

fn check(datadir: &Path, execute: bool, source: Option<ChainSource>) -> eyre::Result<()> {
    init_tracing("warn", LogFormat::Text)?;
    eyre::ensure!(
        datadir.join("db").is_dir(),
        "{} holds no database",
        datadir.display()
    );
    let started = Instant::now();
    let source = match source {
        Some(source) => source,
        None if execute => ChainSource::Dev,
        None => ChainSource::Datadir,
    };
    let store = StorageSection::default().to_config();
    let limits = ChainConfig::default();
    let OpenedChain { chain, .. } =
        open_chain(datadir, &source, &store, limits, GenesisAccounts::Keep)
            .wrap_err("the chain cannot be opened")?;
    println!("state root {} matches the state", chain.tip().state_root);
    let report = audit(&chain)?;
    println!(
        "{} blocks with {} transactions are linked and indexed",
        report.blocks, report.transactions
    );
    if execute {
        let report = reexecute(&chain)?;
        println!("{} blocks execute to the same headers", report.blocks);
    }
    println!("checked in {:.1?}", started.elapsed());
    Ok(())
}
