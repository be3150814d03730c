//! What a client says about the trace it wants.

use std::time::Duration;

use alloy_rpc_types_trace::geth::{GethDebugTracingCallOptions, GethDebugTracingOptions};
use serde_json::value::RawValue;

use crate::{
    errors::Fault,
    params::{self, Args},
};

/// A tracer with its configuration, and how long it may run.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) tracer: GethDebugTracingOptions,
    pub(super) timeout: Option<Duration>,
}

impl Options {
    pub(super) fn parse(args: &mut Args<'_>) -> Result<Self, Fault> {
        let tracer = args.optional("trace config", params::json)?;
        Self::new(tracer.unwrap_or_default())
    }

    pub(super) fn new(tracer: GethDebugTracingOptions) -> Result<Self, Fault> {
        let timeout = match &tracer.timeout {
            Some(text) => Some(duration(text).ok_or_else(|| {
                Fault::params(format!(
                    "invalid timeout {text:?}, want a duration such as \"5s\" or \"300ms\""
                ))
            })?),
            None => None,
        };
        Ok(Self { tracer, timeout })
    }
}

/// Options of `debug_traceCall`.
pub(super) fn call_options(
    args: &mut Args<'_>,
) -> Result<(Options, GethDebugTracingCallOptions), Fault> {
    let options: Option<GethDebugTracingCallOptions> =
        args.optional("trace config", params::json)?;
    let mut options = options.unwrap_or_default();
    let tracer = std::mem::take(&mut options.tracing_options);
    Ok((Options::new(tracer)?, options))
}

/// A duration as Go writes it: numbers with units, one after the other.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        let number: f64 = number.parse().ok()?;
        let part = Duration::try_from_secs_f64(number * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = tail;
    }
    Some(total)
}

/// `transactionIndex` and `txIndex`: a number, in hex or not; `-1` stands for all.
pub(super) fn transaction_index(raw: &RawValue) -> Result<Option<u64>, String> {
    if raw.get() == "-1" {
        return Ok(None);
    }
    params::u64(raw).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, ms) in [
            ("5s", 5_000),
            ("300ms", 300),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("2m", 120_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "5 s", "-5s", "1x", "9999999999999999999999h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
