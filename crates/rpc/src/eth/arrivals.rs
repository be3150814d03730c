//! Transactions that became executable, for filters that ask for them now and then.

use std::sync::Arc;

use aura_pool::Pool;
use aura_primitives::RecoveredTx;
use parking_lot::Mutex;
use tokio::sync::{
    Notify,
    broadcast::{Receiver, error::RecvError},
};

use super::ring::Ring;

/// Memory of a kept transaction besides its bytes.
const OVERHEAD_BYTES: usize = 512;

#[derive(Debug)]
struct State {
    ring: Ring<Arc<RecoveredTx>>,
    /// Filters that want to know.
    wanted: usize,
    /// A source that the recorder is to take over.
    source: Option<Receiver<Arc<RecoveredTx>>>,
}

/// The last arrivals, recorded only while some filter wants them.
#[derive(Debug)]
pub(crate) struct Arrivals {
    state: Mutex<State>,
    changed: Notify,
}

impl Arrivals {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            state: Mutex::new(State {
                ring: Ring::new(0, max_bytes),
                wanted: 0,
                source: None,
            }),
            changed: Notify::new(),
        }
    }

    /// Counts another filter in; returns the number of the next arrival.
    pub(super) fn want(&self, pool: &Pool) -> u64 {
        let mut state = self.state.lock();
        state.wanted += 1;
        if state.wanted == 1 {
            // Opened here, so that nothing after this moment is missed.
            state.source = Some(pool.subscribe());
            self.changed.notify_one();
        }
        state.ring.next()
    }

    /// Counts a filter out.
    pub(super) fn unwant(&self) {
        let mut state = self.state.lock();
        state.wanted -= 1;
        if state.wanted == 0 {
            let next = state.ring.next();
            state.ring.restart(next);
            state.source = None;
            self.changed.notify_one();
        }
    }

    /// At most `max` arrivals from number `from` on; `None` if some of them are forgotten.
    pub(super) fn since(&self, from: u64, max: usize) -> Option<Vec<Arc<RecoveredTx>>> {
        self.state.lock().ring.since(from, max)
    }

    fn push(&self, tx: Arc<RecoveredTx>) {
        let bytes = tx.encoded().len() + OVERHEAD_BYTES;
        self.state.lock().ring.push(tx, bytes);
    }

    /// Records while somebody wants to know, until the pool is gone.
    pub(super) async fn record(&self) {
        let mut source: Option<Receiver<_>> = None;
        loop {
            let Some(arrivals) = &mut source else {
                self.changed.notified().await;
                source = self.state.lock().source.take();
                continue;
            };
            tokio::select! {
                tx = arrivals.recv() => match tx {
                    Ok(tx) => self.push(tx),
                    Err(RecvError::Lagged(missed)) => {
                        let mut state = self.state.lock();
                        // A gap in the numbers: whoever wanted those before it learns of it.
                        let next = state.ring.next() + missed;
                        state.ring.restart(next);
                    }
                    Err(RecvError::Closed) => return,
                },
                () = self.changed.notified() => {
                    let mut state = self.state.lock();
                    if state.wanted == 0 || state.source.is_some() {
                        source = state.source.take();
                    }
                }
            }
        }
    }
}
