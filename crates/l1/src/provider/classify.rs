//! What a failed request means.

use alloy_primitives::Bytes;
use alloy_provider::transport::{
    RpcError, TransportError, TransportErrorKind,
    layers::{RateLimitRetryPolicy, RetryPolicy},
};

use super::endpoint::Endpoint;
use crate::L1Error;

/// Codes with which endpoints say that there were too many requests.
const RATE_CODES: [i64; 7] = [-32005, -32097, -32016, -32007, -32029, -32090, 429];

/// Words with which they say it.
const RATE_WORDS: [&str; 5] = [
    "rate limit",
    "too many requests",
    "request limit",
    "compute units",
    "capacity exceeded",
];

/// Words with which they refuse a range of blocks or an answer that would be too long.
const RANGE_WORDS: [&str; 10] = [
    "more than",
    "too many results",
    "block range",
    "range is too",
    "range too",
    "too large",
    "too wide",
    "response size",
    "limit the query",
    "up to a",
];

fn says(message: &str, words: &[&str]) -> bool {
    let message = message.to_lowercase();
    words.iter().any(|word| message.contains(word))
}

/// Whether a request for logs was refused because its range is too long.
pub(crate) fn is_range_limit(error: &L1Error) -> bool {
    match error {
        L1Error::Rpc { code, message, .. } => *code == -32005 || says(message, &RANGE_WORDS),
        // An endpoint that cannot gather so much in time, or sends more than fits a message.
        L1Error::Timeout { .. } => true,
        _ => false,
    }
}

/// Our name for a failure of the transport.
pub(super) fn classify(
    endpoint: &Endpoint,
    method: &'static str,
    error: &TransportError,
) -> L1Error {
    let name = || endpoint.name().to_owned();
    let limited = || L1Error::RateLimited {
        endpoint: endpoint.name().to_owned(),
        retry_after: RateLimitRetryPolicy::default().backoff_hint(error),
    };
    match error {
        RpcError::ErrorResp(payload) => {
            let is_range = says(&payload.message, &RANGE_WORDS);
            let is_rate = RATE_CODES.contains(&payload.code) || says(&payload.message, &RATE_WORDS);
            if is_rate && !is_range {
                return limited();
            }
            L1Error::Rpc {
                endpoint: name(),
                method,
                code: payload.code,
                message: endpoint.redact(&payload.message),
                data: payload.try_data_as::<Bytes>().and_then(Result::ok),
            }
        }
        RpcError::Transport(
            TransportErrorKind::HttpError(http)
            | TransportErrorKind::HttpErrorWithRetryAfter { error: http, .. },
        ) => {
            if http.is_rate_limit_err() {
                return limited();
            }
            L1Error::Connection {
                endpoint: name(),
                reason: format!("HTTP status {}", http.status),
            }
        }
        RpcError::DeserError { err, .. } => L1Error::Malformed {
            endpoint: name(),
            method,
            reason: err.to_string(),
        },
        RpcError::NullResp => L1Error::Malformed {
            endpoint: name(),
            method,
            reason: "the answer is null".to_owned(),
        },
        other => L1Error::Connection {
            endpoint: name(),
            reason: endpoint.redact(&other.to_string()),
        },
    }
}
