//! Order of the senders: whose transaction runs next, whose is dropped first.

use std::{cmp::Reverse, collections::BTreeSet};

use alloy_primitives::Address;

use crate::queue::{Entry, SenderQueue};

/// Place of a sender's next executable transaction: highest tip first, then first come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReadyKey {
    tip: Reverse<u128>,
    seq: u64,
    pub(crate) sender: Address,
}

/// How much a transaction is worth keeping: gapped ones least, then those that cannot pay the base
/// fee, then by tip (by fee cap, if it cannot pay).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pending: bool,
    payable: bool,
    price: u128,
}

impl Rank {
    pub(crate) fn new(entry: &Entry, pending: bool, base_fee: u64) -> Self {
        let tip = entry.tip_at(base_fee);
        Self {
            pending,
            payable: tip.is_some(),
            price: tip.unwrap_or(entry.fee_cap),
        }
    }
}

/// Place of a sender's last transaction among the victims: least worth first, then last come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TailKey {
    pub(crate) rank: Rank,
    seq: Reverse<u64>,
    pub(crate) sender: Address,
}

/// The senders in both orders, at one base fee.
#[derive(Debug, Default)]
pub(crate) struct Index {
    base_fee: u64,
    ready: BTreeSet<ReadyKey>,
    tails: BTreeSet<TailKey>,
    /// Transactions of all senders that wait behind a gap.
    queued: usize,
}

impl Index {
    pub(crate) const fn base_fee(&self) -> u64 {
        self.base_fee
    }

    pub(crate) const fn queued(&self) -> usize {
        self.queued
    }

    /// The sender whose transaction runs next.
    pub(crate) fn best(&self) -> Option<Address> {
        self.ready.first().map(|key| key.sender)
    }

    /// The last transactions of all senders but `spared`, the cheapest first.
    pub(crate) fn cheapest_first(&self, spared: Address) -> impl Iterator<Item = TailKey> {
        let tails = self.tails.iter().copied();
        tails.filter(move |key| key.sender != spared)
    }

    /// Brings the sender's places up to date. To be called after every change of its queue.
    pub(crate) fn update(&mut self, sender: Address, queue: &mut SenderQueue) {
        let ready = if queue.deferred {
            None
        } else {
            queue.head().and_then(|head| {
                Some(ReadyKey {
                    tip: Reverse(head.tip_at(self.base_fee)?),
                    seq: head.seq,
                    sender,
                })
            })
        };
        replace(&mut self.ready, &mut queue.ready, ready);
        let tail = queue.evictable().map(|tail| TailKey {
            rank: Rank::new(tail, tail.nonce < queue.run_end(), self.base_fee),
            seq: Reverse(tail.seq),
            sender,
        });
        replace(&mut self.tails, &mut queue.tail, tail);
        let queued = queue.queued();
        // The counted ones are part of the sum, so this cannot go below zero.
        self.queued = self.queued + queued - queue.counted_queued;
        queue.counted_queued = queued;
    }

    /// Moves to another base fee: every sender is placed anew.
    pub(crate) fn rebuild<'a>(
        &mut self,
        base_fee: u64,
        queues: impl Iterator<Item = (Address, &'a mut SenderQueue)>,
    ) {
        self.base_fee = base_fee;
        self.ready.clear();
        self.tails.clear();
        for (sender, queue) in queues {
            queue.ready = None;
            queue.tail = None;
            self.update(sender, queue);
        }
    }
}

fn replace<K: Ord + Copy>(set: &mut BTreeSet<K>, place: &mut Option<K>, key: Option<K>) {
    if *place == key {
        return;
    }
    if let Some(old) = place.take() {
        set.remove(&old);
    }
    if let Some(new) = key {
        set.insert(new);
    }
    *place = key;
}
