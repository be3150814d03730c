//! `eth_getTransactionBySenderAndNonce`, and the search for what an account did first.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use aura_primitives::{Account, DepositRule, HeadLabel, RecoveredTx, SealedBlock, TxDeposit};
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
    match mined(&reader, sender, nonce)? {
        Some(found) => in_block(&reader, found.tx, found.number, found.index).map(Some),
        None => Ok(waiting.map(RpcTransaction::pooled)),
    }
}

/// A transaction and where it is.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) tx: Arc<RecoveredTx>,
    pub(crate) number: u64,
    pub(crate) index: u64,
}

/// The transaction that used `nonce` of `sender`; none if no block has it, or if the nonce rose by an
/// authorisation (EIP-7702) or a creation within a call.
pub(crate) fn mined(reader: &Reader, sender: Address, nonce: u64) -> Result<Option<Found>, Fault> {
    let used = |account: Option<Account>| account.is_some_and(|account| account.nonce > nonce);
    let Some(number) = first_block(reader, sender, used)? else {
        return Ok(None);
    };
    let missing = Fault::Inconsistent("transactions of a block are missing");
    let block = reader.block(number)?.ok_or(missing)?;
    let signed = |tx: &Arc<RecoveredTx>| tx.sender() == sender && tx.envelope().nonce() == nonce;
    let index = match block.transactions.iter().position(signed) {
        Some(index) => Some(index),
        None => forced(reader, &block, sender, nonce)?,
    };
    Ok(index.map(|index| Found {
        tx: block.transactions[index].clone(),
        number,
        index: index as u64,
    }))
}

/// Index of the forced transaction of `block` that used `nonce` of `sender`, which it does not say
/// itself: those that ran come first in a block and take the sender's nonces one after the other.
fn forced(
    reader: &Reader,
    block: &SealedBlock,
    sender: Address,
    nonce: u64,
) -> Result<Option<usize>, Fault> {
    let number = block.header.number;
    let Some(before) = number.checked_sub(1) else {
        return Ok(None);
    };
    let nonce_after = |number| {
        let account = reader.account_at(sender, number)?;
        Ok::<_, StorageError>(account.map_or(0, |account| account.nonce))
    };
    let (first, end) = (nonce_after(before)?, nonce_after(number)?);
    let missing = Fault::Inconsistent("receipts of a block are missing");
    let receipts = reader.receipts(number)?.ok_or(missing)?;
    let mut gas_before = 0;
    let (mut signed, mut ran) = (0, Vec::new());
    for (index, (tx, receipt)) in block.transactions.iter().zip(&receipts).enumerate() {
        let gas_used = receipt.cumulative_gas_used - gas_before;
        gas_before = receipt.cumulative_gas_used;
        if tx.sender() != sender {
            continue;
        }
        match tx.envelope().as_deposit().map(TxDeposit::rule) {
            Some(DepositRule::Forced) if gas_used > 0 => ran.push(index),
            Some(_) => {}
            None => signed += 1,
        }
    }
    // Else something else used nonces of the sender too, and which are whose is not known.
    let is_plain = end.checked_sub(first) == Some(signed + ran.len() as u64);
    let place = nonce.checked_sub(first).filter(|_| is_plain);
    Ok(place.and_then(|place| ran.get(usize::try_from(place).ok()?).copied()))
}

/// The first block after which `holds` for the account; `None` if it does not hold at the head.
///
/// Once it holds it must go on to hold. Some 25 reads of history in a chain of any length.
pub(crate) fn first_block(
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
