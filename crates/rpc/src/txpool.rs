//! `txpool_*`: what waits for inclusion.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use aura_pool::PoolContent;
use aura_primitives::RecoveredTx;
use jsonrpsee::core::RegisterMethodError;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{
    api::Api,
    errors::Fault,
    methods::{Raw, Table},
    params::{self, Args},
    types::{Quantity, TransactionView},
};

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("txpool_status", 0, status)?;
    table.wait("txpool_content", 0, content)?;
    table.wait("txpool_contentFrom", 1, content_from)?;
    table.wait("txpool_inspect", 0, inspect)
}

/// Numbers of transactions.
#[derive(Debug, Clone, Copy, Serialize)]
struct Status {
    pending: Quantity<usize>,
    queued: Quantity<usize>,
}

/// `txpool_status()`.
fn status(api: &Api, _: Args<'_>) -> Result<Status, Fault> {
    let (pending, queued) = api.pool.counts();
    Ok(Status {
        pending: Quantity(pending),
        queued: Quantity(queued),
    })
}

/// How a transaction is shown.
#[derive(Debug, Clone, Copy)]
enum Form {
    Whole,
    Summary,
}

/// Transactions with and without a nonce gap before them.
#[derive(Serialize)]
struct Content<T> {
    pending: T,
    queued: T,
}

/// Transactions by sender.
struct BySender<'a>(&'a BTreeMap<Address, Vec<Arc<RecoveredTx>>>, Form);

/// The transactions of one sender by their nonces.
struct ByNonce<'a>(&'a [Arc<RecoveredTx>], Form);

struct Shown<'a>(&'a RecoveredTx, Form);

impl Serialize for BySender<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // With a checksum, as geth's.
        let senders = self.0.iter();
        serializer.collect_map(senders.map(|(sender, transactions)| {
            (sender.to_checksum(None), ByNonce(transactions, self.1))
        }))
    }
}

impl Serialize for ByNonce<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let transactions = self.0.iter();
        serializer.collect_map(
            transactions.map(|tx| (tx.envelope().nonce().to_string(), Shown(tx, self.1))),
        )
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(tx, form) = self;
        match form {
            Form::Whole => TransactionView {
                tx,
                position: None,
                deposit_id: None,
            }
            .serialize(serializer),
            Form::Summary => serializer.serialize_str(&summary(tx)),
        }
    }
}

/// Recipient, value and gas in geth's words.
fn summary(tx: &RecoveredTx) -> String {
    let envelope = tx.envelope();
    let to = envelope
        .to()
        .map_or_else(|| "contract creation".to_owned(), |to| to.to_checksum(None));
    let (value, gas, price) = (
        envelope.value(),
        envelope.gas_limit(),
        envelope.max_fee_per_gas(),
    );
    format!("{to}: {value} wei + {gas} gas × {price} wei")
}

fn all(content: &PoolContent, form: Form) -> Content<BySender<'_>> {
    Content {
        pending: BySender(&content.pending, form),
        queued: BySender(&content.queued, form),
    }
}

/// `txpool_content()`.
async fn content(api: Arc<Api>, _: Raw) -> Result<Box<RawValue>, Fault> {
    api.on_scans(|api| api.to_json(&all(&api.pool.content(), Form::Whole)))
        .await
}

/// `txpool_inspect()`: the same in one line for each transaction.
async fn inspect(api: Arc<Api>, _: Raw) -> Result<Box<RawValue>, Fault> {
    api.on_scans(|api| api.to_json(&all(&api.pool.content(), Form::Summary)))
        .await
}

/// `txpool_contentFrom(sender)`.
async fn content_from(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let sender = raw.args()?.required("address", params::address)?;
    api.on_scans(move |api| {
        let content = api.pool.content_from(sender);
        let of = |map: &BTreeMap<_, Vec<_>>| map.get(&sender).cloned().unwrap_or_default();
        let (pending, queued) = (of(&content.pending), of(&content.queued));
        api.to_json(&Content {
            pending: ByNonce(&pending, Form::Whole),
            queued: ByNonce(&queued, Form::Whole),
        })
    })
    .await
}
