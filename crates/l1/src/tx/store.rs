//! Where the manager keeps what it has signed.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::Address;
use aura_chain::{Chain, ChainError};
use aura_storage::{L1TxRecord, StorageError};
use parking_lot::Mutex;

/// The store of the manager failed. Without it nothing may be sent, so the manager ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TxStoreError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] StorageError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] ChainError),
    /// The threads for it are gone.
    #[error(transparent)]
    Pool(#[from] aura_runtime::PoolBusy),
}

/// A change of the store.
#[derive(Debug, Clone)]
pub enum TxChange {
    /// Writes a record, over the one with the same account and nonce.
    Put(L1TxRecord),
    /// Forgets a record.
    Delete {
        /// Its account.
        lane: Address,
        /// Its nonce.
        nonce: u64,
    },
}

/// Keeps signed transactions. Calls block until it is durable.
pub trait TxStore: Send + Sync {
    /// The records of account `lane`, by nonce.
    ///
    /// # Errors
    /// That of the database.
    fn load(&self, lane: Address) -> Result<Vec<L1TxRecord>, TxStoreError>;

    /// Makes all of `changes` or none.
    ///
    /// # Errors
    /// That of the database.
    fn save(&self, changes: Vec<TxChange>) -> Result<(), TxStoreError>;
}

/// The node's database.
impl TxStore for Chain {
    fn load(&self, lane: Address) -> Result<Vec<L1TxRecord>, TxStoreError> {
        Ok(self.store().reader()?.l1_txs(lane)?)
    }

    fn save(&self, changes: Vec<TxChange>) -> Result<(), TxStoreError> {
        self.write(move |writer| {
            for change in &changes {
                match change {
                    TxChange::Put(record) => writer.put_l1_tx(record)?,
                    TxChange::Delete { lane, nonce } => writer.delete_l1_tx(*lane, *nonce)?,
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Memory, for programs that end with their transactions. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryTxStore(Arc<Mutex<BTreeMap<(Address, u64), L1TxRecord>>>);

impl TxStore for MemoryTxStore {
    fn load(&self, lane: Address) -> Result<Vec<L1TxRecord>, TxStoreError> {
        let records = self.0.lock();
        let of_lane = records.range((lane, 0)..=(lane, u64::MAX));
        Ok(of_lane.map(|(_, record)| record.clone()).collect())
    }

    fn save(&self, changes: Vec<TxChange>) -> Result<(), TxStoreError> {
        let mut records = self.0.lock();
        for change in changes {
            match change {
                TxChange::Put(record) => {
                    records.insert((record.lane, record.nonce), record);
                }
                TxChange::Delete { lane, nonce } => {
                    records.remove(&(lane, nonce));
                }
            }
        }
        Ok(())
    }
}
