//! How the cost of a change grows with the number of leaves.

use super::{
    clock::pin,
    root::{self, RootArgs},
    store::{self, StoreArgs},
};
use crate::figures::Figures;
use clap::Args;
use eyre::Result;
use std::path::PathBuf;

/// Which states to compare.
#[derive(Args, Clone, Debug)]
pub(crate) struct GrowthArgs {
    /// Leaves of the small state.
    #[arg(long, default_value_t = 1_000_000)]
    small: u32,
    /// Leaves of the large state.
    #[arg(long, default_value_t = 30_000_000)]
    large: u32,
    /// Blocks that are measured on each.
    #[arg(long, default_value_t = 160, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batches: u32,
    /// Changed leaves in a block.
    #[arg(long, default_value_t = 10_000)]
    changes: usize,
    /// Blocks in a transaction.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    per_commit: u32,
    /// Where databases are made for the time of the run.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Core to run on.
    #[arg(long, default_value_t = 0)]
    core: usize,
}

/// Measures both states, in memory and with the database.
pub(crate) fn run(args: &GrowthArgs) -> Result<Figures> {
    pin(args.core)?;
    let mut figures = Figures::default();
    let memory = |leaves| {
        root::block_ms(&RootArgs {
            leaves,
            batches: args.batches,
            changes: args.changes,
            core: args.core,
        })
    };
    compare(args, &mut figures, "in memory", memory)?;
    let stored = |leaves| {
        // The database is warm: opening has read the whole state.
        store::block_ms(&StoreArgs {
            leaves,
            batches: args.batches,
            warm_up: args.per_commit,
            changes: args.changes,
            per_commit: args.per_commit,
            peer: None,
            directory: args.directory.clone(),
            core: args.core,
        })
    };
    compare(args, &mut figures, "with the database", stored)?;
    Ok(figures)
}

fn compare(
    args: &GrowthArgs,
    figures: &mut Figures,
    name: &str,
    block_ms: impl Fn(u32) -> Result<f64>,
) -> Result<()> {
    let mut costs = [0.0; 2];
    for (cost, leaves) in costs.iter_mut().zip([args.small, args.large]) {
        // Microseconds for a change.
        *cost = block_ms(leaves)? * 1e3 / args.changes as f64;
        figures.less(format!("{name}, {leaves} leaves, a change"), *cost, "us");
    }
    figures.less(format!("{name}, large / small"), costs[1] / costs[0], "");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_run_compares_both_ways() {
        let args = GrowthArgs {
            small: 1_000,
            large: 2_000,
            batches: 2,
            changes: 20,
            per_commit: 2,
            directory: None,
            core: 0,
        };
        let figures = run(&args).unwrap();
        assert_eq!(figures.0.len(), 6);
        assert!(figures.0.iter().all(|figure| figure.value > 0.0));
    }
}
