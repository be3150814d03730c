//! What can be sent now.

use alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA;
use alloy_primitives::Bytes;

use super::{
    RpcFault, TxError, TxOutcome, TxState, Waiting,
    fees::{Fees, Market},
    lane::{Form, Lane, Queued, conclude, show},
    rpc::HeadView,
    trouble::Refusal,
};

/// Gas for what the estimate did not meet, in percent of it: another transaction of the same block can
/// make a storage slot cold or new.
const GAS_MARGIN: u64 = 120;

/// What a simulation says.
pub(super) enum Simulated {
    /// It succeeds with this gas limit.
    Gas(u64),
    /// It reverts.
    Reverts { data: Bytes, message: String },
    /// It cannot be said now.
    Waits(Waiting, String),
}

impl Lane {
    pub(super) async fn launch(&mut self, head: &HeadView, market: &Market) -> Result<(), TxError> {
        while let Some(queued) = self.queue.pop_front() {
            if let Some(queued) = self.try_launch(queued, head, market).await? {
                self.queue.push_front(queued);
                break;
            }
        }
        Ok(())
    }

    /// Sends or ends `queued`; gives it back if it has to wait.
    async fn try_launch(
        &mut self,
        queued: Queued,
        head: &HeadView,
        market: &Market,
    ) -> Result<Option<Queued>, TxError> {
        let pending = self.open.range(head.nonce..).count();
        if pending >= self.config.max_in_flight {
            return Ok(self.hold(queued, Waiting::Earlier, ""));
        }
        let gas = match self.simulate(&queued.job, "pending").await {
            Simulated::Gas(gas) => gas,
            Simulated::Waits(reason, detail) => return Ok(self.hold(queued, reason, &detail)),
            // Nodes differ in what they call pending: it counts when nothing is.
            Simulated::Reverts { .. } if pending > 0 => {
                return Ok(self.hold(queued, Waiting::Earlier, ""));
            }
            Simulated::Reverts { data, message } => {
                self.refuse(queued, data, message).await?;
                return Ok(None);
            }
        };
        let used = queued.job.used(gas);
        let Some(fees) = Fees::initial(market, used, &self.config) else {
            let detail = format!(
                "base fee {} wei, blob base fee {} wei",
                market.base_fee, market.blob_base_fee
            );
            return Ok(self.hold(queued, Waiting::Fees, &detail));
        };
        let cost = fees.cost(used).saturating_add(queued.job.value);
        let free = self.free_balance(head, None);
        if cost > free {
            let detail = format!("costs up to {cost} wei, the account has {free}");
            return Ok(self.hold(queued, Waiting::Funds, &detail));
        }
        let nonce = match self.next_nonce(head).await {
            Ok(nonce) => nonce,
            Err(fault) => return Ok(self.hold(queued, Waiting::Unavailable, &fault.to_string())),
        };
        let form = Form {
            unsigned: queued.job.with(self.config.chain_id, nonce, gas, fees),
            version: queued.version,
            is_cancel: false,
        };
        tracing::debug!(label = %queued.label, nonce, gas, "transaction is signed for L1");
        match self.open_form(nonce, form, queued, head).await? {
            Ok(()) => Ok(None),
            Err((queued, error)) => {
                let detail = format!("signer: {error:?}");
                Ok(self.hold(queued, Waiting::Unavailable, &detail))
            }
        }
    }

    fn hold(&mut self, queued: Queued, reason: Waiting, detail: &str) -> Option<Queued> {
        show(&queued.state, TxState::Waiting(reason));
        self.troubles.note(reason, &queued.label, detail);
        Some(queued)
    }

    async fn refuse(
        &mut self,
        queued: Queued,
        data: Bytes,
        message: String,
    ) -> Result<(), TxError> {
        if let Some(nonce) = queued.former_nonce {
            let lane = self.account;
            self.save(vec![super::TxChange::Delete { lane, nonce }])
                .await?;
        }
        let outcome = TxOutcome::Reverted {
            data,
            message,
            receipt: None,
            version: queued.version,
        };
        conclude(&self.metrics, &queued.label, &queued.state, outcome);
        Ok(())
    }

    /// Calls `job` without sending it.
    pub(super) async fn simulate(&self, job: &super::build::Job, block: &str) -> Simulated {
        let call = job.to_call(self.account);
        let asker = self.asker();
        let gas = match job.gas_limit {
            Some(gas) => asker.call(&call, block).await.map(|_| gas),
            None => asker.estimate_gas(&call, block).await.map(with_margin),
        };
        let fault = match gas {
            Ok(gas) => return Simulated::Gas(gas),
            Err(fault) => fault,
        };
        let message = fault.to_string();
        match (Refusal::of(&fault), fault) {
            (Refusal::Funds, _) => Simulated::Waits(Waiting::Funds, message),
            (_, RpcFault::Refused { message, data, .. }) if is_revert(&message, &data) => {
                Simulated::Reverts { data, message }
            }
            (Refusal::Other, _) => Simulated::Waits(Waiting::Refused, message),
            _ => Simulated::Waits(Waiting::Unavailable, message),
        }
    }

    /// The nonce after ours and after those that others have in the pool.
    async fn next_nonce(&self, head: &HeadView) -> Result<u64, RpcFault> {
        let ours = self.open.keys().next_back().map_or(0, |nonce| nonce + 1);
        let next = ours.max(head.nonce);
        let pool = self.asker().pending_nonce(self.account).await?;
        if pool > next {
            tracing::error!(account = %self.account, next, pool,
                "somebody else sends transactions with this key; ours come after them");
        }
        Ok(next.max(pool))
    }
}

/// The gas limit for an estimate. The margin does not go above what a transaction may have (EIP-7825).
fn with_margin(gas: u64) -> u64 {
    // A plain transfer costs what it costs.
    if gas <= 21_000 {
        return gas;
    }
    let generous = gas.saturating_mul(GAS_MARGIN) / 100;
    generous.min(gas.max(MAX_TX_GAS_LIMIT_OSAKA))
}

/// Whether an answer is that of a contract. Not all nodes send data with it, and one without is a
/// revert without a reason.
fn is_revert(message: &str, data: &Bytes) -> bool {
    !data.is_empty() || message.to_ascii_lowercase().contains("revert")
}

#[cfg(test)]
mod tests {
    use super::with_margin;

    #[test]
    fn a_margin_is_given_where_there_is_room_for_it() {
        assert_eq!(with_margin(21_000), 21_000);
        assert_eq!(with_margin(100_000), 120_000);
        assert_eq!(with_margin(16_000_000), 16_777_216);
        // An L1 without the limit.
        assert_eq!(with_margin(20_000_000), 20_000_000);
    }
}
