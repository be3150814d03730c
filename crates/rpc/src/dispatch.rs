//! JSON-RPC requests over HTTP, by the book.
//!
//! The same table of methods as jsonrpsee serves over WebSocket, reached without its HTTP layer:
//! that one answers `-32700` to well-formed JSON that is no request, and makes a service, a permit
//! and two boxes per request.

use std::{
    borrow::Cow,
    slice,
    sync::Arc,
    time::{Duration, Instant},
};

use jsonrpsee::{
    ConnectionId, Extensions, MethodCallback, MethodResponse, Methods,
    types::{ErrorObject, ErrorObjectOwned, Id, Params},
};
use serde::{Deserialize, Deserializer};
use serde_json::{error::Category, value::RawValue};

use crate::{
    config::RpcConfig,
    errors::{self, Fault, INVALID_REQUEST, LIMIT, METHOD_NOT_FOUND, PARSE},
    limits::Allowance,
    metrics::RpcMetrics,
    params,
    ws::no_such_method,
};

/// Answers request bodies.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    methods: Methods,
    metrics: Arc<RpcMetrics>,
    max_response: usize,
    max_batch: usize,
    batch_time: Duration,
}

/// What a body is answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    /// JSON; empty if the body held nothing but notifications.
    pub(crate) text: String,
    /// When a client that has asked too much can try again.
    pub(crate) retry_after_ms: Option<u64>,
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self {
            text,
            retry_after_ms: None,
        }
    }
}

/// A request as it stands in the body; members of any type, so that a wrong type is told from
/// wrong JSON.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// Tells `"id": null` from no id.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A well-formed request; without an id it is a notification.
struct Call<'a> {
    id: Option<Id<'a>>,
    method: Cow<'a, str>,
    params: Option<&'a str>,
}

type Parsed<'a> = Result<Call<'a>, Malformed>;

/// A request that reaches no method.
struct Malformed {
    id: Id<'static>,
    code: i32,
    message: &'static str,
}

impl Malformed {
    fn invalid(message: &'static str) -> Self {
        Self {
            id: Id::Null,
            code: INVALID_REQUEST,
            message,
        }
    }

    fn json(error: &serde_json::Error) -> Self {
        match error.classify() {
            Category::Data => Self::invalid("invalid request"),
            _ => Self {
                code: PARSE,
                ..Self::invalid("parse error")
            },
        }
    }

    fn into_text(self) -> String {
        let error = ErrorObject::owned::<()>(self.code, self.message, None);
        text(MethodResponse::error(self.id, error))
    }
}

fn text(response: MethodResponse) -> String {
    String::from(Box::<str>::from(response.into_json()))
}

fn id(raw: &RawValue) -> Result<Id<'_>, Malformed> {
    let json = raw.get();
    if json == "null" {
        return Ok(Id::Null);
    }
    if let Ok(number) = json.parse() {
        return Ok(Id::Number(number));
    }
    params::text(raw)
        .map(Id::Str)
        .map_err(|_| Malformed::invalid("invalid request: id must be a string or a whole number"))
}

impl<'a> Call<'a> {
    fn parse(json: &'a str) -> Parsed<'a> {
        let fields: Fields<'_> =
            serde_json::from_str(json).map_err(|error| Malformed::json(&error))?;
        let id = fields.id.map(id).transpose()?;
        let invalid = |message| Malformed {
            id: id.clone().unwrap_or(Id::Null).into_owned(),
            ..Malformed::invalid(message)
        };
        if fields.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
            return Err(invalid("invalid request: jsonrpc must be \"2.0\""));
        }
        let method = fields
            .method
            .and_then(|raw| params::text(raw).ok())
            .ok_or_else(|| invalid("invalid request: method must be a string"))?;
        Ok(Self {
            id,
            method,
            params: fields.params.map(RawValue::get),
        })
    }
}

impl Dispatcher {
    pub(crate) fn new(methods: Methods, metrics: Arc<RpcMetrics>, config: &RpcConfig) -> Self {
        Self {
            methods,
            metrics,
            max_response: config.max_response_bytes as usize,
            max_batch: config.max_batch_calls as usize,
            batch_time: config.request_timeout(),
        }
    }

    /// Answers one body for a client that pays from `allowance`, or is not limited.
    pub(crate) async fn answer(&self, body: &[u8], allowance: Option<&Allowance>) -> Answer {
        let Ok(json) = std::str::from_utf8(body) else {
            self.metrics.malformed.increment(1);
            return errors::response("null", PARSE, "parse error: not UTF-8").into();
        };
        let json = json.trim_ascii_start();
        if json.starts_with('[') {
            return self.batch(json, allowance).await;
        }
        let call = Call::parse(json);
        match pay(allowance, slice::from_ref(&call)) {
            Ok(()) => self.single(call).await.unwrap_or_default().into(),
            Err(fault) => {
                let refusal = Refusal::new(fault);
                refusal.answer(refusal.to(call).unwrap_or_default())
            }
        }
    }

    async fn single(&self, call: Parsed<'_>) -> Option<String> {
        match call {
            Ok(call) => {
                let is_notification = call.id.is_none();
                let answer = self.call(call).await;
                (!is_notification).then(|| text(answer))
            }
            Err(malformed) => {
                self.metrics.malformed.increment(1);
                Some(malformed.into_text())
            }
        }
    }

    async fn call(&self, call: Call<'_>) -> MethodResponse {
        let started = Instant::now();
        let id = call.id.unwrap_or(Id::Null);
        let Some((name, callback)) = self.methods.method_with_name(&call.method) else {
            self.metrics.record("", started, true);
            return MethodResponse::error(id, no_such_method(&call.method));
        };
        let params = Params::new(call.params);
        let extensions = Extensions::new();
        let response = match callback {
            MethodCallback::Sync(method) => method(id, params, self.max_response, extensions),
            MethodCallback::Async(method) => {
                // Connections have numbers for the sake of subscriptions only.
                let connection = ConnectionId(0);
                let (id, params) = (id.into_owned(), params.into_owned());
                method(id, params, connection, self.max_response, extensions).await
            }
            MethodCallback::Subscription(_) | MethodCallback::Unsubscription(_) => {
                let error = "notifications not supported: subscriptions need a WebSocket";
                MethodResponse::error(id, ErrorObject::owned::<()>(METHOD_NOT_FOUND, error, None))
            }
        };
        self.metrics.record(name, started, response.is_error());
        response
    }

    async fn batch(&self, json: &str, allowance: Option<&Allowance>) -> Answer {
        let calls = match self.parts(json) {
            Ok(calls) => calls,
            Err(error) => {
                self.metrics.malformed.increment(1);
                return error.into();
            }
        };
        let mut answers = Answers::new();
        if let Err(fault) = pay(allowance, &calls) {
            let refusal = Refusal::new(fault);
            calls
                .into_iter()
                .for_each(|call| answers.add(refusal.to(call)));
            return refusal.answer(answers.into_text());
        }
        let started = Instant::now();
        for call in calls {
            answers.add(if started.elapsed() > self.batch_time {
                Refusal::new(Fault::Limit("batch takes too long".into())).to(call)
            } else if answers.0.len() > self.max_response {
                Refusal::new(Fault::Limit("response too large".into())).to(call)
            } else {
                self.single(call).await
            });
        }
        answers.into_text().into()
    }

    /// The calls of a batch, or the answer to what is none.
    fn parts<'a>(&self, json: &'a str) -> Result<Vec<Parsed<'a>>, String> {
        let calls: Vec<&RawValue> = serde_json::from_str(json)
            .map_err(|_| errors::response("null", PARSE, "parse error"))?;
        if calls.is_empty() {
            let message = "invalid request: empty batch";
            return Err(errors::response("null", INVALID_REQUEST, message));
        }
        if calls.len() > self.max_batch {
            let message = format!("batch of {} calls, limit {}", calls.len(), self.max_batch);
            return Err(errors::response("null", LIMIT, &message));
        }
        Ok(calls.iter().map(|call| Call::parse(call.get())).collect())
    }
}

/// Pays for all calls of a request; what is malformed costs as much as an unknown method.
fn pay(allowance: Option<&Allowance>, calls: &[Parsed<'_>]) -> Result<(), Fault> {
    let Some(allowance) = allowance else {
        return Ok(());
    };
    allowance.pay(calls.iter().map(|call| match call {
        Ok(call) => &*call.method,
        Err(_) => "",
    }))
}

/// Why calls are not executed although they could be.
struct Refusal {
    error: ErrorObjectOwned,
    retry_after_ms: Option<u64>,
}

impl Refusal {
    fn new(fault: Fault) -> Self {
        let retry_after_ms = match fault {
            Fault::RateLimited { retry_after_ms } => Some(retry_after_ms),
            _ => None,
        };
        Self {
            error: fault.into_error(|_| ()),
            retry_after_ms,
        }
    }

    /// Answer to one call; a notification gets none.
    fn to(&self, call: Parsed<'_>) -> Option<String> {
        match call {
            Ok(call) => Some(text(MethodResponse::error(call.id?, self.error.clone()))),
            Err(malformed) => Some(malformed.into_text()),
        }
    }

    fn answer(&self, text: String) -> Answer {
        Answer {
            text,
            retry_after_ms: self.retry_after_ms,
        }
    }
}

/// The answers of a batch, as they are written.
struct Answers(String);

impl Answers {
    fn new() -> Self {
        Self("[".to_owned())
    }

    fn add(&mut self, answer: Option<String>) {
        let Some(answer) = answer else { return };
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&answer);
    }

    /// Nothing at all, if all calls were notifications.
    fn into_text(mut self) -> String {
        if self.0.len() == 1 {
            return String::new();
        }
        self.0.push(']');
        self.0
    }
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
