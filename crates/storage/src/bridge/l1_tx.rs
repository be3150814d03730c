//! Our transactions on L1.

use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};

/// One form in which a transaction was signed: with a nonce only one form of it can be mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct L1TxAttempt {
    /// Hash of the transaction.
    pub hash: B256,
    /// Which request it carries: 0 the first, 1 the one that replaced it, …
    pub version: u32,
    /// Whether it does nothing but use up the nonce.
    pub is_cancel: bool,
    /// When it was signed, Unix seconds.
    pub signed_at: u64,
}

/// A transaction that is signed and not yet confirmed.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct L1TxRecord {
    /// Account that sends it.
    pub lane: Address,
    /// Its nonce.
    pub nonce: u64,
    /// What it is, for logs.
    pub label: String,
    /// Its newest form as it is sent: EIP-2718, with the sidecar if it has blobs.
    pub raw: Bytes,
    /// Every form it has had, oldest first; the last is `raw`.
    pub attempts: Vec<L1TxAttempt>,
}
