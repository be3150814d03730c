//! Transactions of an account, page by page.
//!
//! There is no index from accounts to transactions: blocks are looked at one after the other, as
//! many as one search may. A block's senders and recipients tell of most transactions; that an
//! account took part in another way shows in the list of accounts that the block changed, and the
//! calls of such a block are traced.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256};
use aura_evm::trace::trace_block;
use aura_primitives::{HeadLabel, RecoveredTx, SealedBlock, hashed_account_key};
use serde_json::{Value, json, value::RawValue};

use super::blocks::{page_size, receipt_value, to_value};
use crate::{
    api::Api,
    errors::Fault,
    eth::blocks::blob_gas_price,
    methods::Raw,
    params,
    trace::scene::{StoredBlock, limits},
    types::{Position, RpcTransaction, SharedJson, receipts_of_block},
};

/// Gas limit of a transaction that cannot run any code.
const TRANSFER_GAS: u64 = 21_000;

/// What is searched for.
#[derive(Debug, Clone, Copy)]
struct Query {
    address: Address,
    block: u64,
    size: u64,
}

impl Query {
    fn parse(raw: &Raw) -> Result<Self, Fault> {
        let mut args = raw.args()?;
        Ok(Self {
            address: args.required("address", params::address)?,
            block: args.required("block number", params::u64)?,
            size: args.required("page size", page_size)?,
        })
    }
}

/// `ots_searchTransactionsBefore(address, block, page size)`; block 0 stands for the head.
pub(super) async fn before(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let query = Query::parse(&raw)?;
    api.on_traces(move |api| {
        let head = api.reader()?.head(HeadLabel::Unsafe)?.number;
        let newest = match query.block {
            0 => head,
            block => head.min(block - 1),
        };
        let mut search = Search::new(api, query);
        let reached_end = search.run((1..=newest).rev(), |found| found.reverse())?;
        Ok(search.answer(newest == head, reached_end))
    })
    .await
}

/// `ots_searchTransactionsAfter(address, block, page size)`; block 0 stands for the first.
pub(super) async fn after(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let query = Query::parse(&raw)?;
    api.on_traces(move |api| {
        let head = api.reader()?.head(HeadLabel::Unsafe)?.number;
        let mut search = Search::new(api, query);
        let reached_end = search.run(query.block.saturating_add(1)..=head, |_| {})?;
        // Newest first, whichever way the search went.
        search.found.reverse();
        Ok(search.answer(reached_end, query.block == 0))
    })
    .await
}

struct Search<'a> {
    api: &'a Api,
    query: Query,
    key: B256,
    started: Instant,
    /// Transactions with their receipts.
    found: Vec<(Value, Value)>,
}

impl<'a> Search<'a> {
    fn new(api: &'a Api, query: Query) -> Self {
        Self {
            api,
            query,
            key: hashed_account_key(query.address),
            started: Instant::now(),
            found: Vec::new(),
        }
    }

    /// Looks at blocks until the page is full, and puts the matches of each in order by `arrange`;
    /// returns `true` if no block is left.
    fn run(
        &mut self,
        numbers: impl Iterator<Item = u64>,
        arrange: impl Fn(&mut [(Value, Value)]),
    ) -> Result<bool, Fault> {
        let mut looked_at = 0;
        let mut numbers = numbers.peekable();
        while let Some(number) = numbers.next() {
            let start = self.found.len();
            self.block(number)?;
            arrange(&mut self.found[start..]);
            if self.found.len() as u64 >= self.query.size {
                return Ok(numbers.peek().is_none());
            }
            looked_at += 1;
            let limit = self.api.config.max_search_blocks;
            let out_of_time = self.started.elapsed() >= self.api.config.trace_timeout();
            if (looked_at >= limit || out_of_time)
                && let Some(next) = numbers.peek()
            {
                if !self.found.is_empty() {
                    return Ok(false);
                }
                let text = format!(
                    "no transaction of {} in {looked_at} blocks, which is as far as one search \
                     looks; go on from block {number} (next is {next})",
                    self.query.address
                );
                return Err(Fault::Limit(text));
            }
        }
        Ok(true)
    }

    /// Adds the matches of a block in its order.
    fn block(&mut self, number: u64) -> Result<(), Fault> {
        let reader = self.api.reader()?;
        if reader.transaction_count(number)?.unwrap_or_default() == 0 {
            return Ok(());
        }
        let block = reader.block(number)?;
        let block = block.ok_or(Fault::Inconsistent("a numbered block is missing"))?;
        let touched = reader.touched_keys(number)?.unwrap_or_default();
        let is_touched = touched.binary_search(&self.key).is_ok();
        let matches = self.matches(&block, is_touched)?;
        if matches.is_empty() {
            return Ok(());
        }
        let receipts = reader.receipts(number)?;
        let receipts = receipts.ok_or(Fault::Inconsistent("receipts of a block are missing"))?;
        let price = blob_gas_price(self.api, &block.header);
        let receipts = receipts_of_block(&block, &receipts, price);
        for (index, receipt) in receipts
            .iter()
            .enumerate()
            .filter(|(i, _)| matches.contains(i))
        {
            let tx = RpcTransaction {
                tx: block.transactions[index].clone(),
                position: Some(Position {
                    block_hash: block.hash(),
                    block_number: number,
                    timestamp: block.header.timestamp,
                    base_fee: block.header.base_fee_per_gas,
                    index: index as u64,
                }),
                deposit_id: receipt.0.deposit_id,
            };
            self.found.push((to_value(&tx), receipt_value(receipt)));
        }
        Ok(())
    }

    /// Indices of the block's transactions in which the account takes part.
    fn matches(&self, block: &SealedBlock, is_touched: bool) -> Result<BTreeSet<usize>, Fault> {
        let address = self.query.address;
        let transactions = block.transactions.iter().enumerate();
        let mut matches: BTreeSet<usize> = transactions
            .filter_map(|(index, tx)| is_party(tx, address).then_some(index))
            .collect();
        // Fees change the account that receives them in every block.
        if !is_touched || block.header.beneficiary == address {
            return Ok(matches);
        }
        let mut others = block.transactions.iter().enumerate();
        let may_call = others.any(|(index, tx)| {
            !matches.contains(&index) && tx.envelope().gas_limit() > TRANSFER_GAS
        });
        if may_call {
            let stored = StoredBlock::at(self.api.reader()?, block.number())?;
            let mut limits = limits(self.api, None);
            limits.timeout = limits.timeout.saturating_sub(self.started.elapsed());
            let traces = stored.trace(self.api, |scene| trace_block(scene, limits))?;
            let inside = traces
                .iter()
                .filter(|trace| trace.contains_address(address))
                .filter_map(|trace| usize::try_from(trace.transaction_position?).ok());
            matches.extend(inside);
        }
        Ok(matches)
    }

    /// Newest first: the first page holds the newest transaction, the last the oldest.
    fn answer(self, is_first: bool, is_last: bool) -> SharedJson {
        let (txs, receipts): (Vec<Value>, Vec<Value>) = self.found.into_iter().unzip();
        SharedJson::new(&json!({
            "txs": txs,
            "receipts": receipts,
            "firstPage": is_first,
            "lastPage": is_last,
        }))
    }
}

/// Whether the account is the sender, the recipient or the contract that comes to be.
fn is_party(tx: &RecoveredTx, address: Address) -> bool {
    let created = || {
        let nonce = tx.envelope().nonce();
        tx.envelope()
            .to()
            .is_none()
            .then(|| tx.sender().create(nonce))
    };
    tx.sender() == address || tx.envelope().to() == Some(address) || created() == Some(address)
}
