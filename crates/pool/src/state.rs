//! Everything behind the pool's lock: queues, order and accounting.

mod admission;

use std::{
    collections::hash_map::Entry as MapEntry,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{
    Address, B256,
    map::{AddressMap, B256Map},
};
use aura_primitives::RecoveredTx;

use crate::{
    DropReason, PoolConfig, TxStatus,
    drops::{Drop, DropLog},
    index::Index,
    queue::{Entry, SenderAccount, SenderQueue},
};

/// Senders without transactions whose account is kept for their next one.
const MAX_IDLE_SENDERS: usize = 16_384;

/// Where a transaction stands by its hash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) sender: Address,
    pub(crate) nonce: u64,
}

/// What a change of the pool leads to once its lock is released.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Left unmined.
    pub(crate) drops: Vec<Drop>,
    /// Became executable.
    pub(crate) promoted: Vec<Arc<RecoveredTx>>,
    /// Memory to free without the lock.
    pub(crate) removed: Vec<Entry>,
    /// The sequencer has something to do.
    pub(crate) wake: bool,
}

/// Sizes, for gauges and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) pending: usize,
    pub(crate) queued: usize,
    pub(crate) bytes: usize,
    /// Length of all encodings together.
    pub(crate) encoded_bytes: usize,
}

/// Queues, order and accounting. No I/O happens in here.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Arc<PoolConfig>,
    pub(crate) drop_log: Arc<DropLog>,
    /// Newest block that the pool was told of.
    pub(crate) head: u64,
    /// Grows when accounts read before may belong to an abandoned chain.
    pub(crate) epoch: u64,
    pub(crate) senders: AddressMap<SenderQueue>,
    pub(crate) by_hash: B256Map<Place>,
    pub(crate) index: Index,
    /// Senders whose next transaction did not fit into the open block.
    pub(crate) deferred: Vec<Address>,
    bytes: usize,
    encoded_bytes: usize,
    next_sweep: Instant,
}

impl State {
    pub(crate) fn new(config: Arc<PoolConfig>, drop_log: Arc<DropLog>, head: u64) -> Self {
        Self {
            config,
            drop_log,
            head,
            epoch: 0,
            senders: AddressMap::default(),
            by_hash: B256Map::default(),
            index: Index::default(),
            deferred: Vec::new(),
            bytes: 0,
            encoded_bytes: 0,
            next_sweep: Instant::now(),
        }
    }

    pub(crate) fn sizes(&self) -> Sizes {
        Sizes {
            pending: self.by_hash.len() - self.index.queued(),
            queued: self.index.queued(),
            bytes: self.bytes,
            encoded_bytes: self.encoded_bytes,
        }
    }

    /// Takes over the account of a sender, as of block `as_of`, unless a newer one is known.
    pub(crate) fn learn(&mut self, sender: Address, account: SenderAccount, as_of: u64) {
        if self.senders.len() > self.by_hash.len() + MAX_IDLE_SENDERS {
            self.senders.retain(|_, queue| !queue.is_empty());
        }
        match self.senders.entry(sender) {
            MapEntry::Occupied(mut known) => {
                let queue = known.get_mut();
                if as_of >= queue.as_of() {
                    queue.set_account(account, as_of);
                    self.index.update(sender, queue);
                }
            }
            MapEntry::Vacant(unknown) => {
                unknown.insert(SenderQueue::new(account, as_of));
            }
        }
    }

    /// Removes one transaction for a reason; those behind it are gapped from now on.
    pub(crate) fn drop_one(
        &mut self,
        sender: Address,
        nonce: u64,
        reason: DropReason,
        effects: &mut Effects,
    ) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        if let Some(entry) = queue.remove(nonce) {
            self.index.update(sender, queue);
            self.account_removed(entry, Some(reason), effects);
        }
    }

    /// Books an entry that has left its queue; `None` means that it was mined.
    pub(crate) fn account_removed(
        &mut self,
        entry: Entry,
        reason: Option<DropReason>,
        effects: &mut Effects,
    ) {
        let hash = entry.hash();
        self.bytes -= entry.bytes();
        self.encoded_bytes -= entry.tx.encoded().len();
        if let Some(reason) = reason {
            // Remembered before the hash vanishes: whoever asks finds one or the other.
            self.drop_log.remember(hash, reason.clone());
            effects.drops.push(Drop {
                hash,
                seq: entry.seq,
                reason,
            });
        }
        self.by_hash.remove(&hash);
        effects.removed.push(entry);
    }

    /// Hands out the best executable transactions, at most `max`.
    pub(crate) fn take(&mut self, max: usize, base_fee: u64) -> Vec<Arc<RecoveredTx>> {
        self.set_base_fee(base_fee);
        let mut taken = Vec::with_capacity(max.min(self.by_hash.len()));
        while taken.len() < max {
            let Some(sender) = self.index.best() else {
                break;
            };
            let Some(queue) = self.senders.get_mut(&sender) else {
                break;
            };
            if let Some(head) = queue.head() {
                taken.push(Arc::clone(&head.tx));
                queue.take_head();
            }
            self.index.update(sender, queue);
        }
        taken
    }

    /// Orders by the tips at another base fee.
    pub(crate) fn set_base_fee(&mut self, base_fee: u64) {
        if base_fee != self.index.base_fee() {
            let queues = self
                .senders
                .iter_mut()
                .map(|(sender, queue)| (*sender, queue));
            self.index.rebuild(base_fee, queues);
        }
    }

    /// Offers those again that did not fit into the last block.
    pub(crate) fn release_deferred(&mut self) -> bool {
        let mut released = false;
        for sender in std::mem::take(&mut self.deferred) {
            if let Some(queue) = self.senders.get_mut(&sender) {
                queue.deferred = false;
                self.index.update(sender, queue);
                released |= queue.ready.is_some();
            }
        }
        released
    }

    /// Drops what waited too long for a missing nonce. Looks at most once a minute.
    pub(crate) fn expire_queued(&mut self, now: Instant, effects: &mut Effects) {
        if now < self.next_sweep {
            return;
        }
        let lifetime = self.config.max_queued_lifetime;
        self.next_sweep = now + lifetime.min(Duration::from_secs(60));
        if self.index.queued() == 0 {
            return;
        }
        let mut expired = Vec::new();
        for (sender, queue) in self
            .senders
            .iter()
            .filter(|(_, queue)| queue.counted_queued > 0)
        {
            let gapped = queue.iter().filter(|entry| entry.nonce > queue.run_end());
            expired.extend(
                gapped
                    .filter(|entry| now.duration_since(entry.added) >= lifetime)
                    .map(|entry| (*sender, entry.nonce)),
            );
        }
        for (sender, nonce) in expired {
            self.drop_one(sender, nonce, DropReason::Expired, effects);
        }
    }

    pub(crate) fn entry(&self, hash: B256) -> Option<(&SenderQueue, &Entry)> {
        let place = self.by_hash.get(&hash)?;
        let queue = self.senders.get(&place.sender)?;
        Some((queue, queue.get(place.nonce)?))
    }

    pub(crate) fn status(&self, hash: B256) -> Option<TxStatus> {
        let (queue, entry) = self.entry(hash)?;
        Some(if entry.nonce < queue.next_to_take() {
            TxStatus::Executing
        } else if entry.nonce < queue.run_end() {
            TxStatus::Pending
        } else {
            TxStatus::Queued
        })
    }
}
