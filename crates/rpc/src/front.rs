//! What a socket can ask for: JSON-RPC by POST, WebSocket upgrades, health checks.

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use aura_primitives::HeadLabel;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use jsonrpsee::{
    Methods,
    core::{http_helpers::Body as HttpBody, middleware::RpcServiceBuilder},
    server::{StopHandle, TowerServiceBuilder, ws::is_upgrade_request},
};
use tower::{
    Service,
    layer::util::{Identity, Stack},
};

use crate::{
    api::Api,
    dispatch::Dispatcher,
    errors::{self, LIMIT},
    limits::{Allowance, RateLimiter},
    ws::WsLayer,
};

/// How much of a body beyond the limit is read and thrown away, in limits: a client that is still
/// sending when the socket closes sees a reset instead of the answer.
const DRAINED_LIMITS: usize = 8;

/// jsonrpsee's service, made once per WebSocket.
pub(crate) type WsBuilder = TowerServiceBuilder<Stack<WsLayer, Identity>, Identity>;

/// Serves the requests of all sockets.
pub(crate) struct Front {
    pub(crate) api: Arc<Api>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) methods: Methods,
    pub(crate) websockets: WsBuilder,
    pub(crate) ws_layer: WsLayer,
    /// How much each client may ask for, if that is limited.
    pub(crate) limiter: Option<Arc<RateLimiter>>,
    pub(crate) stop: StopHandle,
    pub(crate) max_body: usize,
    pub(crate) body_time: Duration,
}

/// Why a body was not read.
enum BodyFault {
    TooLarge,
    TooSlow,
    Broken,
}

impl Front {
    /// Answers a request that came from the address `peer`.
    pub(crate) async fn serve(
        self: Arc<Self>,
        peer: IpAddr,
        request: Request<Incoming>,
    ) -> Result<Response<HttpBody>, Infallible> {
        let limiter = self.limiter.as_ref();
        let allowance = limiter.and_then(|limiter| limiter.allowance(peer, request.headers()));
        if is_upgrade_request(&request) {
            return Ok(self.upgrade(request, allowance).await);
        }
        Ok(match (request.method(), request.uri().path()) {
            (&Method::GET, "/health") => json(StatusCode::OK, r#"{"healthy":true}"#),
            (&Method::GET, "/ready") => self.ready(),
            (&Method::POST, _) if is_json(&request) => self.post(request, allowance).await,
            (&Method::POST, _) => plain(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content-type must be application/json\n",
            ),
            _ => {
                let mut response = plain(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "POST JSON-RPC requests, or GET /health and /ready\n",
                );
                response.headers_mut().insert(
                    header::ALLOW,
                    HeaderValue::from_static("POST, GET, OPTIONS"),
                );
                response
            }
        })
    }

    async fn upgrade(
        &self,
        request: Request<Incoming>,
        allowance: Option<Allowance>,
    ) -> Response<HttpBody> {
        let layer = self.ws_layer.paid_from(allowance);
        // Built per socket: subscriptions belong to the number that it gets here.
        let mut service = self
            .websockets
            .clone()
            .set_rpc_middleware(RpcServiceBuilder::new().layer(layer))
            .build(self.methods.clone(), self.stop.clone());
        service.call(request).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "websocket upgrade failed");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "upgrade failed\n")
        })
    }

    /// Readiness: the head can be read, and the node is not stopping.
    fn ready(&self) -> Response<HttpBody> {
        let refuse = |why: &str| {
            json(
                StatusCode::SERVICE_UNAVAILABLE,
                &format!(r#"{{"ready":false,"reason":"{why}"}}"#),
            )
        };
        if self.api.stopping.is_cancelled() {
            return refuse("shutting down");
        }
        match self
            .api
            .reader()
            .and_then(|r| Ok(r.head(HeadLabel::Unsafe)?))
        {
            Ok(head) => json(
                StatusCode::OK,
                &format!(
                    r#"{{"ready":true,"head":{},"hash":"{}"}}"#,
                    head.number, head.hash
                ),
            ),
            Err(error) => {
                tracing::warn!(%error, "not ready: head cannot be read");
                refuse("head cannot be read")
            }
        }
    }

    async fn post(
        &self,
        request: Request<Incoming>,
        allowance: Option<Allowance>,
    ) -> Response<HttpBody> {
        let read = read_body(request.into_body(), self.max_body);
        let body = match tokio::time::timeout(self.body_time, read).await {
            Ok(Ok(body)) => body,
            Ok(Err(fault)) => return self.refuse(&fault),
            Err(_) => return self.refuse(&BodyFault::TooSlow),
        };
        let answer = self.dispatcher.answer(&body, allowance.as_ref()).await;
        let mut response = json_owned(StatusCode::OK, answer.text);
        if let Some(wait) = answer.retry_after_ms {
            // The status remains 200: libraries show their users the error of JSON-RPC, with its
            // own hint, but of another status hardly more than the number.
            let seconds = HeaderValue::from(wait.div_ceil(1_000));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }

    fn refuse(&self, fault: &BodyFault) -> Response<HttpBody> {
        let (status, message) = match fault {
            BodyFault::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("request body exceeds {} bytes", self.max_body),
            ),
            BodyFault::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                format!("request body took longer than {:?}", self.body_time),
            ),
            BodyFault::Broken => (
                StatusCode::BAD_REQUEST,
                "request body cannot be read".to_owned(),
            ),
        };
        json_owned(status, errors::response("null", LIMIT, &message))
    }
}

/// Reads a body of at most `max` bytes; a small one in one frame is not copied.
async fn read_body(mut body: Incoming, max: usize) -> Result<Bytes, BodyFault> {
    let announced = body.size_hint().lower();
    let mut over = announced > max as u64;
    let mut first: Option<Bytes> = None;
    let mut rest: Vec<u8> = Vec::new();
    let mut total = 0usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else {
            continue;
        };
        total = total.saturating_add(data.len());
        over |= total > max;
        if over {
            (first, rest) = (None, Vec::new());
            if total > max.saturating_mul(DRAINED_LIMITS) {
                break;
            }
        } else if first.is_none() && rest.is_empty() {
            first = Some(data);
        } else {
            if let Some(first) = first.take() {
                rest.reserve(
                    usize::try_from(announced)
                        .unwrap_or_default()
                        .max(first.len()),
                );
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    if over {
        return Err(BodyFault::TooLarge);
    }
    Ok(first.unwrap_or_else(|| rest.into()))
}

/// Requiring the content type keeps foreign pages from posting without a preflight.
fn is_json<B>(request: &Request<B>) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| {
            let kind = kind.trim();
            kind.eq_ignore_ascii_case("application/json")
                || kind.eq_ignore_ascii_case("application/json-rpc")
                || kind.eq_ignore_ascii_case("application/jsonrequest")
        })
}

fn json(status: StatusCode, body: &str) -> Response<HttpBody> {
    json_owned(status, body.to_owned())
}

fn json_owned(status: StatusCode, body: String) -> Response<HttpBody> {
    respond(status, body, HeaderValue::from_static("application/json"))
}

fn plain(status: StatusCode, body: &'static str) -> Response<HttpBody> {
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    respond(status, body.to_owned(), kind)
}

fn respond(status: StatusCode, body: String, kind: HeaderValue) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
