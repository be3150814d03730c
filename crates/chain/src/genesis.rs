//! Opening the database: the genesis block of a new one, the audit of an existing one.

use std::time::Instant;

use alloy_consensus::Sealable;
use alloy_primitives::B256;
use aura_chainspec::ChainSpec;
use aura_primitives::{
    GenesisState, HeadLabel, SealedBlock, SealedHeader, hashed_account_key, hashed_slot_key,
};
use aura_smt::Smt;
use aura_storage::{ChainIdentity, Leaf, Store};
use rayon::prelude::*;

use crate::{
    ChainError,
    leaves::{account_leaf, stored_leaf},
};

/// Leaves whose values are hashed in one parallel step of a rebuild.
const REBUILD_CHUNK: usize = 1 << 16;

/// The tree and the head it belongs to.
pub(crate) struct Opened {
    pub(crate) tree: Smt,
    pub(crate) tip: SealedHeader,
}

/// Builds the genesis block of `spec` and the state it starts with.
///
/// # Errors
/// [`ChainError::Tree`] if two entries of the genesis state share a key, which cannot be.
pub fn genesis_block(spec: &ChainSpec) -> Result<(SealedBlock, GenesisState), ChainError> {
    let (block, state, _) = build_genesis(spec)?;
    Ok((block, state))
}

fn build_genesis(spec: &ChainSpec) -> Result<(SealedBlock, GenesisState, Smt), ChainError> {
    let state = spec.genesis_state();
    let mut leaves: Vec<(B256, B256)> = state
        .accounts
        .par_iter()
        .map(|(address, account)| (hashed_account_key(*address), account_leaf(account)))
        .chain(
            state
                .slots
                .par_iter()
                .filter(|(_, _, value)| !value.is_zero())
                .map(|(address, slot, value)| {
                    (hashed_slot_key(*address, *slot), B256::from(*value))
                }),
        )
        .collect();
    leaves.par_sort_unstable();
    let tree = Smt::from_sorted(leaves)?;
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
pub(crate) fn open(store: &Store, spec: &ChainSpec) -> Result<Opened, ChainError> {
    match store.identity()? {
        None => {
            let (block, state, tree) = build_genesis(spec)?;
            let identity = ChainIdentity {
                chain_id: spec.chain_id(),
                genesis_hash: block.hash(),
            };
            store.init(identity, &block, &state)?;
            tracing::info!(hash = %block.hash(), accounts = state.accounts.len(), "genesis written");
            Ok(Opened {
                tree,
                tip: block.header,
            })
        }
        Some(_) => rebuild(store),
    }
}

fn rebuild(store: &Store) -> Result<Opened, ChainError> {
    let started = Instant::now();
    let reader = store.reader()?;
    let head = reader.head(HeadLabel::Unsafe)?;
    let tip = reader
        .header(head.number)?
        .ok_or(aura_storage::StorageError::MissingBlock {
            number: head.number,
        })?;
    let mut leaves: Vec<(B256, B256)> = Vec::new();
    let mut chunk: Vec<(B256, Leaf)> = Vec::with_capacity(REBUILD_CHUNK);
    reader.leaves(|key, leaf| {
        chunk.push((key, leaf));
        if chunk.len() == REBUILD_CHUNK {
            hash_chunk(&mut chunk, &mut leaves);
        }
    })?;
    hash_chunk(&mut chunk, &mut leaves);
    drop(reader);
    let tree = Smt::from_sorted(leaves)?;
    if tree.root() != tip.state_root {
        return Err(ChainError::StateRootMismatch {
            number: tip.number,
            expected: tip.state_root,
            computed: tree.root(),
        });
    }
    tracing::info!(
        number = tip.number,
        leaves = tree.len(),
        root = %tree.root(),
        elapsed_ms = started.elapsed().as_millis() as u64,
        "state tree rebuilt and checked"
    );
    Ok(Opened { tree, tip })
}

fn hash_chunk(chunk: &mut Vec<(B256, Leaf)>, leaves: &mut Vec<(B256, B256)>) {
    leaves.par_extend(
        chunk
            .par_iter()
            .filter_map(|(key, leaf)| stored_leaf(leaf).map(|value| (*key, value))),
    );
    chunk.clear();
}
