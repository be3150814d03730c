//! Which transactions the pool takes, and which others make room for them.

use std::sync::Arc;

use alloy_primitives::U256;

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
        self.check_room(entry, replaced)
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

    /// Transactions and bytes by which `entry`, in the place of `replaced`, exceeds the pool.
    fn excess(&self, entry: &Entry, replaced: Option<&Entry>) -> (usize, usize) {
        let (count, bytes) = replaced.map_or((1, 0), |old| (0, old.bytes()));
        let transactions = self.by_hash.len() + count;
        let bytes = (self.bytes + entry.bytes()).saturating_sub(bytes);
        (
            transactions.saturating_sub(self.config.max_transactions),
            bytes.saturating_sub(self.config.max_bytes),
        )
    }

    /// Checks that what is worth less than `entry` makes room for it, before any of it is dropped.
    ///
    /// Only last transactions are dropped, so that no gap opens before another one: of each sender
    /// those from the end up to the first that is worth as much.
    fn check_room(&self, entry: &Entry, replaced: Option<&Entry>) -> Result<(), PoolError> {
        let (mut count, mut bytes) = self.excess(entry, replaced);
        if (count, bytes) == (0, 0) {
            return Ok(());
        }
        let base_fee = self.index.base_fee();
        let own = self.senders.get(&entry.sender()).expect(SENDER_IS_KNOWN);
        let rank = Rank::new(entry, entry.nonce <= own.run_end(), base_fee);
        // The tip of what stays though it is in the way, the least if there are several.
        let mut needed: Option<u128> = None;
        for victim in self.index.cheapest_first(entry.sender()) {
            if victim.rank >= rank && needed.is_some() {
                break;
            }
            let queue = self
                .senders
                .get(&victim.sender)
                .expect("the index has senders of the pool");
            for tail in queue.evictable_from_end() {
                if Rank::new(tail, tail.nonce < queue.run_end(), base_fee) >= rank {
                    let tip = tail.tip_at(base_fee).unwrap_or(0);
                    needed = Some(needed.map_or(tip, |least| least.min(tip)));
                    break;
                }
                count = count.saturating_sub(1);
                bytes = bytes.saturating_sub(tail.bytes());
                if (count, bytes) == (0, 0) {
                    return Ok(());
                }
            }
        }
        Err(
            needed.map_or(PoolError::Full, |needed| PoolError::Underpriced {
                needed: needed.saturating_add(1),
                tip: entry.tip_at(base_fee).unwrap_or(0),
            }),
        )
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

    /// Drops the cheapest until there is room, of which `check_room` has found enough.
    fn make_room(&mut self, entry: &Entry, effects: &mut Effects) -> Result<(), PoolError> {
        loop {
            let own = self.senders.get(&entry.sender());
            let replaced = own.and_then(|queue| queue.get(entry.nonce));
            if self.excess(entry, replaced) == (0, 0) {
                return Ok(());
            }
            let victim = self.index.cheapest_first(entry.sender()).next();
            let tail = victim.and_then(|victim| {
                let tail = self.senders.get(&victim.sender)?.evictable()?;
                Some((victim.sender, tail.nonce))
            });
            let Some((sender, nonce)) = tail else {
                debug_assert!(false, "check_room counted what cannot be dropped");
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
