//! What the proposer claims.

use alloy_primitives::{Address, B256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

use super::{hash_words, text_word};

/// What the chain evaluates to at the end of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, RlpEncodable, RlpDecodable)]
pub struct Output {
    /// Root of the state tree.
    pub state_root: B256,
    /// Root of the withdrawal tree.
    pub withdrawal_root: B256,
    /// Hash of the batch's last L2 block.
    pub l2_block_hash: B256,
    /// Its number.
    pub l2_block: u64,
    /// Index of the batch.
    pub batch_index: u64,
    /// Hash of the batch: the rollup's slot of it without the time; zero for the genesis.
    pub batch_hash: B256,
}

impl Output {
    /// Hash of the output of one rollup:
    /// `keccak256(abi.encode(bytes32 "AuraOutputV0", l1ChainId, rollup, output))`.
    pub fn hash(&self, l1_chain_id: u64, rollup: Address) -> B256 {
        const DOMAIN: B256 = text_word("AuraOutputV0");
        hash_words(&[
            &DOMAIN,
            &l1_chain_id,
            &rollup,
            &self.state_root,
            &self.withdrawal_root,
            &self.l2_block_hash,
            &self.l2_block,
            &self.batch_index,
            &self.batch_hash,
        ])
    }
}
