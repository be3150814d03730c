//! What travels between L1 and L2, and how it is hashed. The Solidity twins are in `contracts/src/libraries`.

mod batch;
mod message;
mod origin;
mod output;
pub mod predeploys;
mod withdrawal;
mod withdrawal_tree;

pub use batch::{BatchHeader, DaKind};
pub use message::{MessageKind, QueueEntry, QueueMessage, QueueSlot};
pub use origin::{L1BlockInfo, L1Origin};
pub use output::Output;
pub use withdrawal::{WITHDRAWAL_TREE_DEPTH, Withdrawal, WithdrawalDomain};
pub use withdrawal_tree::{
    MAX_WITHDRAWALS, WithdrawalFrontier, WithdrawalNode, WithdrawalProof, append_withdrawal,
    completed_by, empty_withdrawal_root, root_of_withdrawal, withdrawal_pair, withdrawal_proof,
    withdrawal_root,
};

use alloy_primitives::{Address, B256, U256, keccak256};

/// A value in one word of `abi.encode`.
pub(crate) trait Word {
    /// The word.
    fn word(&self) -> B256;
}

impl Word for B256 {
    fn word(&self) -> B256 {
        *self
    }
}

impl Word for U256 {
    fn word(&self) -> B256 {
        (*self).into()
    }
}

impl Word for u64 {
    fn word(&self) -> B256 {
        U256::from(*self).into()
    }
}

impl Word for Address {
    fn word(&self) -> B256 {
        self.into_word()
    }
}

/// `keccak256(abi.encode(words…))`: all of our preimages consist of static types.
pub(crate) fn hash_words(words: &[&dyn Word]) -> B256 {
    let mut preimage = Vec::with_capacity(32 * words.len());
    for word in words {
        preimage.extend_from_slice(word.word().as_slice());
    }
    keccak256(preimage)
}

/// A Solidity `bytes32` literal: text, padded with zeros on the right.
pub(crate) const fn text_word(text: &str) -> B256 {
    let text = text.as_bytes();
    assert!(text.len() <= 32, "does not fit a word");
    let mut word = [0; 32];
    let mut at = 0;
    while at < text.len() {
        word[at] = text[at];
        at += 1;
    }
    B256::new(word)
}
