//! From a valid request to bytes that may be anything.

use super::{
    corpus::Corpus,
    node::MAX_REQUEST_BYTES,
    rng::Rng,
    words::{MEMBERS, ODD},
};
use serde_json::{Map, Number, Value, json};

/// Above the limit of the node under test, but not by so much that it stops reading.
const MAX_PAYLOAD_BYTES: usize = 3 * MAX_REQUEST_BYTES;

/// What is sent.
pub(super) fn payload(corpus: &Corpus, rng: &mut Rng, id: u64) -> Vec<u8> {
    let text = match rng.below(10) {
        0 | 1 => batch(corpus, rng, id),
        _ => request(corpus, rng, id).to_string(),
    };
    let mut bytes = text.into_bytes();
    if rng.once_in(5) {
        for _ in 0..=rng.below(4) {
            scramble(&mut bytes, rng);
        }
    }
    bytes.truncate(MAX_PAYLOAD_BYTES);
    bytes
}

fn batch(corpus: &Corpus, rng: &mut Rng, id: u64) -> String {
    let calls = match rng.below(50) {
        0 => 200,
        1 => 0,
        _ => 1 + rng.below(8),
    };
    let mut parts = Vec::with_capacity(calls);
    for part in 0..calls as u64 {
        parts.push(if rng.once_in(20) {
            odd(rng)
        } else {
            // Ids of a batch differ by what no other request has.
            request(corpus, rng, id + (part << 32))
        });
    }
    Value::Array(parts).to_string()
}

/// One request; half of them are changed in their parameters only, one in ten not at all.
fn request(corpus: &Corpus, rng: &mut Rng, id: u64) -> Value {
    let (method, params) = corpus.valid(rng);
    let mut params = params.clone();
    let mut method = method.to_owned();
    match rng.below(10) {
        0 => {}
        1 => method = corpus.valid(rng).0.to_owned(),
        _ => {
            for _ in 0..=rng.below(3) {
                change(&mut params, corpus, rng);
            }
        }
    }
    let mut envelope = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    if rng.once_in(12) {
        break_envelope(&mut envelope, rng);
    }
    envelope
}

fn break_envelope(envelope: &mut Value, rng: &mut Rng) {
    let member = *rng.pick(&["jsonrpc", "id", "method", "params", "extra"]);
    let Some(members) = envelope.as_object_mut() else {
        return;
    };
    match rng.below(3) {
        0 => {
            members.remove(member);
        }
        1 => {
            members.insert(member.to_owned(), odd(rng));
        }
        _ => {
            let text = long_text(rng);
            members.insert(member.to_owned(), text.into());
        }
    }
}

fn odd(rng: &mut Rng) -> Value {
    let text = rng.pick(ODD);
    // Numbers beyond JSON's own types become what is nearest.
    serde_json::from_str(text).unwrap_or(Value::Null)
}

fn long_text(rng: &mut Rng) -> String {
    let length = match rng.below(40) {
        0 => 300_000,
        1..=4 => 5_000,
        _ => rng.below(80),
    };
    let unit = *rng.pick(&["0", "f", "a", "\"", "\\", "é", "0x", "\u{0}", "["]);
    let start = if rng.once_in(2) { "0x" } else { "" };
    format!("{start}{}", unit.repeat(length))
}

/// Changes one place, anywhere in the tree.
fn change(value: &mut Value, corpus: &Corpus, rng: &mut Rng) {
    let descend = !rng.once_in(4);
    match value {
        Value::Array(items) if descend && !items.is_empty() => {
            let at = rng.below(items.len());
            change(&mut items[at], corpus, rng);
        }
        Value::Object(members) if descend && !members.is_empty() => {
            let at = rng.below(members.len());
            if let Some(member) = members.values_mut().nth(at) {
                change(member, corpus, rng);
            }
        }
        Value::Array(items) => change_list(items, corpus, rng),
        Value::Object(members) => change_members(members, corpus, rng),
        Value::String(text) => change_text(text, rng),
        Value::Number(number) => *number = change_number(number, rng),
        Value::Null | Value::Bool(_) => *value = odd(rng),
    }
    if rng.once_in(30) {
        *value = match rng.below(4) {
            0 => Value::Array(vec![value.take()]),
            1 => json!({ (*rng.pick(MEMBERS)): value.take() }),
            2 => nested(rng),
            _ => odd(rng),
        };
    }
}

/// As deep as JSON values can be built without recursion limits; deeper ones come as bytes.
fn nested(rng: &mut Rng) -> Value {
    let mut value = odd(rng);
    for _ in 0..rng.below(100) {
        value = if rng.once_in(2) {
            Value::Array(vec![value])
        } else {
            json!({ (*rng.pick(MEMBERS)): value })
        };
    }
    value
}

fn change_list(items: &mut Vec<Value>, corpus: &Corpus, rng: &mut Rng) {
    let stranger = |rng: &mut Rng| {
        let (_, params) = corpus.valid(rng);
        match params.as_array() {
            Some(list) if !list.is_empty() => rng.pick(list).clone(),
            _ => odd(rng),
        }
    };
    match rng.below(6) {
        0 => {
            items.pop();
        }
        1 => items.push(odd(rng)),
        2 => items.push(stranger(rng)),
        3 if items.len() > 1 => {
            let (a, b) = (rng.below(items.len()), rng.below(items.len()));
            items.swap(a, b);
        }
        4 if !items.is_empty() => {
            let copy = rng.pick(items).clone();
            let is_small = copy.to_string().len() < 200;
            let times = if is_small && rng.once_in(20) {
                1_500
            } else {
                2
            };
            items.extend(std::iter::repeat_n(copy, times));
        }
        _ if !items.is_empty() => {
            let at = rng.below(items.len());
            items[at] = if rng.once_in(2) {
                odd(rng)
            } else {
                stranger(rng)
            };
        }
        _ => items.push(odd(rng)),
    }
}

fn change_members(members: &mut Map<String, Value>, corpus: &Corpus, rng: &mut Rng) {
    let names: Vec<String> = members.keys().cloned().collect();
    match rng.below(4) {
        0 if !names.is_empty() => {
            members.remove(rng.pick(&names));
        }
        1 if !names.is_empty() => {
            members.insert(rng.pick(&names).clone(), odd(rng));
        }
        2 => {
            members.insert((*rng.pick(MEMBERS)).to_owned(), odd(rng));
        }
        _ => {
            let (_, params) = corpus.valid(rng);
            let value = params.get(0).cloned().unwrap_or(Value::Null);
            members.insert((*rng.pick(MEMBERS)).to_owned(), value);
        }
    }
}

fn change_text(text: &mut String, rng: &mut Rng) {
    match rng.below(8) {
        0 => {
            text.pop();
        }
        1 => text.push(*rng.pick(&['0', 'f', 'g', ' ', '\u{0}', 'é'])),
        2 => *text = text.to_uppercase(),
        3 => *text = long_text(rng),
        4 => text.insert(0, *rng.pick(&['0', ' ', '-', '\u{feff}'])),
        5 => {
            if let Value::String(other) = odd(rng) {
                *text = other;
            }
        }
        _ => {
            // One digit becomes another: nearly valid is what gets furthest.
            let mut bytes = std::mem::take(text).into_bytes();
            if let Some(at) = bytes.len().checked_sub(1) {
                let at = rng.below(at + 1);
                if bytes[at].is_ascii_alphanumeric() {
                    bytes[at] = *rng.pick(b"0123456789abcdefx");
                }
            }
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}

fn change_number(number: &Number, rng: &mut Rng) -> Number {
    match (rng.below(4), number.as_u64()) {
        (0, Some(number)) => number.wrapping_add(1).into(),
        (1, Some(number)) => number.wrapping_mul(1 << 20).into(),
        (2, _) => Number::from(i64::MIN),
        _ => Number::from_f64(0.1).unwrap_or_else(|| 0.into()),
    }
}

/// Damages bytes, without regard for what they mean.
fn scramble(bytes: &mut Vec<u8>, rng: &mut Rng) {
    if bytes.is_empty() {
        return;
    }
    let at = rng.below(bytes.len());
    let end = (at + 1 + rng.below(16)).min(bytes.len());
    match rng.below(7) {
        0 => bytes[at] ^= 1 << rng.below(8),
        1 => bytes.truncate(at),
        2 => {
            bytes.drain(at..end);
        }
        3 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        4 => bytes.insert(at, rng.word() as u8),
        5 => {
            let token = *rng.pick(&[
                "[", "{", "\"", "\\u", "0x", ",", ":", "null", "\u{feff}", "}{", "][",
            ]);
            bytes.splice(at..at, token.bytes());
        }
        _ => {
            let times = if rng.once_in(20) { 50_000 } else { 200 };
            let open = *rng.pick(b"[{ \"");
            bytes.splice(at..at, std::iter::repeat_n(open, times));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_requests_and_another_makes_others() {
        let corpus = Corpus::example();
        let all = |seed: u64| -> Vec<Vec<u8>> {
            (0..300)
                .map(|index| payload(&corpus, &mut Rng::new(seed, index), index))
                .collect()
        };
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
    }

    #[test]
    fn requests_are_of_every_kind() {
        let corpus = Corpus::example();
        let (mut valid, mut batches, mut broken, mut not_text) = (0, 0, 0, 0);
        for index in 0..3_000 {
            let bytes = payload(&corpus, &mut Rng::new(7, index), index);
            match serde_json::from_slice::<Value>(&bytes) {
                Ok(Value::Array(_)) => batches += 1,
                Ok(request) if request["method"].is_string() => valid += 1,
                _ => broken += 1,
            }
            not_text += usize::from(std::str::from_utf8(&bytes).is_err());
        }
        assert!(valid > 1_500 && batches > 300 && broken > 200 && not_text > 10);
    }
}
