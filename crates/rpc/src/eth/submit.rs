//! `eth_sendRawTransaction` and its waiting form (EIP-7966).

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use aura_chain::ChainEvent;
use aura_pool::TxStatus;
use aura_primitives::CommittedBlock;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use super::{blocks::blob_gas_price, transactions::receipt_of};
use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params::{self, Args},
    types::{Position, ReceiptParts, RpcReceipt},
};

/// How often a waiting call asks the pool whether its transaction was dropped.
const DROP_CHECK: Duration = Duration::from_millis(200);

/// `eth_sendRawTransaction(bytes)`.
///
/// Runs where it is: about 40 µs, nearly all of it signature recovery off the pool's lock, and a
/// thread switch would cost a good part of that again.
pub(crate) fn send_raw(api: &Api, mut args: Args<'_>) -> Result<B256, Fault> {
    let raw = args.required("transaction", params::bytes)?;
    Ok(api.pool.submit(raw)?)
}

/// `eth_sendRawTransactionSync(bytes, timeout in ms)`: answers the receipt.
pub(crate) async fn send_raw_sync(api: Arc<Api>, raw: Raw) -> Result<RpcReceipt, Fault> {
    let (bytes, wait_ms) = {
        let mut args = raw.args()?;
        let bytes = args.required("transaction", params::bytes)?;
        (bytes, args.optional("timeout", params::count)?)
    };
    // Instead of a time that is not acceptable the default counts, as the EIP says.
    let acceptable = 1..=api.config.max_sync_timeout_ms;
    let wait_ms = wait_ms
        .filter(|wait_ms| acceptable.contains(wait_ms))
        .unwrap_or(api.config.sync_timeout_ms);
    let Ok(_permit) = api.sync_waiters.try_acquire() else {
        return Err(Fault::Limit(format!(
            "{} calls of eth_sendRawTransactionSync are waiting already",
            api.config.max_sync_waiters
        )));
    };
    // Listening starts before the transaction exists, so its block cannot be missed.
    let events = api.chain.subscribe();
    let hash = api.pool.submit(bytes)?;
    if api.pool.status(hash) == Some(TxStatus::Queued) {
        return Err(nonce_gap(&api, hash)?);
    }
    let deadline = Instant::now() + Duration::from_millis(wait_ms);
    timeout_at(deadline, inclusion(&api, events, hash))
        .await
        .unwrap_or(Err(Fault::SyncTimeout {
            hash,
            waited_ms: wait_ms,
        }))
}

fn nonce_gap(api: &Api, hash: B256) -> Result<Fault, Fault> {
    let Some(tx) = api.pool.get(hash) else {
        return Ok(Fault::SyncDropped {
            hash,
            reason: "it left the pool at once".into(),
        });
    };
    let sender = tx.sender();
    let account = api.chain.pending_view()?.account(sender)?;
    let nonce = account.unwrap_or_default().nonce;
    Ok(Fault::SyncNonceGap {
        expected: api.pool.next_nonce(sender, nonce),
    })
}

/// Waits until the transaction is in a durable block, or dropped.
async fn inclusion(
    api: &Api,
    mut events: Receiver<ChainEvent>,
    hash: B256,
) -> Result<RpcReceipt, Fault> {
    let mut drop_check = interval(DROP_CHECK);
    drop_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(ChainEvent::Committed(block)) => {
                    if let Some(receipt) = receipt_in(api, &block, hash) {
                        return Ok(receipt);
                    }
                }
                Ok(ChainEvent::Unwound { .. }) => {}
                Err(RecvError::Lagged(_)) => {
                    if let Some(receipt) = receipt_of(api, &api.reader()?, hash)? {
                        return Ok(receipt);
                    }
                }
                Err(RecvError::Closed) => {
                    return Err(Fault::SyncDropped { hash, reason: "the node is stopping".into() });
                }
            },
            _ = drop_check.tick() => {
                if let Some(TxStatus::Dropped { reason }) = api.pool.status(hash) {
                    return Err(Fault::SyncDropped { hash, reason: reason.to_string() });
                }
            }
        }
    }
}

/// The receipt of `hash` if it is in the block, without a look at the database.
fn receipt_in(api: &Api, committed: &CommittedBlock, hash: B256) -> Option<RpcReceipt> {
    let block = &committed.block;
    let index = block.transactions.iter().position(|tx| tx.hash() == hash)?;
    let receipt = committed.receipts.get(index)?;
    let before = &committed.receipts[..index];
    let gas_before = before.last().map_or(0, |r| r.cumulative_gas_used);
    Some(RpcReceipt(ReceiptParts {
        tx: block.transactions[index].clone(),
        receipt: receipt.clone(),
        position: Position {
            block_hash: block.hash(),
            block_number: block.number(),
            timestamp: block.header.timestamp,
            base_fee: block.header.base_fee_per_gas,
            index: index as u64,
        },
        gas_used: receipt.cumulative_gas_used.saturating_sub(gas_before),
        first_log_index: before.iter().map(|r| r.logs.len() as u64).sum(),
        blob_gas_price: blob_gas_price(api, &block.header),
        // Nobody submits deposits.
        deposit_id: None,
    }))
}
