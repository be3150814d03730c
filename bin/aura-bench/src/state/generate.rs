//! A data directory with a generated state.

use super::{clock::measured, leaves};
use crate::figures::Figures;
use alloy_primitives::{B256, Sealable};
use aura_chainspec::ChainSpec;
use aura_primitives::SealedBlock;
use aura_smt::TreeBuilder;
use aura_storage::{ChainIdentity, Store, StoreConfig};
use clap::Args;
use eyre::{Result, WrapErr, ensure};
use rustix::fs::Advice;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Leaves that are given to the tree at a time.
const CHUNK: usize = 1 << 16;
/// The rules of the chain, where a node looks for them.
const CHAIN_FILE: &str = "chain.json";
/// The database, where a node looks for it.
const DATABASE_DIR: &str = "db";
/// Its file.
const DATABASE_FILE: &str = "mdbx.dat";

/// Which state to generate.
#[derive(Args, Clone, Debug)]
pub(crate) struct GenerateArgs {
    /// Leaves of the state: a third accounts, the others slots.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=200_000_000))]
    leaves: u32,
    /// Data directory to fill; it must hold no chain yet.
    #[arg(long)]
    datadir: PathBuf,
}

/// Fills the directory and says how long it took.
pub(crate) fn run(args: &GenerateArgs) -> Result<Figures> {
    let (root, took) = measured(|| write(&args.datadir, args.leaves));
    println!("root {}", root?);
    let mut figures = Figures::default();
    figures.note("leaves", args.leaves.into(), "");
    figures.less("generated in", took.wall / 1e3, "s");
    figures.less("CPU time", took.process / 1e3, "s");
    Ok(figures)
}

/// The rules of generated chains: those of the development chain, whose accounts are left out.
pub(crate) fn spec() -> ChainSpec {
    // Without a bridge: made up blocks commit to no withdrawals.
    ChainSpec::dev_l1().without_accounts()
}

/// Path of the database in a data directory.
pub(crate) fn database(datadir: &Path) -> PathBuf {
    datadir.join(DATABASE_DIR)
}

/// Writes the genesis of a chain that begins with `leaves` leaves; returns their root.
pub(crate) fn write(datadir: &Path, leaves: u32) -> Result<B256> {
    let path = database(datadir);
    fs::create_dir_all(&path).wrap_err_with(|| path.display().to_string())?;
    let store = Store::open(&path, &StoreConfig::default())?;
    ensure!(
        store.identity()?.is_none(),
        "{} holds a chain already",
        datadir.display()
    );
    let keys = leaves::sorted_keys(0..leaves);
    let mut builder = TreeBuilder::new(leaves.into(), 0, 0);
    for chunk in keys.chunks(CHUNK) {
        builder.extend(&leaves::values(chunk))?;
    }
    let tree = builder.finish();
    let (root, bottom) = (tree.root(), tree.bottom());
    drop(tree);

    let spec = spec();
    let header = spec.genesis_header(root);
    let withdrawals = header.withdrawals_root.map(|_| Default::default());
    let genesis = SealedBlock {
        l1_info: None,
        header: header.seal_slow(),
        transactions: Vec::new(),
        ommers: Vec::new(),
        withdrawals,
    };
    let identity = ChainIdentity {
        chain_id: spec.chain_id(),
        genesis_hash: genesis.hash(),
    };
    // Before the genesis, as a node does it: a database with a chain has its rules beside it.
    fs::write(datadir.join(CHAIN_FILE), spec.rules_json())?;
    let records = keys
        .iter()
        .map(|(key, index)| (*key, leaves::record(u64::from(*index), 0)));
    store.init_with(identity, &genesis, bottom, records)?;
    drop(store);
    forget_cached(&path.join(DATABASE_FILE))?;
    Ok(root)
}

/// Empties the system's cache of the file, as a restart of the machine does.
///
/// A load writes megabytes at a time, and Linux then caches the file in pieces as large. Each later
/// write of a page costs work for its whole piece: half of the time of a block, but only until the
/// next restart.
fn forget_cached(file: &Path) -> Result<()> {
    let file = fs::File::open(file)?;
    file.sync_all()?;
    Ok(rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::b256;
    use aura_chain::ChainConfig;
    use aura_node::{ChainSource, GenesisAccounts, open_chain};

    /// A change of it means that no figure of a generated state compares with former ones.
    const ROOT_OF_10_000: B256 =
        b256!("55efc2c7eae04714153ce2049fb1e410995d3712be1d3cb5417fd2fcdcb8f44b");

    #[test]
    fn generated_directory_is_one_that_the_node_opens_and_has_the_known_root() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(write(dir.path(), 10_000).unwrap(), ROOT_OF_10_000);
        // Opening rebuilds the tree from the database and compares the roots.
        let opened = open_chain(
            dir.path(),
            &ChainSource::Datadir,
            &StoreConfig::default(),
            ChainConfig::default(),
            GenesisAccounts::Drop,
        )
        .unwrap();
        assert_eq!(opened.chain.tip().state_root, ROOT_OF_10_000);
        assert_eq!(opened.chain.tree_stats().leaves, 10_000);
    }

    #[test]
    fn a_chain_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), 10).unwrap();
        assert!(write(dir.path(), 10).is_err());
    }
}
