//! Opening the database: the genesis block of a new one, the audit of an existing one.

use std::{thread, time::Instant};

use alloy_consensus::Sealable;
use alloy_primitives::B256;
use aura_chainspec::ChainSpec;
use aura_primitives::{GenesisState, HeadLabel, SealedBlock, StateDiff};
use aura_smt::{Tree, TreeBuilder};
use aura_storage::{ChainIdentity, Reader, StorageError, Store};
use crossbeam_channel::bounded;

use crate::{ChainConfig, ChainError, leaves::LeafValues, leaves::tree_changes, tip::Tip};

/// Leaves that go from the reading to the hashing thread at a time.
const REBUILD_CHUNK: usize = 1 << 14;
/// Chunks that wait for the hashing thread; reading waits beyond.
const REBUILD_CHUNKS: usize = 4;

/// Builds the genesis block of `spec` and the state it starts with.
///
/// # Errors
/// [`ChainError::Tree`] if two entries of the genesis state share a key, which cannot be.
pub fn genesis_block(spec: &ChainSpec) -> Result<(SealedBlock, GenesisState), ChainError> {
    let (block, state, _) = build_genesis(spec, 0)?;
    Ok((block, state))
}

fn build_genesis(
    spec: &ChainSpec,
    cached_leaves: usize,
) -> Result<(SealedBlock, GenesisState, Tree), ChainError> {
    let state = spec.genesis_state();
    let (_, changes) = tree_changes(&StateDiff::from_genesis(&state));
    let leaves: Vec<(B256, B256)> = changes
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    let mut builder = TreeBuilder::new(leaves.len() as u64, 0, cached_leaves);
    builder.extend(&leaves)?;
    let tree = builder.finish();
    let header = spec.genesis_header(tree.root());
    let withdrawals = header.withdrawals_root.map(|_| Default::default());
    let block = SealedBlock {
        header: header.seal_slow(),
        transactions: Vec::new(),
        ommers: Vec::new(),
        withdrawals,
    };
    Ok((block, state, tree))
}

/// Opens the chain in `store`: writes the genesis into a new one; otherwise rebuilds the tree from
/// the flat table, which audits the whole state, and compares its root with the head's.
pub(crate) fn open(
    store: &Store,
    spec: &ChainSpec,
    config: &ChainConfig,
) -> Result<Tip, ChainError> {
    if store.identity()?.is_some() {
        return rebuild(store, config);
    }
    let (block, state, tree) = build_genesis(spec, config.cached_leaves)?;
    let identity = ChainIdentity {
        chain_id: spec.chain_id(),
        genesis_hash: block.hash(),
    };
    store.init(identity, &block, &state, tree.bottom())?;
    tracing::info!(hash = %block.hash(), accounts = state.accounts.len(), "genesis written");
    let interval = config.proof_interval_blocks;
    Ok(Tip::new(tree, block.header, Vec::new(), interval))
}

fn rebuild(store: &Store, config: &ChainConfig) -> Result<Tip, ChainError> {
    let started = Instant::now();
    let reader = store.reader()?;
    let head = reader.head(HeadLabel::Unsafe)?;
    let missing = StorageError::MissingBlock {
        number: head.number,
    };
    let header = reader.header(head.number)?.ok_or(missing)?;
    let open_interval = reader.open_interval()?;
    let bottom = reader.nodes_at(head.number)?.bottom();
    let tree = read_tree(&reader, bottom, config.cached_leaves)?;
    if tree.root() != header.state_root {
        return Err(ChainError::StateRootMismatch {
            number: header.number,
            expected: header.state_root,
            computed: tree.root(),
        });
    }
    tracing::info!(
        number = header.number,
        leaves = tree.len(),
        root = %tree.root(),
        elapsed_ms = started.elapsed().as_millis() as u64,
        "state tree rebuilt and checked"
    );
    let interval = config.proof_interval_blocks;
    Ok(Tip::new(tree, header, open_interval, interval))
}

/// Builds the tree of the newest state: one thread reads, another hashes.
pub(crate) fn read_tree(
    reader: &Reader,
    bottom: u8,
    cached_leaves: usize,
) -> Result<Tree, ChainError> {
    let mut builder = TreeBuilder::new(reader.leaf_count()?, bottom, cached_leaves);
    let (chunks, inbox) = bounded::<LeafValues>(REBUILD_CHUNKS);
    thread::scope(|scope| {
        let hashing = scope.spawn(move || {
            for mut chunk in inbox {
                builder.extend(&chunk.finish())?;
            }
            Ok::<_, ChainError>(builder.finish())
        });
        let mut chunk = LeafValues::default();
        // A hashing thread that has failed takes nothing more, and says why below.
        reader.leaves(|key, leaf| {
            chunk.push(key, leaf);
            if chunk.len() == REBUILD_CHUNK {
                chunks.send(std::mem::take(&mut chunk)).ok();
            }
        })?;
        chunks.send(chunk).ok();
        drop(chunks);
        hashing.join().expect("building a tree does not panic")
    })
}
