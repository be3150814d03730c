//! What left L2.

use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use aura_primitives::bridge::Withdrawal;

/// A leaf of the withdrawal tree and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct WithdrawalRecord {
    /// The leaf's preimage.
    pub withdrawal: Withdrawal,
    /// The leaf.
    pub leaf: B256,
    /// Data of a message; empty for value.
    pub data: Bytes,
    /// Number of its L2 block.
    pub block: u64,
    /// Its transaction there.
    pub tx_hash: B256,
    /// Who sent that.
    pub tx_sender: Address,
    /// Place of its log among all logs of the block.
    pub log_index: u64,
}
