//! What the server counts.

use std::{collections::HashMap, time::Instant};

use metrics::{
    Counter, Histogram, counter, describe_counter, describe_gauge, describe_histogram, histogram,
};

/// Label of every method that does not exist: names from outside never become labels.
const UNKNOWN: &str = "unknown";

struct Method {
    requests: Counter,
    errors: Counter,
    seconds: Histogram,
}

impl Method {
    fn new(method: &'static str) -> Self {
        Self {
            requests: counter!("aura_rpc_requests_total", "method" => method),
            errors: counter!("aura_rpc_errors_total", "method" => method),
            seconds: histogram!("aura_rpc_request_seconds", "method" => method),
        }
    }
}

/// Handles made once, so that a request pays for no look-up in the recorder.
pub(crate) struct RpcMetrics {
    methods: HashMap<&'static str, Method>,
    unknown: Method,
    /// Sockets refused because there were too many.
    pub(crate) refused_connections: Counter,
    /// Requests answered without reaching a method: malformed or too large.
    pub(crate) malformed: Counter,
}

impl RpcMetrics {
    pub(crate) fn new(methods: impl Iterator<Item = &'static str>) -> Self {
        describe();
        Self {
            methods: methods.map(|name| (name, Method::new(name))).collect(),
            unknown: Method::new(UNKNOWN),
            refused_connections: counter!("aura_rpc_connections_refused_total"),
            malformed: counter!("aura_rpc_malformed_requests_total"),
        }
    }

    /// Names of the methods.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &'static str> {
        self.methods.keys().copied()
    }

    /// Counts one answered call.
    pub(crate) fn record(&self, method: &str, started: Instant, is_error: bool) {
        let method = self.methods.get(method).unwrap_or(&self.unknown);
        method.requests.increment(1);
        if is_error {
            method.errors.increment(1);
        }
        method.seconds.record(started.elapsed());
    }
}

impl std::fmt::Debug for RpcMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RpcMetrics")
            .field("methods", &self.methods.len())
            .finish_non_exhaustive()
    }
}

fn describe() {
    describe_counter!("aura_rpc_requests_total", "calls answered, by method");
    describe_counter!(
        "aura_rpc_errors_total",
        "calls answered with an error, by method"
    );
    describe_histogram!("aura_rpc_request_seconds", "time to answer, by method");
    describe_gauge!("aura_rpc_connections", "open sockets");
    describe_counter!(
        "aura_rpc_connections_refused_total",
        "sockets above the limit"
    );
    describe_counter!(
        "aura_rpc_rate_limited_total",
        "requests refused because their client asks too much"
    );
    describe_gauge!(
        "aura_rpc_rate_limit_clients",
        "clients whose use is remembered"
    );
    describe_gauge!("aura_rpc_subscriptions", "open subscriptions");
    describe_counter!(
        "aura_rpc_subscriptions_ended_total",
        "subscriptions ended because their reader stalled or lagged"
    );
    describe_counter!(
        "aura_rpc_malformed_requests_total",
        "requests that are no JSON-RPC request"
    );
}
