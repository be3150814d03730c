//! What is stuck or lost.

use std::{sync::Arc, time::Instant};

use alloy_primitives::{Bytes, U256};
use aura_storage::L1TxRecord;
use tokio::sync::watch;

use super::{
    SignerError, TxChange, TxError, TxState, Waiting,
    build::Job,
    fees::{Fees, Market},
    lane::{Form, Lane, Open, Queued, show},
    rpc::HeadView,
};

/// Looks after which a missing nonce is filled. More than one, for a pool may know it a moment later.
const GAP_LOOKS: u32 = 3;

impl Lane {
    pub(super) async fn nurse(&mut self, head: &HeadView, market: &Market) -> Result<(), TxError> {
        self.watch_gap(head, market).await?;
        let nonces: Vec<u64> = self
            .open
            .range(head.nonce..)
            .map(|(nonce, _)| *nonce)
            .collect();
        for nonce in nonces {
            self.repeat_lost(nonce, head).await?;
            self.raise_stuck(nonce, head, market).await?;
        }
        Ok(())
    }

    /// Sends it again if the pool does not have it.
    async fn repeat_lost(&mut self, nonce: u64, head: &HeadView) -> Result<(), TxError> {
        let Some(open) = self.open.get(&nonce) else {
            return Ok(());
        };
        let hash = open.newest().hash;
        if self.asker().knows(hash).await? {
            return Ok(());
        }
        // A transaction that is refused again and again was never lost.
        if matches!(&*open.state.borrow(), TxState::Sent { .. }) {
            self.metrics.dropped.increment(1);
            tracing::warn!(label = %open.label, nonce, %hash, "L1's pool lost a transaction; it is sent again");
        }
        self.send(nonce, head).await;
        Ok(())
    }

    /// Raises the fees if it has waited for too long, or a node found them too low.
    async fn raise_stuck(
        &mut self,
        nonce: u64,
        head: &HeadView,
        market: &Market,
    ) -> Result<(), TxError> {
        let Some(open) = self.open.get(&nonce) else {
            return Ok(());
        };
        let is_old = open.sent_at.elapsed() >= self.config.resubmit_after;
        if !is_old && !open.is_underpriced {
            return Ok(());
        }
        let has_blobs = open.sent.job.blobs.is_some();
        let newest = open.newest();
        let (job, gas) = (open.sent.job.clone(), open.sent.gas);
        let used = job.used(gas);
        let raised = open.sent.fees.raised(market, used, has_blobs, &self.config);
        let Some(fees) = raised else {
            let old = open.sent.fees;
            let detail = format!(
                "offers {} wei, the next block costs {}",
                old.max_fee, market.base_fee
            );
            show(&open.state, TxState::Waiting(Waiting::Fees));
            let label = Arc::clone(&open.label);
            self.troubles.note(Waiting::Fees, &label, &detail);
            return Ok(());
        };
        if let Some(missing) = self.missing_funds(nonce, &job, fees, gas, head) {
            let label = Arc::clone(&open.label);
            let detail = format!("{missing} wei more are needed to raise its fees");
            self.troubles.note(Waiting::Funds, &label, &detail);
            return Ok(());
        }
        tracing::info!(label = %open.label, nonce, max_fee = fees.max_fee, tip = fees.tip,
            max_blob_fee = fees.max_blob_fee, "transaction is not mined: its fees are raised");
        let form = Form {
            unsigned: job.with(self.config.chain_id, nonce, gas, fees),
            version: newest.version,
            is_cancel: newest.is_cancel,
        };
        self.metrics.raised.increment(1);
        self.send_form(nonce, form, head).await
    }

    /// What the account lacks for `job` in the place of `nonce`, besides its other transactions.
    fn missing_funds(
        &self,
        nonce: u64,
        job: &Job,
        fees: Fees,
        gas: u64,
        head: &HeadView,
    ) -> Option<U256> {
        let cost = fees.cost(job.used(gas)).saturating_add(job.value);
        let free = self.free_balance(head, Some(nonce));
        (cost > free).then(|| cost - free)
    }

    /// Balance that no transaction on its way needs; without that of nonce `besides`.
    pub(super) fn free_balance(&self, head: &HeadView, besides: Option<u64>) -> U256 {
        let pending = self.open.range(head.nonce..);
        let others = pending.filter(|(nonce, _)| Some(**nonce) != besides);
        others.fold(head.balance, |free, (_, open)| {
            free.saturating_sub(open.sent.cost())
        })
    }

    /// Signs another form of `nonce`, stores it, and sends it.
    pub(super) async fn send_form(
        &mut self,
        nonce: u64,
        form: Form,
        head: &HeadView,
    ) -> Result<(), TxError> {
        let Some(open) = self.open.get(&nonce) else {
            return Ok(());
        };
        let label = Arc::clone(&open.label);
        let mut record = open.record.clone();
        let sent = match self.sign(&mut record, form).await {
            Ok(sent) => sent,
            Err(error) => {
                let detail = format!("signer: {error:?}");
                self.troubles.note(Waiting::Unavailable, &label, &detail);
                return Ok(());
            }
        };
        self.save(vec![TxChange::Put(record.clone())]).await?;
        if let Some(open) = self.open.get_mut(&nonce) {
            open.record = record;
            open.sent = sent;
            open.sent_at = Instant::now();
            open.is_underpriced = false;
        }
        self.send(nonce, head).await;
        Ok(())
    }

    /// Fills the nonce before ours if nobody has a transaction with it: without it ours never come.
    async fn watch_gap(&mut self, head: &HeadView, market: &Market) -> Result<(), TxError> {
        let first = self
            .open
            .range(head.nonce..)
            .next()
            .map(|(nonce, _)| *nonce);
        let has_gap = first.is_some_and(|first| first > head.nonce);
        if !has_gap || self.asker().pending_nonce(self.account).await? > head.nonce {
            self.gap = 0;
            return Ok(());
        }
        self.gap += 1;
        if self.gap < GAP_LOOKS {
            return Ok(());
        }
        self.gap = 0;
        let nonce = head.nonce;
        tracing::error!(account = %self.account, nonce, first,
            "a nonce before our transactions on L1 is missing; it is filled");
        let job = Job::cancel(self.account, None);
        let Some(fees) = Fees::initial(market, job.used(21_000), &self.config) else {
            self.troubles.note(Waiting::Fees, "filler", "");
            return Ok(());
        };
        let form = Form {
            unsigned: job.with(self.config.chain_id, nonce, 21_000, fees),
            version: 0,
            is_cancel: true,
        };
        let (state, _) = watch::channel(TxState::Queued);
        let filler = Queued {
            id: self.fresh_id(),
            label: "filler".into(),
            job,
            version: 0,
            state,
            former_nonce: None,
            since: Instant::now(),
        };
        match self.open_form(nonce, form, filler, head).await? {
            Ok(()) => {}
            Err((_, error)) => {
                let detail = format!("signer: {error:?}");
                self.troubles.note(Waiting::Unavailable, "filler", &detail);
            }
        }
        Ok(())
    }

    /// Signs the first form of `nonce`, stores it, and sends it. Gives `queued` back if the signer fails.
    pub(super) async fn open_form(
        &mut self,
        nonce: u64,
        form: Form,
        queued: Queued,
        head: &HeadView,
    ) -> Result<Result<(), (Queued, SignerError)>, TxError> {
        let lane = self.account;
        let mut record = L1TxRecord {
            lane,
            nonce,
            label: queued.label.to_string(),
            raw: Bytes::new(),
            attempts: Vec::new(),
        };
        let sent = match self.sign(&mut record, form).await {
            Ok(sent) => sent,
            Err(error) => return Ok(Err((queued, error))),
        };
        let former = queued
            .former_nonce
            .map(|nonce| TxChange::Delete { lane, nonce });
        let mut changes: Vec<TxChange> = former.into_iter().collect();
        changes.push(TxChange::Put(record.clone()));
        self.save(changes).await?;
        let open = Open {
            id: queued.id,
            label: queued.label,
            record,
            sent,
            state: queued.state,
            is_mined: false,
            sent_at: Instant::now(),
            since: queued.since,
            is_underpriced: false,
            missing: 0,
        };
        self.open.insert(nonce, open);
        self.send(nonce, head).await;
        Ok(Ok(()))
    }
}
