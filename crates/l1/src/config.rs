//! Settings of the watcher.

use std::time::Duration;

use alloy_primitives::Address;
use url::Url;

use crate::BlobSchedule;

/// How much of L1 must be built on a block before L2 uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmations {
    /// L1 calls it safe.
    Safe,
    /// L1 calls it finalized.
    Finalized,
    /// So many blocks follow it.
    Depth(u64),
}

/// Settings of the watcher.
#[derive(Debug, Clone)]
pub struct L1Config {
    /// Endpoints in the order of preference: `ws`, `wss`, `http` or `https`.
    pub endpoints: Vec<Url>,
    /// Chain id of L1.
    pub chain_id: u64,
    /// Escrow and queue.
    pub portal: Address,
    /// Batches and roots.
    pub rollup: Address,
    /// L1 block of the first creation; there are no events before.
    pub deploy_block: u64,
    /// When L2 uses a block.
    pub confirmations: Confirmations,
    /// Price rules of L1's blobs.
    pub blob_schedule: BlobSchedule,
    /// Time between two looks at the head without a subscription; with one, the time after which a
    /// silent subscription is not waited for.
    pub poll_interval: Duration,
    /// Most L1 blocks that are read at once while catching up.
    pub max_log_range: u64,
    /// Most events that are held at once while catching up; a range that has more is halved.
    pub max_chunk_events: usize,
    /// Headers that are kept, and so the deepest reorganisation that is survived.
    pub header_window: u64,
    /// Blocks so near the head have their events proven by receipts if the bloom filter says that
    /// there are some and the endpoint says that there are none.
    pub proof_depth: u64,
    /// How long an answer may take.
    pub request_timeout: Duration,
    /// Longest wait between two attempts.
    pub max_backoff: Duration,
    /// How long an endpoint that is stale or lied is not used, if there is another.
    pub probation: Duration,
    /// An endpoint whose head is so many blocks behind another's is stale.
    pub max_head_lag: u64,
    /// An endpoint whose head has not moved for so long is stale, if another's is higher.
    pub stall_after: Duration,
    /// How often the heads of all endpoints are compared.
    pub probe_interval: Duration,
}

impl L1Config {
    /// Settings with safe defaults.
    pub fn new(endpoints: Vec<Url>, chain_id: u64, portal: Address, rollup: Address) -> Self {
        Self {
            endpoints,
            chain_id,
            portal,
            rollup,
            deploy_block: 0,
            confirmations: Confirmations::Safe,
            blob_schedule: BlobSchedule::of_chain(chain_id),
            poll_interval: Duration::from_secs(4),
            max_log_range: 512,
            max_chunk_events: 10_000,
            header_window: 8_192,
            proof_depth: 256,
            request_timeout: Duration::from_secs(10),
            max_backoff: Duration::from_secs(30),
            probation: Duration::from_secs(60),
            max_head_lag: 8,
            stall_after: Duration::from_secs(180),
            probe_interval: Duration::from_secs(15),
        }
    }

    /// Names the first setting that is out of its bounds.
    ///
    /// # Errors
    /// Which, and what is wrong with it.
    pub fn validate(&self) -> Result<(), String> {
        if self.endpoints.is_empty() {
            return Err("there must be at least one L1 endpoint".to_owned());
        }
        let known = ["ws", "wss", "http", "https"];
        if let Some(url) = self
            .endpoints
            .iter()
            .find(|url| !known.contains(&url.scheme()))
        {
            return Err(format!("L1 endpoint has unknown scheme {}", url.scheme()));
        }
        if self.max_log_range == 0 || self.max_chunk_events == 0 {
            return Err("max_log_range and max_chunk_events must not be 0".to_owned());
        }
        if self.header_window < 256 {
            return Err("header_window must be at least 256 blocks".to_owned());
        }
        for (name, time) in [
            ("poll_interval", self.poll_interval),
            ("request_timeout", self.request_timeout),
            ("max_backoff", self.max_backoff),
            ("probe_interval", self.probe_interval),
        ] {
            if time < Duration::from_millis(10) {
                return Err(format!("{name} must be at least 10 ms"));
            }
        }
        Ok(())
    }
}
