//! What jsonrpsee's WebSocket side gets from us: metrics, wording, subscription ids.

use std::{
    future::{Future, ready},
    sync::Arc,
    time::Instant,
};

use alloy_primitives::B128;
use futures_util::future::Either;
use jsonrpsee::{
    BatchResponseBuilder, MethodCallback, MethodResponse, Methods,
    core::{
        middleware::{Batch, BatchEntry, BatchEntryErr, Notification, RpcServiceT},
        traits::IdProvider,
    },
    types::{ErrorObject, Request, SubscriptionId},
};
use tower::Layer;

use crate::{
    errors::{INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND},
    limits::Allowance,
    metrics::RpcMetrics,
    params::{self, Args},
};

/// Random subscription ids as hex strings, as geth's.
#[derive(Debug)]
pub(crate) struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Str(B128::random().to_string().into())
    }
}

/// Text of the error for a method that does not exist; the name is cut to a sensible length.
pub(crate) fn no_such_method(name: &str) -> ErrorObject<'static> {
    let name: String = name.chars().take(64).collect();
    ErrorObject::owned::<()>(
        METHOD_NOT_FOUND,
        format!("the method {name} does not exist/is not available"),
        None,
    )
}

struct Shared {
    methods: Methods,
    metrics: Arc<RpcMetrics>,
    max_response: usize,
}

/// Puts [`WsService`] around jsonrpsee's own.
#[derive(Clone)]
pub(crate) struct WsLayer {
    shared: Arc<Shared>,
    allowance: Option<Allowance>,
}

impl WsLayer {
    pub(crate) fn new(methods: Methods, metrics: Arc<RpcMetrics>, max_response: usize) -> Self {
        let shared = Arc::new(Shared {
            methods,
            metrics,
            max_response,
        });
        Self {
            shared,
            allowance: None,
        }
    }

    /// The layer of one connection, whose client pays from `allowance`, or is not limited.
    pub(crate) fn paid_from(&self, allowance: Option<Allowance>) -> Self {
        Self {
            shared: self.shared.clone(),
            allowance,
        }
    }
}

impl<S> Layer<S> for WsLayer {
    type Service = WsService<S>;

    fn layer(&self, inner: S) -> WsService<S> {
        WsService {
            inner,
            shared: self.shared.clone(),
            allowance: self.allowance.clone(),
        }
    }
}

/// Counts calls, and answers those that jsonrpsee answers loosely.
#[derive(Clone)]
pub(crate) struct WsService<S> {
    inner: S,
    shared: Arc<Shared>,
    allowance: Option<Allowance>,
}

impl<S> WsService<S> {
    /// Takes what a request costs from its client's allowance.
    fn pay<'a>(&self, methods: impl Iterator<Item = &'a str>) -> Result<(), ErrorObject<'static>> {
        let Some(allowance) = &self.allowance else {
            return Ok(());
        };
        allowance
            .pay(methods)
            .map_err(|fault| fault.into_error(|_| ()))
    }

    /// Refuses a subscription in a batch: jsonrpsee answers it at once, on its own, and would
    /// answer it a second time within the batch.
    fn not_in_batch(&self, request: &Request<'_>) -> Option<ErrorObject<'static>> {
        let name = request.method_name();
        let callback = self.shared.methods.method(name)?;
        matches!(callback, MethodCallback::Subscription(_)).then(|| {
            let message = format!("{name} cannot be part of a batch, send it alone");
            ErrorObject::owned::<()>(INVALID_REQUEST, message, None)
        })
    }

    /// An answer without a call: unknown methods, and an unsubscription without an id, which
    /// jsonrpsee would answer with `false`.
    fn refuse(&self, request: &Request<'_>) -> Option<ErrorObject<'static>> {
        let name = request.method_name();
        if self.shared.methods.method(name).is_none() {
            return Some(no_such_method(name));
        }
        if matches!(name, "eth_unsubscribe" | "aura_unsubscribe") {
            let params = request.params();
            let id = Args::parse(params.as_str(), 1)
                .and_then(|mut args| args.required("subscription id", params::text).map(drop));
            return id
                .err()
                .map(|fault| ErrorObject::owned::<()>(INVALID_PARAMS, fault.to_string(), None));
        }
        None
    }
}

impl<S> RpcServiceT for WsService<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            NotificationResponse = MethodResponse,
            BatchResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        match self.pay([request.method_name()].into_iter()) {
            Ok(()) => Either::Left(self.paid(request)),
            Err(error) => Either::Right(ready(MethodResponse::error(request.id(), error))),
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let service = self.clone();
        async move {
            let refusal = service.pay(batch.iter().map(method_of)).err();
            service.answers(batch, refusal).await
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}

impl<S> WsService<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            NotificationResponse = MethodResponse,
            BatchResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    /// Answers a call that is paid for.
    fn paid<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let started = Instant::now();
        let name = self
            .shared
            .methods
            .method_with_name(request.method_name())
            .map_or("", |(name, _)| name);
        let shared = self.shared.clone();
        let answer = match self.refuse(&request) {
            Some(error) => Either::Left(ready(MethodResponse::error(request.id(), error))),
            None => Either::Right(self.inner.call(request)),
        };
        async move {
            let response = answer.await;
            shared.metrics.record(name, started, response.is_error());
            response
        }
    }

    /// Answers the calls of a batch, or refuses each of them.
    async fn answers(
        &self,
        batch: Batch<'_>,
        refusal: Option<ErrorObject<'static>>,
    ) -> MethodResponse {
        let mut answers = BatchResponseBuilder::new_with_limit(self.shared.max_response);
        let mut has_notification = false;
        for entry in batch {
            let answer = match (entry, &refusal) {
                (Ok(BatchEntry::Call(request)), None) => match self.not_in_batch(&request) {
                    Some(error) => MethodResponse::error(request.id(), error),
                    None => self.paid(request).await,
                },
                (Ok(BatchEntry::Call(request)), Some(refusal)) => {
                    MethodResponse::error(request.id(), refusal.clone())
                }
                (Ok(BatchEntry::Notification(notification)), _) => {
                    has_notification = true;
                    self.notification(notification).await;
                    continue;
                }
                (Err(malformed), _) => {
                    let (error, id) = malformed.into_parts();
                    MethodResponse::error(id, error)
                }
            };
            if let Err(too_large) = answers.append(answer) {
                return too_large;
            }
        }
        if answers.is_empty() && has_notification {
            return MethodResponse::notification();
        }
        MethodResponse::from_batch(answers.finish())
    }
}

fn method_of<'a>(entry: &'a Result<BatchEntry<'_>, BatchEntryErr<'_>>) -> &'a str {
    match entry {
        Ok(BatchEntry::Call(request)) => request.method_name(),
        Ok(BatchEntry::Notification(notification)) => notification.method_name(),
        Err(_) => "",
    }
}
