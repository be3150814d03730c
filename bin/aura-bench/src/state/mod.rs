//! Figures of the state tree: generated states, roots, storing, start and proofs.

mod clock;
mod generate;
mod growth;
mod leaves;
mod model;
mod node;
#[cfg(feature = "nomt")]
mod peer;
mod proofs;
mod rebuild;
mod root;
mod store;

use crate::figures::Figures;
use clap::Subcommand;
use eyre::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Fills a data directory with a state that is the same for the same number of leaves.
    Generate(generate::GenerateArgs),
    /// CPU time of the root of a block in memory, and of its hashes.
    Root(root::RootArgs),
    /// CPU time of the root and the durable store of a block.
    Store(store::StoreArgs),
    /// Time of opening a chain: its tree is rebuilt and checked.
    Rebuild(rebuild::RebuildArgs),
    /// Latency of proofs at the head and in the past.
    Proofs(proofs::ProofArgs),
    /// Cost of a change in a large state, compared with a small one.
    Growth(growth::GrowthArgs),
}

/// Measures.
pub(crate) fn run(command: &StateCommand) -> Result<Figures> {
    match command {
        StateCommand::Generate(args) => generate::run(args),
        StateCommand::Root(args) => root::run(args),
        StateCommand::Store(args) => store::run(args),
        StateCommand::Rebuild(args) => rebuild::run(args),
        StateCommand::Proofs(args) => proofs::run(args),
        StateCommand::Growth(args) => growth::run(args),
    }
}
