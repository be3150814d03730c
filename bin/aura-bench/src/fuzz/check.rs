//! Whether an answer is one, by the book.

use super::node::MAX_REQUEST_BYTES;
use eyre::{Result, bail, ensure};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};
use std::ops::RangeInclusive;

/// The node's own fault: never the right answer, whatever was sent.
const INTERNAL: i64 = -32603;

/// Blanks before a message that jsonrpsee looks past; after more it sees no JSON.
const MAX_BLANKS: usize = 128;

/// What must come back for a payload.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    /// One object, with this id if it can be known.
    One(Option<Value>),
    /// An array of so many objects, or one error for all.
    Batch(RangeInclusive<usize>),
    /// Nothing: notifications only.
    Nothing,
    /// An error or nothing.
    Whatever,
}

/// The members of a request, none of which may stand twice.
#[derive(Deserialize)]
struct Members {
    #[serde(rename = "jsonrpc")]
    _jsonrpc: Option<IgnoredAny>,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "method")]
    _method: Option<IgnoredAny>,
    #[serde(rename = "params")]
    _params: Option<IgnoredAny>,
}

/// As much of a payload as jsonrpsee needs to take it for a notification.
#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "jsonrpc")]
    _jsonrpc: String,
    #[serde(rename = "method")]
    _method: String,
}

impl Expected {
    /// Reads the payload as the specification does, and over a WebSocket as jsonrpsee does: there a
    /// call whose id is of no right type passes as a notification.
    pub(super) fn of(payload: &[u8], socket: bool) -> Self {
        let start = payload.len() - payload.trim_ascii_start().len();
        if payload.len() > MAX_REQUEST_BYTES || (socket && start >= MAX_BLANKS) {
            return Self::One(None);
        }
        if !payload.trim_ascii_start().starts_with(b"[") {
            return Self::of_one(payload, socket);
        }
        let Ok(calls) = serde_json::from_slice::<Vec<&RawValue>>(payload) else {
            return Self::One(None);
        };
        if calls.is_empty() {
            return Self::One(None);
        }
        let (mut least, mut most) = (0, 0);
        for call in calls {
            match Self::of_one(call.get().as_bytes(), socket) {
                Self::Nothing => {}
                Self::Whatever => most += 1,
                Self::One(_) | Self::Batch(_) => (least, most) = (least + 1, most + 1),
            }
        }
        if most == 0 {
            return Self::Nothing;
        }
        Self::Batch(least..=most)
    }

    fn of_one(payload: &[u8], socket: bool) -> Self {
        let twins = serde_json::from_slice::<Members>(payload)
            .is_err_and(|error| error.to_string().starts_with("duplicate field"));
        let parsed = serde_json::from_slice::<Value>(payload);
        // What jsonrpsee cannot read as a call may be a notification to it all the same: it does
        // not look at an id then, whether it stands twice or is no text.
        let is_loose = serde_json::from_slice::<Notification>(payload).is_ok();
        match parsed {
            _ if twins && socket => Self::Whatever,
            _ if twins => Self::One(None),
            Err(_) if socket && is_loose => Self::Whatever,
            Ok(request) if is_notification(&request, socket) => Self::Nothing,
            Ok(request) if is_call(&request) => Self::One(request.get("id").cloned()),
            _ => Self::One(None),
        }
    }

    /// Returns `true` if an answer must come.
    pub(super) fn is_certain(&self) -> bool {
        match self {
            Self::One(_) => true,
            Self::Batch(answers) => *answers.start() > 0,
            Self::Nothing | Self::Whatever => false,
        }
    }
}

fn is_call(request: &Value) -> bool {
    let id = request.get("id");
    request["jsonrpc"] == "2.0"
        && request["method"].is_string()
        && id.is_some_and(|id| id.is_string() || id.is_u64())
}

/// A request without id; one with members of wrong types is none, but malformed.
fn is_notification(request: &Value, socket: bool) -> bool {
    let is_right = |id: &Value| id.is_string() || id.is_u64() || id.is_null();
    request["jsonrpc"] == "2.0"
        && request["method"].is_string()
        && request.get("id").is_none_or(|id| socket && !is_right(id))
}

/// What the answers of a run were, for its report.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) results: u64,
    pub(super) errors: u64,
    pub(super) silent: u64,
}

/// Checks one answer, an empty one too.
pub(super) fn answer(bytes: &[u8], expected: &Expected, tally: &mut Tally) -> Result<()> {
    if bytes.is_empty() {
        ensure!(!expected.is_certain(), "no answer, not {expected:?}");
        tally.silent += 1;
        return Ok(());
    }
    let answer: Value = serde_json::from_slice(bytes)?;
    match (&answer, expected) {
        (_, Expected::Nothing) => bail!("an answer to notifications"),
        (Value::Array(answers), Expected::Batch(calls)) => {
            ensure!(
                calls.contains(&answers.len()),
                "{} answers to {calls:?} calls",
                answers.len()
            );
            answers.iter().try_for_each(|answer| object(answer, tally))
        }
        (Value::Array(_), Expected::One(_) | Expected::Whatever) => {
            bail!("an array as answer to one request")
        }
        (_, Expected::One(Some(id))) => {
            ensure!(answer.get("id") == Some(id), "the id is not {id}");
            object(&answer, tally)
        }
        (_, Expected::One(None) | Expected::Batch(_) | Expected::Whatever) => {
            object(&answer, tally)
        }
    }
}

/// Checks one response object.
fn object(answer: &Value, tally: &mut Tally) -> Result<()> {
    let Some(members) = answer.as_object() else {
        bail!("a response that is no object");
    };
    let known = ["jsonrpc", "id", "result", "error"];
    if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
        bail!("a response with a member {name}");
    }
    ensure!(answer["jsonrpc"] == "2.0", "a response of another version");
    let id = members.get("id");
    ensure!(
        id.is_some_and(|id| id.is_null() || id.is_string() || id.is_number()),
        "a response without an id"
    );
    match (members.get("result"), members.get("error")) {
        (Some(_), None) => tally.results += 1,
        (None, Some(error)) => {
            let code = error["code"].as_i64();
            ensure!(code.is_some(), "an error without a code");
            ensure!(code != Some(INTERNAL), "an internal error");
            ensure!(error["message"].is_string(), "an error without words");
            tally.errors += 1;
        }
        _ => bail!("a response with both result and error, or none"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(payload: &str, bytes: &str) -> Result<()> {
        let expected = Expected::of(payload.as_bytes(), false);
        answer(bytes.as_bytes(), &expected, &mut Tally::default())
    }

    #[test]
    fn takes_what_the_specification_allows() {
        let call = r#"{"jsonrpc":"2.0","id":7,"method":"m"}"#;
        let note = r#"{"jsonrpc":"2.0","method":"m"}"#;
        let ok = r#"{"jsonrpc":"2.0","id":7,"result":null}"#;
        let error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#;
        for (payload, answer) in [
            (call.to_owned(), ok.to_owned()),
            ("{".to_owned(), error.to_owned()),
            ("[]".to_owned(), error.to_owned()),
            (note.to_owned(), String::new()),
            (format!("[{call},{note},1]"), format!("[{ok},{error}]")),
            (format!("[{call},{call}]"), error.to_owned()),
            (format!("[{note}]"), String::new()),
            (call.replace('}', ",\"id\":8}"), error.to_owned()),
        ] {
            outcome(&payload, &answer).unwrap();
        }
    }

    #[test]
    fn refuses_everything_else() {
        let call = r#"{"jsonrpc":"2.0","id":7,"method":"m"}"#;
        for bytes in [
            "",
            "nonsense",
            "[]",
            r#"{"jsonrpc":"2.0","id":8,"result":1}"#,
            r#"{"id":7,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":7}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":1,"more":1}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":1,"error":{"code":1,"message":""}}"#,
            r#"{"jsonrpc":"2.0","id":7,"error":{"message":"x"}}"#,
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"internal error"}}"#,
        ] {
            assert!(outcome(call, bytes).is_err(), "{bytes}");
        }
        assert!(outcome(r#"{"jsonrpc":"2.0","method":"m"}"#, "{}").is_err());
        let one = r#"{"jsonrpc":"2.0","id":7,"result":1}"#;
        assert!(outcome(&format!("[{call},{call}]"), &format!("[{one}]")).is_err());
    }
}
