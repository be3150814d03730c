//! Process plumbing: supervised tasks, bounded blocking pools, shutdown, logs and metrics.
//!
//! The one crate that may spawn tasks and threads. It knows nothing of chains. Start reading at
//! [`Tasks`] (long-lived work) and [`BlockingPool`] (short synchronous work for async callers).

mod blocking;
mod switch;
mod tasks;
mod telemetry;

pub use blocking::{BlockingPool, PoolBusy};
pub use eyre::Report;
pub use switch::{Switch, SwitchError, Switched, switch};
pub use tasks::{Tasks, detach};
pub use telemetry::{
    LogFormat, MetricsHandle, init_tracing, install_metrics, serve_metrics, set_log_filter,
};
pub use tokio_util::sync::CancellationToken;
