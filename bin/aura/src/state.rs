//! `aura state`: the state tree of a data directory, and proofs of what it holds.

use std::{fs, io::Read, path::Path, time::Instant};

use alloy_primitives::{Address, B256, U256};
use aura_chain::ChainConfig;
use aura_node::{
    ChainSource, Commitment, Extent, GenesisAccounts, OpenedChain, StorageSection, audit_proofs,
    open_chain, open_read_only, open_store_read_only, provable,
};
use aura_primitives::{BlockNumHash, HeadLabel};
use aura_rpc::{StateProof, StateRoot};
use aura_runtime::{LogFormat, init_tracing};
use aura_storage::{Reader, StorageError};
use eyre::WrapErr;
use serde::Serialize;

use crate::cli::StateCommand;

/// How often a proof is tried anew where a node writes to the same data.
const ATTEMPTS: u32 = 5;

/// Runs the command.
pub(crate) fn run(command: StateCommand) -> eyre::Result<()> {
    match command {
        StateCommand::Root { datadir, block } => root(&datadir, block),
        StateCommand::Proof {
            datadir,
            address,
            slots,
            block,
        } => print_json(&proof(&datadir, address, &slots, block)?),
        StateCommand::Verify { file, root } => verify(&file, root),
        StateCommand::Audit { datadir, full } => audit(&datadir, full),
        StateCommand::Stats { datadir } => stats(&datadir),
    }
}

fn print_json(value: &impl Serialize) -> eyre::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// The block, or the head if none is named.
fn locate(reader: &Reader, block: Option<u64>) -> Result<BlockNumHash, StorageError> {
    let head = reader.head(HeadLabel::Unsafe)?;
    let Some(number) = block else {
        return Ok(head);
    };
    match reader.block_hash(number)? {
        Some(hash) if number <= head.number => Ok(BlockNumHash { number, hash }),
        _ => Err(StorageError::MissingBlock { number }),
    }
}

fn root(datadir: &Path, block: Option<u64>) -> eyre::Result<()> {
    let store = open_store_read_only(datadir, &StorageSection::default().to_config())?;
    let reader = store.reader()?;
    let number = locate(&reader, block)?.number;
    let root = StateRoot::read(&reader, number)?;
    print_json(&root.ok_or(StorageError::MissingBlock { number })?)
}

fn proof(
    datadir: &Path,
    address: Address,
    slots: &[U256],
    block: Option<u64>,
) -> eyre::Result<StateProof> {
    let settings = StorageSection::default().to_config();
    for _ in 0..ATTEMPTS {
        let chain = open_read_only(datadir, &settings, ChainConfig::default())?;
        let head = |label| chain.store().reader()?.head(label);
        let block = locate(&chain.store().reader()?, block)?;
        match StateProof::read(&chain, block, address, slots) {
            Ok(proof) => return Ok(proof),
            // A node has written since the tree was built: it is another tree now.
            Err(error) if error.is_damage() && head(HeadLabel::Unsafe)? != tip(&chain) => {}
            Err(error) => return Err(error.into()),
        }
    }
    eyre::bail!(
        "a node is writing to {0}: ask it with aura_getProof",
        datadir.display()
    )
}

fn tip(chain: &aura_chain::Chain) -> BlockNumHash {
    let header = chain.tip();
    BlockNumHash {
        number: header.number,
        hash: header.hash(),
    }
}

fn verify(file: &Path, root: Option<B256>) -> eyre::Result<()> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = fs::read_to_string(file).wrap_err_with(|| file.display().to_string())?;
    }
    let proof: StateProof = serde_json::from_str(&text)
        .wrap_err_with(|| format!("{} is no answer of aura_getProof", file.display()))?;
    if let Some(root) = root {
        eyre::ensure!(
            root == proof.state_root,
            "the file is about state root {}, not {root}",
            proof.state_root
        );
    }
    proof.verify(proof.state_root)?;
    println!("under state root {}:", proof.state_root);
    let address = proof.address;
    if proof.account_proof.leaf.is_some() {
        println!("account {address} is absent");
    } else {
        println!(
            "account {address} has nonce {}, balance {} wei, code hash {}",
            proof.nonce, proof.balance, proof.code_hash
        );
    }
    for slot in &proof.storage_proof {
        if slot.proof.leaf.is_some() {
            println!("slot {} is absent", slot.key);
        } else {
            println!("slot {} holds {}", slot.key, slot.value);
        }
    }
    println!(
        "not proven: that this is the root of block {} {}{}",
        proof.block_number,
        proof.block_hash,
        if root.is_some() {
            ""
        } else {
            "; name the root you trust with --root"
        }
    );
    Ok(())
}

fn audit(datadir: &Path, full: bool) -> eyre::Result<()> {
    init_tracing("error", LogFormat::Text)?;
    eyre::ensure!(
        datadir.join("db").is_dir(),
        "{} holds no database",
        datadir.display()
    );
    let started = Instant::now();
    let OpenedChain { chain, .. } = open_chain(
        datadir,
        &ChainSource::Datadir,
        &StorageSection::default().to_config(),
        ChainConfig::default(),
        GenesisAccounts::Drop,
    )?;
    let tip = chain.tip();
    if chain.spec().commitment() == Commitment::Mpt {
        println!(
            "accounts and slots hash to ethereum's state root {} of block {}; \
             every proof is made from them, none is recorded",
            tip.state_root, tip.number
        );
        println!("checked in {:.1?}", started.elapsed());
        return Ok(());
    }
    println!(
        "{} leaves hash to the state root {} of block {}",
        chain.tree_stats().leaves,
        tip.state_root,
        tip.number
    );
    let extent = if full { Extent::Full } else { Extent::Sample };
    let report = audit_proofs(&chain, extent)?;
    println!(
        "{} proofs at {} blocks verify, all that can be proven",
        report.proofs, report.blocks
    );
    println!("checked in {:.1?}", started.elapsed());
    Ok(())
}

fn stats(datadir: &Path) -> eyre::Result<()> {
    let settings = StorageSection::default().to_config();
    let chain = open_read_only(datadir, &settings, ChainConfig::default())?;
    let tree = chain.tree_stats();
    let blocks = provable(&chain.store().reader()?)?;
    let pins = match (blocks.pins.first(), blocks.pins.last()) {
        (Some(first), Some(last)) => format!("{} from {first} to {last}", blocks.pins.len()),
        _ => "0".to_owned(),
    };
    for (name, value) in [
        ("block", blocks.head.to_string()),
        ("leaves", tree.leaves.to_string()),
        ("buckets", tree.buckets.to_string()),
        ("depth", tree.depth.to_string()),
        ("pages of crowded buckets", tree.pages.to_string()),
        ("cached leaves", tree.cached_leaves.to_string()),
        ("memory bytes", tree.memory_bytes.to_string()),
        ("recorded depth", blocks.bottom.to_string()),
        ("first provable block", blocks.first.to_string()),
        ("all provable from block", blocks.window.to_string()),
        ("pinned blocks", pins),
    ] {
        println!("{name:<26}{value:>14}");
    }
    Ok(())
}
