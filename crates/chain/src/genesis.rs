//! Opening the database: the genesis block of a new one, the audit of an existing one.

use std::{sync::mpsc::sync_channel, thread, time::Instant};

use alloy_consensus::Sealable;
use alloy_primitives::B256;
use aura_chainspec::{ChainSpec, Commitment};
use aura_evm::Ancestors;
use aura_primitives::{GenesisState, HeadLabel, SealedBlock, SealedHeader, StateDiff};
use aura_smt::{Tree, TreeBuilder};
use aura_storage::{ChainIdentity, Reader, StateView, StorageError, Store};

use crate::{
    ChainConfig, ChainError, leaves::LeafValues, leaves::tree_changes, mpt::Tries, tip::Tip,
};

/// Leaves that go from the reading to the hashing thread at a time.
const REBUILD_CHUNK: usize = 1 << 14;
/// Chunks that wait for the hashing thread; reading waits beyond.
const REBUILD_CHUNKS: usize = 4;

/// Builds the genesis block of `spec` and the state it starts with.
///
/// # Errors
/// [`ChainError::Tree`] if two entries of the genesis state share a key, which cannot be.
pub fn genesis_block(spec: &ChainSpec) -> Result<(SealedBlock, GenesisState), ChainError> {
    let state = spec.genesis_state();
    let root = match spec.commitment() {
        Commitment::Smt => genesis_tree(&state, 0)?.root(),
        Commitment::Mpt => Tries::of_genesis(&state).root(),
    };
    Ok((block_over(spec, root), state))
}

fn block_over(spec: &ChainSpec, state_root: B256) -> SealedBlock {
    let header = spec.genesis_header(state_root);
    let withdrawals = header.withdrawals_root.map(|_| Default::default());
    SealedBlock {
        header: header.seal_slow(),
        transactions: Vec::new(),
        ommers: Vec::new(),
        withdrawals,
        l1_info: None,
    }
}

fn genesis_tree(state: &GenesisState, cached_leaves: usize) -> Result<Tree, ChainError> {
    let (_, changes) = tree_changes(&StateDiff::from_genesis(state));
    let leaves: Vec<(B256, B256)> = changes
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    let mut builder = TreeBuilder::new(leaves.len() as u64, 0, cached_leaves);
    builder.extend(&leaves)?;
    Ok(builder.finish())
}

/// Opens the chain in `store`: writes the genesis into a new one; otherwise computes the state root
/// from the flat table, which audits the whole state, and compares it with the head's.
pub(crate) fn open(
    store: &Store,
    spec: &ChainSpec,
    config: &ChainConfig,
) -> Result<Tip, ChainError> {
    if store.identity()?.is_some() {
        return match spec.commitment() {
            Commitment::Smt => rebuild(store, config),
            Commitment::Mpt => reload(store, config),
        };
    }
    let state = spec.genesis_state();
    let tip = match spec.commitment() {
        Commitment::Smt => {
            let tree = genesis_tree(&state, config.cached_leaves)?;
            let block = block_over(spec, tree.root());
            store.init(identity(spec, &block), &block, &state, tree.bottom())?;
            Tip::new(tree, block.header, Vec::new(), config.proof_interval_blocks)
        }
        Commitment::Mpt => {
            let tries = Tries::of_genesis(&state);
            tries.check_size(config.max_mpt_entries)?;
            let block = block_over(spec, tries.root());
            let header = block.header.clone();
            let difficulty = header.difficulty;
            let tip = Tip::with_tries(tries, header, difficulty, config);
            let bottom = tip.tree.bottom();
            store.init_with_preimages(identity(spec, &block), &block, &state, bottom)?;
            tip
        }
    };
    tracing::info!(hash = %tip.header.seal(), accounts = state.accounts.len(), "genesis written");
    Ok(tip)
}

fn identity(spec: &ChainSpec, genesis: &SealedBlock) -> ChainIdentity {
    ChainIdentity {
        chain_id: spec.chain_id(),
        genesis_hash: genesis.hash(),
    }
}

/// Number and header of the newest block.
fn head_header(reader: &Reader) -> Result<SealedHeader, StorageError> {
    let number = reader.head(HeadLabel::Unsafe)?.number;
    let header = reader.header(number)?;
    header.ok_or(StorageError::MissingBlock { number })
}

fn check_root(header: &SealedHeader, computed: B256) -> Result<(), ChainError> {
    if computed == header.state_root {
        return Ok(());
    }
    Err(ChainError::StateRootMismatch {
        number: header.number,
        expected: header.state_root,
        computed,
    })
}

fn rebuild(store: &Store, config: &ChainConfig) -> Result<Tip, ChainError> {
    let started = Instant::now();
    let reader = store.reader()?;
    let header = head_header(&reader)?;
    let open_interval = reader.open_interval()?;
    let bottom = reader.nodes_at(header.number)?.bottom();
    let tree = read_tree(&reader, bottom, config.cached_leaves)?;
    check_root(&header, tree.root())?;
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

/// As [`rebuild`], with Ethereum's state commitment.
fn reload(store: &Store, config: &ChainConfig) -> Result<Tip, ChainError> {
    let started = Instant::now();
    let reader = store.reader()?;
    let header = head_header(&reader)?;
    let difficulty = reader.total_difficulty(&header)?;
    let tries = Tries::load(&StateView::latest(reader), config.max_mpt_entries, None)?;
    let root = tries.root();
    check_root(&header, root)?;
    tracing::info!(
        number = header.number,
        %root,
        elapsed_ms = started.elapsed().as_millis() as u64,
        "state tries rebuilt and checked"
    );
    Ok(Tip::with_tries(tries, header, difficulty, config))
}

/// Builds the tree of the newest state: one thread reads, another hashes.
pub(crate) fn read_tree(
    reader: &Reader,
    bottom: u8,
    cached_leaves: usize,
) -> Result<Tree, ChainError> {
    let mut builder = TreeBuilder::new(reader.leaf_count()?, bottom, cached_leaves);
    let (chunks, inbox) = sync_channel::<LeafValues>(REBUILD_CHUNKS);
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
