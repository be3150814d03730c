//! What every method works on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aura_chain::Chain;
use aura_chainspec::ChainSpec;
use aura_pool::Pool;
use aura_runtime::{BlockingPool, CancellationToken};
use aura_storage::Reader;
use jsonrpsee::types::ErrorObjectOwned;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use crate::{
    bridge::BridgeContext,
    config::RpcConfig,
    errors::Fault,
    eth::{Arrivals, BlockCache, FeeCache, Filters, RemovedBlocks, SlowCallees},
    json::to_json,
    preconf::Preconfirmations,
};

/// What the server serves.
#[derive(Debug, Clone)]
pub struct RpcContext {
    /// Blocks, state and their events.
    pub chain: Chain,
    /// Transactions that wait.
    pub pool: Pool,
    /// Answer of `web3_clientVersion`.
    pub client_version: String,
    /// Whether every transaction is mined at once, and nothing else makes blocks.
    pub automine: bool,
    /// The bridge, if the node follows L1.
    pub bridge: Option<BridgeContext>,
}

/// Shared by all methods.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) chain: Chain,
    pub(crate) pool: Pool,
    pub(crate) client_version: String,
    pub(crate) automine: bool,
    pub(crate) bridge: Option<BridgeContext>,
    pub(crate) config: RpcConfig,
    /// Serialised blocks by hash.
    pub(crate) blocks: BlockCache,
    /// Gas and tips of recent blocks.
    pub(crate) fees: FeeCache,
    /// Filters of clients that poll.
    pub(crate) filters: Filters,
    /// Transactions that arrived while filters wait for them.
    pub(crate) arrivals: Arrivals,
    /// Logs of blocks that are not in the chain any more.
    pub(crate) removed: RemovedBlocks,
    /// Transactions as they are executed.
    pub(crate) preconfirmations: Preconfirmations,
    /// Contracts whose calls do not run on a connection's own thread.
    pub(crate) slow_callees: SlowCallees,
    /// Bounds the calls of `eth_sendRawTransactionSync` that wait at once.
    pub(crate) sync_waiters: Semaphore,
    /// Cancelled when the node shuts down.
    pub(crate) stopping: CancellationToken,
    calls: BlockingPool,
    logs: BlockingPool,
    traces: BlockingPool,
    scans: BlockingPool,
}

impl Api {
    pub(crate) fn new(config: RpcConfig, context: RpcContext, stopping: CancellationToken) -> Self {
        Self {
            chain: context.chain,
            pool: context.pool,
            client_version: context.client_version,
            automine: context.automine,
            bridge: context.bridge,
            blocks: BlockCache::new(config.block_cache_bytes),
            fees: FeeCache::new(config.fee_cache_bytes),
            filters: Filters::default(),
            arrivals: Arrivals::new(config.max_arrival_bytes),
            removed: RemovedBlocks::new(config.max_removed_log_bytes),
            preconfirmations: Preconfirmations::new(config.max_preconfirmation_bytes),
            slow_callees: SlowCallees::new(),
            sync_waiters: Semaphore::new(config.max_sync_waiters),
            stopping,
            calls: BlockingPool::new("rpc-call", config.call_threads, config.call_queue),
            logs: BlockingPool::with_nice(
                "rpc-log",
                config.log_threads,
                config.log_queue,
                config.background_nice,
            ),
            traces: BlockingPool::with_nice(
                "rpc-trace",
                config.trace_threads,
                config.trace_queue,
                config.background_nice,
            ),
            scans: BlockingPool::new("rpc-scan", config.scan_threads, config.scan_queue),
            config,
        }
    }

    pub(crate) fn spec(&self) -> &ChainSpec {
        self.chain.spec()
    }

    /// Opens the request's one snapshot.
    pub(crate) fn reader(&self) -> Result<Reader, Fault> {
        Ok(self.chain.store().reader()?)
    }

    /// The error object of a fault. Damage that a read has found stops the node.
    pub(crate) fn error(&self, fault: Fault) -> ErrorObjectOwned {
        fault.into_error(|error| self.chain.report_damage(error))
    }

    /// Runs `job`, an execution on some state, on a call thread.
    pub(crate) async fn on_calls<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.bounded(&self.calls, job).await
    }

    /// Runs `job`, a search of logs, on a thread that yields to those that make blocks.
    pub(crate) async fn on_logs<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.bounded(&self.logs, job).await
    }

    /// Runs `job`, a trace, on a thread that yields to those that make blocks. Its result is
    /// serialised there too, for traces are large.
    pub(crate) async fn on_traces<T: Serialize>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<Box<RawValue>, Fault> {
        self.bounded(&self.traces, move |api| api.to_json(&job(api)?))
            .await
    }

    /// A large result as JSON text, to be made on a pool's thread.
    pub(crate) fn to_json<T: Serialize>(&self, value: &T) -> Result<Box<RawValue>, Fault> {
        to_json(value, self.config.max_response_bytes as usize)
    }

    /// Runs `job`, any other long read, on a scan thread.
    pub(crate) async fn on_scans<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.bounded(&self.scans, job).await
    }

    async fn bounded<T: Send + 'static>(
        self: &Arc<Self>,
        pool: &BlockingPool,
        job: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let limit = self.config.request_timeout();
        let api = self.clone();
        let queued = Instant::now();
        let run = pool.run(move || {
            // Nobody waits any more for a job that lay in the queue too long.
            if queued.elapsed() >= limit {
                return Err(timed_out(limit));
            }
            job(&api)
        });
        match tokio::time::timeout(limit, run).await {
            Ok(Ok(result)) => result,
            Ok(Err(busy)) => Err(Fault::Busy(busy)),
            Err(_) => Err(timed_out(limit)),
        }
    }
}

fn timed_out(limit: Duration) -> Fault {
    Fault::Limit(format!("request timed out after {limit:?}"))
}
