//! What was mined, what came back, and what somebody else did with the key.

use std::{sync::Arc, time::Instant};

use alloy_primitives::Bytes;
use alloy_rpc_types_eth::TransactionReceipt;
use aura_storage::L1TxAttempt;

use super::{
    RpcFault, TxChange, TxError, TxOutcome, TxState,
    lane::{Lane, Queued, show},
    rpc::HeadView,
};

/// Looks without a receipt after which a used nonce was used by somebody else. More than one, for the
/// nodes behind one URL do not all see a block at once.
const MISSING_LOOKS: u32 = 3;

impl Lane {
    pub(super) async fn settle(&mut self, head: &HeadView) -> Result<(), TxError> {
        let nonces: Vec<u64> = self.open.keys().copied().collect();
        for nonce in nonces {
            if nonce < head.nonce {
                self.settle_used(nonce, head).await?;
            } else if let Some(open) = self.open.get_mut(&nonce) {
                open.missing = 0;
                if std::mem::take(&mut open.is_mined) {
                    self.metrics.reorged.increment(1);
                    let hash = open.newest().hash;
                    tracing::warn!(label = %open.label, nonce, %hash,
                        "a reorganisation of L1 took a transaction back; it is sent again");
                    open.sent_at = Instant::now();
                    open.show_sent();
                }
            }
        }
        Ok(())
    }

    /// Finds out which form of `nonce` was mined.
    async fn settle_used(&mut self, nonce: u64, head: &HeadView) -> Result<(), TxError> {
        let Some((attempt, receipt)) = self.mined_form(nonce).await? else {
            let Some(open) = self.open.get_mut(&nonce) else {
                return Ok(());
            };
            open.missing += 1;
            if open.missing >= MISSING_LOOKS {
                self.displace(nonce).await?;
            }
            return Ok(());
        };
        let block = receipt.block_number.unwrap_or(head.number);
        let Some(open) = self.open.get_mut(&nonce) else {
            return Ok(());
        };
        open.missing = 0;
        open.is_mined = true;
        let confirmations = (head.number + 1).saturating_sub(block);
        if confirmations < self.config.confirmations {
            let hash = attempt.hash;
            show(&open.state, TxState::Mined { hash, block });
            return Ok(());
        }
        let outcome = self.outcome(nonce, attempt, receipt).await?;
        self.finish(nonce, outcome).await
    }

    async fn mined_form(
        &self,
        nonce: u64,
    ) -> Result<Option<(L1TxAttempt, TransactionReceipt)>, TxError> {
        let Some(open) = self.open.get(&nonce) else {
            return Ok(None);
        };
        for attempt in open.record.attempts.iter().rev() {
            if let Some(receipt) = self.asker().receipt(attempt.hash).await? {
                return Ok(Some((*attempt, receipt)));
            }
        }
        Ok(None)
    }

    async fn outcome(
        &self,
        nonce: u64,
        attempt: L1TxAttempt,
        receipt: TransactionReceipt,
    ) -> Result<TxOutcome, TxError> {
        if attempt.is_cancel {
            return Ok(TxOutcome::Cancelled);
        }
        let version = attempt.version;
        if receipt.status() {
            return Ok(TxOutcome::Mined {
                receipt: Arc::new(receipt),
                version,
            });
        }
        let (data, message) = self.why_reverted(nonce, &receipt).await;
        Ok(TxOutcome::Reverted {
            data,
            message,
            receipt: Some(Arc::new(receipt)),
            version,
        })
    }

    /// Calls it again in the block before. That block's state is not exactly the one it met, so this is
    /// the likely reason, not a certain one.
    async fn why_reverted(&self, nonce: u64, receipt: &TransactionReceipt) -> (Bytes, String) {
        let unknown = (Bytes::new(), "reverted on L1".to_owned());
        let (Some(open), Some(block)) = (self.open.get(&nonce), receipt.block_number) else {
            return unknown;
        };
        let call = open.sent.job.to_call(self.account);
        let before = format!("{:#x}", block.saturating_sub(1));
        match self.asker().call(&call, &before).await {
            Err(RpcFault::Refused { message, data, .. }) => (data, message),
            _ => unknown,
        }
    }

    /// Somebody else used the nonce: the transaction gets another one.
    async fn displace(&mut self, nonce: u64) -> Result<(), TxError> {
        let Some(open) = self.open.remove(&nonce) else {
            return Ok(());
        };
        self.metrics.displaced.increment(1);
        tracing::error!(account = %self.account, nonce, label = %open.label,
            "somebody else used a nonce of this key on L1; the transaction gets another one");
        let newest = open.newest();
        if newest.is_cancel {
            // There is nothing left to cancel.
            let lane = self.account;
            self.save(vec![TxChange::Delete { lane, nonce }]).await?;
            show(&open.state, TxState::Done(TxOutcome::Cancelled));
            return Ok(());
        }
        let mut job = open.sent.job;
        job.gas_limit = None;
        show(&open.state, TxState::Queued);
        // In front of what was never sent, in the order of the nonces.
        let lost = |queued: &&Queued| queued.former_nonce.is_some();
        let place = self.queue.iter().take_while(lost).count();
        let queued = Queued {
            id: open.id,
            label: open.label,
            job,
            version: newest.version,
            state: open.state,
            former_nonce: Some(nonce),
            since: open.since,
        };
        self.queue.insert(place, queued);
        Ok(())
    }
}
