//! Withdrawals: where they are, and the arguments that pay them.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use aura_bindings::portal::AuraPortal as abi;
use aura_primitives::bridge::root_of_withdrawal;
use aura_storage::{L1RootRecord, Reader, RootStatus, WithdrawalRecord};
use serde::Serialize;

use super::{
    BridgeContext, Which, bridge_of,
    roots::{batch_of, best_for, covers},
    which,
    wire::WithdrawalArguments,
};
use crate::{api::Api, errors::Fault, methods::Raw, params, types::Quantity};

/// Withdrawals of one block that are looked at for those of a transaction.
const MAX_OF_BLOCK: usize = 100_000;

/// Where a withdrawal is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WithdrawalStatus {
    /// `initiated`, `batched`, `proposed`, `challenged` or `final`.
    stage: &'static str,
    index: Quantity<u64>,
    transaction_hash: B256,
    block_number: Quantity<u64>,
    initiated_at: Quantity<u64>,
    batch_index: Option<Quantity<u64>>,
    batched_at: Option<Quantity<u64>>,
    root_id: Option<Quantity<u64>>,
    proposed_at: Option<Quantity<u64>>,
    final_at: Option<Quantity<u64>>,
    /// Whether L1 pays now, as far as this node can tell. What was paid already only L1 knows.
    payable: bool,
    arguments: Option<WithdrawalArguments>,
}

/// `aura_getWithdrawalProof(index | txHash, rootId?)`.
pub(crate) async fn proof(api: Arc<Api>, raw: Raw) -> Result<WithdrawalArguments, Fault> {
    let (wanted, root_id) = {
        let mut args = raw.args()?;
        let wanted = args.required("index or transaction hash", which)?;
        (wanted, args.optional("root id", params::count)?)
    };
    api.on_scans(move |api| {
        let (spec, _) = bridge_of(api)?;
        let reader = api.reader()?;
        let record = find(&reader, wanted)?;
        let root = match root_id {
            Some(id) => given_root(&reader, id, &record)?,
            None => chosen_root(&reader, &record)?,
        };
        arguments(&reader, &record, &root, spec.portal)
    })
    .await
}

/// `aura_withdrawalStatus(index | txHash)`.
pub(crate) async fn status(api: Arc<Api>, raw: Raw) -> Result<WithdrawalStatus, Fault> {
    let wanted = raw.args()?.required("index or transaction hash", which)?;
    api.on_scans(move |api| {
        let (spec, context) = bridge_of(api)?;
        let reader = api.reader()?;
        let record = find(&reader, wanted)?;
        status_of(&reader, &record, context, spec.portal)
    })
    .await
}

fn status_of(
    reader: &Reader,
    record: &WithdrawalRecord,
    context: &BridgeContext,
    portal: Address,
) -> Result<WithdrawalStatus, Fault> {
    let header = reader.header(record.block)?;
    let header = header.ok_or(Fault::Inconsistent("a withdrawal's block is missing"))?;
    let root = best_for(reader, record)?;
    let batch_index = batch_of(reader, record.block)?;
    let batch = match batch_index {
        Some(index) => reader.l1_batch(index)?,
        None => None,
    };
    let stage = match root.as_ref().map(L1RootRecord::status) {
        Some(RootStatus::Final) => "final",
        Some(RootStatus::Pending) => "proposed",
        Some(_) => "challenged",
        None if batch_index.is_some() => "batched",
        None => "initiated",
    };
    let (mut final_at, mut payable) = (None, false);
    if let Some(root) = &root {
        let now = (context.heads)().head.timestamp;
        (final_at, payable) = finality(reader, root, context, now)?;
    }
    let arguments = match &root {
        Some(root) if payable => Some(arguments(reader, record, root, portal)?),
        _ => None,
    };
    Ok(WithdrawalStatus {
        stage,
        index: Quantity(record.withdrawal.index),
        transaction_hash: record.tx_hash,
        block_number: Quantity(record.block),
        initiated_at: Quantity(header.timestamp),
        batch_index: batch_index.map(Quantity),
        batched_at: batch.map(|batch| Quantity(batch.l1_time)),
        root_id: root.as_ref().map(|root| Quantity(root.id)),
        proposed_at: root.as_ref().map(|root| Quantity(root.l1_time)),
        final_at: final_at.map(Quantity),
        payable,
        arguments,
    })
}

/// When a root became or becomes final, and whether it would be at L1 time `now`.
///
/// Signatures are not looked at: where some are needed, a root that is not final may need them still.
fn finality(
    reader: &Reader,
    root: &L1RootRecord,
    context: &BridgeContext,
    now: u64,
) -> Result<(Option<u64>, bool), Fault> {
    let rule = context.finality.get();
    let due = rule.map(|rule| root.l1_time.saturating_add(rule.window));
    Ok(match root.status() {
        RootStatus::Final => {
            // Old L1 blocks are not kept; it was then at the latest, or earlier by signatures.
            let header = match root.finalized_block() {
                Some(number) => reader.l1_header(number)?,
                None => None,
            };
            (header.map(|header| header.origin.timestamp).or(due), true)
        }
        RootStatus::Pending => {
            let unsigned = rule.is_some_and(|rule| rule.k_slow == 0);
            (due, unsigned && due.is_some_and(|due| now >= due))
        }
        RootStatus::Disputed | RootStatus::Invalid => (None, false),
    })
}

fn find(reader: &Reader, wanted: Which) -> Result<WithdrawalRecord, Fault> {
    match wanted {
        Which::Number(index) => {
            let record = reader.withdrawal(index)?;
            record.ok_or_else(|| Fault::Refused(format!("there is no withdrawal {index} yet")))
        }
        Which::Transaction(hash) => {
            let location = reader.transaction_location(hash)?;
            let location = location
                .ok_or_else(|| Fault::Refused(format!("transaction {hash} is not in a block")))?;
            let mut of_block = reader.withdrawals_of_block(location.block_number, MAX_OF_BLOCK)?;
            of_block.retain(|record| record.tx_hash == hash);
            if of_block.len() > 1 {
                let indexes = of_block.iter().map(|record| record.withdrawal.index);
                let indexes: Vec<_> = indexes.take(20).collect();
                return Err(Fault::Refused(format!(
                    "transaction {hash} has several withdrawals, ask for one: {indexes:?}"
                )));
            }
            let none = || Fault::Refused(format!("nothing leaves L2 in transaction {hash}"));
            of_block.pop().ok_or_else(none)
        }
    }
}

fn given_root(reader: &Reader, id: u64, record: &WithdrawalRecord) -> Result<L1RootRecord, Fault> {
    let root = reader.l1_root(id)?;
    let root = root.ok_or_else(|| Fault::Refused(format!("there is no root {id}")))?;
    if root.status() == RootStatus::Invalid {
        return Err(Fault::Refused(format!("root {id} was found to be wrong")));
    }
    if !covers(reader, &root, record)? {
        return Err(Fault::Refused(format!(
            "root {id} is of block {}, the withdrawal is in block {}",
            root.output.l2_block, record.block
        )));
    }
    Ok(root)
}

fn chosen_root(reader: &Reader, record: &WithdrawalRecord) -> Result<L1RootRecord, Fault> {
    let index = record.withdrawal.index;
    match best_for(reader, record)? {
        Some(root) if root.status() == RootStatus::Disputed => Err(Fault::Refused(format!(
            "withdrawal {index} is challenged: root {} is in dispute",
            root.id
        ))),
        Some(root) => Ok(root),
        None => Err(Fault::Refused(match batch_of(reader, record.block)? {
            Some(batch) => {
                format!("withdrawal {index} is batched: no root covers batch {batch} yet")
            }
            None => format!(
                "withdrawal {index} is initiated: no batch on L1 has block {} yet",
                record.block
            ),
        })),
    }
}

fn arguments(
    reader: &Reader,
    record: &WithdrawalRecord,
    root: &L1RootRecord,
    portal: Address,
) -> Result<WithdrawalArguments, Fault> {
    let withdrawal = &record.withdrawal;
    let count = reader.withdrawal_count_at(root.output.l2_block)?;
    let proof = reader.withdrawal_proof(withdrawal.index, count)?;
    let proof = proof.ok_or(Fault::Inconsistent("a withdrawal is not in its tree"))?;
    let shown = root_of_withdrawal(record.leaf, withdrawal.index, &proof);
    if shown != Some(root.output.withdrawal_root) {
        return Err(Fault::Refused(format!(
            "root {} claims another withdrawal tree than this chain has",
            root.id
        )));
    }
    let is_message = withdrawal.amount.is_zero();
    let (w, o) = (withdrawal.into(), (&root.output).into());
    let root_id = root.id;
    let (method, calldata) = if is_message {
        let call = abi::consumeMessageCall {
            w,
            rootId: root_id,
            o,
            proof,
        };
        ("consumeMessage", call.abi_encode())
    } else {
        let call = abi::withdrawCall {
            w,
            rootId: root_id,
            o,
            proof,
        };
        ("withdraw", call.abi_encode())
    };
    Ok(WithdrawalArguments {
        to: portal,
        method,
        withdrawal: withdrawal.into(),
        root_id: Quantity(root_id),
        output: (&root.output).into(),
        proof,
        calldata: calldata.into(),
        data: is_message.then(|| record.data.clone()),
    })
}
