//! The pool.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{Address, B256, Bytes};
use aura_chainspec::ChainSpec;
use aura_primitives::{CommittedBlock, RecoveredTx};
use aura_storage::Store;
use tokio::sync::{Notify, broadcast};

use crate::{DropReason, PoolConfig, PoolError};

/// What became of a transaction that was handed to the sequencer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecOutcome {
    /// It is in the open block.
    Included,
    /// It did not fit; offer it again in the next block.
    Deferred,
    /// It cannot be executed; drop it for this reason.
    Invalid(String),
    /// It broke the block build; drop it and refuse it for a while.
    Quarantined(String),
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxStatus {
    /// Ready to run.
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

/// Everything in the pool, by sender and nonce order (`txpool_content`).
#[derive(Debug, Clone, Default)]
pub struct PoolContent {
    /// Transactions without a nonce gap before them.
    pub pending: BTreeMap<Address, Vec<Arc<RecoveredTx>>>,
    /// Transactions behind a nonce gap.
    pub queued: BTreeMap<Address, Vec<Arc<RecoveredTx>>>,
}

/// The pool; clones share it.
#[derive(Debug, Clone)]
pub struct Pool {}

#[allow(unused_variables, missing_docs)]
impl Pool {
    pub fn open(config: PoolConfig, spec: Arc<ChainSpec>, store: Store) -> Result<Self, PoolError> {
        todo!()
    }
    pub fn submit(&self, raw: Bytes) -> Result<B256, PoolError> {
        todo!()
    }
    pub fn submit_recovered(&self, tx: RecoveredTx) -> Result<B256, PoolError> {
        todo!()
    }
    pub fn take(&self, max: usize, base_fee: u64) -> Vec<Arc<RecoveredTx>> {
        todo!()
    }
    /// Optional hint by the sequencer when it opens a block: deferred ones are offered again.
    pub fn begin_block(&self, base_fee: u64) {
        todo!()
    }
    pub fn report(&self, outcomes: &[(B256, ExecOutcome)]) {
        todo!()
    }
    pub fn on_committed(&self, block: &CommittedBlock) {
        todo!()
    }
    pub fn reinject(&self, txs: Vec<Arc<RecoveredTx>>) {
        todo!()
    }
    /// Reads every sender again: after missed chain events.
    pub fn resync(&self) -> Result<(), PoolError> {
        todo!()
    }
    pub fn get(&self, hash: B256) -> Option<Arc<RecoveredTx>> {
        todo!()
    }
    pub fn contains(&self, hash: B256) -> bool {
        todo!()
    }
    pub fn next_nonce(&self, sender: Address, state_nonce: u64) -> u64 {
        todo!()
    }
    pub fn status(&self, hash: B256) -> Option<TxStatus> {
        todo!()
    }
    pub fn counts(&self) -> (usize, usize) {
        todo!()
    }
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<RecoveredTx>> {
        todo!()
    }
    pub fn notified(&self) -> Arc<Notify> {
        todo!()
    }
    pub fn content(&self) -> PoolContent {
        todo!()
    }
    pub fn flush(&self) -> Result<(), PoolError> {
        todo!()
    }
}
