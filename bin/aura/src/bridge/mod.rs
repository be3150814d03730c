//! `aura bridge`: value from L1 to L2 and back, from the command line. It speaks only JSON-RPC.

mod amount;
mod args;
mod claim;
mod deploy;
mod deposit;
mod force;
mod report;
mod send;
mod session;
mod status;
mod withdraw;

use std::{future::Future, time::Duration};

use aura_runtime::{LogFormat, init_tracing};
use clap::Subcommand;
pub(crate) use report::Failure;

use self::{
    args::{
        DepositArgs, DepositErc20Args, FinalizeArgs, ForceArgs, ProveArgs, StatusArgs, WithdrawArgs,
    },
    report::Report,
};

/// The subcommands of `aura bridge`.
#[derive(Debug, Subcommand)]
pub(crate) enum BridgeCommand {
    /// Put the contracts of a chain on L1; run again it goes on where it ended
    Deploy(deploy::DeployArgs),
    /// Move ether from L1 to L2
    Deposit(DepositArgs),
    /// Move tokens from L1 to L2
    DepositErc20(DepositErc20Args),
    /// Move ether or tokens from L2 to L1; they are claimed there later
    Withdraw(WithdrawArgs),
    /// Print what claims a withdrawal on L1
    Prove(ProveArgs),
    /// Claim a withdrawal on L1
    Finalize(FinalizeArgs),
    /// Print how far the bridge, a deposit or a withdrawal is
    Status(StatusArgs),
    /// Put a transaction for L2 into the queue on L1, which no sequencer can hold back for long
    Force(ForceArgs),
}

/// Runs the command.
pub(crate) fn run(command: BridgeCommand) -> eyre::Result<()> {
    init_tracing("off", LogFormat::Text)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(dispatch(command))
}

async fn dispatch(command: BridgeCommand) -> eyre::Result<()> {
    match command {
        BridgeCommand::Deploy(args) => deploy::run(args).await,
        BridgeCommand::Prove(args) => claim::prove(&args).await,
        BridgeCommand::Status(args) => status::status(&args).await,
        BridgeCommand::Deposit(args) => {
            let mut report = Report::new(args.show.json);
            let steps = deposit::deposit(&args, &mut report);
            let done = within(args.show.timeout, steps).await;
            finish(report, done)
        }
        BridgeCommand::DepositErc20(args) => {
            let mut report = Report::new(args.show.json);
            let steps = deposit::deposit_erc20(&args, &mut report);
            let done = within(args.show.timeout, steps).await;
            finish(report, done)
        }
        BridgeCommand::Withdraw(args) => {
            let mut report = Report::new(args.show.json);
            let steps = withdraw::withdraw(&args, &mut report);
            let done = within(args.show.timeout, steps).await;
            finish(report, done)
        }
        BridgeCommand::Finalize(args) => {
            let mut report = Report::new(args.show.json);
            let steps = claim::finalize(&args, &mut report);
            let done = within(args.show.timeout, steps).await;
            finish(report, done)
        }
        BridgeCommand::Force(args) => {
            let mut report = Report::new(args.show.json);
            let steps = force::force(&args, &mut report);
            let done = within(args.show.timeout, steps).await;
            finish(report, done)
        }
    }
}

/// What was reached is printed in any case: a script must know what it has sent.
fn finish(mut report: Report, done: eyre::Result<()>) -> eyre::Result<()> {
    if let Err(error) = &done {
        report.field("error", format!("{error:#}"));
    }
    report.finish()?;
    done
}

async fn within(
    limit: Option<Duration>,
    steps: impl Future<Output = eyre::Result<()>>,
) -> eyre::Result<()> {
    let Some(limit) = limit else {
        return steps.await;
    };
    let text = || Failure::NotYet(format!("not done after {limit:?}; what was sent goes on"));
    match tokio::time::timeout(limit, steps).await {
        Ok(done) => done,
        Err(_) => Err(text().into()),
    }
}
