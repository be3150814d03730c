//! Importing and exporting files of blocks.
//!
//! The chains of execution-apis and hive are not part of the repository: they are looked for in
//! `../shared`, or under the directory that `AURA_SHARED` names. Without them the tests that need
//! them say so and pass.
#![allow(missing_docs)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_consensus::Header;
use alloy_primitives::{B256, b256};
use aura_chain::{ChainConfig, decode_block};
use aura_node::{
    ChainSource, ExportRange, Finality, GenesisAccounts, ImportProgress, NodeError, OpenedChain,
    export, import, initialise, open_chain, open_store_read_only, reexecute,
};
use aura_primitives::HeadLabel;
use aura_storage::StoreConfig;

const EXECUTION_APIS_BLOCKS: u64 = 54;
const EXECUTION_APIS_GENESIS: B256 =
    b256!("44fd89d504659cd58f48f4796b77a7e7012cf296a2409afa2f6c3cb99b5b3d99");

fn store_config() -> StoreConfig {
    StoreConfig {
        max_size_bytes: 1 << 30,
        growth_step_bytes: 1 << 20,
        durable: false,
        ..StoreConfig::default()
    }
}

/// A folder of the shared material; says so if it is absent.
fn shared(folder: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("AURA_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

fn import_from(
    datadir: &Path,
    source: &ChainSource,
    files: &[PathBuf],
) -> Result<ImportProgress, Box<NodeError>> {
    let finality = Finality::ByChain;
    import(datadir, source, &store_config(), files, finality, |_| {}).map_err(Box::new)
}

/// Imports `files` into `datadir` on the genesis of `folder`.
fn import_into(
    datadir: &Path,
    folder: &Path,
    files: &[PathBuf],
) -> Result<ImportProgress, Box<NodeError>> {
    import_from(
        datadir,
        &ChainSource::File(folder.join("genesis.json")),
        files,
    )
}

/// The blocks of a file, each as its bytes.
fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let start = rest;
        let header = alloy_rlp::Header::decode(&mut rest).unwrap();
        rest = &rest[header.payload_length..];
        blocks.push(&start[..start.len() - rest.len()]);
    }
    blocks
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

fn head_of(datadir: &Path, label: HeadLabel) -> (u64, B256) {
    let store = open_store_read_only(datadir, &store_config()).unwrap();
    let head = store.reader().unwrap().head(label).unwrap();
    (head.number, head.hash)
}

fn exported(datadir: &Path, from: Option<u64>, to: Option<u64>) -> Vec<u8> {
    let store = open_store_read_only(datadir, &store_config()).unwrap();
    let mut bytes = Vec::new();
    let count = export(&store, ExportRange { from, to }, &mut bytes).unwrap();
    assert_eq!(split(&bytes).len() as u64, count);
    bytes
}

#[test]
fn the_chain_of_execution_apis_comes_out_as_it_went_in() {
    let Some(folder) = shared("execution-apis") else {
        return;
    };
    let file = folder.join("chain.rlp");
    let bytes = fs::read(&file).unwrap();
    let last = decode_block(split(&bytes).last().unwrap()).unwrap().header;
    let head = (EXECUTION_APIS_BLOCKS, last.hash_slow());
    let datadir = tempfile::tempdir().unwrap();
    let files = [file];
    let progress = import_into(datadir.path(), &folder, &files).unwrap();
    assert_eq!((progress.head.number, progress.head.hash), head);
    assert_eq!(
        (progress.imported, progress.known),
        (EXECUTION_APIS_BLOCKS, 0)
    );
    assert_eq!(progress.transactions, 249);
    for label in HeadLabel::ALL {
        assert_eq!(head_of(datadir.path(), label), head);
    }
    assert_eq!(exported(datadir.path(), None, None), bytes);
    let some = exported(datadir.path(), Some(0), Some(2));
    let some = split(&some);
    assert_eq!(&some[1..], &split(&bytes)[..2]);
    let genesis = decode_block(some[0]).unwrap().header.hash_slow();
    assert_eq!(genesis, EXECUTION_APIS_GENESIS);

    // Again, without naming the genesis: there is nothing to do.
    let again = import_from(datadir.path(), &ChainSource::Datadir, &files).unwrap();
    assert_eq!((again.imported, again.known), (0, EXECUTION_APIS_BLOCKS));
    assert_eq!((again.head.number, again.head.hash), head);

    let OpenedChain { chain, .. } = open_chain(
        datadir.path(),
        &ChainSource::File(folder.join("genesis.json")),
        &store_config(),
        ChainConfig::default(),
        GenesisAccounts::Keep,
    )
    .unwrap();
    let report = reexecute(&chain).unwrap();
    assert_eq!(report.blocks, EXECUTION_APIS_BLOCKS + 1);
    assert_eq!(report.state_root, last.state_root);
}

#[test]
fn a_file_that_begins_with_the_genesis_block_is_imported() {
    let Some(folder) = shared("hive/graphql") else {
        return;
    };
    let file = folder.join("chain.rlp");
    let bytes = fs::read(&file).unwrap();
    let last = decode_block(split(&bytes).last().unwrap()).unwrap().header;
    let datadir = tempfile::tempdir().unwrap();
    let progress = import_into(datadir.path(), &folder, &[file]).unwrap();
    assert_eq!((progress.imported, progress.known), (34, 1));
    assert_eq!(progress.head.hash, last.hash_slow());
    assert_eq!(exported(datadir.path(), Some(0), None), bytes);
}

#[test]
fn the_genesis_files_of_hive_have_the_hashes_that_they_must_have() {
    let Some(folder) = shared("hive/genesis") else {
        return;
    };
    let mut cases = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(stem) = path.to_str().unwrap().strip_suffix(".expect.json") else {
            continue;
        };
        let expected = fs::read_to_string(&path).unwrap();
        let datadir = tempfile::tempdir().unwrap();
        let genesis = ChainSource::File(format!("{stem}.json").into());
        let identity = initialise(datadir.path(), &genesis, &store_config())
            .unwrap_or_else(|error| panic!("{stem}: {}", with_causes(&error)));
        let hash = identity.genesis_hash.to_string();
        assert!(expected.contains(&hash), "{stem}: {hash}, not {expected}");
        cases += 1;
    }
    println!("{cases} genesis files");
    assert!(cases > 0);
}

type Change = fn(&mut Vec<u8>);

/// Encodes a block anew with another header.
fn change_header(bytes: &mut Vec<u8>, change: impl FnOnce(&mut Header)) {
    let mut block = decode_block(bytes).unwrap();
    change(&mut block.header);
    bytes.clear();
    alloy_rlp::Encodable::encode(&block, bytes);
}

/// What is done to block 11, and what the error must say.
const BAD_BLOCKS: [(Change, &[&str]); 6] = [
    (
        |bytes| change_header(bytes, |header| header.state_root.0[5] ^= 1),
        &["block 11 is invalid", "stateRoot"],
    ),
    (
        |bytes| change_header(bytes, |header| header.gas_used -= 1),
        &["block 11 is invalid", "gasUsed"],
    ),
    (
        |bytes| change_header(bytes, |header| header.receipts_root.0[5] ^= 1),
        &["block 11 is invalid", "receiptsRoot"],
    ),
    (
        |bytes| bytes[0] = 0x80,
        &["block after number 10", "does not begin a list"],
    ),
    (
        // In the length of the header.
        |bytes| bytes[4] ^= 1,
        &["block after number 10 does not decode", "rlp"],
    ),
    (
        |bytes| bytes.truncate(bytes.len() - 1),
        &["block after number 10"],
    ),
];

#[test]
fn a_bad_block_is_named_and_those_before_it_are_kept() {
    let Some(folder) = shared("execution-apis") else {
        return;
    };
    let good = folder.join("chain.rlp");
    let bytes = fs::read(&good).unwrap();
    let kept = split(&bytes)[..10].concat();
    for (change, expected) in BAD_BLOCKS {
        let scratch = tempfile::tempdir().unwrap();
        let datadir = scratch.path().join("data");
        let mut blocks: Vec<Vec<u8>> = split(&bytes)[..12].iter().map(|b| b.to_vec()).collect();
        change(&mut blocks[10]);
        let file = scratch.path().join("blocks.rlp");
        fs::write(&file, blocks.concat()).unwrap();
        let error = import_into(&datadir, &folder, &[file]).unwrap_err();
        let error = with_causes(&error);
        for part in expected {
            assert!(error.contains(part), "{error:?} lacks {part:?}");
        }
        assert_eq!(exported(&datadir, None, None), kept);
        assert_eq!(head_of(&datadir, HeadLabel::Finalized).0, 10);
        // The right blocks follow.
        let progress = import_into(&datadir, &folder, std::slice::from_ref(&good)).unwrap();
        assert_eq!(progress.known, 10);
        assert_eq!(progress.head.number, EXECUTION_APIS_BLOCKS);
    }
}

#[test]
fn a_file_that_ends_within_a_block_keeps_those_before() {
    let Some(folder) = shared("execution-apis") else {
        return;
    };
    let bytes = fs::read(folder.join("chain.rlp")).unwrap();
    let kept = split(&bytes)[..10].concat();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("blocks.rlp");
    fs::write(&file, &bytes[..kept.len() + 100]).unwrap();
    let datadir = scratch.path().join("data");
    let error = import_into(&datadir, &folder, &[file]).unwrap_err();
    let error = with_causes(&error);
    assert!(error.contains("block after number 10"), "{error}");
    assert!(error.contains("ends within the block"), "{error}");
    assert_eq!(exported(&datadir, None, None), kept);
}
