//! How long a proof takes: at the head, a thousand blocks back, and as far back as pins reach.

use super::{
    clock::{Took, measured, pin},
    generate,
    leaves::{self, Numbers},
    model::{Kinds, Model},
    node::Node,
};
use crate::figures::{Figures, percentile};
use alloy_primitives::B256;
use aura_chain::ChainConfig;
use aura_storage::StoreConfig;
use clap::Args;
use eyre::{Result, ensure};
use std::{path::PathBuf, time::Instant};

/// Blocks in a transaction while the chain is made: many changes then share a page.
const GROUP: usize = 512;
/// Pinned blocks: so many, so far apart; the first of them is block `PINNED_EACH`.
const PINS: u32 = 20;
const PINNED_EACH: u32 = 37;
/// Distance of the recent blocks that are proven.
const RECENT: u64 = 1_000;
/// So many neighbouring blocks of that distance are proven in turn.
const RECENT_BLOCKS: u64 = 20;
/// Every so many-th block is a boundary, by the chain's default configuration.
const BOUNDARY_EACH: u64 = 32;
/// Blocks between two lines about the progress.
const REPORTED_EACH: u32 = 50_000;
/// Seed of the keys.
const SEED: u64 = 7;

/// Which proofs to make.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProofArgs {
    /// Data directory; it is filled, and its chain made longer, as far as needed.
    #[arg(long)]
    datadir: PathBuf,
    /// Leaves at the beginning of the chain.
    #[arg(long, default_value_t = 1_000_000)]
    leaves: u32,
    /// How far back the oldest proofs reach.
    #[arg(long, default_value_t = 600_000, value_parser = clap::value_parser!(u32).range(2_000..=100_000_000))]
    blocks: u32,
    /// Changed leaves in a block: a tenth of them are new.
    #[arg(long, default_value_t = 20)]
    changes: usize,
    /// Keys for each figure: half of them present.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    keys: u32,
    /// Core to prove on.
    #[arg(long, default_value_t = 0)]
    core: usize,
}

/// Makes the chain, then measures.
pub(crate) fn run(args: &ProofArgs) -> Result<Figures> {
    if !generate::database(&args.datadir).exists() {
        generate::write(&args.datadir, args.leaves)?;
    }
    let mut figures = Figures::default();
    lengthen(args, &mut figures)?;
    let node = Node::open(&args.datadir, 1)?;
    pin(args.core)?;
    let head = node.chain.tip().number;
    let oldest = head - u64::from(args.blocks);
    let pins: Vec<u64> = node
        .chain
        .store()
        .reader()?
        .pins()?
        .iter()
        .map(|pin| pin.block)
        .collect();
    let pins: Vec<u64> = pins.into_iter().filter(|pin| *pin <= oldest).collect();
    ensure!(
        pins.len() >= PINS as usize,
        "only {} blocks are pinned",
        pins.len()
    );
    let recent: Vec<u64> = (head - RECENT - RECENT_BLOCKS + 1..=head - RECENT).collect();
    let boundary = oldest - oldest % BOUNDARY_EACH;
    prove(&node, args, "head", &[head], &mut figures)?;
    prove(&node, args, "1,000 blocks back", &recent, &mut figures)?;
    let back = args.blocks;
    prove(
        &node,
        args,
        &format!("pinned, {back} back"),
        &pins,
        &mut figures,
    )?;
    prove(
        &node,
        args,
        &format!("boundary, {back} back"),
        &[boundary],
        &mut figures,
    )?;
    node.close()?;
    Ok(figures)
}

/// Opens the chain and makes it so long that the oldest pins are as far back as asked for.
fn lengthen(args: &ProofArgs, figures: &mut Figures) -> Result<()> {
    let config = ChainConfig {
        max_uncommitted_blocks: GROUP,
        max_group_blocks: GROUP,
        // All leaves: then nothing is looked up in blocks that are not committed yet.
        cached_leaves: args.leaves as usize + args.blocks as usize * args.changes,
        ..ChainConfig::default()
    };
    // Nobody needs this chain after a power cut.
    let store = StoreConfig {
        durable: false,
        ..StoreConfig::default()
    };
    let node = Node::open_with(&args.datadir, &store, config)?;
    let mut model = Model::new(args.leaves, Kinds::All, args.changes)?;
    let head = node.chain.tip().number;
    while u64::from(model.block()) < head {
        model.skip();
    }
    let started = Instant::now();
    let last = args.blocks + PINS * PINNED_EACH;
    while model.block() < last {
        node.seal(model.next())?;
        let number = model.block();
        if number.is_multiple_of(PINNED_EACH) && number <= PINS * PINNED_EACH {
            node.wait()?;
            node.chain.pin(number.into())?;
        }
        if number.is_multiple_of(REPORTED_EACH) {
            eprintln!(
                "block {number} after {:.0} s",
                started.elapsed().as_secs_f64()
            );
        }
    }
    node.wait()?;
    let leaves = node.chain.tree_stats().leaves;
    ensure!(
        leaves == model.leaves() as u64,
        "the chain was made with other settings"
    );
    let stats = node.chain.store().stats()?;
    figures.note("blocks", f64::from(model.block()), "");
    figures.note("leaves at the head", leaves as f64, "");
    figures.note(
        "database in use",
        stats.used_bytes as f64 / (1 << 20) as f64,
        "MiB",
    );
    node.close()
}

/// Proves as many keys as asked for, one at a time, at the blocks in turn.
fn prove(
    node: &Node,
    args: &ProofArgs,
    name: &str,
    blocks: &[u64],
    figures: &mut Figures,
) -> Result<()> {
    let mut numbers = Numbers::new(SEED);
    let mut times = Vec::new();
    // Twice: the first time for the caches of the system.
    for round in 0..2 {
        times.clear();
        for (position, block) in (0..args.keys).zip(blocks.iter().cycle()) {
            let is_present = position.is_multiple_of(2);
            // Leaves of the first state stay for ever.
            let key = match is_present {
                true => leaves::id(numbers.below(args.leaves.into())).hashed_key(),
                false => B256::from(leaves::word(numbers.next() | 1 << 63, round)),
            };
            let (proofs, took) = measured(|| node.chain.prove(*block, &[key]));
            let proven = proofs?.proofs[0]
                .leaf
                .is_some_and(|(found, _)| found == key);
            ensure!(
                proven == is_present,
                "wrong proof of {key} at block {block}"
            );
            times.push(took);
        }
    }
    let mut latencies = |kind: &str, of: fn(&Took) -> f64| {
        let mut sorted: Vec<f64> = times.iter().map(of).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        for (label, share) in [("p50", 0.5), ("p99", 0.99)] {
            let latency = percentile(&sorted, share).unwrap_or_default() * 1e3;
            figures.less(format!("{name}: {kind} {label}"), latency, "us");
        }
    };
    latencies("CPU", |took| took.thread);
    latencies("wall", |took| took.wall);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_chain_is_proven_at_every_distance_and_again_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let args = ProofArgs {
            datadir: dir.path().join("data"),
            leaves: 500,
            blocks: 2_000,
            changes: 10,
            keys: 50,
            core: 0,
        };
        let first = run(&args).unwrap();
        let again = run(&args).unwrap();
        assert_eq!(first.0.len(), 3 + 4 * 4);
        assert_eq!(first.0[1].value, again.0[1].value);
    }
}
