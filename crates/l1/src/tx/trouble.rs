//! What L1's nodes say when they do not take a transaction, and how often it is logged.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256};

use super::{RpcFault, Waiting, metrics::TxMetrics};

/// What an answer to `eth_sendRawTransaction` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The pool has it.
    Known,
    /// The nonce is used already.
    NonceTooLow,
    /// Others pay more, or a replacement has to.
    Underpriced,
    /// The account cannot pay.
    Funds,
    /// Nobody answered; it may have arrived.
    Unavailable,
    /// Something else.
    Other,
}

impl Refusal {
    /// Nodes agree on no codes, only nearly on words: those of geth, reth, nethermind, besu, erigon
    /// and anvil.
    pub(super) fn of(fault: &RpcFault) -> Self {
        let RpcFault::Refused { message, .. } = fault else {
            return Self::Unavailable;
        };
        let message = message.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if says(&[
            "already known",
            "already imported",
            "known transaction",
            "alreadyknown",
        ]) {
            Self::Known
        } else if says(&[
            "nonce too low",
            "nonce is too low",
            "oldnonce",
            "nonce_too_low",
        ]) {
            Self::NonceTooLow
        } else if says(&[
            "underpriced",
            "fee too low",
            "feetoolow",
            "max fee per gas less than block base fee",
            "max fee per blob gas less than block blob",
            "less than block base fee",
            "gas price below",
        ]) {
            Self::Underpriced
        } else if says(&[
            "insufficient funds",
            "insufficientfunds",
            "upfront cost exceeds",
        ]) {
            Self::Funds
        } else if says(&[
            "limit exceeded",
            "rate limit",
            "too many requests",
            "timeout",
        ]) {
            Self::Unavailable
        } else {
            Self::Other
        }
    }
}

/// Troubles of one account; each is logged when it begins and again after a while.
pub(super) struct Troubles {
    account: Address,
    remind_after: Duration,
    metrics: TxMetrics,
    since: HashMap<Waiting, (Instant, Instant)>,
    seen: Vec<Waiting>,
}

impl Troubles {
    pub(super) fn new(account: Address, remind_after: Duration, metrics: TxMetrics) -> Self {
        Self {
            account,
            remind_after,
            metrics,
            since: HashMap::new(),
            seen: Vec::new(),
        }
    }

    /// Notes that `label` waits for `reason`.
    pub(super) fn note(&mut self, reason: Waiting, label: &str, detail: &str) {
        self.seen.push(reason);
        if reason == Waiting::Earlier {
            return;
        }
        let now = Instant::now();
        let (began, logged) = *self.since.entry(reason).or_insert_with(|| {
            self.metrics.waiting(reason.name(), true);
            let before = now.checked_sub(self.remind_after).unwrap_or(now);
            (now, before)
        });
        let is_new = began == now;
        if !is_new && now.duration_since(logged) < self.remind_after {
            return;
        }
        self.since.insert(reason, (began, now));
        let waits_ms = now.duration_since(began).as_millis();
        let account = self.account;
        match reason {
            Waiting::Funds => tracing::error!(
                %account, label, detail, waits_ms,
                "the account on L1 cannot pay: transactions wait until it is refilled"
            ),
            Waiting::Refused => tracing::error!(
                %account, label, detail, waits_ms, "L1 refuses a transaction; it is sent again"
            ),
            Waiting::Fees => tracing::warn!(
                %account, label, detail, waits_ms,
                "gas on L1 is above the ceiling: transactions wait"
            ),
            _ => tracing::warn!(
                %account, label, detail, waits_ms, "L1 or the signer is unavailable"
            ),
        }
    }

    /// Ends a look at L1: what was not noted in it is over.
    pub(super) fn finish_look(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        let metrics = &self.metrics;
        let account = self.account;
        self.since.retain(|reason, _| {
            let goes_on = seen.contains(reason);
            if !goes_on {
                metrics.waiting(reason.name(), false);
                tracing::info!(%account, reason = reason.name(), "transactions go on");
            }
            goes_on
        });
    }

    /// Whether transactions wait for money.
    pub(super) fn is_empty_wallet(&self) -> bool {
        self.since.contains_key(&Waiting::Funds)
    }

    /// Tells the gauges of the account.
    pub(super) fn wallet(&self, balance: U256, low_balance: U256) {
        self.metrics.wallet(balance);
        self.metrics
            .wallet_empty(self.is_empty_wallet() || balance < low_balance);
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Bytes;

    use super::*;

    fn refused(message: &str) -> RpcFault {
        RpcFault::Refused {
            code: -32000,
            message: message.to_owned(),
            data: Bytes::new(),
        }
    }

    #[test]
    fn understands_what_nodes_say() {
        let cases = [
            ("already known", Refusal::Known),
            ("transaction already imported", Refusal::Known),
            (
                "nonce too low: next nonce 5, tx nonce 4",
                Refusal::NonceTooLow,
            ),
            ("replacement transaction underpriced", Refusal::Underpriced),
            (
                "transaction underpriced: gas tip cap 0",
                Refusal::Underpriced,
            ),
            (
                "max fee per gas less than block base fee: address 0x, maxFeePerGas: 1",
                Refusal::Underpriced,
            ),
            ("Insufficient funds for gas * price + value", Refusal::Funds),
            ("limit exceeded", Refusal::Unavailable),
            ("address already reserved", Refusal::Other),
        ];
        for (message, meaning) in cases {
            assert_eq!(Refusal::of(&refused(message)), meaning, "{message}");
        }
        let lost = RpcFault::Unavailable("connection reset".to_owned());
        assert_eq!(Refusal::of(&lost), Refusal::Unavailable);
    }

    #[test]
    fn a_trouble_ends_when_it_is_not_noted_any_more() {
        let metrics = TxMetrics::new("test");
        let mut troubles = Troubles::new(Address::ZERO, Duration::from_secs(60), metrics);
        troubles.note(Waiting::Funds, "batch", "");
        troubles.finish_look();
        assert!(troubles.is_empty_wallet());
        troubles.finish_look();
        assert!(!troubles.is_empty_wallet());
    }
}
