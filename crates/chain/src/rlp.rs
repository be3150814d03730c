//! Blocks as Ethereum encodes them: `[header, transactions, uncles, withdrawals?]`.

use std::sync::Arc;

use alloy_consensus::{Block, BlockBody, Sealable, transaction::SignerRecoverable};
use alloy_rlp::{Decodable, Encodable};
use aura_primitives::{RecoveredTx, SealedBlock, TxEnvelope};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// A block whose senders are not recovered yet.
pub type UnrecoveredBlock = Block<TxEnvelope>;

/// Why bytes are not a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockDecodeError {
    /// The bytes are no RLP of a block.
    #[error("rlp: {0}")]
    Rlp(alloy_rlp::Error),
    /// Bytes follow the block.
    #[error("rlp: {0} bytes follow the block")]
    TrailingBytes(usize),
    /// A deposit: the block cannot be executed without what L1 says, which a file does not hold.
    #[error(
        "transaction {0} is a deposit from L1: blocks of a bridged chain follow from L1 and cannot be imported from a file"
    )]
    Deposit(usize),
    /// A signature does not recover.
    #[error("transaction {0} has an invalid signature")]
    InvalidSignature(usize),
}

/// Decodes one block without the work of recovering senders.
///
/// # Errors
/// [`BlockDecodeError::Rlp`], [`BlockDecodeError::TrailingBytes`].
pub fn decode_block(mut rlp: &[u8]) -> Result<UnrecoveredBlock, BlockDecodeError> {
    let block = Block::decode(&mut rlp).map_err(BlockDecodeError::Rlp)?;
    if rlp.is_empty() {
        Ok(block)
    } else {
        Err(BlockDecodeError::TrailingBytes(rlp.len()))
    }
}

/// Recovers the senders of a block, on all cores, and seals it.
///
/// Signatures of either form are taken: whether the upper half is allowed depends on the fork.
///
/// # Errors
/// [`BlockDecodeError::InvalidSignature`]; [`BlockDecodeError::Deposit`].
pub fn recover_block(block: UnrecoveredBlock) -> Result<SealedBlock, BlockDecodeError> {
    let BlockBody {
        transactions,
        ommers,
        withdrawals,
    } = block.body;
    let recovered = transactions.into_par_iter().enumerate();
    let recovered = recovered.map(|(index, tx)| match tx.recover_signer_unchecked() {
        _ if tx.is_deposit() => Err(BlockDecodeError::Deposit(index)),
        Ok(sender) => Ok(Arc::new(RecoveredTx::new(tx, sender))),
        Err(_) => Err(BlockDecodeError::InvalidSignature(index)),
    });
    Ok(SealedBlock {
        header: block.header.seal_slow(),
        transactions: recovered.collect::<Result<_, _>>()?,
        ommers,
        withdrawals,
        l1_info: None,
    })
}

/// Encodes `block` at the end of `out`.
pub fn encode_block(block: &SealedBlock, out: &mut Vec<u8>) {
    let transactions = block.transactions.iter();
    let body = BlockBody {
        transactions: transactions.map(|tx| tx.envelope().clone()).collect(),
        ommers: block.ommers.clone(),
        withdrawals: block.withdrawals.clone(),
    };
    Block::new(block.header.inner().clone(), body).encode(out);
}
