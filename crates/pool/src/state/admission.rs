//! Which transactions the pool takes, and which others make room for them.

use std::sync::Arc;

use alloy_primitives::{Address, U256};

use super::{Effects, Place, State};
use crate::{
    DropReason, PoolError, Shortfall,
    index::Rank,
    queue::{Entry, SenderQueue},
};

const SENDER_IS_KNOWN: &str = "the caller has learned the sender under this lock";

impl State {
    /// Checks what depends on the sender's account and on the pool, and changes nothing.
    pub(crate) fn check(&self, entry: &Entry) -> Result<(), PoolError> {
        if self.by_hash.contains_key(&entry.hash()) {
            return Err(PoolError::AlreadyKnown);
        }
        let queue = self.senders.get(&entry.sender()).expect(SENDER_IS_KNOWN);
        if !queue.account().is_eoa {
            return Err(PoolError::SenderNotEoa(entry.sender()));
        }
        // What is executing is as good as mined: its nonce cannot be had again.
        let next = queue.next_to_take();
        if entry.nonce < next {
            return Err(PoolError::NonceTooLow {
                next,
                nonce: entry.nonce,
            });
        }
        let replaced = queue.get(entry.nonce);
        check_funds(queue, entry, replaced)?;
        match replaced {
            Some(old) if !entry.outbids(old, self.config.price_bump_percent) => {
                return Err(PoolError::ReplacementUnderpriced);
            }
            Some(_) => {}
            None => self.check_sender_limits(queue, entry)?,
        }
        if self.lacks_room(entry, replaced) {
            self.victim(entry)?;
        }
        Ok(())
    }

    fn check_sender_limits(&self, queue: &SenderQueue, entry: &Entry) -> Result<(), PoolError> {
        let (pooled, limit) = if entry.nonce > queue.run_end() {
            (queue.queued(), self.config.max_queued_per_sender)
        } else {
            (0, usize::MAX)
        };
        if pooled >= limit {
            return Err(PoolError::AccountLimit { pooled, limit });
        }
        let (pooled, limit) = (queue.len(), self.config.max_per_sender);
        if pooled >= limit {
            return Err(PoolError::AccountLimit { pooled, limit });
        }
        Ok(())
    }

    fn lacks_room(&self, entry: &Entry, replaced: Option<&Entry>) -> bool {
        let (count, bytes) = replaced.map_or((1, 0), |old| (0, old.bytes()));
        self.by_hash.len() + count > self.config.max_transactions
            || (self.bytes + entry.bytes()).saturating_sub(bytes) > self.config.max_bytes
    }

    /// The sender whose last transaction makes room for `entry`.
    ///
    /// Only last transactions are dropped, so that no gap opens before another one.
    fn victim(&self, entry: &Entry) -> Result<Address, PoolError> {
        let pending = self
            .senders
            .get(&entry.sender())
            .is_some_and(|queue| entry.nonce <= queue.run_end());
        let base_fee = self.index.base_fee();
        let rank = Rank::new(entry, pending, base_fee);
        let victim = self
            .index
            .cheapest_except(entry.sender())
            .ok_or(PoolError::Full)?;
        if victim.rank < rank {
            return Ok(victim.sender);
        }
        let needed = self
            .senders
            .get(&victim.sender)
            .and_then(SenderQueue::evictable)
            .map_or(0, |tail| tail.tip_at(base_fee).unwrap_or(0));
        Err(PoolError::Underpriced {
            needed: needed.saturating_add(1),
            tip: entry.tip_at(base_fee).unwrap_or(0),
        })
    }

    /// Checks once more and inserts.
    pub(crate) fn insert(&mut self, entry: Entry, effects: &mut Effects) -> Result<(), PoolError> {
        self.check(&entry)?;
        self.make_room(&entry, effects)?;
        let (sender, nonce, hash) = (entry.sender(), entry.nonce, entry.hash());
        let queue = self.senders.get_mut(&sender).expect(SENDER_IS_KNOWN);
        self.bytes += entry.bytes();
        self.encoded_bytes += entry.tx.encoded().len();
        let run_before = queue.run_end();
        let replaced = queue.insert(entry);
        let new_run = if replaced.is_some() && nonce < run_before {
            nonce..nonce + 1
        } else {
            run_before..queue.run_end()
        };
        effects.wake |= !new_run.is_empty();
        effects.promoted.extend(
            new_run.filter_map(|nonce| queue.get(nonce).map(|entry| Arc::clone(&entry.tx))),
        );
        self.index.update(sender, queue);
        self.by_hash.insert(hash, Place { sender, nonce });
        self.drop_log.forget(hash);
        if let Some(old) = replaced {
            self.account_removed(old, Some(DropReason::Replaced(hash)), effects);
        }
        Ok(())
    }

    fn make_room(&mut self, entry: &Entry, effects: &mut Effects) -> Result<(), PoolError> {
        loop {
            let replaced = self
                .senders
                .get(&entry.sender())
                .and_then(|queue| queue.get(entry.nonce));
            if !self.lacks_room(entry, replaced) {
                return Ok(());
            }
            let sender = self.victim(entry)?;
            let Some(nonce) = self
                .senders
                .get(&sender)
                .and_then(SenderQueue::evictable)
                .map(|tail| tail.nonce)
            else {
                return Err(PoolError::Full);
            };
            self.drop_one(sender, nonce, DropReason::Evicted, effects);
        }
    }
}

/// Checks that the balance covers the transaction, and all of the sender's together.
fn check_funds(
    queue: &SenderQueue,
    entry: &Entry,
    replaced: Option<&Entry>,
) -> Result<(), PoolError> {
    let (balance, cost) = (queue.account().balance, entry.cost);
    if balance < cost {
        return Err(PoolError::InsufficientFunds(Box::new(Shortfall {
            balance,
            queued: None,
            cost,
            overshot: cost - balance,
        })));
    }
    let queued = queue.outstanding_cost();
    let kept = queued.saturating_sub(replaced.map_or(U256::ZERO, |old| old.cost));
    let needed = kept.saturating_add(cost);
    if balance < needed {
        return Err(PoolError::InsufficientFunds(Box::new(Shortfall {
            balance,
            queued: Some(queued),
            cost: cost.saturating_sub(replaced.map_or(U256::ZERO, |old| old.cost)),
            overshot: needed - balance,
        })));
    }
    Ok(())
}
