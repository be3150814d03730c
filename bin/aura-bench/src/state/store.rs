//! CPU time of computing a root and storing a block durably, as the node does it.
//!
//! A batch is a block with so many changed slots, nine of ten to slots that exist. It goes through
//! the chain: keys are hashed, leaves read from the database, the root is computed, and the writer
//! stores flat state, history, touched keys, node diffs and boundaries. All threads count. Making the
//! blocks is not measured.
//!
//! A boundary, each 32 blocks, does work for all blocks since the one before: the mean over whole
//! intervals is what a block costs, the median what most of them cost.

use super::{
    clock::{Took, mean, measured, median, pin},
    generate,
    model::{Kinds, Model},
    node::Node,
};
use crate::figures::Figures;
use clap::{Args, ValueEnum};
use eyre::{Result, ensure};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What to store.
#[derive(Args, Clone, Debug)]
pub(crate) struct StoreArgs {
    /// Leaves of the state before.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) leaves: u32,
    /// Blocks that are measured; a multiple of 32 has whole intervals.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batches: u32,
    /// Blocks that come before them: they fill the caches.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) warm_up: u32,
    /// Changed leaves in a block.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) changes: usize,
    /// Blocks in a transaction.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) per_commit: u32,
    /// A database to compare with, in the same run.
    #[arg(long, value_enum)]
    pub(crate) peer: Option<PeerName>,
    /// Where databases are made for the time of the run.
    #[arg(long)]
    pub(crate) directory: Option<PathBuf>,
    /// Core to run on.
    #[arg(long, default_value_t = 0)]
    pub(crate) core: usize,
}

/// Which database to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PeerName {
    /// NOMT with SHA-256; it makes every block durable, whatever `--per-commit` says.
    Nomt,
}

#[cfg(feature = "nomt")]
type Peer = super::peer::Peer;
/// There is none in this build.
#[cfg(not(feature = "nomt"))]
enum Peer {}

#[cfg(feature = "nomt")]
fn load_peer(directory: &Path, leaves: u32) -> Result<Peer> {
    Peer::load(&directory.join("nomt"), leaves)
}

#[cfg(not(feature = "nomt"))]
fn load_peer(_: &Path, _: u32) -> Result<Peer> {
    eyre::bail!("build with `--features nomt` to compare with NOMT")
}

/// CPU milliseconds of the peer for a block: root and commit.
fn peer_block(peer: &Peer, diff: &aura_primitives::StateDiff) -> Result<(f64, f64)> {
    #[cfg(feature = "nomt")]
    {
        let (_, changes) = aura_chain::tree_changes(diff);
        let took = peer.apply(&changes)?;
        Ok((took.root, took.commit))
    }
    #[cfg(not(feature = "nomt"))]
    {
        let _ = diff;
        match *peer {}
    }
}

/// CPU milliseconds for a block.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    /// Until the block is sealed.
    root: f64,
    /// Until it is durable.
    store: f64,
    wall: f64,
}

/// The mean or the median.
type Summary = fn(Vec<f64>) -> f64;

/// What was measured.
#[derive(Debug, Default)]
struct Samples {
    ours: Vec<Sample>,
    /// Root and commit of the peer.
    peer: Vec<(f64, f64)>,
}

/// Measures in a directory that is removed afterwards.
pub(crate) fn run(args: &StoreArgs) -> Result<Figures> {
    pin(args.core)?;
    let directory = directory(args)?;
    let peer = match args.peer {
        Some(PeerName::Nomt) => Some(load_peer(directory.path(), args.leaves)?),
        None => None,
    };
    let samples = measure(args, directory.path(), peer.as_ref())?;
    Ok(figures(args, &samples))
}

fn directory(args: &StoreArgs) -> Result<TempDir> {
    Ok(match &args.directory {
        Some(path) => tempfile::tempdir_in(path)?,
        None => tempfile::tempdir()?,
    })
}

/// CPU milliseconds for a block, the mean, without a peer.
pub(crate) fn block_ms(args: &StoreArgs) -> Result<f64> {
    let samples = measure(args, directory(args)?.path(), None)?;
    let blocks = samples.ours.iter().map(|s| s.root + s.store);
    Ok(mean(blocks.collect()))
}

fn measure(args: &StoreArgs, directory: &Path, peer: Option<&Peer>) -> Result<Samples> {
    let together = args.per_commit;
    ensure!(
        args.batches.is_multiple_of(together) && args.warm_up.is_multiple_of(together),
        "--batches and --warm-up must be multiples of --per-commit"
    );
    let datadir = directory.join("aura");
    generate::write(&datadir, args.leaves)?;
    let mut model = Model::new(args.leaves, Kinds::Slots, args.changes)?;
    let node = Node::open(&datadir, args.per_commit as usize)?;
    let mut samples = Samples::default();
    while model.block() < args.warm_up + args.batches {
        let is_measured = model.block() >= args.warm_up;
        let group: Vec<_> = (0..args.per_commit).map(|_| model.next()).collect();
        if let Some(peer) = peer {
            for diff in &group {
                let took = peer_block(peer, diff)?;
                if is_measured {
                    samples.peer.push(took);
                }
            }
        }
        let (result, took) = measured(|| node.commit(group));
        result?;
        if is_measured {
            samples.ours.push(per_block(took, args.per_commit));
        }
    }
    node.close()?;
    Ok(samples)
}

/// The calling thread computes the roots; what is left is the writer's.
fn per_block(took: Took, blocks: u32) -> Sample {
    let blocks = f64::from(blocks);
    Sample {
        root: took.thread / blocks,
        store: (took.process - took.thread) / blocks,
        wall: took.wall / blocks,
    }
}

fn figures(args: &StoreArgs, samples: &Samples) -> Figures {
    let mut figures = Figures::default();
    let ours = &samples.ours;
    figures.note("leaves", args.leaves.into(), "");
    figures.note("changes in a block", args.changes as f64, "");
    figures.note("blocks in a transaction", args.per_commit.into(), "");
    for (kind, of) in [("mean", mean as Summary), ("median", median)] {
        let whole = of(ours.iter().map(|s| s.root + s.store).collect());
        let root = of(ours.iter().map(|s| s.root).collect());
        let store = of(ours.iter().map(|s| s.store).collect());
        figures.less(format!("root, CPU, {kind}"), root, "ms");
        figures.less(format!("store, CPU, {kind}"), store, "ms");
        figures.less(format!("root and store, CPU, {kind}"), whole, "ms");
        let wall = of(ours.iter().map(|s| s.wall).collect());
        figures.less(format!("wall, {kind}"), wall, "ms");
        if !samples.peer.is_empty() {
            let peer = &samples.peer;
            let root = of(peer.iter().map(|peer| peer.0).collect());
            let theirs = of(peer.iter().map(|(root, commit)| root + commit).collect());
            figures.less(format!("NOMT root, CPU, {kind}"), root, "ms");
            figures.less(format!("NOMT root and commit, CPU, {kind}"), theirs, "ms");
            figures.less(format!("aura / NOMT, {kind}"), whole / theirs, "");
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(per_commit: u32) -> StoreArgs {
        StoreArgs {
            leaves: 2_000,
            batches: 4,
            warm_up: 2,
            changes: 50,
            per_commit,
            peer: cfg!(feature = "nomt").then_some(PeerName::Nomt),
            directory: None,
            core: 0,
        }
    }

    #[test]
    fn small_runs_store_every_block() {
        for per_commit in [1, 2] {
            let dir = tempfile::tempdir().unwrap();
            let args = args(per_commit);
            let samples = measure(&args, dir.path(), None).unwrap();
            assert_eq!(samples.ours.len() as u32, 4 / per_commit);
            assert!(samples.ours.iter().all(|s| s.root > 0.0 && s.store > 0.0));
            let node = Node::open(&dir.path().join("aura"), 1).unwrap();
            assert_eq!(node.chain.tip().number, 6);
            node.close().unwrap();
        }
    }

    #[test]
    fn blocks_must_fill_their_transactions() {
        let args = StoreArgs {
            per_commit: 3,
            ..args(1)
        };
        assert!(run(&args).is_err());
    }

    #[cfg(feature = "nomt")]
    #[test]
    fn peer_gets_every_block() {
        let figures = run(&args(1)).unwrap();
        assert!(
            figures
                .0
                .iter()
                .any(|f| f.name == "aura / NOMT, mean" && f.value > 0.0)
        );
    }
}
