//! The chain as a stream without gaps, for subscriptions.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use aura_chain::ChainEvent;
use aura_primitives::{CommittedBlock, HeadLabel};
use aura_storage::Reader;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    outlet::End,
    removed::{Cursor, Patience, RemovedBlock},
};
use crate::{api::Api, errors::Fault};

/// Pause before catching up is tried again on a busy pool.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// What is next.
#[derive(Debug)]
pub(super) enum Step {
    /// The next block, fresh from the writer.
    Block(Arc<CommittedBlock>),
    /// The database has more than the events say: [`BlockFeed::catch_up`].
    Behind,
}

/// What one look at the database brought.
#[derive(Debug)]
pub(super) struct CaughtUp<T> {
    /// Blocks that were told of and are not in the chain any more, newest first.
    pub(super) removed: Vec<Arc<RemovedBlock>>,
    /// What was read of the blocks after them.
    pub(super) items: Vec<T>,
}

/// What to read of stored blocks: of the range, or of its beginning up to the block returned.
pub(super) type Read<T> =
    dyn Fn(&Api, &Reader, RangeInclusive<u64>) -> Result<(Vec<T>, u64), Fault> + Send + Sync;

/// Blocks from some number on, in order, each once.
///
/// Where the stream stands is a number and a hash. An event that continues there is passed on as
/// it is; anything else (a past to begin with, missed events, an unwind) is a look at the
/// database, which knows which of the blocks told are still in the chain and what comes after.
#[derive(Debug)]
pub(super) struct BlockFeed {
    events: Receiver<ChainEvent>,
    at: Cursor,
    behind: bool,
}

impl BlockFeed {
    /// Starts at block `from`, or with the next one. The block before is in the chain.
    pub(super) fn new(api: &Api, from: Option<u64>) -> Result<Self, Fault> {
        // In this order a block in between is in both, and then skipped; never in neither.
        let events = api.chain.subscribe();
        let reader = api.reader()?;
        let next = reader.head(HeadLabel::Unsafe)?.number + 1;
        let from = from.unwrap_or(next).min(next);
        Ok(Self {
            events,
            at: Cursor::before(&reader, from)?,
            behind: from < next,
        })
    }

    /// There is nothing to tell of the past.
    pub(super) const fn is_at_head(&self) -> bool {
        !self.behind
    }

    /// The next step; `None` once the chain has stopped. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Step> {
        while !self.behind {
            match self.events.recv().await {
                Ok(ChainEvent::Committed(committed)) => {
                    let header = &committed.block.header;
                    if header.parent_hash == self.at.parent && header.number == self.at.next {
                        self.at = Cursor {
                            next: header.number + 1,
                            parent: committed.block.hash(),
                        };
                        return Some(Step::Block(committed));
                    }
                    // Events come after what they tell of is in the database, and all before this
                    // one were compared with it: a block below is one that is told already.
                    self.behind = header.number >= self.at.next;
                }
                Ok(ChainEvent::Unwound { .. }) | Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
        Some(Step::Behind)
    }

    /// Takes one step towards the head of the database.
    pub(super) async fn catch_up<T: Send + 'static>(
        &mut self,
        api: &Arc<Api>,
        read: &Arc<Read<T>>,
    ) -> Result<CaughtUp<T>, End> {
        let at = self.at;
        let mut patience = Patience::new(api);
        loop {
            let read = read.clone();
            match api.on_logs(move |api| look(api, at, &*read)).await {
                Ok(Some((caught_up, at, behind))) => {
                    (self.at, self.behind) = (at, behind);
                    return Ok(caught_up);
                }
                Ok(None) if patience.for_more().await => {}
                Ok(None) => return Err(End::Lost),
                // Nothing is lost by waiting: the blocks stay where they are.
                Err(Fault::Busy(_)) if !api.stopping.is_cancelled() => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                Err(fault) => return Err(fault.into()),
            }
        }
    }
}

type Look<T> = Option<(CaughtUp<T>, Cursor, bool)>;

fn look<T>(api: &Api, mut at: Cursor, read: &Read<T>) -> Result<Look<T>, Fault> {
    let reader = api.reader()?;
    let Some(removed) = at.go_back(&reader, &api.removed)? else {
        return Ok(None);
    };
    let head = reader.head(HeadLabel::Unsafe)?.number;
    let mut items = Vec::new();
    if at.next <= head {
        let reached;
        (items, reached) = read(api, &reader, at.next..=head)?;
        at = Cursor::before(&reader, reached + 1)?;
    }
    Ok(Some((CaughtUp { removed, items }, at, at.next <= head)))
}
