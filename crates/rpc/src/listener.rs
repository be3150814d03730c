//! One address: its socket, who may come in, its connections.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use aura_runtime::CancellationToken;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use jsonrpsee::{
    Methods, RpcModule,
    core::{http_helpers::Body as HttpBody, middleware::RpcServiceBuilder},
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
    api::Api,
    config::RpcConfig,
    dispatch::Dispatcher,
    eth::Hangup,
    front::Front,
    jwt::JwtSecret,
    limits::RateLimiter,
    metrics::RpcMetrics,
    server::RpcError,
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

/// Who may come in.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    /// Everybody, pages of any origin too.
    Public,
    /// Whoever reaches the address, but no web page: a browser on the operator's machine reaches
    /// loopback as well, whatever page it shows.
    Operator,
    /// Whoever has the secret.
    Secret(JwtSecret),
}

impl Door {
    fn admits(&self, request: &Request<Incoming>) -> Result<(), Box<Response<HttpBody>>> {
        match self {
            Self::Public => Ok(()),
            // Browsers name the page's origin in every POST and every WebSocket handshake.
            Self::Operator if request.headers().contains_key(header::ORIGIN) => Err(refusal(
                StatusCode::FORBIDDEN,
                "web pages may not use this port",
            )),
            Self::Operator => Ok(()),
            Self::Secret(secret) => {
                let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
                secret
                    .admits(request.headers(), now.as_secs())
                    .map_err(|why| refusal(StatusCode::UNAUTHORIZED, &why.to_string()))
            }
        }
    }

    /// Pages of any origin may use the public port, with whatever headers their libraries add.
    fn cors(&self) -> CorsLayer {
        match self {
            Self::Public => CorsLayer::new()
                .allow_origin(AllowOrigin::any())
                .allow_methods([Method::POST, Method::GET, Method::OPTIONS])
                .allow_headers(AllowHeaders::mirror_request())
                .max_age(Duration::from_secs(600))
                .vary([
                    header::ORIGIN,
                    HeaderName::from_static("access-control-request-headers"),
                ]),
            // Allows nothing.
            Self::Operator | Self::Secret(_) => CorsLayer::new(),
        }
    }
}

fn refusal(status: StatusCode, why: &str) -> Box<Response<HttpBody>> {
    let mut response = Response::new(HttpBody::from(format!("{why}\n")));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Box::new(response)
}

/// A bound socket that nobody is served on yet.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    door: Door,
}

impl Listener {
    pub(crate) async fn bind(address: SocketAddr, door: Door) -> Result<Self, RpcError> {
        let failed = |source| RpcError::Listen { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self {
            socket,
            address,
            door,
        })
    }

    /// Address with the port that was chosen if 0 was asked for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the methods of `module` until `token` is cancelled and connections have finished or
    /// been cut.
    pub(crate) async fn serve(
        self,
        api: Arc<Api>,
        module: RpcModule<Api>,
        token: CancellationToken,
    ) {
        let config = api.config.clone();
        let metrics = Arc::new(RpcMetrics::new(module.method_names()));
        let methods: Methods = module.into();
        let (stop, stopper) = stop_channel();
        let max_response = config.max_response_bytes as usize;
        let layer = WsLayer::new(methods.clone(), metrics.clone(), max_response);
        let limiter = match self.door {
            Door::Public => RateLimiter::new(&config, metrics.methods()).map(Arc::new),
            Door::Operator | Door::Secret(_) => None,
        };
        let front = Arc::new(Front {
            api,
            limiter,
            ws_layer: layer.clone(),
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
            door: self.door,
            permits: Arc::new(Semaphore::new(config.max_connections as usize)),
            metrics,
            stop,
            write_stall: Duration::from_millis(config.write_stall_ms),
            header_timeout: Duration::from_millis(config.header_timeout_ms),
        };
        let connections = acceptor.accept(self.socket, token).await;
        // WebSockets learn of the end through jsonrpsee's own channel.
        stopper.stop().ok();
        drain(connections).await;
        timeout(SHUTDOWN_GRACE, stopper.stopped()).await.ok();
    }
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

struct Acceptor {
    front: Arc<Front>,
    door: Door,
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
                    Ok((stream, peer)) => self.open(stream, peer.ip(), &mut connections),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }

    fn open(&self, stream: TcpStream, peer: IpAddr, connections: &mut JoinSet<()>) {
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
        let hangup = Hangup::default();
        let io = StallGuard::new(stream, self.write_stall, hangup.token().clone(), permit);
        let io = TokioIo::new(io);
        let (front, door) = (self.front.clone(), self.door.clone());
        let service = self
            .door
            .cors()
            .layer(service_fn(move |mut request: Request<Incoming>| {
                if request.headers().contains_key(header::UPGRADE) {
                    request.extensions_mut().insert(hangup.clone());
                }
                answer(front.clone(), door.clone(), peer, request)
            }));
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

async fn answer(
    front: Arc<Front>,
    door: Door,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<HttpBody>, Infallible> {
    match door.admits(&request) {
        Ok(()) => front.serve(peer, request).await,
        Err(refusal) => Ok(*refusal),
    }
}
