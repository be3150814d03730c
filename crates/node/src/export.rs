//! Writing a chain into a file of blocks.

use std::{io::Write, ops::RangeInclusive};

use aura_chain::encode_block;
use aura_primitives::HeadLabel;
use aura_storage::{StorageError, Store};

use crate::NodeError;

/// Blocks that are read from one snapshot.
const SNAPSHOT_BLOCKS: u64 = 256;

/// Which blocks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportRange {
    /// The first one; block 1 if absent, for every importer has the genesis block.
    pub from: Option<u64>,
    /// The last one; the head if absent.
    pub to: Option<u64>,
}

/// Writes blocks of `store` to `output` as [`import`](crate::import) reads them; returns how many.
///
/// # Errors
/// [`StorageError::MissingBlock`] if the chain has no such block; [`NodeError::NeedsL1`] if its blocks
/// cannot be executed without what they say of L1; [`NodeError::Output`].
pub fn export(
    store: &Store,
    range: ExportRange,
    output: &mut impl Write,
) -> Result<u64, NodeError> {
    let blocks = resolve(store, range)?;
    if store.reader()?.l1_info_at(*blocks.end())?.is_some() {
        return Err(NodeError::NeedsL1);
    }
    let mut bytes = Vec::new();
    let mut next = *blocks.start();
    while next <= *blocks.end() {
        let reader = store.reader()?;
        let last = (next + SNAPSHOT_BLOCKS - 1).min(*blocks.end());
        for number in next..=last {
            let block = reader.block(number)?;
            let block = block.ok_or(StorageError::MissingBlock { number })?;
            bytes.clear();
            encode_block(&block, &mut bytes);
            output.write_all(&bytes).map_err(NodeError::Output)?;
        }
        next = last + 1;
    }
    output.flush().map_err(NodeError::Output)?;
    Ok(next - blocks.start())
}

/// An empty range if the chain is only its genesis block and nothing else was asked for.
fn resolve(store: &Store, range: ExportRange) -> Result<RangeInclusive<u64>, StorageError> {
    let head = store.reader()?.head(HeadLabel::Unsafe)?.number;
    let (from, to) = (range.from.unwrap_or(1), range.to.unwrap_or(head));
    let beyond = [range.from, range.to].into_iter().flatten();
    match beyond.max().filter(|number| *number > head) {
        Some(number) => Err(StorageError::MissingBlock { number }),
        None => Ok(from..=to),
    }
}
