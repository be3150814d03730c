//! Logs and metrics of the process.

use std::{io::IsTerminal, net::SocketAddr, sync::OnceLock};

use bytes::Bytes;
use eyre::WrapErr;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, fmt::Subscriber};

/// Connections that may scrape at the same time; further ones wait.
const MAX_SCRAPERS: usize = 16;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Renders the metrics of the process in Prometheus' text format.
#[derive(Clone)]
pub struct MetricsHandle(PrometheusHandle);

impl std::fmt::Debug for MetricsHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsHandle")
    }
}

/// Replaces the filter of the process's logs.
type SetFilter = Box<dyn Fn(EnvFilter) -> eyre::Result<()> + Send + Sync>;

/// There is one log in a process, and so one filter.
static SET_FILTER: OnceLock<SetFilter> = OnceLock::new();

/// Sends logs to standard error, filtered by `filter` (the syntax of `RUST_LOG`).
///
/// # Errors
/// If the filter does not parse or logging is already set up.
pub fn init_tracing(filter: &str, format: LogFormat) -> eyre::Result<()> {
    let filter = EnvFilter::try_new(filter).wrap_err("log filter")?;
    let builder = Subscriber::builder()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter_reloading();
    let handle = builder.reload_handle();
    // Another format is another type of handle.
    let set_filter: SetFilter = match format {
        LogFormat::Text => {
            builder.with_target(false).try_init().map_err(eyre_of)?;
            Box::new(move |filter| Ok(handle.reload(filter)?))
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true);
            let handle = builder.reload_handle();
            builder.try_init().map_err(eyre_of)?;
            Box::new(move |filter| Ok(handle.reload(filter)?))
        }
    };
    // A second subscriber was refused above.
    SET_FILTER.set(set_filter).ok();
    Ok(())
}

fn eyre_of(error: Box<dyn std::error::Error + Send + Sync>) -> eyre::Report {
    eyre::eyre!(error)
}

/// Replaces the log filter of the running process.
///
/// # Errors
/// If the filter does not parse, or logging was not set up by [`init_tracing`].
pub fn set_log_filter(filter: &str) -> eyre::Result<()> {
    let filter = EnvFilter::try_new(filter).wrap_err("log filter")?;
    let set = SET_FILTER
        .get()
        .ok_or_else(|| eyre::eyre!("logging is not set up"))?;
    set(filter)
}

/// Installs the process-wide metrics recorder.
///
/// # Errors
/// If one is already installed.
pub fn install_metrics() -> eyre::Result<MetricsHandle> {
    let handle = PrometheusBuilder::new()
        .install_recorder()
        .wrap_err("metrics recorder")?;
    Ok(MetricsHandle(handle))
}

/// Serves `GET /metrics` until the token is cancelled.
///
/// # Errors
/// If the address cannot be bound.
pub async fn serve_metrics(
    address: SocketAddr,
    handle: MetricsHandle,
    token: CancellationToken,
) -> eyre::Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .wrap_err_with(|| format!("metrics port {address}"))?;
    tracing::info!(%address, "metrics served");
    let mut scrapers = JoinSet::new();
    loop {
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            Some(_) = scrapers.join_next() => {}
            accepted = listener.accept(), if scrapers.len() < MAX_SCRAPERS => {
                let Ok((stream, _)) = accepted else { continue };
                let handle = handle.clone();
                scrapers.spawn(async move {
                    let service = service_fn(move |request| answer(handle.clone(), request));
                    // A scraper that hangs up early is its own problem.
                    hyper::server::conn::http1::Builder::new()
                        .keep_alive(false)
                        .serve_connection(TokioIo::new(stream), service)
                        .await
                        .ok();
                });
            }
        }
    }
}

async fn answer(
    handle: MetricsHandle,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, http::Error> {
    if request.uri().path() != "/metrics" {
        return Response::builder()
            .status(StatusCode::NOT_FOUND)
            .body(Full::default());
    }
    handle.0.run_upkeep();
    Response::builder()
        .header(CONTENT_TYPE, "text/plain; version=0.0.4")
        .body(Full::new(Bytes::from(handle.0.render())))
}
