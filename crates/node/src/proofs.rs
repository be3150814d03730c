//! Offline checks of what proofs in past states are made of.

use alloy_primitives::{B256, keccak256};
use aura_chain::Chain;
use aura_primitives::HeadLabel;
use aura_smt::{NodeId, Prefix};
use aura_storage::{Reader, StorageError, Store};

use crate::NodeError;

/// Proofs of a sample, unless there are more blocks.
const SAMPLE_PROOFS: u64 = 16_384;
/// Keys of a sample at each block, at most.
const MAX_SAMPLE_KEYS: u64 = 32;
/// Keys that are proven in one snapshot.
const KEYS_AT_ONCE: usize = 64;
/// Blocks that are looked at in one snapshot.
const BLOCKS_AT_ONCE: usize = 1_024;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Some keys at every block that can be proven.
    Sample,
    /// Every recorded node and every leaf at every block that can be proven.
    Full,
}

/// What an audit of proofs looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofAudit {
    /// Blocks that can be proven.
    pub blocks: u64,
    /// Proofs that verify against the roots in the headers.
    pub proofs: u64,
}

/// Which blocks can be proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provable {
    /// Newest block.
    pub head: u64,
    /// The first block that can be proven.
    pub first: u64,
    /// From here on every block can be proven.
    pub window: u64,
    /// Posted blocks, ascending.
    pub pins: Vec<u64>,
    /// Depth of the lowest recorded nodes at the head.
    pub bottom: u8,
}

/// The first block from `block` on that can be proven.
fn provable_from(reader: &Reader, block: u64) -> Result<Option<u64>, StorageError> {
    match reader.nodes_at(block) {
        Ok(_) => Ok(Some(block)),
        Err(StorageError::ProofUnavailable { nearest, .. }) => {
            Ok(nearest.1.filter(|above| *above > block))
        }
        Err(error) => Err(error),
    }
}

/// Which blocks of the snapshot can be proven.
///
/// # Errors
/// As every read.
pub fn provable(reader: &Reader) -> Result<Provable, NodeError> {
    let head = reader.head(HeadLabel::Unsafe)?.number;
    let mut window = head;
    while let Some(below) = window.checked_sub(1)
        && reader.provable(below)?
    {
        window = below;
    }
    let first = provable_from(reader, reader.first_history_block()?)?;
    Ok(Provable {
        head,
        first: first.unwrap_or(window),
        window,
        pins: reader.pins()?.into_iter().map(|pin| pin.block).collect(),
        bottom: reader.nodes_at(head)?.bottom(),
    })
}

fn provable_blocks(store: &Store) -> Result<Vec<u64>, StorageError> {
    let mut reader = store.reader()?;
    let head = reader.head(HeadLabel::Unsafe)?.number;
    let mut next = reader.first_history_block()?;
    let mut blocks = Vec::new();
    while next <= head
        && let Some(block) = provable_from(&reader, next)?
    {
        blocks.push(block);
        next = block + 1;
        if blocks.len().is_multiple_of(BLOCKS_AT_ONCE) {
            reader = store.reader()?;
        }
    }
    Ok(blocks)
}

/// Keys of a sample at each of so many blocks.
fn sample_keys(blocks: usize) -> u64 {
    (SAMPLE_PROOFS / blocks.max(1) as u64).clamp(1, MAX_SAMPLE_KEYS)
}

/// Which keys are proven at a block.
#[derive(Debug, Clone, Copy)]
enum Keys {
    /// So many, others at each block.
    Some(u64),
    /// One below each of the lowest recorded nodes.
    BelowEachNode,
}

/// Keys of which the proofs at `block` are checked.
fn keys(block: u64, bottom: u8, which: Keys) -> Box<dyn Iterator<Item = B256>> {
    match which {
        Keys::Some(count) => Box::new((0..count).map(move |index| {
            let seed = [block.to_be_bytes(), index.to_be_bytes()];
            keccak256(seed.as_flattened())
        })),
        // A proof has every recorded node beside its path, and all leaves below the lowest of them.
        Keys::BelowEachNode => {
            let places = 0..=u32::MAX.checked_shr(32 - u32::from(bottom)).unwrap_or(0);
            Box::new(places.map(move |index| {
                let node = NodeId {
                    depth: bottom,
                    index,
                };
                *Prefix::of_node(node).first_key()
            }))
        }
    }
}

/// Makes proofs at the blocks that can be proven and checks them against the roots in the headers.
/// That the newest state has the head's root was checked when the chain was opened.
///
/// # Errors
/// [`NodeError::Chain`] or [`NodeError::Storage`] naming the first block and key that differs, or
/// the first record that is missing or damaged.
pub fn audit_proofs(chain: &Chain, extent: Extent) -> Result<ProofAudit, NodeError> {
    let store = chain.store();
    let blocks = provable_blocks(store)?;
    let which = match extent {
        Extent::Sample => Keys::Some(sample_keys(blocks.len())),
        Extent::Full => Keys::BelowEachNode,
    };
    let mut proofs = 0;
    for block in &blocks {
        let bottom = store.reader()?.nodes_at(*block)?.bottom();
        let mut keys = keys(*block, bottom, which).peekable();
        while keys.peek().is_some() {
            let some: Vec<B256> = keys.by_ref().take(KEYS_AT_ONCE).collect();
            proofs += chain.prove(*block, &some)?.proofs.len() as u64;
        }
    }
    Ok(ProofAudit {
        blocks: blocks.len() as u64,
        proofs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_keys_at_every_block_but_not_too_many() {
        let counts = [0, 1, 512, 1_024, 16_384, 1_000_000].map(sample_keys);
        assert_eq!(counts, [32, 32, 32, 16, 1, 1]);
        let keys = |block, count| keys(block, 4, Keys::Some(count)).collect::<Vec<_>>();
        assert_eq!(keys(5, 3).len(), 3);
        assert_ne!(keys(5, 1), keys(6, 1));
    }

    #[test]
    fn all_keys_are_one_below_each_lowest_node() {
        for (bottom, count) in [(0, 1), (4, 16), (8, 256)] {
            let all: Vec<B256> = keys(5, bottom, Keys::BelowEachNode).collect();
            assert_eq!(all.len(), count);
            assert!(all.is_sorted());
            let last = all[count - 1][0];
            assert_eq!(u32::from(last), 0x100 - 0x100 / count as u32, "{bottom}");
        }
    }
}
