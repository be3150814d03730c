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
use tracing_subscriber::{
    EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

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

/// There is one log in a process, and so one filter.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Targets that log whole URLs below `info`: those of L1's endpoints often hold a key.
const TELL_TALES: [&str; 2] = ["alloy_transport_http", "tungstenite"];

fn parse(filter: &str) -> eyre::Result<EnvFilter> {
    let filter = EnvFilter::try_new(filter).wrap_err("log filter")?;
    TELL_TALES.iter().try_fold(filter, |filter, target| {
        let directive = format!("{target}=info").parse();
        Ok(filter.add_directive(directive.wrap_err("log filter")?))
    })
}

/// Sends logs to standard error, filtered by `filter` (the syntax of `RUST_LOG`).
///
/// # Errors
/// If the filter does not parse or logging is already set up.
pub fn init_tracing(filter: &str, format: LogFormat) -> eyre::Result<()> {
    let (filter, handle) = reload::Layer::new(parse(filter)?);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let log = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => log.with(lines.with_target(false)).try_init(),
        LogFormat::Json => log.with(lines.json().flatten_event(true)).try_init(),
    }
    .wrap_err("logging")?;
    // A second set-up was refused above.
    FILTER.set(handle).ok();
    Ok(())
}

/// Replaces the log filter of the running process.
///
/// # Errors
/// If the filter does not parse, or logging was not set up by [`init_tracing`].
pub fn set_log_filter(filter: &str) -> eyre::Result<()> {
    let filter = parse(filter)?;
    let handle = FILTER
        .get()
        .ok_or_else(|| eyre::eyre!("logging is not set up"))?;
    handle.reload(filter).wrap_err("log filter")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_can_be_replaced_once_there_is_a_log() {
        assert!(set_log_filter("debug").is_err(), "there is no log yet");
        init_tracing("warn", LogFormat::Text).unwrap();
        assert!(!tracing::enabled!(tracing::Level::DEBUG));
        set_log_filter("debug").unwrap();
        assert!(tracing::enabled!(tracing::Level::DEBUG));
        assert!(set_log_filter("debug=loud").is_err());
        assert!(
            tracing::enabled!(tracing::Level::DEBUG),
            "a bad one changes nothing"
        );
        set_log_filter("trace,alloy_transport_http=trace").unwrap();
        assert!(tracing::enabled!(tracing::Level::TRACE));
        for tells in [
            tracing::enabled!(target: "alloy_transport_http::reqwest_transport", tracing::Level::DEBUG),
            tracing::enabled!(target: "tungstenite::handshake::client", tracing::Level::TRACE),
        ] {
            assert!(!tells, "URLs of endpoints are not logged");
        }
    }
}
