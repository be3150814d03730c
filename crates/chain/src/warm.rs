//! Reading the leaves that the open block will change, while it executes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use alloy_primitives::{B256, map::HashSet};
use aura_evm::OpenBlock;
use aura_smt::{Prefix, WarmBuckets};
use aura_storage::{LeafId, StorageError};
use parking_lot::Mutex;

use crate::{Chain, source::StoredLeaves};

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
const ENDED: u8 = 2;

/// What was read ahead for the open block.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead {
    /// One at a time: what comes meanwhile is found by the next.
    state: Arc<AtomicU8>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    parent: B256,
    leaves: HashSet<LeafId>,
}

impl Seen {
    /// The leaves that the open block changes and that were not seen before; their keys, sorted.
    fn new_keys(&mut self, open: &OpenBlock) -> Vec<B256> {
        if self.parent != open.parent.seal() {
            self.parent = open.parent.seal();
            self.leaves.clear();
        }
        let diff = open.diff.read();
        let accounts = diff.accounts.keys().copied().map(LeafId::Account);
        let slots = diff.slots.iter();
        let slots =
            slots.flat_map(|(address, s)| s.keys().map(|slot| LeafId::Slot(*address, *slot)));
        let new = accounts
            .chain(slots)
            .filter(|leaf| self.leaves.insert(*leaf));
        let new: Vec<LeafId> = new.collect();
        drop(diff);
        let mut keys: Vec<B256> = new.into_iter().map(LeafId::hashed_key).collect();
        keys.sort_unstable();
        keys
    }
}

impl Chain {
    /// Begins to read, on another thread, the leaves around those that the open block has changed
    /// so far, so that sealing finds them in memory. Returns at once; does nothing if such a read
    /// is under way.
    pub fn read_ahead(&self) {
        let Some(open) = self.open_block() else {
            return;
        };
        let state = self.shared.read_ahead.state.clone();
        let begin = state.compare_exchange(IDLE, RUNNING, Ordering::AcqRel, Ordering::Acquire);
        if begin.is_err() {
            return;
        }
        let chain = self.clone();
        rayon::spawn(move || {
            if let Err(error) = chain.read_ahead_of(&open) {
                // Sealing reads it again, and decides what an error means.
                tracing::debug!(%error, "reading ahead failed");
            }
            // Whoever waits for the end may then close the database.
            drop((chain, open));
            state.store(IDLE, Ordering::Release);
        });
    }

    /// Waits for the end of a read that is under way, and lets none begin any more.
    pub(crate) fn end_read_ahead(&self) {
        let state = &self.shared.read_ahead.state;
        let end = || state.compare_exchange(IDLE, ENDED, Ordering::AcqRel, Ordering::Acquire);
        while end() == Err(RUNNING) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn read_ahead_of(&self, open: &Arc<OpenBlock>) -> Result<(), StorageError> {
        let keys = self.shared.read_ahead.seen.lock().new_keys(open);
        let missing: Vec<Prefix> = {
            let tip = self.shared.tip.read();
            if tip.tries.is_some() || tip.header.seal() != open.parent.seal() {
                return Ok(());
            }
            tip.tree.missing(&keys)
        };
        if missing.is_empty() {
            return Ok(());
        }
        let layers = self.shared.layers.load_full();
        let reader = self.shared.store.reader()?;
        let above = layers.iter().rev().map(|layer| layer.leaves.clone());
        let mut source = StoredLeaves {
            reader: &reader,
            above: above.collect(),
        };
        let buckets = WarmBuckets::read(missing, &mut source)?;
        let mut tip = self.shared.tip.write();
        // If a block was sealed meanwhile, they may be too old.
        if tip.header.seal() == open.parent.seal() {
            tip.tree.warm(buckets);
        }
        Ok(())
    }
}
