//! Why accepted transactions leave the pool unmined.

use std::{
    collections::VecDeque,
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use alloy_primitives::{B256, map::B256Map};
use parking_lot::Mutex;

use crate::PoolError;

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

/// Why an accepted transaction that is validated once more cannot stay.
impl From<&PoolError> for DropReason {
    fn from(error: &PoolError) -> Self {
        match error {
            PoolError::NonceTooLow { .. } => Self::NonceTooLow,
            PoolError::InsufficientFunds(_) => Self::InsufficientFunds,
            PoolError::Full | PoolError::Underpriced { .. } => Self::Evicted,
            other => Self::Invalid(other.to_string()),
        }
    }
}

/// A transaction that just left the pool unmined, for the journal, the log and the metric.
#[derive(Debug)]
pub(crate) struct Drop {
    pub(crate) hash: B256,
    /// Its number in the journal.
    pub(crate) seq: u64,
    pub(crate) reason: DropReason,
}

/// Bounded memory of drops, and the hashes that are refused for a while.
#[derive(Debug)]
pub(crate) struct DropLog {
    memory: Mutex<Memory>,
    quarantine: Mutex<Quarantine>,
    /// So that submissions need no lock while nothing is quarantined.
    quarantined: AtomicUsize,
    lifetime: Duration,
}

/// Reasons by hash; the oldest is forgotten first.
#[derive(Debug)]
struct Memory {
    reasons: B256Map<DropReason>,
    order: VecDeque<B256>,
    capacity: usize,
}

/// Quarantined hashes with the end of their time, oldest first.
#[derive(Debug, Default)]
struct Quarantine {
    reasons: B256Map<String>,
    order: VecDeque<(Instant, B256)>,
}

/// Hashes in quarantine; beyond it the oldest is released.
const MAX_QUARANTINED: usize = 4_096;

impl DropLog {
    pub(crate) fn new(capacity: usize, lifetime: Duration) -> Self {
        Self {
            memory: Mutex::new(Memory {
                reasons: B256Map::default(),
                order: VecDeque::new(),
                capacity,
            }),
            quarantine: Mutex::default(),
            quarantined: AtomicUsize::new(0),
            lifetime,
        }
    }

    pub(crate) fn remember(&self, hash: B256, reason: DropReason) {
        if let DropReason::Quarantined(reason) = &reason {
            self.quarantine(hash, reason.clone());
        }
        self.memory.lock().remember(hash, reason);
    }

    /// Forgets a drop: the transaction was accepted again.
    pub(crate) fn forget(&self, hash: B256) {
        self.memory.lock().reasons.remove(&hash);
    }

    pub(crate) fn reason(&self, hash: B256) -> Option<DropReason> {
        self.memory.lock().reasons.get(&hash).cloned()
    }

    pub(crate) fn quarantine(&self, hash: B256, reason: String) {
        let mut quarantine = self.quarantine.lock();
        if quarantine.reasons.insert(hash, reason).is_none() {
            let end = Instant::now() + self.lifetime;
            quarantine.order.push_back((end, hash));
        }
        while quarantine.order.len() > MAX_QUARANTINED {
            quarantine.release_oldest();
        }
        self.quarantined
            .store(quarantine.order.len(), Ordering::Release);
    }

    /// Why the hash is refused, if it is.
    pub(crate) fn quarantined(&self, hash: B256) -> Option<String> {
        if self.quarantined.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut quarantine = self.quarantine.lock();
        let now = Instant::now();
        while quarantine.order.front().is_some_and(|(end, _)| *end <= now) {
            quarantine.release_oldest();
        }
        self.quarantined
            .store(quarantine.order.len(), Ordering::Release);
        quarantine.reasons.get(&hash).cloned()
    }

    /// Every quarantined hash, for a new journal file.
    pub(crate) fn quarantined_hashes(&self) -> Vec<(B256, String)> {
        let quarantine = self.quarantine.lock();
        quarantine
            .order
            .iter()
            .filter_map(|(_, hash)| Some((*hash, quarantine.reasons.get(hash)?.clone())))
            .collect()
    }
}

impl Memory {
    fn remember(&mut self, hash: B256, reason: DropReason) {
        self.reasons.insert(hash, reason);
        self.order.push_back(hash);
        while self.order.len() > self.capacity {
            if let Some(oldest) = self.order.pop_front() {
                self.reasons.remove(&oldest);
            }
        }
    }
}

impl Quarantine {
    fn release_oldest(&mut self) {
        if let Some((_, hash)) = self.order.pop_front() {
            self.reasons.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarantine_ends_with_its_time() {
        let log = DropLog::new(16, Duration::ZERO);
        log.remember(B256::ZERO, DropReason::Quarantined("panic".into()));
        assert_eq!(log.quarantined(B256::ZERO), None);
        assert_eq!(
            log.reason(B256::ZERO),
            Some(DropReason::Quarantined("panic".into()))
        );
        let log = DropLog::new(16, Duration::from_secs(60));
        log.remember(B256::ZERO, DropReason::Quarantined("panic".into()));
        assert_eq!(log.quarantined(B256::ZERO).as_deref(), Some("panic"));
        assert_eq!(log.quarantined(B256::repeat_byte(1)), None);
    }

    #[test]
    fn memory_of_drops_and_quarantine_are_bounded() {
        let log = DropLog::new(100, Duration::from_secs(60));
        for number in 0..10_000_u64 {
            let hash = B256::left_padding_from(&number.to_be_bytes());
            log.remember(hash, DropReason::Quarantined(String::new()));
        }
        assert_eq!(log.memory.lock().reasons.len(), 100);
        assert_eq!(log.quarantined_hashes().len(), MAX_QUARANTINED);
        let newest = B256::left_padding_from(&9_999_u64.to_be_bytes());
        assert!(log.quarantined(newest).is_some());
    }
}
