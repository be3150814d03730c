//! How long to leave an endpoint alone.

use std::time::Duration;

/// Wait before the second attempt, at most.
const FIRST: Duration = Duration::from_millis(250);
/// Never less, so that another endpoint has its turn.
const LEAST: Duration = Duration::from_millis(20);

/// Exponential in `failures`, at most `max`, with full jitter: anything from almost nothing to all of it,
/// so that many nodes do not come back at one moment.
pub(super) fn backoff(failures: u32, max: Duration) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let longest = doubled.min(max).max(LEAST);
    longest.mul_f64(rand::random_range(0.0..=1.0)).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_capped() {
        let max = Duration::from_secs(30);
        for failures in 0..100u32 {
            let longest = FIRST * 2u32.pow(failures.saturating_sub(1).min(10));
            for _ in 0..20 {
                let wait = backoff(failures, max);
                assert!(
                    wait >= LEAST && wait <= longest.min(max),
                    "{failures}: {wait:?}"
                );
            }
        }
        let spread = (0..200).map(|_| backoff(9, max));
        let (short, long) = spread.partition::<Vec<_>, _>(|wait| *wait < max / 2);
        assert!(!short.is_empty() && !long.is_empty(), "there is jitter");
    }
}
