//! How blocks and the sequencer's reports change the pool.

use std::{sync::Arc, time::Instant};

use alloy_primitives::{Address, B256, Bytes, map::HashMap};
use aura_primitives::{Account, CommittedBlock, RecoveredTx};

use crate::{
    DropReason, ExecOutcome,
    account::is_delegation,
    queue::{SenderAccount, SenderQueue},
    state::{Effects, State},
};

impl State {
    /// Applies what the sequencer says of transactions that it was handed.
    pub(crate) fn report(&mut self, outcomes: &[(B256, ExecOutcome)], effects: &mut Effects) {
        for (hash, outcome) in outcomes {
            let Some(place) = self.by_hash.get(hash).copied() else {
                // Quarantine holds for hashes that have left the pool, too.
                if let ExecOutcome::Quarantined(reason) = outcome {
                    self.drop_log.quarantine(*hash, reason.clone());
                }
                continue;
            };
            let Some(queue) = self.senders.get_mut(&place.sender) else {
                continue;
            };
            // Once a predecessor was dropped or deferred, a successor is not executing any more:
            // it waits for the nonce before it, and the sequencer's judgement of it means nothing.
            let is_executing = place.nonce < queue.next_to_take();
            match outcome {
                ExecOutcome::Included => {}
                ExecOutcome::Deferred => {
                    if is_executing {
                        queue.give_back(place.nonce);
                        if !queue.deferred {
                            queue.deferred = true;
                            self.deferred.push(place.sender);
                        }
                        self.index.update(place.sender, queue);
                    }
                }
                ExecOutcome::Invalid(reason) => {
                    if is_executing {
                        let reason = DropReason::Invalid(reason.clone());
                        self.drop_one(place.sender, place.nonce, reason, effects);
                    }
                }
                ExecOutcome::Quarantined(reason) => {
                    let reason = DropReason::Quarantined(reason.clone());
                    self.drop_one(place.sender, place.nonce, reason, effects);
                }
            }
        }
    }

    /// Removes what the block contains and takes over the accounts that it changed.
    pub(crate) fn commit(&mut self, block: &CommittedBlock, effects: &mut Effects) {
        let number = block.block.number();
        self.head = number;
        for tx in &block.block.transactions {
            if let Some(place) = self.by_hash.get(&tx.hash()).copied()
                && let Some(queue) = self.senders.get_mut(&place.sender)
                && let Some(entry) = queue.remove_used(place.nonce)
            {
                self.account_removed(entry, None, effects);
            }
        }
        // The diff holds the sender of every signed transaction, for its nonce has changed.
        for (address, change) in &block.diff.accounts {
            if self.senders.contains_key(address) {
                let after = change.after.unwrap_or_default();
                self.apply_change(*address, number, &after, &block.diff.code, effects);
            }
        }
        effects.wake |= self.release_deferred();
        self.expire_queued(Instant::now(), effects);
    }

    fn apply_change(
        &mut self,
        address: Address,
        number: u64,
        after: &Account,
        code: &HashMap<B256, Bytes>,
        effects: &mut Effects,
    ) {
        // Below the nonce after this very block, whatever is left was not mined. (The known account
        // may be newer: what lies between was mined in blocks that we are yet to be told of.)
        self.drop_used_nonces(address, after.nonce, &mut |_| false, effects);
        let Some(queue) = self.senders.get_mut(&address) else {
            return;
        };
        let run_before = queue.run_end();
        if number > queue.as_of() {
            let was_eoa = queue.account().is_eoa;
            // Code that is not new to the database is not in the block's list; an account that
            // could send before can only have got a delegation.
            let account = SenderAccount {
                nonce: after.nonce,
                balance: after.balance,
                is_eoa: !after.has_code()
                    || code
                        .get(&after.code_hash)
                        .map_or(was_eoa, |code| is_delegation(code)),
            };
            queue.set_account(account, number);
        }
        for nonce in run_before..queue.run_end() {
            if let Some(entry) = queue.get(nonce) {
                effects.promoted.push(Arc::clone(&entry.tx));
                effects.wake = true;
            }
        }
        self.index.update(address, queue);
        self.drop_unaffordable(address, effects);
    }

    /// Removes what is below `nonce`; `is_mined` tells for which of them no reason is owed.
    pub(crate) fn drop_used_nonces(
        &mut self,
        sender: Address,
        nonce: u64,
        is_mined: &mut dyn FnMut(B256) -> bool,
        effects: &mut Effects,
    ) {
        while let Some(entry) = self
            .senders
            .get_mut(&sender)
            .and_then(|queue| queue.pop_used(nonce))
        {
            let reason = (!is_mined(entry.hash())).then_some(DropReason::NonceTooLow);
            self.account_removed(entry, reason, effects);
        }
    }

    /// Drops what the sender cannot pay for any more, each transaction taken alone.
    ///
    /// Their sum may exceed the balance: it counts the highest possible cost of each, and money may
    /// come in before their turn. What is executing is the sequencer's to judge.
    pub(crate) fn drop_unaffordable(&mut self, sender: Address, effects: &mut Effects) {
        let Some(queue) = self.senders.get(&sender) else {
            return;
        };
        let balance = queue.account().balance;
        if queue.outstanding_cost() <= balance {
            return;
        }
        let next = queue.next_to_take();
        let unaffordable: Vec<u64> = queue
            .iter()
            .filter(|entry| entry.nonce >= next && entry.cost > balance)
            .map(|entry| entry.nonce)
            .collect();
        for nonce in unaffordable {
            self.drop_one(sender, nonce, DropReason::InsufficientFunds, effects);
        }
    }

    /// Takes over accounts as of block `head`, after an unwind or missed blocks.
    pub(crate) fn resync(
        &mut self,
        head: u64,
        accounts: &[(Address, SenderAccount)],
        is_mined: &mut dyn FnMut(B256) -> bool,
        effects: &mut Effects,
    ) {
        self.head = head;
        self.epoch += 1;
        for (sender, account) in accounts {
            self.drop_used_nonces(*sender, account.nonce, is_mined, effects);
            let queue = self
                .senders
                .entry(*sender)
                .or_insert_with(|| SenderQueue::new(*account, head));
            queue.set_account(*account, head);
            self.index.update(*sender, queue);
            self.drop_unaffordable(*sender, effects);
        }
        effects.wake = true;
        self.release_deferred();
    }

    /// Takes transactions back that were handed out; returns those that the pool no longer has.
    pub(crate) fn give_back(&mut self, txs: Vec<Arc<RecoveredTx>>) -> Vec<Arc<RecoveredTx>> {
        let mut unknown = Vec::new();
        for tx in txs {
            // The queue of L1 brings a deposit again; the pool never had it.
            if tx.envelope().is_deposit() {
                continue;
            }
            if let Some(place) = self.by_hash.get(&tx.hash()).copied()
                && let Some(queue) = self.senders.get_mut(&place.sender)
            {
                queue.give_back(place.nonce);
                self.index.update(place.sender, queue);
            } else {
                unknown.push(tx);
            }
        }
        unknown
    }

    /// Every transaction in the pool, in order of arrival.
    pub(crate) fn live(&self) -> Vec<(u64, Arc<RecoveredTx>)> {
        let mut live: Vec<_> = self
            .senders
            .values()
            .flat_map(|queue| queue.iter().map(|entry| (entry.seq, Arc::clone(&entry.tx))))
            .collect();
        live.sort_unstable_by_key(|(seq, _)| *seq);
        live
    }
}
