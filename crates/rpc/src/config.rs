//! Limits of the RPC server.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::{Network, RateLimit};

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rpc.{field} {problem}")]
pub struct ConfigError {
    /// Name of the setting.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Limits and tuning of the RPC server. Every limit is finite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RpcConfig {
    /// Open sockets, HTTP and WebSocket together; more are answered with 503 and closed.
    pub max_connections: u32,
    /// Units of work that a client, by its IP address, gets each second, or `"unlimited"`;
    /// docs/rpc/limits.md says what each method costs.
    pub rate_limit: RateLimit,
    /// Units that a client which was idle can use at once.
    pub rate_limit_burst: u32,
    /// Clients whose use is remembered; those beyond share a bucket.
    pub rate_limit_clients: u32,
    /// Limits clients on this machine too.
    pub rate_limit_loopback: bool,
    /// Proxies, as addresses or networks, whose `X-Forwarded-For` names the client.
    pub trusted_proxies: Vec<Network>,
    /// Bytes of one request body or WebSocket message.
    pub max_request_bytes: u32,
    /// Bytes of one response, a batch counting as one.
    pub max_response_bytes: u32,
    /// Calls in one batch.
    pub max_batch_calls: u32,
    /// Subscriptions of one WebSocket connection.
    pub max_subscriptions_per_connection: u32,
    /// Messages that may wait for a slow WebSocket reader.
    pub subscription_queue: u32,
    /// How long a subscription waits for room in that queue before it is ended, in ms.
    pub subscription_stall_ms: u64,
    /// How long a peer may refuse to take bytes before its socket is closed, in ms.
    pub write_stall_ms: u64,
    /// Time for the head of an HTTP request to arrive, also on an idle connection, in ms.
    pub header_timeout_ms: u64,
    /// Time for a request body to arrive, and for a batch or a queued call to be served, in ms.
    pub request_timeout_ms: u64,
    /// Interval of WebSocket pings, in ms.
    pub ping_interval_ms: u64,
    /// Threads for `eth_call`, `eth_estimateGas` and `eth_createAccessList`.
    pub call_threads: usize,
    /// Calls that may wait for one of those threads.
    pub call_queue: usize,
    /// Gas that a call may use; a higher `gas` is lowered to it.
    pub call_gas_cap: u64,
    /// Wall time that a call may use, in ms.
    pub call_timeout_ms: u64,
    /// Blocks that one `eth_simulateV1` may span, empty ones included.
    pub max_simulate_blocks: u64,
    /// Wall time that one `eth_simulateV1` may use, in ms.
    pub simulate_timeout_ms: u64,
    /// Serves `testing_*`, which builds blocks to order; never on a port that strangers reach.
    pub testing: bool,
    /// Gas limit that blocks of `testing_buildBlockV1` step towards on plain Ethereum chains.
    pub testing_gas_limit: u64,
    /// Wall time for which a call is tried on the connection's own thread, in µs, before it moves
    /// to a call thread; saves two thread switches for nearly every call. 0 turns the trial off.
    pub inline_call_budget_us: u64,
    /// Threads for log searches and filters.
    pub log_threads: usize,
    /// Searches that may wait for one of those threads.
    pub log_queue: usize,
    /// Threads for traces of transactions and blocks.
    pub trace_threads: usize,
    /// Traces that may wait for one of those threads.
    pub trace_queue: usize,
    /// Threads for whole blocks, fee history, proofs and other long reads.
    pub scan_threads: usize,
    /// Reads that may wait for one of those threads.
    pub scan_queue: usize,
    /// Niceness (0 to 19) of the threads for logs and traces, so that a load of them leaves the
    /// cores to the threads that make blocks; Linux only.
    pub background_nice: u8,
    /// Blocks that one `eth_getLogs` may span.
    pub max_log_blocks: u64,
    /// Logs that one `eth_getLogs` may return.
    pub max_log_results: usize,
    /// Bytes of data in the logs that one `eth_getLogs` may return.
    pub max_log_bytes: usize,
    /// Addresses, or alternatives of one topic, in a filter.
    pub max_filter_values: usize,
    /// How long a filter lives that nobody polls, in ms.
    pub filter_lifetime_ms: u64,
    /// Filters of all clients together.
    pub max_filters: usize,
    /// Memory of all filters together, in bytes.
    pub max_filter_bytes: usize,
    /// Bytes of transactions kept for filters that ask for new ones now and then.
    pub max_arrival_bytes: usize,
    /// Bytes of logs of removed blocks kept for those who had been told of them.
    pub max_removed_log_bytes: usize,
    /// Bytes of executed transactions kept for subscribers of `aura_subscribe` that come back.
    pub max_preconfirmation_bytes: usize,
    /// How far behind the head the `fromBlock` of a subscription may be, in blocks.
    pub max_backfill_blocks: u64,
    /// Storage keys of one `aura_getProof`.
    pub max_proof_keys: usize,
    /// Wall time of one log search, in ms.
    pub log_timeout_ms: u64,
    /// Wall time that the trace of one request may use, what is replayed before it included, in ms.
    pub trace_timeout_ms: u64,
    /// Bytes of one trace as JSON.
    pub max_trace_bytes: usize,
    /// Blocks that one `trace_filter` may span.
    pub max_trace_blocks: u64,
    /// Blocks that one search by account (`ots_searchTransactions*`) may look at.
    pub max_search_blocks: u64,
    /// Blocks of one `eth_feeHistory`; a higher count is lowered to it.
    pub max_fee_history_blocks: u64,
    /// Least headroom of `eth_gasPrice` above the next base fee, in percent; where blocks are full
    /// it is what the base fee may rise by.
    pub gas_price_headroom_percent: u32,
    /// Blocks that a suggested tip is drawn from, on a congested chain.
    pub tip_blocks: u32,
    /// Which of the tips in those blocks is suggested, in percent.
    pub tip_percentile: u32,
    /// Lowest suggested tip, in wei per gas.
    pub min_tip_wei: u64,
    /// Highest suggested tip, in wei per gas.
    pub max_tip_wei: u64,
    /// How long `eth_sendRawTransactionSync` waits unless told, in ms.
    pub sync_timeout_ms: u64,
    /// Longest that `eth_sendRawTransactionSync` can be told to wait, in ms; if told more it waits
    /// as long as by default.
    pub max_sync_timeout_ms: u64,
    /// Calls of `eth_sendRawTransactionSync` that may wait at once.
    pub max_sync_waiters: usize,
    /// Bytes of recently served blocks kept as JSON.
    pub block_cache_bytes: u64,
    /// Bytes of fee data of recent blocks kept.
    pub fee_cache_bytes: u64,
}

impl Default for RpcConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            max_connections: 5_000,
            rate_limit: RateLimit::PerSecond(5_000),
            rate_limit_burst: 50_000,
            rate_limit_clients: 100_000,
            rate_limit_loopback: false,
            trusted_proxies: Vec::new(),
            max_request_bytes: 15 << 20,
            max_response_bytes: 64 << 20,
            max_batch_calls: 2_000,
            max_subscriptions_per_connection: 128,
            subscription_queue: 512,
            subscription_stall_ms: 10_000,
            write_stall_ms: 30_000,
            header_timeout_ms: 120_000,
            request_timeout_ms: 30_000,
            ping_interval_ms: 30_000,
            call_threads: cores,
            call_queue: 1_024,
            call_gas_cap: 50_000_000,
            call_timeout_ms: 1_000,
            max_simulate_blocks: 256,
            simulate_timeout_ms: 5_000,
            testing: false,
            testing_gas_limit: 60_000_000,
            inline_call_budget_us: 200,
            log_threads: (cores / 2).max(1),
            log_queue: 512,
            trace_threads: (cores / 2).max(1),
            trace_queue: 128,
            scan_threads: cores.div_ceil(2),
            scan_queue: 512,
            background_nice: 15,
            max_log_blocks: 100_000,
            max_log_results: 20_000,
            max_log_bytes: 16 << 20,
            max_filter_values: 1_000,
            filter_lifetime_ms: 5 * 60 * 1_000,
            max_filters: 10_000,
            max_filter_bytes: 64 << 20,
            max_arrival_bytes: 32 << 20,
            max_removed_log_bytes: 16 << 20,
            max_preconfirmation_bytes: 16 << 20,
            max_backfill_blocks: 10_000,
            max_proof_keys: 1_024,
            log_timeout_ms: 4_000,
            trace_timeout_ms: 20_000,
            max_trace_bytes: 48 << 20,
            max_trace_blocks: 1_000,
            max_search_blocks: 50_000,
            max_fee_history_blocks: 1_024,
            gas_price_headroom_percent: 25,
            tip_blocks: 20,
            tip_percentile: 60,
            min_tip_wei: 1_000_000,
            max_tip_wei: 500_000_000_000,
            sync_timeout_ms: 2_000,
            max_sync_timeout_ms: 60_000,
            max_sync_waiters: 10_000,
            block_cache_bytes: 64 << 20,
            fee_cache_bytes: 16 << 20,
        }
    }
}

impl RpcConfig {
    /// Checks that the settings can work together.
    ///
    /// # Errors
    /// The first setting that cannot.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let positive = [
            ("max_connections", u64::from(self.max_connections)),
            ("rate_limit_burst", u64::from(self.rate_limit_burst)),
            ("rate_limit_clients", u64::from(self.rate_limit_clients)),
            ("max_request_bytes", u64::from(self.max_request_bytes)),
            ("max_response_bytes", u64::from(self.max_response_bytes)),
            ("max_batch_calls", u64::from(self.max_batch_calls)),
            (
                "max_subscriptions_per_connection",
                u64::from(self.max_subscriptions_per_connection),
            ),
            ("subscription_queue", u64::from(self.subscription_queue)),
            ("subscription_stall_ms", self.subscription_stall_ms),
            ("write_stall_ms", self.write_stall_ms),
            ("header_timeout_ms", self.header_timeout_ms),
            ("request_timeout_ms", self.request_timeout_ms),
            ("ping_interval_ms", self.ping_interval_ms),
            ("call_threads", self.call_threads as u64),
            ("call_queue", self.call_queue as u64),
            ("call_gas_cap", self.call_gas_cap),
            ("call_timeout_ms", self.call_timeout_ms),
            ("max_simulate_blocks", self.max_simulate_blocks),
            ("simulate_timeout_ms", self.simulate_timeout_ms),
            ("log_threads", self.log_threads as u64),
            ("log_queue", self.log_queue as u64),
            ("trace_threads", self.trace_threads as u64),
            ("trace_queue", self.trace_queue as u64),
            ("scan_threads", self.scan_threads as u64),
            ("scan_queue", self.scan_queue as u64),
            ("max_log_blocks", self.max_log_blocks),
            ("max_log_results", self.max_log_results as u64),
            ("max_log_bytes", self.max_log_bytes as u64),
            ("max_filter_values", self.max_filter_values as u64),
            ("filter_lifetime_ms", self.filter_lifetime_ms),
            ("max_filters", self.max_filters as u64),
            ("max_filter_bytes", self.max_filter_bytes as u64),
            ("max_backfill_blocks", self.max_backfill_blocks),
            ("max_proof_keys", self.max_proof_keys as u64),
            ("log_timeout_ms", self.log_timeout_ms),
            ("trace_timeout_ms", self.trace_timeout_ms),
            ("max_trace_bytes", self.max_trace_bytes as u64),
            ("max_trace_blocks", self.max_trace_blocks),
            ("max_search_blocks", self.max_search_blocks),
            ("max_fee_history_blocks", self.max_fee_history_blocks),
            ("tip_blocks", u64::from(self.tip_blocks)),
            ("sync_timeout_ms", self.sync_timeout_ms),
            ("max_sync_waiters", self.max_sync_waiters as u64),
        ];
        if let Some((field, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError {
                field,
                problem: "must not be zero",
            });
        }
        let fail = |field, problem| Err(ConfigError { field, problem });
        if let RateLimit::PerSecond(0 | 1_000_001..) = self.rate_limit {
            return fail("rate_limit", "must be from 1 to 1000000, or \"unlimited\"");
        }
        if self.tip_percentile > 100 {
            return fail("tip_percentile", "must be at most 100");
        }
        if self.min_tip_wei > self.max_tip_wei {
            return fail("min_tip_wei", "must be at most max_tip_wei");
        }
        if self.sync_timeout_ms > self.max_sync_timeout_ms {
            return fail("sync_timeout_ms", "must be at most max_sync_timeout_ms");
        }
        if self.max_log_bytes > self.max_response_bytes as usize {
            return fail("max_log_bytes", "must be at most max_response_bytes");
        }
        if self.max_trace_bytes > self.max_response_bytes as usize {
            return fail("max_trace_bytes", "must be at most max_response_bytes");
        }
        if self.trace_timeout_ms > self.request_timeout_ms {
            return fail("trace_timeout_ms", "must be at most request_timeout_ms");
        }
        if self.call_timeout_ms > self.request_timeout_ms {
            return fail("call_timeout_ms", "must be at most request_timeout_ms");
        }
        if self.max_simulate_blocks > 256 {
            return fail("max_simulate_blocks", "must be at most 256");
        }
        if self.simulate_timeout_ms > self.request_timeout_ms {
            return fail("simulate_timeout_ms", "must be at most request_timeout_ms");
        }
        if self.background_nice > 19 {
            return fail("background_nice", "must be at most 19");
        }
        if self.inline_call_budget_us > 10_000 {
            // A connection's thread serves other connections too.
            return fail("inline_call_budget_us", "must be at most 10000");
        }
        Ok(())
    }

    pub(crate) const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(crate) const fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    pub(crate) const fn simulate_timeout(&self) -> Duration {
        Duration::from_millis(self.simulate_timeout_ms)
    }

    pub(crate) const fn trace_timeout(&self) -> Duration {
        Duration::from_millis(self.trace_timeout_ms)
    }

    pub(crate) const fn inline_call_budget(&self) -> Duration {
        Duration::from_micros(self.inline_call_budget_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        RpcConfig::default().validate().unwrap();
    }

    #[test]
    fn refuses_zero_and_contradictions_by_name() {
        let zero = RpcConfig {
            max_batch_calls: 0,
            ..RpcConfig::default()
        };
        assert_eq!(zero.validate().unwrap_err().field, "max_batch_calls");
        let crossed = RpcConfig {
            sync_timeout_ms: 9,
            max_sync_timeout_ms: 8,
            ..RpcConfig::default()
        };
        assert_eq!(
            crossed.validate().unwrap_err().to_string(),
            "rpc.sync_timeout_ms must be at most max_sync_timeout_ms"
        );
    }

    #[test]
    fn refuses_unknown_fields() {
        let error = serde_json::from_str::<RpcConfig>(r#"{"max_connection":1}"#).unwrap_err();
        assert!(error.to_string().contains("max_connection"), "{error}");
    }
}
