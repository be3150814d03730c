//! Deposits: entries of the queue and what became of them.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use aura_chainspec::BridgeSpec;
use aura_primitives::{TxDeposit, bridge::QueueEntry};
use aura_storage::Reader;
use serde::Serialize;

use super::{Which, bridge_of, kind_name, which};
use crate::{api::Api, errors::Fault, methods::Raw, types::Quantity};

/// Newest entries that are searched for those of an L1 transaction.
const SEARCHED: u64 = 20_000;
/// Entries that are read at once.
const CHUNK: u64 = 1_000;

/// Where a deposit is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DepositStatus {
    /// `queued` or `credited`.
    stage: &'static str,
    deposit_id: Quantity<u64>,
    deposit_kind: &'static str,
    l1_sender: Address,
    from: Address,
    to: Address,
    mint: Quantity<U256>,
    l1_block_number: Quantity<u64>,
    l1_transaction_hash: B256,
    queued_at: Quantity<u64>,
    /// Its transaction on L2, known before it is there.
    transaction_hash: B256,
    block_number: Option<Quantity<u64>>,
    block_hash: Option<B256>,
    /// Whether what it runs on L2 succeeded.
    success: Option<bool>,
}

/// `aura_depositStatus(id | l1TxHash)`.
pub(crate) async fn status(api: Arc<Api>, raw: Raw) -> Result<DepositStatus, Fault> {
    let wanted = raw.args()?.required("id or L1 transaction hash", which)?;
    api.on_scans(move |api| {
        let (spec, _) = bridge_of(api)?;
        let reader = api.reader()?;
        let entry = match wanted {
            Which::Number(id) => reader.l1_queue_entry(id)?.ok_or_else(|| {
                Fault::Refused(format!(
                    "the queue has no entry {id}, as far as this node has read L1"
                ))
            })?,
            Which::Transaction(hash) => of_transaction(&reader, hash)?,
        };
        status_of(&reader, &entry, spec)
    })
    .await
}

fn of_transaction(reader: &Reader, hash: B256) -> Result<QueueEntry, Fault> {
    let last = reader.l1_last_queue_entry()?;
    let mut end = last.map_or(0, |entry| entry.message.id.saturating_add(1));
    let stop = end.saturating_sub(SEARCHED);
    while end > stop {
        let start = end.saturating_sub(CHUNK).max(stop);
        let entries = reader.l1_queue(start, (end - start) as usize, u64::MAX)?;
        let mut found: Vec<_> = entries.into_iter().filter(|e| e.l1_tx == hash).collect();
        if found.len() > 1 {
            let ids: Vec<_> = found
                .iter()
                .map(|entry| entry.message.id)
                .take(20)
                .collect();
            return Err(Fault::Refused(format!(
                "L1 transaction {hash} has several deposits, ask for one: {ids:?}"
            )));
        }
        if let Some(entry) = found.pop() {
            return Ok(entry);
        }
        end = start;
    }
    Err(Fault::Refused(format!(
        "no deposit of L1 transaction {hash} among the newest {SEARCHED}"
    )))
}

fn status_of(
    reader: &Reader,
    entry: &QueueEntry,
    spec: &BridgeSpec,
) -> Result<DepositStatus, Fault> {
    let message = &entry.message;
    let source = message.source_hash(spec.l1_chain_id, spec.portal);
    let transaction_hash = TxDeposit::from_message(message, source).tx_hash();
    let location = reader.transaction_location(transaction_hash)?;
    let receipt = match &location {
        Some(location) => reader.receipt(location)?,
        None => None,
    };
    Ok(DepositStatus {
        stage: if location.is_some() {
            "credited"
        } else {
            "queued"
        },
        deposit_id: Quantity(message.id),
        deposit_kind: kind_name(message.kind),
        l1_sender: message.l1_sender,
        from: message.from,
        to: message.to,
        mint: Quantity(message.mint),
        l1_block_number: Quantity(entry.l1_block),
        l1_transaction_hash: entry.l1_tx,
        queued_at: Quantity(entry.slot.time()),
        transaction_hash,
        block_number: location
            .as_ref()
            .map(|location| Quantity(location.block_number)),
        block_hash: location.as_ref().map(|location| location.block_hash),
        success: receipt.map(|record| record.receipt.is_success()),
    })
}
