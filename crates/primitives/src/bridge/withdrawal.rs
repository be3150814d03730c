//! What leaves L2.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

use super::{hash_words, text_word};

/// Levels of the withdrawal tree, and siblings of a proof.
pub const WITHDRAWAL_TREE_DEPTH: usize = 32;

/// Between which contracts a withdrawal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithdrawalDomain {
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// The portal on L1.
    pub portal: Address,
    /// Chain id of L2.
    pub l2_chain_id: u64,
}

/// A leaf of the withdrawal tree: value that leaves L2, or a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Withdrawal {
    /// Position in the tree, from 0.
    pub index: u64,
    /// Sender on L2.
    pub sender: Address,
    /// Recipient on L1.
    pub recipient: Address,
    /// L1 token, or zero for ether.
    pub token: Address,
    /// Zero for a message.
    pub amount: U256,
    /// `keccak256` of a message's data; zero for value.
    pub data_hash: B256,
}

impl Withdrawal {
    /// Leaf in the withdrawal tree, hashed twice so that it cannot stand for a node.
    pub fn leaf(&self, domain: &WithdrawalDomain) -> B256 {
        const DOMAIN: B256 = text_word("AuraWithdrawalV0");
        keccak256(hash_words(&[
            &DOMAIN,
            &domain.l1_chain_id,
            &domain.portal,
            &domain.l2_chain_id,
            &self.index,
            &self.sender,
            &self.recipient,
            &self.token,
            &self.amount,
            &self.data_hash,
        ]))
    }
}
