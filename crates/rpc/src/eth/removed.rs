//! Logs of blocks that were removed from the chain, for those who had been told of them.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use alloy_primitives::{B256, map::B256Map};
use aura_chain::ChainEvent;
use aura_primitives::CommittedBlock;
use aura_storage::Reader;
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::{Instant, timeout_at},
};

use super::logs::logs_in;
use crate::{api::Api, errors::Fault, types::RpcLog};

/// How long a reader that sees an unwind waits to learn what was removed: the event follows the
/// commit at once.
const RECORD_TIME: Duration = Duration::from_secs(2);
/// Rough size of a record without its logs' data.
const OVERHEAD_BYTES: usize = 160;

/// A block that is not in the chain any more.
#[derive(Debug)]
pub(crate) struct RemovedBlock {
    number: u64,
    parent: B256,
    /// Its logs, marked as removed.
    pub(super) logs: Vec<RpcLog>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    by_hash: B256Map<Arc<RemovedBlock>>,
    order: VecDeque<B256>,
    bytes: usize,
}

/// The last removed blocks, bounded by bytes.
#[derive(Debug)]
pub(crate) struct RemovedBlocks {
    state: parking_lot::Mutex<State>,
    max_bytes: usize,
    /// Changes with every unwind that is recorded.
    recorded: watch::Sender<()>,
}

impl RemovedBlocks {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            state: parking_lot::Mutex::default(),
            max_bytes,
            recorded: watch::Sender::new(()),
        }
    }

    /// Notes removed blocks; the oldest records make room.
    fn record(&self, blocks: &[Arc<CommittedBlock>]) {
        let mut state = self.state.lock();
        for committed in blocks {
            let logs = logs_in(|_| true, committed, true);
            let data: usize = logs.iter().map(RpcLog::bytes).sum();
            let header = &committed.block.header;
            let removed = RemovedBlock {
                number: header.number,
                parent: header.parent_hash,
                logs,
                bytes: OVERHEAD_BYTES + data,
            };
            state.bytes += removed.bytes;
            let hash = committed.block.hash();
            match state.by_hash.insert(hash, Arc::new(removed)) {
                // Removed, added again and removed again.
                Some(before) => state.bytes -= before.bytes,
                None => state.order.push_back(hash),
            }
        }
        while state.bytes > self.max_bytes {
            let Some(oldest) = state.order.pop_front() else {
                break;
            };
            let forgotten = state.by_hash.remove(&oldest);
            state.bytes -= forgotten.map_or(0, |removed| removed.bytes);
        }
        drop(state);
        self.recorded.send_replace(());
    }

    fn get(&self, hash: B256) -> Option<Arc<RemovedBlock>> {
        self.state.lock().by_hash.get(&hash).cloned()
    }
}

/// Notes what every unwind removes, until the chain stops.
pub(super) async fn record(api: &Api, mut events: Receiver<ChainEvent>) {
    loop {
        match events.recv().await {
            Ok(ChainEvent::Unwound { blocks, .. }) => api.removed.record(&blocks),
            Ok(ChainEvent::Committed(_)) => {}
            // Who was told of blocks that were removed meanwhile is told that they are lost.
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "chain events were missed");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Up to where somebody has been told of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The next block to be told of.
    pub(super) next: u64,
    /// Hash of the block before it; zero before the genesis block.
    pub(super) parent: B256,
}

impl Cursor {
    /// Everything below block `next` has been told.
    pub(super) fn before(reader: &Reader, next: u64) -> Result<Self, Fault> {
        let missing = Fault::Inconsistent("hash of a block is missing");
        let parent = match next.checked_sub(1) {
            Some(last) => reader.block_hash(last)?.ok_or(missing)?,
            None => B256::ZERO,
        };
        Ok(Self { next, parent })
    }

    /// Goes back to the newest block that is in the chain of `reader` and returns those passed,
    /// newest first; `None` if they are not known, or not yet.
    pub(super) fn go_back(
        &mut self,
        reader: &Reader,
        known: &RemovedBlocks,
    ) -> Result<Option<Vec<Arc<RemovedBlock>>>, Fault> {
        let mut passed = Vec::new();
        while let Some(last) = self.next.checked_sub(1)
            && reader.block_hash(last)? != Some(self.parent)
        {
            let Some(removed) = known.get(self.parent) else {
                return Ok(None);
            };
            (self.next, self.parent) = (removed.number, removed.parent);
            passed.push(removed);
        }
        Ok(Some(passed))
    }
}

/// Waits for what an unwind removed to be recorded.
#[derive(Debug)]
pub(super) struct Patience {
    recorded: watch::Receiver<()>,
    deadline: Instant,
}

impl Patience {
    /// Starts before the first look.
    pub(super) fn new(api: &Api) -> Self {
        Self {
            recorded: api.removed.recorded.subscribe(),
            deadline: Instant::now() + RECORD_TIME,
        }
    }

    /// Waits for another record; `false` if there was none in time.
    pub(super) async fn for_more(&mut self) -> bool {
        matches!(
            timeout_at(self.deadline, self.recorded.changed()).await,
            Ok(Ok(()))
        )
    }
}
