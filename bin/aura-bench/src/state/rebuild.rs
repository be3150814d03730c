//! What a start costs: the tree is rebuilt from the database, and its root compared.

use super::{
    clock::{measured, median},
    node::Node,
};
use crate::figures::Figures;
use clap::Args;
use eyre::Result;
use std::path::PathBuf;

/// Which chain to open.
#[derive(Args, Clone, Debug)]
pub(crate) struct RebuildArgs {
    /// Data directory that `generate` has filled.
    #[arg(long)]
    pub(crate) datadir: PathBuf,
    /// How often.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: u32,
}

/// Opens the chain several times. Two threads work at it, so nothing is pinned.
pub(crate) fn run(args: &RebuildArgs) -> Result<Figures> {
    let mut times = Vec::new();
    let mut leaves = 0;
    for _ in 0..args.rounds {
        let (node, took) = measured(|| Node::open(&args.datadir, 1));
        let node = node?;
        leaves = node.chain.tree_stats().leaves;
        node.close()?;
        times.push(took);
    }
    let millions = leaves as f64 / 1e6;
    let cpu = median(times.iter().map(|took| took.process).collect()) / 1e3;
    let wall = median(times.iter().map(|took| took.wall).collect()) / 1e3;
    let mut figures = Figures::default();
    figures.note("leaves", leaves as f64, "");
    figures.less("rebuild, CPU", cpu, "s");
    figures.less("rebuild, wall", wall, "s");
    figures.less("CPU of a million leaves", cpu / millions, "s");
    figures.less("wall of a million leaves", wall / millions, "s");
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::super::generate;
    use super::*;

    #[test]
    fn rebuilds_a_generated_state() {
        let dir = tempfile::tempdir().unwrap();
        generate::write(dir.path(), 3_000).unwrap();
        let args = RebuildArgs {
            datadir: dir.path().to_owned(),
            rounds: 2,
        };
        let figures = run(&args).unwrap();
        assert_eq!(figures.0[0].value, 3_000.0);
        assert!(figures.0[1].value > 0.0);
    }
}
