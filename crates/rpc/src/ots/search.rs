//! Searches for one transaction, by halving the range of blocks.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_eips::eip7702::constants::EIP7702_DELEGATION_DESIGNATOR;
use alloy_primitives::{Address, B256};
use alloy_rpc_types_trace::parity::{Action, TraceOutput};
use aura_evm::trace::trace_block;
use aura_primitives::{Account, HeadLabel};
use aura_storage::{Reader, StorageError};
use serde_json::{json, value::RawValue};

use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params,
    trace::scene::{StoredBlock, limits},
};

/// The first block after which `holds` for the account; `None` if it does not hold at the head.
///
/// Once it holds it must go on to hold. Some 25 reads of history in a chain of any length.
fn first_block(
    reader: &Reader,
    address: Address,
    holds: impl Fn(Option<Account>) -> bool,
) -> Result<Option<u64>, StorageError> {
    let head = reader.head(HeadLabel::Unsafe)?.number;
    if !holds(reader.account(address)?) {
        return Ok(None);
    }
    let (mut low, mut high) = (reader.first_history_block()?, head);
    if holds(reader.account_at(address, low)?) {
        return match low {
            0 => Ok(Some(0)),
            first_available => Err(StorageError::HistoryPruned {
                requested: low - 1,
                first_available,
            }),
        };
    }
    // It does not hold after `low` and holds after `high`.
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(reader.account_at(address, middle)?) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Some(high))
}

/// `ots_getTransactionBySenderAndNonce(address, nonce)`: its hash.
pub(super) async fn by_sender_and_nonce(api: Arc<Api>, raw: Raw) -> Result<Option<B256>, Fault> {
    let (sender, nonce) = {
        let mut args = raw.args()?;
        let sender: Address = args.required("address", params::address)?;
        (sender, args.required("nonce", params::u64)?)
    };
    api.on_scans(move |api| {
        let reader = api.reader()?;
        let used = |account: Option<Account>| account.is_some_and(|a| a.nonce > nonce);
        let Some(number) = first_block(&reader, sender, used)? else {
            return Ok(None);
        };
        let block = reader.block(number)?;
        let block = block.ok_or(Fault::Inconsistent("a numbered block is missing"))?;
        let found = block
            .transactions
            .iter()
            .find(|tx| tx.sender() == sender && tx.envelope().nonce() == nonce);
        Ok(found.map(|tx| tx.hash()))
    })
    .await
}

/// `ots_getContractCreator(address)`: the transaction and who created it, `null` if it is no
/// contract or one of the genesis block.
pub(super) async fn contract_creator(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let address: Address = raw.args()?.required("address", params::address)?;
    api.on_traces(move |api| {
        let reader = api.reader()?;
        let has_code = |account: Option<Account>| account.is_some_and(|a| a.has_code());
        let Some(number) = first_block(&reader, address, has_code)? else {
            return Ok(None);
        };
        let Some(account) = reader.account_at(address, number)? else {
            return Ok(None);
        };
        let code = reader.code(account.code_hash)?.unwrap_or_default();
        if number == 0 || code.starts_with(&EIP7702_DELEGATION_DESIGNATOR) {
            return Ok(None);
        }
        let stored = StoredBlock::at(reader, number)?;
        let limits = limits(api, None);
        let traces = stored.trace(api, |scene| trace_block(scene, limits))?;
        let found = traces.into_iter().find_map(|trace| {
            let (Action::Create(action), Some(TraceOutput::Create(output))) =
                (&trace.trace.action, &trace.trace.result)
            else {
                return None;
            };
            let found = output.address == address && trace.trace.error.is_none();
            found.then(|| json!({"hash": trace.transaction_hash, "creator": action.from}))
        });
        Ok(found)
    })
    .await
}
