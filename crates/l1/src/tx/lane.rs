//! One key and its transactions.
//!
//! `queue` holds what is not signed, `open` what is signed and not confirmed, by nonce. Each look at L1
//! runs `settle.rs` (what was mined, what came back), `nurse.rs` (what is stuck or lost) and `launch.rs`
//! (what can be sent now), in this order.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256};
use aura_runtime::BlockingPool;
use aura_storage::{L1TxAttempt, L1TxRecord};
use tokio::sync::watch;

use super::{
    L1Rpc, Signer, TxChange, TxConfig, TxError, TxId, TxOutcome, TxState, TxStore, TxTicket,
    build::{Job, Sent, Unsigned},
    fees::Market,
    metrics::TxMetrics,
    rpc::{Asker, HeadView},
    trouble::{Refusal, Troubles},
};
use crate::tx::Waiting;

/// A transaction that has no nonce yet, or lost it.
pub(super) struct Queued {
    pub(super) id: TxId,
    pub(super) label: Arc<str>,
    pub(super) job: Job,
    pub(super) version: u32,
    pub(super) state: watch::Sender<TxState>,
    /// The record to forget when it is signed: somebody else used its nonce.
    pub(super) former_nonce: Option<u64>,
    pub(super) since: Instant,
}

/// A transaction with a nonce.
pub(super) struct Open {
    pub(super) id: TxId,
    pub(super) label: Arc<str>,
    pub(super) record: L1TxRecord,
    /// What `record.raw` says.
    pub(super) sent: Sent,
    pub(super) state: watch::Sender<TxState>,
    /// Whether a block had it at the last look.
    pub(super) is_mined: bool,
    /// When its newest form was first sent.
    pub(super) sent_at: Instant,
    pub(super) since: Instant,
    /// A node said that its fees are too low.
    pub(super) is_underpriced: bool,
    /// Looks since which the nonce is used and no form of it is found.
    pub(super) missing: u32,
}

impl Open {
    pub(super) fn newest(&self) -> L1TxAttempt {
        let none = L1TxAttempt {
            hash: B256::ZERO,
            version: 0,
            is_cancel: false,
            signed_at: 0,
        };
        self.record.attempts.last().copied().unwrap_or(none)
    }

    pub(super) fn show_sent(&self) {
        let (nonce, hash) = (self.record.nonce, self.newest().hash);
        show(&self.state, TxState::Sent { nonce, hash });
    }
}

/// Publishes `state` if it says something new.
pub(super) fn show(sender: &watch::Sender<TxState>, state: TxState) {
    sender.send_if_modified(|shown| {
        let is_same = match (&*shown, &state) {
            (TxState::Waiting(old), TxState::Waiting(new)) => old == new,
            (TxState::Sent { hash: old, .. }, TxState::Sent { hash: new, .. }) => old == new,
            (
                TxState::Mined { hash, block },
                TxState::Mined {
                    hash: new,
                    block: of,
                },
            ) => hash == new && block == of,
            (TxState::Done(_), _) => true,
            _ => false,
        };
        if !is_same {
            *shown = state;
        }
        !is_same
    });
}

/// What a transaction is signed as.
pub(super) struct Form {
    pub(super) unsigned: Unsigned,
    pub(super) version: u32,
    pub(super) is_cancel: bool,
}

/// One key and its transactions.
pub(super) struct Lane {
    pub(super) config: TxConfig,
    pub(super) account: Address,
    pub(super) signer: Signer,
    pub(super) rpc: Arc<dyn L1Rpc>,
    pub(super) store: Arc<dyn TxStore>,
    pub(super) pool: BlockingPool,
    pub(super) queue: VecDeque<Queued>,
    pub(super) open: BTreeMap<u64, Open>,
    pub(super) metrics: TxMetrics,
    pub(super) troubles: Troubles,
    /// Looks since which a nonce below all of ours is missing.
    pub(super) gap: u32,
    pub(super) next_id: u64,
}

impl Lane {
    pub(super) fn asker(&self) -> Asker<'_> {
        Asker(self.rpc.as_ref())
    }

    pub(super) fn fresh_id(&mut self) -> TxId {
        self.next_id += 1;
        TxId(self.next_id)
    }

    /// Takes up what the store has from before.
    pub(super) fn restore(&mut self, records: Vec<L1TxRecord>) -> Vec<TxTicket> {
        let mut tickets = Vec::with_capacity(records.len());
        for record in records {
            let Some(sent) = Sent::decode(&record.raw) else {
                tracing::error!(
                    account = %self.account,
                    nonce = record.nonce,
                    "a stored transaction is of an unknown form and is left alone"
                );
                continue;
            };
            let id = self.fresh_id();
            let label: Arc<str> = record.label.as_str().into();
            let (state, seen) = watch::channel(TxState::Queued);
            tickets.push(TxTicket {
                id,
                label: Arc::clone(&label),
                state: seen,
            });
            let now = Instant::now();
            let open = Open {
                id,
                label,
                sent,
                state,
                is_mined: false,
                sent_at: signed_at(&record, now),
                since: now,
                is_underpriced: false,
                missing: 0,
                record,
            };
            open.show_sent();
            self.open.insert(open.record.nonce, open);
        }
        tickets
    }

    /// Looks at L1 and does what has to be done now.
    pub(super) async fn look(&mut self) -> Result<(), TxError> {
        let outcome = self.try_look().await;
        let outcome = match outcome {
            Err(TxError::Rpc(fault)) => {
                self.troubles
                    .note(Waiting::Unavailable, "", &fault.to_string());
                for queued in &self.queue {
                    show(&queued.state, TxState::Waiting(Waiting::Unavailable));
                }
                Ok(())
            }
            other => other,
        };
        self.troubles.finish_look();
        self.report();
        outcome
    }

    async fn try_look(&mut self) -> Result<(), TxError> {
        let head = self.asker().head(self.account).await?;
        self.settle(&head).await?;
        if !self.open.is_empty() || !self.queue.is_empty() {
            let market = self.market().await?;
            self.nurse(&head, &market).await?;
            self.launch(&head, &market).await?;
        }
        self.troubles.wallet(head.balance, self.config.low_balance);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.metrics
            .last_look
            .set(now.unwrap_or_default().as_secs_f64());
        Ok(())
    }

    pub(super) async fn market(&self) -> Result<Market, TxError> {
        let history = self.asker().fee_history().await?;
        let market = Market::of(&history, self.config.min_tip);
        market.ok_or_else(|| {
            TxError::Rpc(super::RpcFault::Malformed {
                method: "eth_feeHistory",
                reason: "no base fee".to_owned(),
            })
        })
    }

    #[allow(clippy::cast_precision_loss, reason = "counts in charts")]
    fn report(&self) {
        self.metrics.in_flight.set(self.open.len() as f64);
        self.metrics.queued.set(self.queue.len() as f64);
        let open = self.open.values().map(|open| open.since);
        let oldest = open
            .chain(self.queue.iter().map(|queued| queued.since))
            .min();
        let age = oldest.map_or(Duration::ZERO, |since| since.elapsed());
        self.metrics.oldest.set(age.as_secs_f64());
    }

    /// Makes `changes` durable, on a thread of its own.
    pub(super) async fn save(&self, changes: Vec<TxChange>) -> Result<(), TxError> {
        let store = Arc::clone(&self.store);
        let saved = self.pool.run(move || store.save(changes)).await;
        Ok(saved.map_err(super::TxStoreError::Pool)??)
    }

    /// Signs a form of `record`'s nonce and adds it there. Nothing is stored or sent.
    pub(super) async fn sign(
        &self,
        record: &mut L1TxRecord,
        form: Form,
    ) -> Result<Sent, super::SignerError> {
        let signature = self.signer.sign(&form.unsigned).await?;
        let (raw, hash) = form.unsigned.into_raw(signature);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        record.attempts.push(L1TxAttempt {
            hash,
            version: form.version,
            is_cancel: form.is_cancel,
            signed_at: now.unwrap_or_default().as_secs(),
        });
        record.raw = raw;
        Sent::decode(&record.raw)
            .ok_or_else(|| super::SignerError::Sign("the transaction does not decode".to_owned()))
    }

    /// Sends the newest form of the transaction with `nonce`.
    pub(super) async fn send(&mut self, nonce: u64, head: &HeadView) {
        let Some(open) = self.open.get(&nonce) else {
            return;
        };
        let raw = open.record.raw.clone();
        let answer = self.asker().send(&raw).await;
        self.metrics.sent.increment(1);
        let Some(open) = self.open.get_mut(&nonce) else {
            return;
        };
        let refusal = match &answer {
            Ok(_) => None,
            Err(fault) => Some(Refusal::of(fault)),
        };
        let detail = answer
            .err()
            .map(|fault| fault.to_string())
            .unwrap_or_default();
        let waiting = match refusal {
            None | Some(Refusal::Known) => None,
            // The next look finds out who used it.
            Some(Refusal::NonceTooLow) => None,
            Some(Refusal::Underpriced) => {
                open.is_underpriced = true;
                None
            }
            Some(Refusal::Funds) => Some(Waiting::Funds),
            Some(Refusal::Unavailable) => Some(Waiting::Unavailable),
            Some(Refusal::Other) => Some(Waiting::Refused),
        };
        match waiting {
            None => open.show_sent(),
            Some(reason) => {
                show(&open.state, TxState::Waiting(reason));
                let detail = format!("{detail} (balance {} wei)", head.balance);
                self.troubles.note(reason, &open.label, &detail);
            }
        }
    }

    /// Ends a transaction: forgets it, then says so.
    pub(super) async fn finish(&mut self, nonce: u64, outcome: TxOutcome) -> Result<(), TxError> {
        let lane = self.account;
        self.save(vec![TxChange::Delete { lane, nonce }]).await?;
        if let Some(open) = self.open.remove(&nonce) {
            conclude(&self.metrics, &open.label, &open.state, outcome);
        }
        Ok(())
    }
}

/// Logs, counts and publishes an outcome.
pub(super) fn conclude(
    metrics: &TxMetrics,
    label: &str,
    state: &watch::Sender<TxState>,
    outcome: TxOutcome,
) {
    match &outcome {
        TxOutcome::Mined { receipt, .. } => {
            metrics.ended("mined");
            let (hash, block) = (receipt.transaction_hash, receipt.block_number);
            tracing::info!(label, %hash, block, gas_used = receipt.gas_used, "transaction confirmed on L1");
        }
        TxOutcome::Reverted {
            message, receipt, ..
        } => {
            let on_chain = receipt.is_some();
            metrics.ended(if on_chain { "reverted" } else { "refused" });
            tracing::warn!(label, message, on_chain, "transaction reverts on L1");
        }
        TxOutcome::Cancelled => {
            metrics.ended("cancelled");
            tracing::info!(label, "transaction cancelled");
        }
    }
    show(state, TxState::Done(outcome));
}

/// When the newest form of a restored transaction was signed, on this process' clock.
fn signed_at(record: &L1TxRecord, now: Instant) -> Instant {
    let signed = record.attempts.last().map_or(0, |last| last.signed_at);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    let age = wall.unwrap_or_default().as_secs().saturating_sub(signed);
    now.checked_sub(Duration::from_secs(age)).unwrap_or(now)
}
