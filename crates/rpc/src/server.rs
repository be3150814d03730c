//! Listener, connections and shutdown.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use aura_runtime::CancellationToken;
use http::{HeaderName, Method, header};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use jsonrpsee::{
    Methods,
    core::{RegisterMethodError, middleware::RpcServiceBuilder},
    server::{PingConfig, ServerBuilder, ServerConfig, StopHandle, stop_channel},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tower::{Layer, service_fn};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::{
    api::{Api, RpcContext},
    config::{ConfigError, RpcConfig},
    dispatch::Dispatcher,
    front::Front,
    methods,
    metrics::RpcMetrics,
    stall::StallGuard,
    ws::{HexIds, WsLayer},
};

/// How long open connections may finish their requests after the token is cancelled.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// Pause after a failed accept: without file descriptors it fails again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Answer to a connection above the limit.
const OVERLOADED: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Two methods have one name.
    #[error("method table")]
    Methods(#[from] RegisterMethodError),
}

/// A running server; dropping it closes every connection.
#[derive(Debug)]
pub struct RpcServerHandle {
    address: SocketAddr,
    acceptor: JoinSet<()>,
}

impl RpcServerHandle {
    /// Address that is listened on, with the port that was chosen if 0 was asked for.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the server has stopped: after the token is cancelled and connections have
    /// finished or been cut.
    pub async fn stopped(mut self) {
        while let Some(ended) = self.acceptor.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "rpc server failed");
            }
        }
    }
}

/// Starts serving JSON-RPC over HTTP and WebSocket on `address` until `token` is cancelled.
///
/// # Errors
/// [`RpcError`] if the configuration is contradictory or the address is taken.
pub async fn serve(
    address: SocketAddr,
    config: RpcConfig,
    context: RpcContext,
    token: CancellationToken,
) -> Result<RpcServerHandle, RpcError> {
    config.validate()?;
    let listen = |source| RpcError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let local = listener.local_addr().map_err(listen)?;
    let api = Arc::new(Api::new(config.clone(), context, token.clone()));
    let module = methods::table(api.clone())?;
    let metrics = Arc::new(RpcMetrics::new(module.method_names()));
    let methods: Methods = module.into();
    let (stop, stopper) = stop_channel();
    let max_response = config.max_response_bytes as usize;
    let layer = WsLayer::new(methods.clone(), metrics.clone(), max_response);
    let front = Arc::new(Front {
        api,
        dispatcher: Dispatcher::new(methods.clone(), metrics.clone(), &config),
        methods,
        websockets: ServerBuilder::with_config(websocket_config(&config))
            .set_rpc_middleware(RpcServiceBuilder::new().layer(layer))
            .to_service_builder(),
        stop: stop.clone(),
        max_body: config.max_request_bytes as usize,
        body_time: config.request_timeout(),
    });
    let acceptor = Acceptor {
        front,
        permits: Arc::new(Semaphore::new(config.max_connections as usize)),
        metrics,
        stop,
        write_stall: Duration::from_millis(config.write_stall_ms),
        header_timeout: Duration::from_millis(config.header_timeout_ms),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let connections = acceptor.accept(listener, token).await;
        // WebSockets learn of the end through jsonrpsee's own channel.
        stopper.stop().ok();
        drain(connections).await;
        timeout(SHUTDOWN_GRACE, stopper.stopped()).await.ok();
    });
    tracing::info!(%local, "rpc server listens");
    Ok(RpcServerHandle {
        address: local,
        acceptor: tasks,
    })
}

async fn drain(mut connections: JoinSet<()>) {
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(SHUTDOWN_GRACE, all).await.is_err() {
        connections.shutdown().await;
    }
}

fn websocket_config(config: &RpcConfig) -> ServerConfig {
    let ping = Duration::from_millis(config.ping_interval_ms);
    ServerConfig::builder()
        .ws_only()
        // Sockets are counted where they are accepted.
        .max_connections(u32::MAX)
        .max_request_body_size(config.max_request_bytes)
        .max_response_body_size(config.max_response_bytes)
        .max_subscriptions_per_connection(config.max_subscriptions_per_connection)
        .set_batch_request_config(jsonrpsee::server::BatchRequestConfig::Limit(
            config.max_batch_calls,
        ))
        .set_message_buffer_capacity(config.subscription_queue)
        .set_id_provider(HexIds)
        .enable_ws_ping(
            PingConfig::new()
                .ping_interval(ping)
                .inactive_limit(ping * 2),
        )
        .build()
}

/// Pages of any origin may use the node, with whatever headers their libraries add.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods([Method::POST, Method::GET, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(Duration::from_secs(600))
        .vary([
            header::ORIGIN,
            HeaderName::from_static("access-control-request-headers"),
        ])
}

struct Acceptor {
    front: Arc<Front>,
    permits: Arc<Semaphore>,
    metrics: Arc<RpcMetrics>,
    stop: StopHandle,
    write_stall: Duration,
    header_timeout: Duration,
}

impl Acceptor {
    /// Accepts until the token is cancelled; returns the connections that are still open.
    async fn accept(&self, listener: TcpListener, token: CancellationToken) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = token.cancelled() => return connections,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.open(stream, &mut connections),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }

    fn open(&self, stream: TcpStream, connections: &mut JoinSet<()>) {
        let Ok(permit) = self.permits.clone().try_acquire_owned() else {
            self.metrics.refused_connections.increment(1);
            // A fresh socket has room for so few bytes; if not, closing it says enough.
            stream.try_write(OVERLOADED).ok();
            return;
        };
        // Without it small answers would wait for the peer's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection closed before it was served");
            return;
        }
        let io = TokioIo::new(StallGuard::new(stream, self.write_stall, permit));
        let front = self.front.clone();
        let service = cors().layer(service_fn(move |request| front.clone().serve(request)));
        let stop = self.stop.clone();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout);
        connections.spawn(async move {
            let connection = http
                .serve_connection(io, TowerToHyperService::new(service))
                .with_upgrades();
            tokio::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.shutdown() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended with an error");
            }
        });
    }
}
