//! A genesis file with any number of accounts, in geth's format with an `aura` section.

use crate::accounts::fresh_address;
use clap::Args;
use eyre::{OptionExt, Result};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

/// The development chain, which the accounts are added to.
const DEV_GENESIS: &str = include_str!("../../../genesis/dev.json");

/// Which genesis to write.
#[derive(Args, Clone, Debug)]
pub(crate) struct GenesisArgs {
    /// Accounts besides those of the development chain.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(0..=50_000_000))]
    accounts: u64,
    /// File to write.
    #[arg(long)]
    out: PathBuf,
}

/// Writes the genesis file.
pub(crate) fn run(args: &GenesisArgs) -> Result<()> {
    write(&args.out, args.accounts)
}

/// Writes a genesis with `accounts` more accounts than the development chain.
pub(crate) fn write(path: &Path, accounts: u64) -> Result<()> {
    let mut genesis: Value = serde_json::from_str(DEV_GENESIS)?;
    let alloc = genesis["alloc"]
        .as_object_mut()
        .ok_or_eyre("the genesis has no alloc")?;
    for index in 0..accounts {
        let address = fresh_address("genesis", index).to_string().to_lowercase();
        alloc.insert(address, json!({ "balance": "0xde0b6b3a7640000" }));
    }
    let mut out = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut out, &genesis)?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aura_chainspec::ChainSpec;

    #[test]
    fn written_genesis_is_one_that_the_node_reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("genesis.json");
        write(&path, 1000).unwrap();
        let spec = ChainSpec::from_genesis_file(&path).unwrap();
        let dev = ChainSpec::dev();
        assert_eq!(spec.genesis().alloc.len(), dev.genesis().alloc.len() + 1000);
        assert_eq!(spec.chain_id(), dev.chain_id());
        assert_ne!(spec.identity(), dev.identity());
    }
}
