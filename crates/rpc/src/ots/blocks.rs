//! Blocks as Otterscan shows them.

use std::sync::Arc;

use alloy_eips::BlockId;
use alloy_primitives::U256;
use aura_evm::trace::block_rewards;
use aura_primitives::{Receipt, SealedBlock};
use serde_json::{Value, json, value::RawValue};

use super::block_id;
use crate::{
    api::Api,
    errors::Fault,
    eth::blocks::{blob_gas_price, number_of},
    methods::Raw,
    params::{self, Args},
    types::{
        BlockView, HeaderView, Quantity, RpcReceipt, SharedJson, effective_gas_price,
        receipts_of_block,
    },
};

/// Transactions of one page.
pub(super) const MAX_PAGE: u64 = 1_000;
/// Characters that are left of call data: `0x` and a selector.
const SELECTOR_DIGITS: usize = 10;

/// A block with its receipts.
fn load(api: &Api, id: BlockId) -> Result<Option<(SealedBlock, Vec<Receipt>)>, Fault> {
    let reader = api.reader()?;
    let Some(number) = number_of(&reader, id)? else {
        return Ok(None);
    };
    match (reader.block(number)?, reader.receipts(number)?) {
        (Some(block), Some(receipts)) => Ok(Some((block, receipts))),
        _ => Err(Fault::Inconsistent("a numbered block is missing")),
    }
}

/// A value of our own shapes.
pub(super) fn to_value(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("own shapes serialise")
}

/// A receipt with the time of its block, as Otterscan wants it.
pub(super) fn receipt_value(receipt: &RpcReceipt) -> Value {
    let mut value = to_value(receipt);
    value["timestamp"] = to_value(&Quantity(receipt.0.position.timestamp));
    value
}

/// `ots_getHeaderByNumber(number)`; `null` if there is none.
pub(super) fn header(api: &Api, mut args: Args<'_>) -> Result<Option<SharedJson>, Fault> {
    let id = args.required("block", block_id)?;
    let reader = api.reader()?;
    let Some(number) = number_of(&reader, id)? else {
        return Ok(None);
    };
    let header = reader.header(number)?;
    Ok(header.map(|header| {
        SharedJson::new(&HeaderView {
            hash: header.seal(),
            header: &header,
        })
    }))
}

/// What the senders paid for gas, base fee included.
fn total_fees(block: &SealedBlock, receipts: &[Receipt]) -> U256 {
    let base_fee = block.header.base_fee_per_gas;
    let mut before = 0;
    let fees = block
        .transactions
        .iter()
        .zip(receipts)
        .map(|(tx, receipt)| {
            let gas = receipt.cumulative_gas_used.saturating_sub(before);
            before = receipt.cumulative_gas_used;
            U256::from(gas) * U256::from(effective_gas_price(tx.envelope(), base_fee))
        });
    fees.fold(U256::ZERO, U256::saturating_add)
}

fn details_of(api: &Api, id: BlockId) -> Result<Option<SharedJson>, Fault> {
    let Some((block, receipts)) = load(api, id)? else {
        return Ok(None);
    };
    let mut view = to_value(&BlockView::sealed(&block, false));
    if let Some(members) = view.as_object_mut() {
        members.remove("transactions");
        members.insert("logsBloom".to_owned(), Value::Null);
        let count = block.transactions.len();
        members.insert("transactionCount".to_owned(), json!(count));
    }
    let rewards = block_rewards(api.spec(), &block.header, &block.ommers);
    let (author, uncles) = rewards.map_or((U256::ZERO, U256::ZERO), |rewards| {
        let uncles = rewards.uncles.iter().map(|(_, reward)| *reward);
        (rewards.block, uncles.fold(U256::ZERO, U256::saturating_add))
    });
    Ok(Some(SharedJson::new(&json!({
        "block": view,
        "issuance": {
            "blockReward": Quantity(author),
            "uncleReward": Quantity(uncles),
            "issuance": Quantity(author.saturating_add(uncles)),
        },
        "totalFees": Quantity(total_fees(&block, &receipts)),
    }))))
}

/// `ots_getBlockDetails(block)`.
pub(super) async fn details(api: Arc<Api>, raw: Raw) -> Result<Option<SharedJson>, Fault> {
    let id = raw.args()?.required("block", block_id)?;
    api.on_scans(move |api| details_of(api, id)).await
}

/// `ots_getBlockDetailsByHash(hash)`.
pub(super) async fn details_by_hash(api: Arc<Api>, raw: Raw) -> Result<Option<SharedJson>, Fault> {
    let hash = raw.args()?.required("hash", params::hash)?;
    api.on_scans(move |api| details_of(api, BlockId::hash(hash)))
        .await
}

/// A page number or size.
pub(super) fn page_size(raw: &RawValue) -> Result<u64, String> {
    match params::u64(raw)? {
        size @ 1..=MAX_PAGE => Ok(size),
        _ => Err(format!("want 1 to {MAX_PAGE}")),
    }
}

/// Indices of a page; pages run from the end of the block to its start.
fn page(count: usize, number: u64, size: u64) -> std::ops::Range<usize> {
    let skipped = usize::try_from(number.saturating_mul(size)).unwrap_or(usize::MAX);
    let end = count.saturating_sub(skipped);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    end.saturating_sub(size)..end
}

/// Call data is shown by its selector.
fn shorten_input(tx: &mut Value) {
    if let Some(Value::String(input)) = tx.get_mut("input") {
        input.truncate(SELECTOR_DIGITS);
    }
}

/// `ots_getBlockTransactions(block, page number, page size)`.
pub(super) async fn transactions(api: Arc<Api>, raw: Raw) -> Result<Option<SharedJson>, Fault> {
    let (id, number, size) = {
        let mut args = raw.args()?;
        let id = args.required("block", block_id)?;
        let number = args.required("page number", params::u64)?;
        (id, number, args.required("page size", page_size)?)
    };
    api.on_scans(move |api| {
        let Some((mut block, receipts)) = load(api, id)? else {
            return Ok(None);
        };
        let range = page(block.transactions.len(), number, size);
        let price = blob_gas_price(api, &block.header);
        let receipts = receipts_of_block(&block, &receipts, price);
        let receipts: Vec<Value> = receipts[range.clone()]
            .iter()
            .map(|receipt| {
                let mut value = receipt_value(receipt);
                value["logs"] = Value::Null;
                value["logsBloom"] = Value::Null;
                value
            })
            .collect();
        let count = block.transactions.len();
        let mut full = to_value(&BlockView::sealed(&block, true));
        if let Some(Value::Array(transactions)) = full.get_mut("transactions") {
            transactions.truncate(range.end);
            transactions.drain(..range.start);
            transactions.iter_mut().for_each(shorten_input);
        }
        block.transactions.clear();
        full["transactionCount"] = json!(count);
        Ok(Some(SharedJson::new(
            &json!({"fullblock": full, "receipts": receipts}),
        )))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_run_from_the_end() {
        assert_eq!(page(7, 0, 3), 4..7);
        assert_eq!(page(7, 1, 3), 1..4);
        assert_eq!(page(7, 2, 3), 0..1);
        assert_eq!(page(7, 3, 3), 0..0);
        assert_eq!(page(7, u64::MAX, 3), 0..0);
    }
}
