//! `eth_getTransactionBySenderAndNonce`.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use aura_primitives::HeadLabel;
use aura_storage::{Reader, StorageError};

use super::transactions::in_block;
use crate::{api::Api, errors::Fault, methods::Raw, params, types::RpcTransaction};

/// `eth_getTransactionBySenderAndNonce(sender, nonce)`: mined, or in the pool.
pub(crate) async fn transaction(api: Arc<Api>, raw: Raw) -> Result<Option<RpcTransaction>, Fault> {
    let (sender, nonce) = {
        let mut args = raw.args()?;
        let sender = args.required("sender", params::address)?;
        (sender, args.required("nonce", params::u64)?)
    };
    api.on_scans(move |api| find(api, sender, nonce)).await
}

fn find(api: &Api, sender: Address, nonce: u64) -> Result<Option<RpcTransaction>, Fault> {
    // The pool lets go of a transaction after its block is durable, so one of both has it.
    let content = api.pool.content_from(sender);
    let mut waiting = content
        .pending
        .into_values()
        .chain(content.queued.into_values())
        .flatten();
    let waiting = waiting.find(|tx| tx.envelope().nonce() == nonce);
    let reader = api.reader()?;
    match mined_in(&reader, sender, nonce)? {
        Some(number) => mined(&reader, number, sender, nonce),
        None => Ok(waiting.map(RpcTransaction::pooled)),
    }
}

/// The block in which the nonce of `sender` rose above `nonce`.
fn mined_in(reader: &Reader, sender: Address, nonce: u64) -> Result<Option<u64>, StorageError> {
    let nonce_after = |block| {
        let account = reader.account_at(sender, block)?;
        Ok::<_, StorageError>(account.map_or(0, |account| account.nonce))
    };
    let oldest = reader.first_history_block()?;
    let (mut low, mut high) = (oldest, reader.head(HeadLabel::Unsafe)?.number);
    if nonce_after(high)? <= nonce {
        return Ok(None);
    }
    if nonce_after(low)? > nonce {
        if oldest == 0 {
            // The account was there before the chain.
            return Ok(None);
        }
        return Err(StorageError::HistoryPruned {
            requested: oldest - 1,
            first_available: oldest,
        });
    }
    // Not above it after `low`, above it after `high`.
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if nonce_after(middle)? > nonce {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Some(high))
}

/// The transaction in that block; none if the nonce rose by an authorisation (EIP-7702) or a
/// forced transaction.
fn mined(
    reader: &Reader,
    number: u64,
    sender: Address,
    nonce: u64,
) -> Result<Option<RpcTransaction>, Fault> {
    let missing = Fault::Inconsistent("transactions of a block are missing");
    let block = reader.block(number)?.ok_or(missing)?;
    // Deposits say nothing of the nonce that they have, if any.
    let found = (0..).zip(block.transactions).find(|(_, tx)| {
        let envelope = tx.envelope();
        tx.sender() == sender && envelope.nonce() == nonce && !envelope.is_deposit()
    });
    let Some((index, tx)) = found else {
        return Ok(None);
    };
    in_block(reader, tx, number, index).map(Some)
}
