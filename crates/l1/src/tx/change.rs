//! Other requests in the place of those that are on their way.

use super::{
    TxError, TxId, TxOutcome, TxRequest, TxState, Waiting,
    build::Job,
    lane::{Form, Lane, conclude, show},
    launch::Simulated,
};

impl Lane {
    /// Puts `request` in the place of the transaction `id`.
    pub(super) async fn replace(&mut self, id: TxId, request: TxRequest) -> Result<(), TxError> {
        let job = Job::from(request);
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.id == id) {
            queued.job = job;
            queued.version += 1;
            return Ok(());
        }
        let version = self.open_nonce(id)?.1 + 1;
        self.put_in_place(id, job, version, false).await
    }

    /// Takes the transaction `id` back: at once if it was not sent, otherwise by using up its nonce.
    pub(super) async fn cancel(&mut self, id: TxId) -> Result<(), TxError> {
        if let Some(place) = self.queue.iter().position(|queued| queued.id == id) {
            if let Some(queued) = self.queue.remove(place) {
                if let Some(nonce) = queued.former_nonce {
                    let lane = self.account;
                    self.save(vec![super::TxChange::Delete { lane, nonce }])
                        .await?;
                }
                conclude(
                    &self.metrics,
                    &queued.label,
                    &queued.state,
                    TxOutcome::Cancelled,
                );
            }
            return Ok(());
        }
        let (nonce, version) = self.open_nonce(id)?;
        let blobs = self
            .open
            .get(&nonce)
            .and_then(|open| open.sent.job.blobs.clone());
        let job = Job::cancel(self.account, blobs);
        self.put_in_place(id, job, version, true).await
    }

    /// Nonce and version of the transaction `id`, unless it is in a block.
    fn open_nonce(&self, id: TxId) -> Result<(u64, u32), TxError> {
        let open = self.open.values().find(|open| open.id == id);
        let open = open.filter(|open| !open.is_mined).ok_or(TxError::Ended)?;
        Ok((open.record.nonce, open.newest().version))
    }

    async fn put_in_place(
        &mut self,
        id: TxId,
        job: Job,
        version: u32,
        is_cancel: bool,
    ) -> Result<(), TxError> {
        let head = self.asker().head(self.account).await?;
        let (nonce, _) = self.open_nonce(id)?;
        if nonce < head.nonce {
            return Err(TxError::Ended);
        }
        // The pending state has what is replaced; the latest lacks what comes before. Only the first can be
        // tried out, the others pay for a mistake.
        let is_first = nonce == head.nonce;
        let gas = match (is_cancel, is_first, job.gas_limit) {
            (true, ..) => 21_000,
            (false, false, Some(gas)) => gas,
            (false, false, None) => return Err(TxError::ReplacementWaits(Waiting::Earlier)),
            (false, true, _) => match self.simulate(&job, "latest").await {
                Simulated::Gas(gas) => gas,
                Simulated::Reverts { data, message } => {
                    return Err(TxError::ReplacementReverts { data, message });
                }
                Simulated::Waits(reason, _) => return Err(TxError::ReplacementWaits(reason)),
            },
        };
        let market = self.market().await?;
        let Some(open) = self.open.get(&nonce) else {
            return Err(TxError::Ended);
        };
        let is_blob_pool = open.sent.job.blobs.is_some() || job.blobs.is_some();
        let fees = open
            .sent
            .fees
            .raised(&market, job.used(gas), is_blob_pool, &self.config)
            .ok_or(TxError::ReplacementWaits(Waiting::Fees))?;
        let cost = fees.cost(job.used(gas)).saturating_add(job.value);
        if cost > self.free_balance(&head, Some(nonce)) {
            return Err(TxError::ReplacementWaits(Waiting::Funds));
        }
        let form = Form {
            unsigned: job.with(self.config.chain_id, nonce, gas, fees),
            version,
            is_cancel,
        };
        show(&open.state, TxState::Queued);
        self.send_form(nonce, form, &head).await
    }
}
