//! The same scenarios on two servers by turns, in one run on one machine.

use crate::{
    figures::{Figures, table},
    latency::{self, LatencyArgs},
    reads::{self, ReadArgs},
    server::{BlockTime, Kind, Server, Settings},
    sparse::{self, SparseArgs},
    transfers::{self, LoadArgs, Mode},
};
use clap::{Args, ValueEnum};
use eyre::{Result, WrapErr};
use std::{path::PathBuf, time::Duration};

/// What both servers are put through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Transfers with blocks every second.
    Transfers,
    /// Transfers with instant sealing.
    Instant,
    /// Token transfers with blocks every second.
    Erc20,
    /// Reads.
    Reads,
    /// Traces of a block.
    Traces,
    /// Searches of logs over many blocks, few of which have any.
    Sparse,
    /// Submit to receipt with instant sealing, one client.
    Latency1,
    /// Submit to receipt with instant sealing, eight clients.
    Latency8,
    /// `eth_sendRawTransactionSync` with instant sealing, eight clients.
    Sync8,
}

/// Which servers, which scenarios, how often.
#[derive(Args, Clone, Debug)]
pub(crate) struct CompareArgs {
    /// The `aura` binary.
    #[arg(long)]
    aura: PathBuf,
    /// The `anvil` binary.
    #[arg(long)]
    anvil: PathBuf,
    /// Rounds; each starts every server anew.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    rounds: u64,
    /// Scenarios, separated by commas.
    #[arg(long, value_delimiter = ',', default_values = ["transfers", "instant", "reads", "latency1", "latency8"])]
    scenarios: Vec<Scenario>,
    /// Block gas limit of both.
    #[arg(long, default_value_t = 1_000_000_000)]
    gas_limit: u64,
    #[command(flatten)]
    load: LoadArgs,
    /// Transactions in the instant scenario. Anvil's instant mode nearly stops with more than about
    /// 1,500 of them waiting.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    instant_count: u64,
    /// Time for each method that reads.
    #[arg(long, default_value = "3s", value_parser = humantime::parse_duration)]
    read_duration: Duration,
    /// Blocks that a search of logs spans.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    sparse_blocks: u64,
}

impl CompareArgs {
    fn reads(&self) -> ReadArgs {
        ReadArgs {
            connections: self.load.connections,
            duration: self.read_duration,
            block_transactions: 500,
            seed: "reads".to_owned(),
        }
    }

    /// The same, for everything that reads.
    pub(crate) fn reading(self) -> Self {
        Self {
            scenarios: vec![Scenario::Reads, Scenario::Traces, Scenario::Sparse],
            ..self
        }
    }
}

/// Runs all scenarios and prints a table.
pub(crate) async fn run(args: &CompareArgs) -> Result<()> {
    let mut rounds = Vec::new();
    for round in 0..args.rounds {
        let mut ours = Figures::default();
        let mut theirs = Figures::default();
        for scenario in &args.scenarios {
            // The order changes with the round, so that neither is always the second.
            let mut order = [Kind::Aura, Kind::Anvil];
            if round % 2 == 1 {
                order.reverse();
            }
            for kind in order {
                let figures = one(args, kind, *scenario)
                    .await
                    .wrap_err_with(|| format!("{scenario:?} on {kind:?} in round {round}"))?;
                eprint!("round {round}, {kind:?}\n{}", figures.lines());
                let side = if kind == Kind::Aura {
                    &mut ours
                } else {
                    &mut theirs
                };
                side.0.extend(figures.0);
            }
        }
        rounds.push([ours, theirs]);
    }
    println!("{}", table(["aura", "anvil"], &rounds));
    Ok(())
}

async fn one(args: &CompareArgs, kind: Kind, scenario: Scenario) -> Result<Figures> {
    let block_time = match scenario {
        Scenario::Transfers | Scenario::Erc20 | Scenario::Reads | Scenario::Traces => {
            BlockTime::Every(Duration::from_secs(1))
        }
        _ => BlockTime::Instant,
    };
    let settings = Settings {
        block_time,
        gas_limit: args.gas_limit,
        genesis: None,
        keeps_history: scenario == Scenario::Traces,
    };
    let binary = if kind == Kind::Aura {
        &args.aura
    } else {
        &args.anvil
    };
    let server = Server::start(kind, binary, &settings).await?;
    let latency = |clients, sync| LatencyArgs {
        clients,
        count: 200,
        sync,
        seed: "latency".to_owned(),
        limit: args.load.limit,
    };
    let figures = match scenario {
        Scenario::Transfers => transfers::run(&server, Mode::Transfers, &args.load).await?,
        Scenario::Erc20 => transfers::run(&server, Mode::Erc20, &args.load).await?,
        Scenario::Instant => {
            let load = LoadArgs {
                count: args.instant_count,
                ..args.load.clone()
            };
            transfers::run(&server, Mode::Transfers, &load).await?
        }
        Scenario::Reads => reads::run(&server, &args.reads()).await?,
        Scenario::Traces => {
            // anvil takes a second for a hundred transactions, and minutes for a few times as many.
            let reads = ReadArgs {
                connections: args.load.connections.min(2),
                block_transactions: 100,
                ..args.reads()
            };
            reads::traces(&server, &reads).await?
        }
        Scenario::Sparse => {
            let sparse = SparseArgs {
                blocks: args.sparse_blocks,
                logs: 20,
                connections: args.load.connections.min(4),
                duration: args.read_duration,
            };
            sparse::run(&server, &sparse).await?
        }
        Scenario::Latency1 => latency::run(&server, &latency(1, false)).await?,
        Scenario::Latency8 => latency::run(&server, &latency(8, false)).await?,
        Scenario::Sync8 => latency::run(&server, &latency(8, true)).await?,
    };
    let name = scenario
        .to_possible_value()
        .map_or_else(String::new, |v| v.get_name().to_owned());
    Ok(figures.prefixed(&name))
}
