//! Offline checks of what proofs in past states are made of.

use alloy_primitives::{B256, keccak256};
use aura_chain::Chain;
use aura_primitives::HeadLabel;
use aura_smt::{NodeId, Prefix};
use aura_storage::{Reader, StorageError, Store};

use crate::NodeError;

/// Blocks of a sample, besides the pinned ones.
const SAMPLE_BLOCKS: usize = 128;
/// Keys of a sample at each block.
const SAMPLE_KEYS: u64 = 32;
/// Keys that are proven in one snapshot.
const KEYS_AT_ONCE: usize = 64;
/// Blocks that are looked at in one snapshot.
const BLOCKS_AT_ONCE: usize = 1_024;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Some keys at some blocks, and at every pinned one.
    Sample,
    /// Every recorded node and every leaf at every block that can be proven.
    Full,
}

/// What an audit of proofs looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofAudit {
    /// Blocks that can be proven.
    pub provable: u64,
    /// Blocks of which proofs were checked.
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

/// Every pinned block, and others at even distances; always the oldest and the newest.
fn sample(blocks: &[u64], pins: &[u64]) -> Vec<u64> {
    let step = blocks.len().div_ceil(SAMPLE_BLOCKS).max(1);
    let mut sample: Vec<u64> = blocks.iter().step_by(step).copied().collect();
    sample.extend(blocks.last());
    sample.extend(pins.iter().filter(|pin| blocks.binary_search(pin).is_ok()));
    sample.sort_unstable();
    sample.dedup();
    sample
}

/// Keys of which the proofs at `block` are checked.
fn keys(block: u64, bottom: u8, extent: Extent) -> Box<dyn Iterator<Item = B256>> {
    match extent {
        Extent::Sample => Box::new((0..SAMPLE_KEYS).map(move |index| {
            let seed = [block.to_be_bytes(), index.to_be_bytes()];
            keccak256(seed.as_flattened())
        })),
        // A proof has every recorded node beside its path, and all leaves below the lowest of them.
        Extent::Full => {
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
    let pins: Vec<u64> = store
        .reader()?
        .pins()?
        .iter()
        .map(|pin| pin.block)
        .collect();
    let chosen = match extent {
        Extent::Sample => sample(&blocks, &pins),
        Extent::Full => blocks.clone(),
    };
    let mut proofs = 0;
    for block in &chosen {
        let bottom = store.reader()?.nodes_at(*block)?.bottom();
        let mut keys = keys(*block, bottom, extent).peekable();
        while keys.peek().is_some() {
            let some: Vec<B256> = keys.by_ref().take(KEYS_AT_ONCE).collect();
            proofs += chain.prove(*block, &some)?.proofs.len() as u64;
        }
    }
    Ok(ProofAudit {
        provable: blocks.len() as u64,
        blocks: chosen.len() as u64,
        proofs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_both_ends_and_every_pin() {
        let blocks: Vec<u64> = (0..1_000).map(|block| block * 3).collect();
        let chosen = sample(&blocks, &[30, 31, 33]);
        assert!(chosen.len() <= SAMPLE_BLOCKS + 3, "{}", chosen.len());
        for block in [0, 30, 33, 2_997] {
            assert!(chosen.contains(&block), "{block}");
        }
        assert!(!chosen.contains(&31), "not provable");
        assert_eq!(sample(&[7], &[]), [7]);
    }

    #[test]
    fn all_keys_are_one_below_each_lowest_node() {
        for (bottom, count) in [(0, 1), (4, 16), (8, 256)] {
            let all: Vec<B256> = keys(5, bottom, Extent::Full).collect();
            assert_eq!(all.len(), count);
            assert!(all.is_sorted());
            let last = all[count - 1][0];
            assert_eq!(u32::from(last), 0x100 - 0x100 / count as u32, "{bottom}");
        }
        assert_eq!(keys(5, 4, Extent::Sample).count() as u64, SAMPLE_KEYS);
    }
}
