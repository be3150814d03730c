//! The root of a block in memory, as a multiple of the time of the hashes that it needs.
//!
//! One thread, CPU time. All leaves are in the tree's cache. A block has so many
//! changes, nine of ten to leaves that exist. Needed is one hash for each changed leaf and one for
//! each branch above one.

use super::{
    clock::{measured, median, pin},
    leaves,
    model::{Kinds, Model},
};
use crate::figures::Figures;
use alloy_primitives::B256;
use aura_chain::tree_changes;
use aura_smt::{LeafSource, Leaves, Prefix, Tree, TreeBuilder, UpdateError, WarmBuckets};
use clap::Args;
use eyre::{Result, ensure};
use std::{convert::Infallible, hint::black_box};

/// Leaves that are given to the tree at a time.
const CHUNK: usize = 1 << 16;
/// Messages in a measurement of hashing: they stay in the processor's cache.
const MESSAGES: usize = 2_048;
/// Measurements of hashing.
const HASH_ROUNDS: usize = 31;
/// Branches above `k` random leaves of `n`, for each of them, beyond `log2(n / k)`. Counted: 80,700
/// hashes for 10,000 of a million and 113,900 of ten million.
const BRANCHES_BESIDE_LOG: f64 = 0.426;

/// What to update.
#[derive(Args, Clone, Debug)]
pub(crate) struct RootArgs {
    /// Leaves of the state before.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) leaves: u32,
    /// Blocks that are measured.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batches: u32,
    /// Changed leaves in a block.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) changes: usize,
    /// Core to run on.
    #[arg(long, default_value_t = 0)]
    pub(crate) core: usize,
}

/// All leaves are in the tree's cache. What it reads is empty: only empty buckets are not there.
struct Cached;

impl LeafSource for Cached {
    type Error = Infallible;

    fn read(&mut self, prefixes: &[Prefix], leaves: &mut Leaves) -> Result<(), Infallible> {
        prefixes.iter().for_each(|_| leaves.end_prefix());
        Ok(())
    }
}

/// The leaves of a generated state.
struct Generated<'a>(&'a [(B256, u32)]);

impl LeafSource for Generated<'_> {
    type Error = Infallible;

    fn read(&mut self, prefixes: &[Prefix], leaves: &mut Leaves) -> Result<(), Infallible> {
        for prefix in prefixes {
            let first = self.0.partition_point(|(key, _)| key < prefix.first_key());
            let count = self.0[first..].iter();
            let count = count.take_while(|(key, _)| prefix.contains(key)).count();
            for (key, value) in leaves::values(&self.0[first..first + count]) {
                leaves.push(key, value);
            }
            leaves.end_prefix();
        }
        Ok(())
    }
}

/// Measures.
pub(crate) fn run(args: &RootArgs) -> Result<Figures> {
    pin(args.core)?;
    let time = block_ms(args)?;
    let hash = hash_ns();
    let needed = needed_hashes(args.leaves, args.changes);
    let hashing = needed * hash / 1e6;
    let mut figures = Figures::default();
    figures.note("leaves", args.leaves.into(), "");
    figures.note("changes in a block", args.changes as f64, "");
    figures.less("root, CPU", time, "ms");
    figures.more("changes", args.changes as f64 / time * 1e3, "1/s");
    figures.less("a hash", hash, "ns");
    figures.note("hashes needed", needed, "");
    figures.less("time of these", hashing, "ms");
    figures.less("root / time of these", time / hashing, "");
    Ok(figures)
}

/// One for each changed leaf, one for each branch above one.
fn needed_hashes(leaves: u32, changes: usize) -> f64 {
    let changes = changes as f64;
    changes * (1.0 + (f64::from(leaves) / changes).log2() + BRANCHES_BESIDE_LOG)
}

/// CPU milliseconds for the root of a block, in the middle.
pub(crate) fn block_ms(args: &RootArgs) -> Result<f64> {
    let (_, times) = update(args)?;
    Ok(median(times))
}

/// The last root, and what each took.
fn update(args: &RootArgs) -> Result<(B256, Vec<f64>)> {
    let mut tree = build(args.leaves)?;
    let mut model = Model::new(args.leaves, Kinds::All, args.changes)?;
    let mut times = Vec::new();
    for _ in 0..args.batches {
        let (_, changes) = tree_changes(&model.next());
        let (update, took) = measured(|| tree.update(&changes, &mut Cached));
        match update {
            Ok(update) => black_box(update.root),
            Err(UpdateError::Batch(error)) => return Err(error.into()),
            Err(UpdateError::Source(never)) => match never {},
        };
        times.push(took.thread);
    }
    Ok((tree.root(), times))
}

/// The tree of a generated state, with all leaves in its cache.
fn build(leaves: u32) -> Result<Tree> {
    // Room for those that the blocks add.
    let cached = 2 * leaves as usize;
    let mut builder = TreeBuilder::new(leaves.into(), 0, cached);
    let keys = leaves::sorted_keys(0..leaves);
    for chunk in keys.chunks(CHUNK) {
        builder.extend(&leaves::values(chunk))?;
    }
    let mut tree = builder.finish();
    for chunk in keys.chunks(CHUNK) {
        let wanted: Vec<B256> = chunk.iter().map(|(key, _)| *key).collect();
        let buckets = WarmBuckets::read(tree.missing(&wanted), &mut Generated(&keys));
        tree.warm(buckets.unwrap_or_else(|never| match never {}));
    }
    let held = tree.stats().cached_leaves;
    ensure!(
        held == leaves as usize,
        "the tree holds {held} of {leaves} leaves in memory"
    );
    Ok(tree)
}

/// Nanoseconds for one hash of a node among many.
fn hash_ns() -> f64 {
    let messages = vec![[7; 65]; MESSAGES];
    let mut digests = vec![[0; 32]; MESSAGES];
    let times = (0..HASH_ROUNDS).map(|_| {
        let hashed = || aura_keccak::keccak256_arrays(black_box(&messages), &mut digests);
        measured(hashed).1.thread
    });
    median(times.collect()) * 1e6 / MESSAGES as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use aura_smt::Smt;

    #[test]
    fn needed_hashes_are_those_that_were_counted() {
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 0.001;
        assert!(near(needed_hashes(1_000_000, 10_000), 80_700.0));
        assert!(near(needed_hashes(10_000_000, 10_000), 113_900.0));
    }

    #[test]
    fn roots_are_those_of_a_tree_with_its_leaves() {
        let args = RootArgs {
            leaves: 5_000,
            batches: 3,
            changes: 100,
            core: 0,
        };
        let leaves = leaves::values(&leaves::sorted_keys(0..args.leaves));
        let mut tree = Smt::from_sorted(leaves).unwrap();
        let mut model = Model::new(args.leaves, Kinds::All, args.changes).unwrap();
        for _ in 0..args.batches {
            tree.update(&tree_changes(&model.next()).1).unwrap();
        }
        let (root, times) = update(&args).unwrap();
        assert_eq!(root, tree.root());
        assert_eq!(times.len(), 3);
        let figures = run(&args).unwrap();
        let ratio = figures.0.last().unwrap();
        assert!(ratio.name.starts_with("root / time") && ratio.value > 0.0);
    }
}
