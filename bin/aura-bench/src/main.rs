//! `aura-bench`: load over HTTP and WebSocket against any Ethereum node, comparisons, and figures of
//! the state tree.
//!
//! Everything that can be prepared is prepared before the clock starts; every loop has a bound in
//! count or time; what the load generator itself costs is measured and printed. It runs on one
//! thread, so that on two cores the server keeps one to itself.

mod accounts;
mod batch;
mod compare;
mod erc20;
mod figures;
mod fuzz;
mod genesis;
mod heads;
mod http;
mod isolation;
mod latency;
mod load;
mod measure;
mod reads;
mod rpc;
mod server;
mod sparse;
mod state;
mod transfers;

use clap::{Args, Parser, Subcommand};
use eyre::{Result, bail};
use figures::Figures;
use http::Endpoint;
use server::{BlockTime, Kind, Server, Settings};
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use transfers::Mode;

/// The node's allocator, so that the chain in this process costs what it costs in the node.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Debug, Parser)]
#[command(version, about = "Load and comparisons over JSON-RPC")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The server under load: one that runs already, or one to start.
#[derive(Args, Clone, Debug)]
struct Target {
    /// URL of a server that runs already.
    #[arg(long, default_value = "http://127.0.0.1:8545")]
    url: Endpoint,
    /// Its process, to measure CPU time and memory.
    #[arg(long)]
    pid: Option<u32>,
    /// Starts this binary instead, with data of its own.
    #[arg(long, conflicts_with_all = ["url", "pid"])]
    spawn: Option<PathBuf>,
    /// Which program the binary is.
    #[arg(long, value_enum, default_value_t = Kind::Aura, requires = "spawn")]
    kind: Kind,
    /// `instant` or a duration.
    #[arg(long, default_value = "1s", requires = "spawn")]
    block_time: BlockTime,
    /// Block gas limit.
    #[arg(long, default_value_t = 1_000_000_000, requires = "spawn")]
    gas_limit: u64,
    /// Genesis file.
    #[arg(long, requires = "spawn")]
    genesis: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plain transfers to fresh recipients.
    Transfers {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        load: transfers::LoadArgs,
    },
    /// Token transfers to fresh recipients.
    Erc20 {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        load: transfers::LoadArgs,
    },
    /// Balance, call, receipt and full block; needs blocks at an interval.
    Reads {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        reads: reads::ReadArgs,
    },
    /// From submission to receipt.
    Latency {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        latency: latency::LatencyArgs,
    },
    /// WebSocket clients that read everything at each head; fails if one misses something.
    Heads {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        heads: heads::HeadArgs,
    },
    /// Block time under transfers, with and without a load of log searches and traces.
    Isolation {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        isolation: isolation::IsolationArgs,
    },
    /// Aura and anvil by turns, as a Markdown table.
    Compare(Box<compare::CompareArgs>),
    /// The same for what reads: point reads, calls, receipts, blocks, traces, sparse logs.
    RpcCompare(Box<compare::CompareArgs>),
    /// Searches of logs over many blocks, few of which have any; needs blocks sealed at once.
    Sparse {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        sparse: sparse::SparseArgs,
    },
    /// Writes a genesis file with many accounts.
    Genesis(genesis::GenesisArgs),
    /// Figures of the state tree, in this process.
    State {
        #[command(subcommand)]
        command: state::StateCommand,
    },
    /// Size and speed of the batch format, in this process.
    Batch(batch::BatchArgs),
    /// Mutated requests over HTTP and WebSocket against a node in this process.
    Fuzz(fuzz::FuzzArgs),
    /// Starts a server twice, and prints how long it took to answer.
    Start {
        #[command(flatten)]
        target: Target,
    },
}

impl Target {
    async fn server(&self) -> Result<Server> {
        match &self.spawn {
            Some(binary) => Server::start(self.kind, binary, &self.settings()).await,
            None => Ok(Server::running(self.url.clone(), self.pid)),
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            block_time: self.block_time,
            gas_limit: self.gas_limit,
            genesis: self.genesis.clone(),
            keeps_history: false,
        }
    }

    /// Starts the server on new data, then again on what it wrote.
    async fn starts(&self) -> Result<Figures> {
        let Some(binary) = &self.spawn else {
            bail!("--spawn names the binary to start")
        };
        let mut figures = Figures::default();
        let first = self.server().await?;
        figures.less("first start", milliseconds(&first), "ms");
        let again = first.restart(self.kind, binary, &self.settings()).await?;
        figures.less("start on existing data", milliseconds(&again), "ms");
        again.footprint(&mut figures);
        Ok(figures)
    }
}

fn milliseconds(server: &Server) -> f64 {
    server
        .start_time
        .map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn main() -> Result<()> {
    let figures = match Cli::parse().command {
        Command::State { command } => state::run(&command)?,
        Command::Fuzz(args) => fuzz::run(&args)?,
        Command::Batch(args) => batch::run(&args)?,
        command => over_network(command)?,
    };
    print!("{}", figures.lines());
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn over_network(command: Command) -> Result<Figures> {
    let mut terminated = signal(SignalKind::terminate())?;
    // Ending by a signal drops the run, and with it the servers that it started.
    tokio::select! {
        result = run(command) => result,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminated.recv() => bail!("terminated"),
    }
}

async fn run(command: Command) -> Result<Figures> {
    let figures = match command {
        Command::Transfers { target, load } => {
            transfers::run(&target.server().await?, Mode::Transfers, &load).await?
        }
        Command::Erc20 { target, load } => {
            transfers::run(&target.server().await?, Mode::Erc20, &load).await?
        }
        Command::Reads { target, reads } => reads::run(&target.server().await?, &reads).await?,
        Command::Latency { target, latency } => {
            latency::run(&target.server().await?, &latency).await?
        }
        Command::Heads { target, heads } => heads::run(&target.server().await?, &heads).await?,
        Command::Isolation { target, isolation } => {
            isolation::run(&target.server().await?, &isolation).await?
        }
        Command::Compare(args) => {
            compare::run(&args).await?;
            Figures::default()
        }
        Command::RpcCompare(args) => {
            compare::run(&args.reading()).await?;
            Figures::default()
        }
        Command::Sparse { target, sparse } => sparse::run(&target.server().await?, &sparse).await?,
        Command::Genesis(args) => {
            genesis::run(&args)?;
            Figures::default()
        }
        Command::Start { target } => target.starts().await?,
        Command::State { .. } | Command::Fuzz(_) | Command::Batch(_) => {
            bail!("this runs in the process, without a server of its own")
        }
    };
    Ok(figures)
}
