//! What can be said of a body without executing it.

use alloy_consensus::{Header, Transaction};
use alloy_eips::{Typed2718, eip4895::Withdrawals};
use alloy_hardforks::EthereumHardforks;
use alloy_rlp::{Encodable, length_of_length};
use aura_chainspec::ChainSpec;
use aura_primitives::{RecoveredTx, SealedBlock};

use super::BlockRule;
use crate::{ExecutionError, rules::BlockRules};

/// Largest RLP encoding of a block from Osaka on (EIP-7934): 10 MiB less 2 MiB for the consensus
/// layer's part.
pub(crate) const MAX_BLOCK_BYTES: usize = 8_388_608;

/// Checks size, signatures, and that there are withdrawals exactly if the fork has them.
pub(super) fn check_body(spec: &ChainSpec, block: &SealedBlock) -> Result<(), ExecutionError> {
    check(spec, block).map_err(|rule| ExecutionError::invalid_block(block.number(), rule))
}

fn check(spec: &ChainSpec, block: &SealedBlock) -> Result<(), BlockRule> {
    let header = block.header.inner();
    let rules = BlockRules::new(spec, header);
    if block.withdrawals.is_some() != rules.is_shanghai_active_at_timestamp(header.timestamp) {
        return Err(BlockRule::Presence("withdrawals"));
    }
    // The root of this list in the header is the bridge's on a bridged chain.
    if spec.bridge().is_some() && block.withdrawals.as_ref().is_some_and(|w| !w.is_empty()) {
        return Err(BlockRule::Presence("withdrawals"));
    }
    if block.l1_info.is_some() && spec.bridge().is_none() {
        return Err(BlockRule::Presence("L1 origin"));
    }
    if rules.is_osaka_active_at_timestamp(header.timestamp) {
        let bytes = rlp_length(block);
        if bytes > MAX_BLOCK_BYTES {
            let max = MAX_BLOCK_BYTES;
            return Err(BlockRule::TooLarge { bytes, max });
        }
    }
    // EIP-2 came with Homestead, replay protection (EIP-155) with Spurious Dragon.
    let homestead = rules.is_homestead_active_at_block(header.number);
    let protected = rules.is_spurious_dragon_active_at_block(header.number);
    for (index, tx) in block.transactions.iter().enumerate() {
        if homestead && has_high_s(tx) {
            return Err(BlockRule::HighS(index));
        }
        let has_chain_id = tx.envelope().is_legacy() && tx.envelope().chain_id().is_some();
        if !protected && has_chain_id {
            return Err(BlockRule::Presence("replay-protected signature"));
        }
    }
    Ok(())
}

fn has_high_s(tx: &RecoveredTx) -> bool {
    tx.envelope().signature().normalize_s().is_some()
}

/// Length of the block's RLP encoding.
fn rlp_length(block: &SealedBlock) -> usize {
    let list = |payload: usize| payload + length_of_length(payload);
    let transactions: usize = block
        .transactions
        .iter()
        .map(|tx| match tx.envelope().is_legacy() {
            true => tx.encoded().len(),
            // A typed transaction stands in a string.
            false => tx.encoded().length(),
        })
        .sum();
    let ommers: usize = block.ommers.iter().map(Header::length).sum();
    let withdrawals = block.withdrawals.as_ref().map_or(0, Withdrawals::length);
    list(block.header.inner().length() + list(transactions) + list(ommers) + withdrawals)
}
