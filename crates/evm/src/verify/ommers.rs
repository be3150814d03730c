//! Uncles and what they earn.

use std::sync::Arc;

use alloy_consensus::{Header, proofs::calculate_ommers_root};
use alloy_evm::block::calc::{base_block_reward, ommer_reward};
use alloy_primitives::{Address, B256, map::AddressMap};
use aura_chainspec::ChainSpec;
use aura_primitives::{SealedBlock, SealedHeader};
use aura_storage::StorageError;

use super::{
    Ancestors, BlockRule,
    header::{Comparison, check_header},
};
use crate::{ExecutionError, rules::BlockRules};

/// Most uncles of a block.
const MAX_OMMERS: usize = 2;
/// Ancestors that count. An uncle is a child of one of them, but not of the block's parent.
const FAMILY: usize = 7;

/// Checks the uncles of `block`: their hash, number, kinship, and each header for itself.
pub(super) fn check_ommers(
    spec: &ChainSpec,
    parent: &SealedHeader,
    block: &SealedBlock,
    ancestors: &dyn Ancestors,
) -> Result<(), ExecutionError> {
    let number = block.number();
    let root = calculate_ommers_root(&block.ommers);
    Comparison(number).check("sha3Uncles", block.header.ommers_hash, root)?;
    if block.ommers.is_empty() {
        return Ok(());
    }
    let invalid = |rule| Err(ExecutionError::invalid_block(number, rule));
    if block.ommers.len() > MAX_OMMERS {
        return invalid(BlockRule::TooManyOmmers(block.ommers.len()));
    }
    let family = Family::of(parent, ancestors).map_err(ExecutionError::State)?;
    let mut included = family.ommers;
    for ommer in &block.ommers {
        let hash = ommer.hash_slow();
        if family.ancestors.iter().any(|header| header.seal() == hash) {
            return invalid(BlockRule::OmmerIsAncestor(hash));
        }
        if included.contains(&hash) {
            return invalid(BlockRule::OmmerIncluded(hash));
        }
        let mut elders = family.ancestors.iter().skip(1);
        let Some(own_parent) = elders.find(|elder| elder.seal() == ommer.parent_hash) else {
            return invalid(BlockRule::OmmerParent(hash));
        };
        check_header(spec, own_parent, ommer, ancestors).map_err(|source| {
            ExecutionError::InvalidOmmer {
                number,
                hash,
                source: Box::new(source),
            }
        })?;
        included.push(hash);
    }
    Ok(())
}

/// The last blocks and their uncles.
struct Family {
    /// From the parent downwards.
    ancestors: Vec<SealedHeader>,
    /// Hashes of their uncles.
    ommers: Vec<B256>,
}

impl Family {
    fn of(parent: &SealedHeader, ancestors: &dyn Ancestors) -> Result<Self, StorageError> {
        let mut family = Self {
            ancestors: Vec::with_capacity(FAMILY),
            ommers: Vec::new(),
        };
        let mut next = Some(parent.clone());
        while let Some(header) = next.filter(|_| family.ancestors.len() < FAMILY) {
            let ommers = ancestors.ommers(header.number)?;
            family.ommers.extend(ommers.iter().map(Header::hash_slow));
            next = match header.number.checked_sub(1) {
                Some(below) => ancestors.header(below)?,
                None => None,
            };
            family.ancestors.push(header);
        }
        Ok(family)
    }
}

/// What the uncles add to balances: theirs, and the miner's for including them.
pub(crate) fn ommer_rewards(
    rules: &BlockRules<Arc<ChainSpec>>,
    header: &Header,
    ommers: &[Header],
) -> AddressMap<u128> {
    let mut rewards: AddressMap<u128> = AddressMap::default();
    let Some(base) = base_block_reward(rules, header.number) else {
        return rewards;
    };
    let mut add = |address: Address, amount| *rewards.entry(address).or_default() += amount;
    for ommer in ommers {
        add(
            ommer.beneficiary,
            ommer_reward(base, header.number, ommer.number),
        );
        add(header.beneficiary, base >> 5);
    }
    rewards
}
