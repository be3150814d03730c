//! Offline checks of a data directory.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::B256;
use aura_chain::{Chain, ChainError, genesis_block, tree_changes};
use aura_evm::execute_block;
use aura_primitives::{HeadLabel, StateDiff};
use aura_smt::Smt;
use aura_storage::{Layer, Reader, StateView, StorageError};

use crate::NodeError;

/// Blocks whose hashes the BLOCKHASH opcode can ask for.
const BLOCK_HASHES: usize = 256;

/// What an audit looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditReport {
    /// Blocks checked, the genesis included.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// State root of the head.
    pub state_root: B256,
}

/// Checks that every block links to its parent and that its transactions and receipts are there
/// and indexed. The state root was checked when the chain was opened.
///
/// # Errors
/// [`NodeError::Storage`] naming the first record that is missing or damaged.
pub fn audit(chain: &Chain) -> Result<AuditReport, NodeError> {
    let store = chain.store();
    let head = store.reader()?.head(HeadLabel::Unsafe)?;
    let (mut parent, mut transactions, mut state_root) = (B256::ZERO, 0, B256::ZERO);
    for number in 0..=head.number {
        // A snapshot for each block: an audit may outlast the deadline of one.
        let reader = store.reader()?;
        let block = reader
            .block(number)?
            .ok_or(StorageError::MissingBlock { number })?;
        let receipts = reader
            .receipts(number)?
            .ok_or(StorageError::MissingBlock { number })?;
        let linked = number == 0 || block.header.parent_hash == parent;
        let indexed = reader.block_number(block.hash())? == Some(number)
            && locate_all(&reader, number, &block.transactions)?;
        if !linked || !indexed || receipts.len() != block.transactions.len() {
            return Err(StorageError::MissingBlock { number }.into());
        }
        parent = block.hash();
        transactions += block.transactions.len() as u64;
        state_root = block.header.state_root;
    }
    Ok(AuditReport {
        blocks: head.number + 1,
        transactions,
        state_root,
    })
}

fn locate_all(
    reader: &Reader,
    number: u64,
    transactions: &[Arc<aura_primitives::RecoveredTx>],
) -> Result<bool, StorageError> {
    for (index, tx) in transactions.iter().enumerate() {
        let location = reader.transaction_location(tx.hash())?;
        if !location.is_some_and(|l| l.block_number == number && l.index == index as u64) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Executes every block again from the genesis state, in memory, and compares every header field,
/// the state root included.
///
/// Needs the genesis state: the chain must have been opened with its genesis file.
///
/// # Errors
/// [`NodeError::Execution`] or [`ChainError::StateRootMismatch`] for the first block that differs.
pub fn reexecute(chain: &Chain) -> Result<AuditReport, NodeError> {
    let spec = chain.spec();
    let (genesis, state) = genesis_block(spec)?;
    let mut all = StateDiff::from_genesis(&state);
    let mut tree = Smt::new();
    tree.update(&tree_changes(&all).1)
        .map_err(ChainError::Tree)?;
    let mut parent = genesis.header;
    let mut transactions = 0;
    let mut hashes = VecDeque::from([(parent.number, parent.seal())]);
    let head = chain.store().reader()?.head(HeadLabel::Unsafe)?;
    for number in 1..=head.number {
        let block = chain
            .store()
            .reader()?
            .block(number)?
            .ok_or(StorageError::MissingBlock { number })?;
        let layer = Arc::new(all);
        let view = || {
            StateView::empty()
                .with_layers(vec![Layer::Frozen(layer.clone())])
                .with_block_hashes(hashes.iter().copied().collect())
        };
        let ancestors = chain.store().reader()?;
        let executed = execute_block(
            spec,
            &parent,
            &block,
            view(),
            &ancestors,
            &mut |view, diff| chain.state_root_with(view, diff).ok().flatten(),
        )
        .map_err(|source| NodeError::Execution { number, source })?;
        let computed = match chain.state_root_with(&view(), &executed.diff)? {
            Some(root) => root,
            None => tree
                .update(&tree_changes(&executed.diff).1)
                .map_err(ChainError::Tree)?,
        };
        let expected = block.header.state_root;
        if computed != expected {
            return Err(ChainError::StateRootMismatch {
                number,
                expected,
                computed,
            }
            .into());
        }
        all = Arc::try_unwrap(layer).unwrap_or_else(|shared| (*shared).clone());
        all.merge(executed.diff);
        transactions += block.transactions.len() as u64;
        parent = block.header;
        hashes.push_front((parent.number, parent.seal()));
        hashes.truncate(BLOCK_HASHES);
    }
    Ok(AuditReport {
        blocks: head.number + 1,
        transactions,
        state_root: parent.state_root,
    })
}
