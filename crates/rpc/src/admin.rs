//! `admin_*`: what only the operator may ask, on a listener of its own.
//!
//! Those that concern block production have the names and answers of the OP stack's node.

use std::{path::PathBuf, sync::Arc};

use alloy_primitives::B256;
use aura_primitives::HeadLabel;
use aura_runtime::Switch;
use jsonrpsee::core::RegisterMethodError;
use serde_json::{Value, json};

use crate::{
    api::Api,
    errors::Fault,
    methods::Table,
    params::{self, Args},
};

/// What the operator's methods work on.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The data directory.
    pub datadir: PathBuf,
    /// Turns block production off and on; `None` if this node makes no blocks.
    pub sequencer: Option<Switch>,
}

type Method = fn(&Api, &Operator, Args<'_>) -> Result<Value, Fault>;

/// Every method of the namespace.
pub(crate) fn register(table: &mut Table, operator: Operator) -> Result<(), RegisterMethodError> {
    let operator = Arc::new(operator);
    let methods: [(&'static str, usize, Method); 5] = [
        ("admin_nodeInfo", 0, node_info),
        ("admin_peers", 0, peers),
        ("admin_datadir", 0, datadir),
        ("admin_sequencerActive", 0, sequencer_active),
        ("admin_setLogLevel", 1, set_log_level),
    ];
    for (name, max_args, method) in methods {
        let operator = operator.clone();
        table.module.register_method(name, move |params, api, _| {
            Args::parse(params.as_str(), max_args)
                .and_then(|args| method(api, &operator, args))
                .map_err(|fault| api.error(fault))
        })?;
    }
    let for_start = operator.clone();
    table
        .module
        .register_async_method("admin_startSequencer", move |params, api, _| {
            let operator = for_start.clone();
            async move {
                let hash = Args::parse(params.as_str(), 1)
                    .and_then(|mut args| args.optional("head", params::hash));
                match hash {
                    Ok(hash) => start_sequencer(&api, &operator, hash).await,
                    Err(fault) => Err(fault),
                }
                .map_err(|fault| api.error(fault))
            }
        })?;
    table
        .module
        .register_async_method("admin_stopSequencer", move |params, api, _| {
            let operator = operator.clone();
            async move {
                match Args::parse(params.as_str(), 0).map(drop) {
                    Ok(()) => stop_sequencer(&api, &operator).await,
                    Err(fault) => Err(fault),
                }
                .map_err(|fault| api.error(fault))
            }
        })?;
    Ok(())
}

/// `admin_nodeInfo`, as geth's; there is no peer-to-peer network, so what belongs to one is empty.
fn node_info(api: &Api, _: &Operator, _: Args<'_>) -> Result<Value, Fault> {
    let reader = api.reader()?;
    let head = reader.head(HeadLabel::Unsafe)?;
    let header = reader
        .header(head.number)?
        .ok_or(Fault::Inconsistent("header of the head is missing"))?;
    let rules: Value = serde_json::from_str(&api.spec().rules_json())
        .map_err(|_| Fault::Inconsistent("the chain's own rules are not JSON"))?;
    Ok(json!({
        "id": "",
        "name": api.client_version,
        "enode": "",
        "ip": "",
        "ports": { "discovery": 0, "listener": 0 },
        "listenAddr": "",
        "protocols": { "eth": {
            "network": api.spec().chain_id(),
            "genesis": reader.block_hash(0)?,
            "head": head.hash,
            "difficulty": header.difficulty,
            "config": rules["config"],
        } },
    }))
}

/// `admin_peers`: there are none.
fn peers(_: &Api, _: &Operator, _: Args<'_>) -> Result<Value, Fault> {
    Ok(json!([]))
}

/// `admin_datadir`.
fn datadir(_: &Api, operator: &Operator, _: Args<'_>) -> Result<Value, Fault> {
    Ok(json!(operator.datadir.display().to_string()))
}

/// `admin_setLogLevel(filter)`: a level, or a filter in the syntax of `RUST_LOG`.
fn set_log_level(_: &Api, _: &Operator, mut args: Args<'_>) -> Result<Value, Fault> {
    let filter = args.required("filter", params::text)?;
    aura_runtime::set_log_filter(&filter)
        .map_err(|error| Fault::params(format!("invalid argument 0 (filter): {error:#}")))?;
    tracing::info!(%filter, "log filter replaced by the operator");
    Ok(Value::Null)
}

/// `admin_sequencerActive`: whether this node is making blocks.
fn sequencer_active(_: &Api, operator: &Operator, _: Args<'_>) -> Result<Value, Fault> {
    Ok(json!(
        operator.sequencer.as_ref().is_some_and(Switch::is_on)
    ))
}

fn sequencer(operator: &Operator) -> Result<&Switch, Fault> {
    let absent = || Fault::Refused("this node makes no blocks".to_owned());
    operator.sequencer.as_ref().ok_or_else(absent)
}

async fn turn(api: &Api, switch: &Switch, on: bool) -> Result<(), Fault> {
    let limit = api.config.request_timeout();
    match tokio::time::timeout(limit, switch.turn(on)).await {
        Ok(turned) => turned.map_err(|error| Fault::Refused(format!("sequencer: {error}"))),
        Err(_) => Err(Fault::Limit(format!(
            "the sequencer did not follow within {limit:?}; it will"
        ))),
    }
}

/// `admin_stopSequencer`: seals what the open block holds, waits until it is durable, makes no more
/// blocks, and answers the hash of the head.
async fn stop_sequencer(api: &Api, operator: &Operator) -> Result<B256, Fault> {
    turn(api, sequencer(operator)?, false).await?;
    let head = api.reader()?.head(HeadLabel::Unsafe)?;
    tracing::warn!(number = head.number, hash = %head.hash, "sequencer stopped by the operator");
    Ok(head.hash)
}

/// `admin_startSequencer(hash)`: goes on making blocks, if `hash` (unless left out) is the head.
async fn start_sequencer(
    api: &Api,
    operator: &Operator,
    hash: Option<B256>,
) -> Result<Value, Fault> {
    let switch = sequencer(operator)?;
    let head = api.reader()?.head(HeadLabel::Unsafe)?;
    if let Some(hash) = hash.filter(|hash| !hash.is_zero() && *hash != head.hash) {
        let head = head.hash;
        return Err(Fault::Refused(format!(
            "block hash does not match: head {head}, received {hash}"
        )));
    }
    turn(api, switch, true).await?;
    tracing::warn!(number = head.number, "sequencer started by the operator");
    Ok(Value::Null)
}
