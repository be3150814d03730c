//! Transactions that a batch can have.

use alloy_consensus::{EthereumTxEnvelope, Transaction, TxEip4844};
use alloy_eips::eip2718::Decodable2718;

/// Most bytes of a transaction.
pub const MAX_TRANSACTION_BYTES: usize = 128 << 10;

/// Checks what can be seen without executing: type 0, 1, 2 or 4, decodable, of this chain, at most
/// 128 KiB. A legacy transaction without chain id is of every chain.
///
/// # Errors
/// What is wrong.
pub fn check_transaction(encoded: &[u8], chain_id: u64) -> Result<(), &'static str> {
    if encoded.len() > MAX_TRANSACTION_BYTES {
        return Err("longer than 128 KiB");
    }
    // Blob transactions would need blobs on L2; deposits come from the queue alone.
    if !matches!(encoded.first(), Some(1 | 2 | 4 | 0xc0..)) {
        return Err("of a type that a batch cannot have");
    }
    let mut rest = encoded;
    let transaction =
        EthereumTxEnvelope::<TxEip4844>::decode_2718(&mut rest).map_err(|_| "cannot be decoded")?;
    if !rest.is_empty() {
        return Err("has trailing bytes");
    }
    match transaction.chain_id() {
        Some(other) if other != chain_id => Err("of another chain"),
        _ => Ok(()),
    }
}
