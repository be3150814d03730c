//! Chain events without gaps, for subscriptions.

use std::{ops::RangeInclusive, sync::Arc};

use aura_chain::ChainEvent;
use aura_primitives::{BlockNumHash, CommittedBlock, HeadLabel};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{api::Api, errors::Fault};

/// What happened next to the chain.
#[derive(Debug)]
pub(super) enum Step {
    /// The next block.
    Block(Arc<CommittedBlock>),
    /// Blocks that passed while the reader was slow; they are in the database.
    Missed(RangeInclusive<u64>),
    /// Blocks that were removed, newest first.
    Unwound(Vec<Arc<CommittedBlock>>),
    /// Blocks were removed while the reader was slow: what they were is not known any more.
    Lost,
}

/// Events from the head of one moment on, in order, each block once.
#[derive(Debug)]
pub(super) struct BlockFeed {
    events: Receiver<ChainEvent>,
    last: BlockNumHash,
    /// The block after a gap that was reported first.
    next: Option<Arc<CommittedBlock>>,
}

impl BlockFeed {
    /// Starts at the head.
    pub(super) fn new(api: &Api) -> Result<Self, Fault> {
        // In this order a block in between is in both, and then skipped; never in neither.
        let events = api.chain.subscribe();
        let last = api.reader()?.head(HeadLabel::Unsafe)?;
        Ok(Self {
            events,
            last,
            next: None,
        })
    }

    /// The next step; `None` once the chain has stopped. Cancel-safe.
    pub(super) async fn next(&mut self, api: &Api) -> Result<Option<Step>, Fault> {
        if let Some(block) = self.next.take() {
            return Ok(Some(Step::Block(block)));
        }
        loop {
            let step = match self.events.recv().await {
                Ok(ChainEvent::Committed(block)) => self.committed(block),
                Ok(ChainEvent::Unwound { to, blocks }) => self.unwound(to, blocks),
                Err(RecvError::Lagged(_)) => self.lagged(api)?,
                Err(RecvError::Closed) => return Ok(None),
            };
            if step.is_some() {
                return Ok(step);
            }
        }
    }

    fn committed(&mut self, committed: Arc<CommittedBlock>) -> Option<Step> {
        let number = committed.block.number();
        if number <= self.last.number {
            return None;
        }
        let first_missed = self.last.number + 1;
        self.last = committed.block.num_hash();
        if number > first_missed {
            self.next = Some(committed);
            return Some(Step::Missed(first_missed..=number - 1));
        }
        Some(Step::Block(committed))
    }

    fn unwound(&mut self, to: BlockNumHash, blocks: Vec<Arc<CommittedBlock>>) -> Option<Step> {
        if to.number >= self.last.number {
            return None;
        }
        let seen = self.last.number;
        self.last = to;
        let blocks = blocks
            .into_iter()
            .filter(|removed| removed.block.number() <= seen)
            .collect();
        Some(Step::Unwound(blocks))
    }

    /// Missed blocks show as a gap at the next event. A missed unwind shows here.
    fn lagged(&self, api: &Api) -> Result<Option<Step>, Fault> {
        let hash = api.reader()?.block_hash(self.last.number)?;
        Ok((hash != Some(self.last.hash)).then_some(Step::Lost))
    }
}
