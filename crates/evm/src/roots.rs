//! Ordered tries and bloom of a block's body.

use std::sync::Arc;

use alloy_consensus::{Eip2718EncodableReceipt, TxReceipt};
use alloy_primitives::{B256, Bloom};
use alloy_trie::root::{ordered_trie_root_encoded, ordered_trie_root_with_encoder};
use aura_primitives::{Receipt, RecoveredTx};
use rayon::prelude::*;

/// Header fields that summarise transactions and receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodySummary {
    pub(crate) transactions_root: B256,
    pub(crate) receipts_root: B256,
    pub(crate) logs_bloom: Bloom,
}

/// Computes both roots and the bloom, on two threads if there are.
pub(crate) fn summarize(transactions: &[Arc<RecoveredTx>], receipts: &[Receipt]) -> BodySummary {
    let (transactions_root, (receipts_root, logs_bloom)) = rayon::join(
        || transactions_root(transactions),
        || receipts_root_and_bloom(receipts),
    );
    BodySummary {
        transactions_root,
        receipts_root,
        logs_bloom,
    }
}

/// Root over the transactions' own bytes; nothing is encoded again.
fn transactions_root(transactions: &[Arc<RecoveredTx>]) -> B256 {
    let encoded: Vec<_> = transactions.iter().map(|tx| tx.encoded()).collect();
    ordered_trie_root_encoded(&encoded)
}

/// Each receipt's bloom is computed once, for its encoding and for the block's.
fn receipts_root_and_bloom(receipts: &[Receipt]) -> (B256, Bloom) {
    let blooms: Vec<Bloom> = receipts
        .par_iter()
        .with_min_len(256)
        .map(TxReceipt::bloom)
        .collect();
    let mut logs_bloom = Bloom::ZERO;
    for (receipt, bloom) in receipts.iter().zip(&blooms) {
        if !receipt.logs.is_empty() {
            logs_bloom |= *bloom;
        }
    }
    let items: Vec<_> = receipts.iter().zip(&blooms).collect();
    let root = ordered_trie_root_with_encoder(&items, |(receipt, bloom), out| {
        receipt.eip2718_encode_with_bloom(bloom, out);
    });
    (root, logs_bloom)
}
