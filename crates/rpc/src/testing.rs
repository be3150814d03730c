//! `testing_*`: blocks built to order, for the makers of test fixtures. Off unless the settings say
//! `testing = true`.
//!
//! Nothing that is built here becomes part of the chain.

mod payload;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
};

use alloy_consensus::Transaction;
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{Address, B256, Bytes};
use aura_chainspec::Commitment;
use aura_evm::{BlockExecutor, ExecutionError, PayloadAttributes};
use aura_primitives::{HeadLabel, RecoveredTx, SealedHeader};
use aura_storage::StateView;
use jsonrpsee::core::RegisterMethodError;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    api::Api,
    errors::Fault,
    methods::{Raw, Table},
    params,
};
use payload::Built;

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.wait("testing_buildBlockV1", 4, build_block)
}

/// `PayloadAttributesV3` as it stands in the request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    timestamp: &'a RawValue,
    prev_randao: B256,
    suggested_fee_recipient: Address,
    #[serde(default)]
    withdrawals: Option<Withdrawals>,
    #[serde(default)]
    parent_beacon_block_root: Option<B256>,
}

fn attributes(raw: &RawValue) -> Result<PayloadAttributes, String> {
    let fields: Fields<'_> = params::json(raw)?;
    Ok(PayloadAttributes {
        timestamp: params::u64(fields.timestamp)
            .map_err(|problem| format!("timestamp: {problem}"))?,
        prev_randao: fields.prev_randao,
        fee_recipient: fields.suggested_fee_recipient,
        gas_limit: 0,
        parent_beacon_block_root: fields.parent_beacon_block_root,
        withdrawals: fields.withdrawals,
        l1_info: None,
        extra_data: Bytes::new(),
    })
}

/// Signed transactions as they came, or the wish for those of the pool.
fn transactions(raw: &RawValue) -> Result<Vec<Arc<RecoveredTx>>, String> {
    let list: Vec<&RawValue> = params::json(raw)?;
    list.into_iter()
        .enumerate()
        .map(|(index, raw)| {
            let tx = params::bytes(raw)
                .and_then(|bytes| RecoveredTx::try_decode(bytes).map_err(|e| e.to_string()));
            tx.map(Arc::new)
                .map_err(|problem| format!("transaction {index}: {problem}"))
        })
        .collect()
}

/// `testing_buildBlockV1(parent, attributes, transactions, extra data)`.
async fn build_block(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let mut args = raw.args()?;
    let parent = args.required("parent block hash", params::hash)?;
    let mut attributes = args.required("payload attributes", attributes)?;
    let transactions = args.optional("transactions", transactions)?;
    let extra_data = args.optional("extra data", params::bytes)?;
    attributes.extra_data = extra_data.unwrap_or_default();
    api.on_scans(move |api| {
        let built = build(api, parent, attributes, transactions)?;
        api.to_json(&built)
    })
    .await
}

/// A block with its state.
fn parent(api: &Api, hash: B256) -> Result<(SealedHeader, StateView), Fault> {
    let reader = api.reader()?;
    let number = reader.block_number(hash)?;
    let header = number.map(|n| reader.header(n)).transpose()?.flatten();
    let header = header.ok_or(Fault::HeaderNotFound)?;
    let view = if header.number == reader.head(HeadLabel::Unsafe)?.number {
        StateView::latest(reader)
    } else {
        StateView::at(reader, header.number)
    };
    Ok((header, view))
}

fn build(
    api: &Api,
    parent_hash: B256,
    mut attributes: PayloadAttributes,
    transactions: Option<Vec<Arc<RecoveredTx>>>,
) -> Result<Built, Fault> {
    let (header, view) = parent(api, parent_hash)?;
    attributes.gas_limit = gas_limit(api, header.gas_limit);
    let spec = api.chain.spec().clone();
    let mut executor =
        BlockExecutor::begin(spec, &header, attributes, view).map_err(|error| match error {
            ExecutionError::InvalidAttributes(error) => Fault::params(error.to_string()),
            error => refused(error),
        })?;
    match transactions {
        Some(transactions) => {
            for (index, tx) in transactions.iter().enumerate() {
                executor.execute(tx).map_err(|error| match error {
                    ExecutionError::State(error) => error.into(),
                    error => Fault::Refused(format!("transaction {index}: {error}")),
                })?;
            }
        }
        None => fill(api, &mut executor)?,
    }
    let (mut block, requests) = executor.finish_with_requests().map_err(refused)?;
    // A second snapshot, for the first one went into the block; both show the parent's state.
    let (_, view) = parent(api, parent_hash)?;
    let root = api.chain.state_root_with(&view, &block.diff)?;
    block.header.state_root = root.unwrap_or_default();
    Ok(Built::new(block, &requests))
}

fn refused(error: ExecutionError) -> Fault {
    match error {
        ExecutionError::State(error) => error.into(),
        error => Fault::Refused(error.to_string()),
    }
}

/// Gas limit of the block after one with `parent`: Aura's chains keep theirs, others step towards
/// the configured one as far as the protocol allows (less than one 1,024th).
fn gas_limit(api: &Api, parent: u64) -> u64 {
    let target = match api.spec().commitment() {
        Commitment::Smt => return parent,
        Commitment::Mpt => api.config.testing_gas_limit,
    };
    let step = (parent / 1_024).saturating_sub(1);
    target.clamp(parent.saturating_sub(step), parent.saturating_add(step))
}

/// Adds what the pool has, the best tip first and each sender's in the order of nonces. A sender
/// whose transaction cannot stand in the block is passed over from then on.
fn fill(api: &Api, executor: &mut BlockExecutor) -> Result<(), Fault> {
    let base_fee = executor.header().base_fee_per_gas.unwrap_or_default();
    let mut queues: HashMap<Address, std::vec::IntoIter<Arc<RecoveredTx>>> = api
        .pool
        .content()
        .pending
        .into_iter()
        .map(|(sender, queue)| (sender, queue.into_iter()))
        .collect();
    let mut heads = BinaryHeap::new();
    let rank = |tx: &RecoveredTx| {
        let tip = tx.envelope().effective_tip_per_gas(base_fee);
        tip.map(|tip| (tip, Reverse(tx.sender())))
    };
    let mut waiting: HashMap<Address, Arc<RecoveredTx>> = HashMap::new();
    for (sender, queue) in &mut queues {
        if let Some(tx) = queue.next()
            && let Some(rank) = rank(&tx)
        {
            heads.push(rank);
            waiting.insert(*sender, tx);
        }
    }
    while let Some((_, Reverse(sender))) = heads.pop() {
        let Some(tx) = waiting.remove(&sender) else {
            continue;
        };
        match executor.execute(&tx) {
            Ok(_) => {}
            Err(error) if error.is_fatal() => return Err(refused(error)),
            Err(_) => continue,
        }
        let next = queues.get_mut(&sender).and_then(Iterator::next);
        if let Some(tx) = next
            && let Some(rank) = rank(&tx)
        {
            heads.push(rank);
            waiting.insert(sender, tx);
        }
    }
    Ok(())
}
