//! The transactions of one sender.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, U256};
use aura_primitives::RecoveredTx;

use crate::{
    PoolError,
    index::{ReadyKey, TailKey},
    rules::max_cost,
};

/// What a transaction occupies besides its encoding: envelope, entry, keys, map slots.
const OVERHEAD_BYTES: usize = 700;

/// What the pool needs to know of a sender's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SenderAccount {
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    /// The account has no code, or only an EIP-7702 delegation (EIP-3607).
    pub(crate) is_eoa: bool,
}

/// A transaction in the pool, with everything that ordering and accounting need of it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) tx: Arc<RecoveredTx>,
    /// Arrival; also its number in the journal.
    pub(crate) seq: u64,
    pub(crate) nonce: u64,
    pub(crate) cost: U256,
    pub(crate) fee_cap: u128,
    pub(crate) tip_cap: u128,
    pub(crate) added: Instant,
}

impl Entry {
    pub(crate) fn new(tx: Arc<RecoveredTx>, seq: u64) -> Result<Self, PoolError> {
        Ok(Self {
            seq,
            nonce: tx.envelope().nonce(),
            cost: max_cost(&tx)?,
            fee_cap: tx.envelope().max_fee_per_gas(),
            tip_cap: tx.envelope().priority_fee_or_price(),
            added: Instant::now(),
            tx,
        })
    }

    pub(crate) fn sender(&self) -> Address {
        self.tx.sender()
    }

    pub(crate) fn hash(&self) -> B256 {
        self.tx.hash()
    }

    /// Memory it occupies, about.
    pub(crate) fn bytes(&self) -> usize {
        self.tx.encoded().len() + OVERHEAD_BYTES
    }

    /// What the sequencer earns per gas; `None` if the fee cap is below the base fee.
    pub(crate) fn tip_at(&self, base_fee: u64) -> Option<u128> {
        let above = self.fee_cap.checked_sub(base_fee.into())?;
        Some(above.min(self.tip_cap))
    }

    /// Returns `true` if both prices are at least `percent` above those of `other`, and higher.
    pub(crate) fn outbids(&self, other: &Self, percent: u64) -> bool {
        let raised = |new: u128, old: u128| {
            let threshold =
                U256::from(old) * U256::from(percent.saturating_add(100)) / U256::from(100);
            new > old && U256::from(new) >= threshold
        };
        raised(self.fee_cap, other.fee_cap) && raised(self.tip_cap, other.tip_cap)
    }
}

/// The transactions of one sender, by nonce.
///
/// ```text
/// nonce:   … account.nonce … next_to_take … run_end …
///   mined, not yet | executing | pending | gap, then queued
///   told to us     |           |         |
/// ```
#[derive(Debug)]
pub(crate) struct SenderQueue {
    account: SenderAccount,
    /// Block whose state `account` is of.
    as_of: u64,
    txs: BTreeMap<u64, Entry>,
    /// End of the handed-out run; meaningless while below the account's nonce.
    taken_end: u64,
    /// End of the gapless run that starts at the account's nonce.
    run_end: u64,
    /// Cost of all of `txs`.
    cost: U256,
    /// The block had no room for the next one: not offered again in the same block.
    pub(crate) deferred: bool,
    /// Keys under which the sender stands in the pool's order; kept by [`Index`](crate::index::Index).
    pub(crate) ready: Option<ReadyKey>,
    pub(crate) tail: Option<TailKey>,
    pub(crate) counted_queued: usize,
}

impl SenderQueue {
    pub(crate) fn new(account: SenderAccount, as_of: u64) -> Self {
        Self {
            account,
            as_of,
            txs: BTreeMap::new(),
            taken_end: 0,
            run_end: account.nonce,
            cost: U256::ZERO,
            deferred: false,
            ready: None,
            tail: None,
            counted_queued: 0,
        }
    }

    pub(crate) const fn account(&self) -> &SenderAccount {
        &self.account
    }

    pub(crate) const fn as_of(&self) -> u64 {
        self.as_of
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.txs.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.txs.len()
    }

    pub(crate) fn get(&self, nonce: u64) -> Option<&Entry> {
        self.txs.get(&nonce)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.txs.values()
    }

    /// Nonce of the next transaction to hand out; everything below is executing or mined.
    pub(crate) fn next_to_take(&self) -> u64 {
        self.taken_end.max(self.account.nonce)
    }

    /// End of the gapless run.
    pub(crate) const fn run_end(&self) -> u64 {
        self.run_end
    }

    /// The next executable transaction.
    pub(crate) fn head(&self) -> Option<&Entry> {
        self.txs.get(&self.next_to_take())
    }

    /// The transaction with the highest nonce, unless it is executing.
    pub(crate) fn evictable(&self) -> Option<&Entry> {
        self.evictable_from_end().next()
    }

    /// The transactions that are not executing, the highest nonce first.
    pub(crate) fn evictable_from_end(&self) -> impl Iterator<Item = &Entry> {
        self.txs
            .range(self.next_to_take()..)
            .rev()
            .map(|(_, entry)| entry)
    }

    /// Number of transactions behind a gap.
    pub(crate) fn queued(&self) -> usize {
        // Below the account's nonce are those whose block was committed, but not told to us yet.
        let mined = match self.txs.first_key_value() {
            Some((first, _)) if *first < self.account.nonce => {
                self.txs.range(..self.account.nonce).count()
            }
            _ => 0,
        };
        let run = usize::try_from(self.run_end - self.account.nonce).unwrap_or(usize::MAX);
        self.txs.len().saturating_sub(mined).saturating_sub(run)
    }

    /// Cost of the transactions that the balance still has to cover.
    pub(crate) fn outstanding_cost(&self) -> U256 {
        let mined = self
            .txs
            .range(..self.account.nonce)
            .fold(U256::ZERO, |sum, (_, entry)| sum.saturating_add(entry.cost));
        self.cost.saturating_sub(mined)
    }

    /// Takes over another state of the account.
    pub(crate) fn set_account(&mut self, account: SenderAccount, as_of: u64) {
        let unbroken = self.account.nonce <= account.nonce && account.nonce <= self.run_end;
        self.account = account;
        self.as_of = as_of;
        if !unbroken {
            self.run_end = account.nonce;
            self.extend_run();
            self.taken_end = self.taken_end.min(self.run_end);
        }
    }

    /// Inserts an entry; returns the one with the same nonce that it replaces.
    pub(crate) fn insert(&mut self, entry: Entry) -> Option<Entry> {
        self.cost = self.cost.saturating_add(entry.cost);
        let replaced = self.txs.insert(entry.nonce, entry);
        if let Some(old) = &replaced {
            self.cost = self.cost.saturating_sub(old.cost);
        }
        self.extend_run();
        replaced
    }

    /// Removes an entry; those behind it are gapped from now on, executing or not.
    pub(crate) fn remove(&mut self, nonce: u64) -> Option<Entry> {
        let entry = self.remove_used(nonce)?;
        if nonce >= self.account.nonce {
            self.taken_end = self.taken_end.min(nonce);
            self.run_end = self.run_end.min(nonce);
        }
        Some(entry)
    }

    /// Removes an entry whose nonce the account has used, or will have with the next
    /// [`Self::set_account`].
    pub(crate) fn remove_used(&mut self, nonce: u64) -> Option<Entry> {
        let entry = self.txs.remove(&nonce)?;
        self.cost = self.cost.saturating_sub(entry.cost);
        Some(entry)
    }

    /// Removes the first entry if its nonce is below `nonce`; otherwise like [`Self::remove_used`].
    pub(crate) fn pop_used(&mut self, nonce: u64) -> Option<Entry> {
        let first = *self.txs.first_key_value()?.0;
        (first < nonce).then(|| self.remove_used(first)).flatten()
    }

    /// Marks the head as executing.
    pub(crate) fn take_head(&mut self) {
        self.taken_end = self.next_to_take() + 1;
    }

    /// Takes `nonce` and everything behind it back from the sequencer.
    pub(crate) fn give_back(&mut self, nonce: u64) {
        self.taken_end = self.taken_end.min(nonce);
    }

    fn extend_run(&mut self) {
        for nonce in self.txs.range(self.run_end..).map(|(nonce, _)| *nonce) {
            if nonce != self.run_end {
                break;
            }
            self.run_end += 1;
        }
    }
}
