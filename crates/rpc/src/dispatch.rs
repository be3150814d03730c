//! JSON-RPC requests over HTTP, by the book.
//!
//! The same table of methods as jsonrpsee serves over WebSocket, reached without its HTTP layer:
//! that one answers `-32700` to well-formed JSON that is no request, and makes a service, a permit
//! and two boxes per request.

use std::{borrow::Cow, sync::Arc, time::Duration, time::Instant};

use jsonrpsee::{
    ConnectionId, Extensions, MethodCallback, MethodResponse, Methods,
    types::{ErrorObject, Id, Params},
};
use serde::{Deserialize, Deserializer};
use serde_json::{error::Category, value::RawValue};

use crate::{
    config::RpcConfig,
    errors::{self, INVALID_REQUEST, LIMIT, METHOD_NOT_FOUND, PARSE},
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
    fn parse(json: &'a str) -> Result<Self, Malformed> {
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

    /// Answers one body; the answer is empty if it held nothing but notifications.
    pub(crate) async fn answer(&self, body: &[u8]) -> String {
        let Ok(json) = std::str::from_utf8(body) else {
            self.metrics.malformed.increment(1);
            return errors::response("null", PARSE, "parse error: not UTF-8");
        };
        let json = json.trim_ascii_start();
        if json.starts_with('[') {
            return self.batch(json).await;
        }
        self.single(json).await.unwrap_or_default()
    }

    async fn single(&self, json: &str) -> Option<String> {
        match Call::parse(json) {
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

    async fn batch(&self, json: &str) -> String {
        let fail = |code, message: &str| {
            self.metrics.malformed.increment(1);
            errors::response("null", code, message)
        };
        let calls: Vec<&RawValue> = match serde_json::from_str(json) {
            Ok(calls) => calls,
            Err(_) => return fail(PARSE, "parse error"),
        };
        if calls.is_empty() {
            return fail(INVALID_REQUEST, "invalid request: empty batch");
        }
        if calls.len() > self.max_batch {
            let (have, limit) = (calls.len(), self.max_batch);
            return fail(LIMIT, &format!("batch of {have} calls, limit {limit}"));
        }
        let started = Instant::now();
        let mut answers = String::from("[");
        for call in calls {
            let answer = if started.elapsed() > self.batch_time {
                Some(skipped(call, "batch takes too long"))
            } else if answers.len() > self.max_response {
                Some(skipped(call, "response too large"))
            } else {
                self.single(call.get()).await
            };
            if let Some(answer) = answer {
                if answers.len() > 1 {
                    answers.push(',');
                }
                answers.push_str(&answer);
            }
        }
        if answers.len() == 1 {
            return String::new();
        }
        answers.push(']');
        answers
    }
}

/// Answer to a call of a batch that has used up its limits.
fn skipped(call: &RawValue, why: &str) -> String {
    let id = Call::parse(call.get())
        .ok()
        .and_then(|call| call.id)
        .unwrap_or(Id::Null);
    text(MethodResponse::error(
        id,
        ErrorObject::owned::<()>(LIMIT, why, None),
    ))
}

#[cfg(test)]
#[path = "dispatch_tests.rs"]
mod tests;
