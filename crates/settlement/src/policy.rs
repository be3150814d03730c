//! When a batch is due.

use std::time::Duration;

/// What is not posted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Time of its first block, seconds.
    pub(crate) first_time: u64,
    /// Estimated bytes of its payload.
    pub(crate) payload_bytes: usize,
    /// Its blocks.
    pub(crate) blocks: u64,
    /// L1 time of the first queue entry in it, seconds.
    pub(crate) first_entry: Option<u64>,
}

/// Bounds that make a batch due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Triggers {
    pub(crate) interval: Duration,
    pub(crate) max_payload_bytes: usize,
    pub(crate) max_blocks: u64,
    pub(crate) force_delay: u64,
}

/// Whether an entry of this L1 time has waited long enough to hurry.
pub(crate) const fn is_pressing(entry_time: u64, force_delay: u64, now: u64) -> bool {
    now.saturating_sub(entry_time) > force_delay / 4
}

/// Why a batch is due at second `now`, if it is.
pub(crate) fn due(backlog: &Backlog, triggers: &Triggers, now: u64) -> Option<&'static str> {
    if backlog.blocks == 0 {
        return None;
    }
    let age = Duration::from_secs(now.saturating_sub(backlog.first_time));
    if backlog.payload_bytes >= triggers.max_payload_bytes || backlog.blocks >= triggers.max_blocks
    {
        Some("size")
    } else if age >= triggers.interval {
        Some("interval")
    } else if backlog
        .first_entry
        .is_some_and(|entry| is_pressing(entry, triggers.force_delay, now))
    {
        Some("queue")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIGGERS: Triggers = Triggers {
        interval: Duration::from_secs(300),
        max_payload_bytes: 1_000,
        max_blocks: 10,
        force_delay: 400,
    };

    #[test]
    fn a_batch_is_due_by_age_size_or_queue() {
        let backlog = Backlog {
            first_time: 1_000,
            payload_bytes: 10,
            blocks: 3,
            first_entry: None,
        };
        assert_eq!(due(&backlog, &TRIGGERS, 1_299), None);
        assert_eq!(due(&backlog, &TRIGGERS, 1_300), Some("interval"));
        let large = Backlog {
            payload_bytes: 1_000,
            ..backlog
        };
        assert_eq!(due(&large, &TRIGGERS, 1_000), Some("size"));
        let many = Backlog {
            blocks: 10,
            ..backlog
        };
        assert_eq!(due(&many, &TRIGGERS, 1_000), Some("size"));
        let entry = Backlog {
            first_entry: Some(1_000),
            ..backlog
        };
        assert_eq!(due(&entry, &TRIGGERS, 1_100), None);
        assert_eq!(due(&entry, &TRIGGERS, 1_101), Some("queue"));
        let nothing = Backlog { blocks: 0, ..large };
        assert_eq!(due(&nothing, &TRIGGERS, 9_999), None);
        // A clock that went back makes nothing due.
        assert_eq!(due(&entry, &TRIGGERS, 0), None);
    }
}
