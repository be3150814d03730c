//! What others see of L1.

use alloy_primitives::B256;
use aura_primitives::bridge::{L1Origin, QueueEntry};
use aura_storage::{L1BatchRecord, L1RootRecord, StorageError, Store};
use tokio::sync::watch;

use crate::L1Status;

/// What the watcher has seen: its status in memory, everything else in the database. Clones are cheap.
#[derive(Debug, Clone)]
pub struct L1View {
    store: Store,
    status: watch::Receiver<L1Status>,
}

impl L1View {
    pub(crate) const fn new(store: Store, status: watch::Receiver<L1Status>) -> Self {
        Self { store, status }
    }

    /// The newest status.
    pub fn status(&self) -> L1Status {
        *self.status.borrow()
    }

    /// Waits for a status that this clone has not seen. Never returns once the watcher has ended.
    pub async fn changed(&mut self) {
        if self.status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Up to `max` queue entries from `from_id` on, of L1 blocks at or below `usable`.
    ///
    /// # Errors
    /// Damage; others are transient.
    pub fn entries(&self, from_id: u64, max: usize) -> Result<Vec<QueueEntry>, StorageError> {
        let Some(usable) = self.status().usable else {
            return Ok(Vec::new());
        };
        self.store.reader()?.l1_queue(from_id, max, usable.number)
    }

    /// The canonical L1 block with `number`, if it was processed and is still kept.
    ///
    /// # Errors
    /// As for [`entries`](Self::entries).
    pub fn origin(&self, number: u64) -> Result<Option<L1Origin>, StorageError> {
        let header = self.store.reader()?.l1_header(number)?;
        Ok(header.map(|header| header.origin))
    }

    /// Trimmed accumulator of the queue after `consumed` entries; zero for none, `None` if the watcher
    /// has not seen so many.
    ///
    /// # Errors
    /// As for [`entries`](Self::entries).
    pub fn queue_acc(&self, consumed: u64) -> Result<Option<B256>, StorageError> {
        self.store.reader()?.l1_queue_acc(consumed)
    }

    /// Up to `max` batches of the canonical L1 chain from `from_index` on (the first has index 1), up to
    /// the head and not only to `usable`.
    ///
    /// # Errors
    /// As for [`entries`](Self::entries).
    pub fn batches(&self, from_index: u64, max: usize) -> Result<Vec<L1BatchRecord>, StorageError> {
        self.store.reader()?.l1_batches(from_index, max)
    }

    /// The newest batch on L1.
    ///
    /// # Errors
    /// As for [`entries`](Self::entries).
    pub fn last_batch(&self) -> Result<Option<L1BatchRecord>, StorageError> {
        self.store.reader()?.l1_last_batch()
    }

    /// Up to `max` roots from `from_id` on (the genesis has id 0), up to the head.
    ///
    /// # Errors
    /// As for [`entries`](Self::entries).
    pub fn roots(&self, from_id: u64, max: usize) -> Result<Vec<L1RootRecord>, StorageError> {
        self.store.reader()?.l1_roots(from_id, max)
    }

    /// Root `id`.
    ///
    /// # Errors
    /// As for [`entries`](Self::entries).
    pub fn root(&self, id: u64) -> Result<Option<L1RootRecord>, StorageError> {
        self.store.reader()?.l1_root(id)
    }

    /// The newest root.
    ///
    /// # Errors
    /// As for [`entries`](Self::entries).
    pub fn last_root(&self) -> Result<Option<L1RootRecord>, StorageError> {
        self.store.reader()?.l1_last_root()
    }
}
