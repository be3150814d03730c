//! Ordered tries and bloom of a block's body.

use std::sync::Arc;

use alloy_consensus::{
    Eip2718EncodableReceipt, Header, TxReceipt, proofs::calculate_withdrawals_root,
};
use alloy_eips::eip4895::Withdrawals;
use alloy_evm::block::BlockExecutionResult;
use alloy_hardforks::EthereumHardforks;
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

/// Fills in what execution gives a header, but for the state root and the withdrawals'.
pub(crate) fn complete(
    header: &mut Header,
    rules: &impl EthereumHardforks,
    summary: &BodySummary,
    result: &BlockExecutionResult<Receipt>,
) {
    header.transactions_root = summary.transactions_root;
    header.receipts_root = summary.receipts_root;
    header.logs_bloom = summary.logs_bloom;
    header.gas_used = result.gas_used;
    header.blob_gas_used = header.blob_gas_used.map(|_| result.blob_gas_used);
    header.requests_hash = rules
        .is_prague_active_at_timestamp(header.timestamp)
        .then(|| result.requests.requests_hash());
}

/// The header's `withdrawalsRoot`: that of the bridge, on a chain that has one.
pub(crate) fn withdrawals_root(
    withdrawals: Option<&Withdrawals>,
    of_bridge: Option<B256>,
) -> Option<B256> {
    withdrawals.map(|list| of_bridge.unwrap_or_else(|| calculate_withdrawals_root(list)))
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
