//! Why accepted transactions leave the pool unmined.

use std::fmt;

use alloy_primitives::B256;

/// Why an accepted transaction left the pool without being mined.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// A dearer transaction with the same nonce took its place.
    Replaced(B256),
    /// Another transaction with its nonce was mined.
    NonceTooLow,
    /// The sender can no longer pay for it.
    InsufficientFunds,
    /// The pool was full and it was the cheapest.
    Evicted,
    /// It waited too long for a missing nonce.
    Expired,
    /// Execution found it invalid.
    Invalid(String),
    /// It broke a block build.
    Quarantined(String),
}

impl DropReason {
    /// Label of the metric `aura_pool_dropped_total`.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Replaced(_) => "replaced",
            Self::NonceTooLow => "nonce_too_low",
            Self::InsufficientFunds => "insufficient_funds",
            Self::Evicted => "evicted",
            Self::Expired => "expired",
            Self::Invalid(_) => "invalid",
            Self::Quarantined(_) => "quarantined",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replaced(by) => write!(f, "replaced by {by}"),
            Self::NonceTooLow => f.write_str("nonce too low: another transaction used its nonce"),
            Self::InsufficientFunds => f.write_str("insufficient funds for gas * price + value"),
            Self::Evicted => f.write_str("evicted: the pool was full and it was the cheapest"),
            Self::Expired => f.write_str("expired while waiting for a missing nonce"),
            Self::Invalid(reason) => write!(f, "invalid: {reason}"),
            Self::Quarantined(reason) => write!(f, "quarantined: {reason}"),
        }
    }
}
