//! The pool as the rest of the node sees it.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes};
use aura_chainspec::ChainSpec;
use aura_primitives::{CommittedBlock, RecoveredTx};
use aura_storage::Store;
use tokio::sync::{Notify, broadcast};

use crate::{
    DropReason, PoolConfig, PoolError,
    inner::Inner,
    queue::{Entry, SenderQueue},
};

/// What became of a transaction that was handed to the sequencer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecOutcome {
    /// It is in the open block.
    Included,
    /// It did not fit; it is offered again in the next block, the sender's later ones behind it.
    Deferred,
    /// It cannot be executed; it is dropped for this reason.
    Invalid(String),
    /// It broke the block build; it is dropped for this reason and refused for a while.
    Quarantined(String),
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxStatus {
    /// No nonce is missing before it.
    Pending,
    /// Waits for a missing nonce.
    Queued,
    /// Handed to the sequencer, not in a durable block yet.
    Executing,
    /// Left the pool unmined.
    Dropped {
        /// Why.
        reason: DropReason,
    },
}

/// Everything in the pool, by sender and in nonce order (`txpool_content`).
#[derive(Debug, Clone, Default)]
pub struct PoolContent {
    /// Transactions without a nonce gap before them.
    pub pending: BTreeMap<Address, Vec<Arc<RecoveredTx>>>,
    /// Transactions behind a nonce gap.
    pub queued: BTreeMap<Address, Vec<Arc<RecoveredTx>>>,
}

impl PoolContent {
    fn add(&mut self, sender: Address, queue: &SenderQueue) {
        let (pending, queued): (Vec<&Entry>, Vec<&Entry>) = queue
            .iter()
            .partition(|entry| entry.nonce < queue.run_end());
        let copy = |entries: Vec<&Entry>| -> Vec<_> {
            entries.iter().map(|entry| Arc::clone(&entry.tx)).collect()
        };
        if !pending.is_empty() {
            self.pending.insert(sender, copy(pending));
        }
        if !queued.is_empty() {
            self.queued.insert(sender, copy(queued));
        }
    }
}

/// Transactions that wait for inclusion. Clones share one pool.
///
/// Every method may be called from any thread. None awaits anything; those that read the database
/// or write the journal say so.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Inner>);

impl Pool {
    /// Opens the pool on a database that holds at least the genesis block, and replays the journal
    /// through validation.
    ///
    /// What was mined meanwhile is forgotten, what became invalid is dropped for a reason that
    /// [`Self::status`] tells. Cost: about 31 µs of one core for each transaction still waiting.
    ///
    /// # Errors
    /// [`PoolError::Config`], [`PoolError::State`], [`PoolError::JournalOpen`] and
    /// [`PoolError::JournalWrite`].
    pub fn open(config: PoolConfig, spec: Arc<ChainSpec>, store: Store) -> Result<Self, PoolError> {
        Ok(Self(Arc::new(Inner::open(config, spec, store)?)))
    }

    /// Accepts a signed transaction: decodes it, recovers its sender, checks everything that can be
    /// known, writes the journal and queues it. Returns its hash.
    ///
    /// Once this returns, the transaction is found by [`Self::get`] until its block is durable or
    /// [`Self::status`] has a reason for its drop. Cost: about 31 µs for the signature and a few
    /// more; the database is read only for senders without a transaction in the pool, and before a
    /// refusal for want of funds.
    ///
    /// # Errors
    /// Any [`PoolError`], in geth's words.
    pub fn submit(&self, raw: Bytes) -> Result<B256, PoolError> {
        self.0.counted(self.0.submit(raw))
    }

    /// Like [`Self::submit`] for a transaction whose sender is already recovered.
    ///
    /// # Errors
    /// Any [`PoolError`], in geth's words.
    pub fn submit_recovered(&self, tx: RecoveredTx) -> Result<B256, PoolError> {
        self.0.counted(self.0.submit_recovered(tx))
    }

    /// Hands out the best executable transactions, at most `max`: highest tip at `base_fee` first,
    /// then first come; nonces of one sender in order.
    ///
    /// They are *executing* from now on: not handed out again, replaced or evicted, until
    /// [`Self::report`] or [`Self::reinject`] says so. Cost: logarithmic in the number of senders
    /// for each one; linear in it when the base fee differs from the last call's.
    pub fn take(&self, max: usize, base_fee: u64) -> Vec<Arc<RecoveredTx>> {
        self.0.take(max, base_fee)
    }

    /// Tells that a new block is open, so that deferred transactions are offered again at once.
    ///
    /// Optional: they are offered again after the next [`Self::on_committed`] anyway.
    pub fn begin_block(&self, base_fee: u64) {
        self.0.begin_block(base_fee);
    }

    /// Tells what became of transactions that were handed out.
    ///
    /// After [`ExecOutcome::Deferred`] or [`ExecOutcome::Invalid`] the sender's later transactions
    /// are not executing any more either; what is reported of them in the same breath (their nonce
    /// is too high without the one before) is ignored.
    pub fn report(&self, outcomes: &[(B256, ExecOutcome)]) {
        self.0.report(outcomes);
    }

    /// Takes over a durable block: what it contains is forgotten, accounts that it changed are
    /// updated, what can no longer be paid for is dropped.
    ///
    /// Blocks come in order; after a gap the pool reads its senders' accounts from the database.
    pub fn on_committed(&self, block: &CommittedBlock) {
        self.0.on_committed(block);
    }

    /// Takes transactions back after an unwind (those of the removed blocks) or after an open block
    /// was abandoned (those in it), and reads all accounts again.
    ///
    /// Deposits among them are left out: the queue of L1 brings them again.
    ///
    /// What the pool no longer holds is validated and journalled anew, without recovering senders.
    pub fn reinject(&self, txs: Vec<Arc<RecoveredTx>>) {
        self.0.reconcile(txs);
    }

    /// Reads the accounts of all senders again: after chain events were missed.
    pub fn resync(&self) {
        self.0.reconcile(Vec::new());
    }

    /// The transaction, if it is in the pool.
    ///
    /// It leaves the pool only after its block is durable: who looks here first and then in a fresh
    /// snapshot of the database finds it in one of both.
    pub fn get(&self, hash: B256) -> Option<Arc<RecoveredTx>> {
        let state = self.0.state();
        state.entry(hash).map(|(_, entry)| Arc::clone(&entry.tx))
    }

    /// Returns `true` if the transaction is in the pool.
    pub fn contains(&self, hash: B256) -> bool {
        self.0.state().by_hash.contains_key(&hash)
    }

    /// The nonce after the sender's gapless run, given the nonce in the state that the caller sees:
    /// `eth_getTransactionCount` at `pending`.
    pub fn next_nonce(&self, sender: Address, state_nonce: u64) -> u64 {
        let state = self.0.state();
        let Some(queue) = state.senders.get(&sender) else {
            return state_nonce;
        };
        let mut next = state_nonce.max(queue.run_end());
        // The caller's state may be newer than the pool's.
        while queue.get(next).is_some() {
            next += 1;
        }
        next
    }

    /// Where the transaction stands; `None` if the pool does not know it, or no longer.
    pub fn status(&self, hash: B256) -> Option<TxStatus> {
        if let Some(status) = self.0.state().status(hash) {
            return Some(status);
        }
        let reason = self.0.drop_log.reason(hash)?;
        Some(TxStatus::Dropped { reason })
    }

    /// Numbers of pending (executing ones included) and queued transactions.
    pub fn counts(&self) -> (usize, usize) {
        let sizes = self.0.state().sizes();
        (sizes.pending, sizes.queued)
    }

    /// Lowest tip per gas that is accepted, in wei.
    pub fn min_tip_wei(&self) -> u64 {
        self.0.config.min_tip_wei
    }

    /// Every transaction that becomes executable from now on. A receiver that lags loses the oldest
    /// and is told how many.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<RecoveredTx>> {
        self.0.announce.subscribe()
    }

    /// Is notified when [`Self::take`] may have something new.
    pub fn notified(&self) -> Arc<Notify> {
        Arc::clone(&self.0.notify)
    }

    /// Copies out everything in the pool. Cost: linear in its size.
    pub fn content(&self) -> PoolContent {
        let state = self.0.state();
        let mut content = PoolContent::default();
        for (sender, queue) in &state.senders {
            content.add(*sender, queue);
        }
        content
    }

    /// Copies out everything of one sender.
    pub fn content_from(&self, sender: Address) -> PoolContent {
        let mut content = PoolContent::default();
        if let Some(queue) = self.0.state().senders.get(&sender) {
            content.add(sender, queue);
        }
        content
    }

    /// Flushes the journal to disk: for an orderly shutdown.
    ///
    /// # Errors
    /// [`PoolError::JournalWrite`].
    pub fn flush(&self) -> Result<(), PoolError> {
        self.0.flush()
    }
}
