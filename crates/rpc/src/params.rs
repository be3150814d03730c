//! Positional parameters, parsed strictly where it matters and leniently where clients differ.
//!
//! jsonrpsee's own parsing adds a `data` member and serde's words to each error, which conformance
//! suites refuse and people cannot read; so it is done here. Every error names the parameter.

use std::borrow::Cow;

use alloy_eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::errors::Fault;

/// More than any method takes; what exceeds it is an error anyway.
const MAX_ARGS: usize = 8;

/// The parameters of one request.
#[derive(Debug)]
pub(crate) struct Args<'a> {
    values: Vec<&'a RawValue>,
    next: usize,
}

impl<'a> Args<'a> {
    /// Splits `params` (absent, `null` or an array) of a method that takes at most `max`.
    pub(crate) fn parse(params: Option<&'a str>, max: usize) -> Result<Self, Fault> {
        debug_assert!(max <= MAX_ARGS, "no method takes that many");
        let text = params.unwrap_or("null").trim_ascii();
        let values: Vec<&RawValue> = match text.as_bytes().first() {
            Some(b'[') => serde_json::from_str(text)
                .map_err(|error| Fault::params(format!("invalid parameters: {error}")))?,
            Some(b'n') => Vec::new(),
            Some(b'{') => return Err(Fault::params("non-array args: named parameters")),
            _ => return Err(Fault::params("non-array args")),
        };
        if values.len() > max {
            return Err(Fault::params(format!(
                "too many arguments, want at most {max}"
            )));
        }
        Ok(Self { values, next: 0 })
    }

    /// The next parameter, if there and not `null`.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&'a RawValue) -> Result<T, String>,
    ) -> Result<Option<T>, Fault> {
        let index = self.next;
        self.next += 1;
        match self.values.get(index) {
            Some(raw) if raw.get() != "null" => parse(raw).map(Some).map_err(|problem| {
                Fault::params(format!("invalid argument {index} ({name}): {problem}"))
            }),
            _ => Ok(None),
        }
    }

    /// The next parameter.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&'a RawValue) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let index = self.next;
        self.optional(name, parse)?.ok_or_else(|| {
            Fault::params(format!(
                "missing value for required argument {index} ({name})"
            ))
        })
    }

    /// A block parameter, `latest` if left out.
    pub(crate) fn block(&mut self) -> Result<BlockId, Fault> {
        Ok(self.optional("block", block_id)?.unwrap_or_default())
    }
}

/// Content of a JSON string.
pub(crate) fn text(raw: &RawValue) -> Result<Cow<'_, str>, String> {
    let json = raw.get();
    let inner = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(|| format!("want a string, have {}", shown(json)))?;
    if inner.contains('\\') {
        serde_json::from_str(json)
            .map(Cow::Owned)
            .map_err(|error| error.to_string())
    } else {
        Ok(Cow::Borrowed(inner))
    }
}

/// The start of what was sent, for an error message.
fn shown(text: &str) -> Cow<'_, str> {
    const LIMIT: usize = 48;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

fn digits(text: &str) -> Result<&str, String> {
    text.strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .ok_or_else(|| format!("hex string {:?} without 0x prefix", shown(text)))
}

fn fixed<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let digits = digits(text)?;
    if digits.len() != 2 * N {
        return Err(format!(
            "hex string has {} digits, want {}",
            digits.len(),
            2 * N
        ));
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| not_hex(text))?;
    Ok(bytes)
}

fn not_hex(text: &str) -> String {
    format!("invalid hex string {:?}", shown(text))
}

/// A 20-byte address; letter case is not checked.
pub(crate) fn address(raw: &RawValue) -> Result<Address, String> {
    fixed(&text(raw)?).map(Address::new)
}

/// A 32-byte hash.
pub(crate) fn hash(raw: &RawValue) -> Result<B256, String> {
    fixed(&text(raw)?).map(B256::new)
}

/// Bytes of any length.
pub(crate) fn bytes(raw: &RawValue) -> Result<Bytes, String> {
    let text = text(raw)?;
    let digits = digits(&text)?;
    if digits.len() % 2 == 1 {
        return Err("hex string of odd length".into());
    }
    hex::decode(digits)
        .map(Bytes::from)
        .map_err(|_| not_hex(&text))
}

/// A quantity of up to 256 bits: hex, or a plain JSON number.
pub(crate) fn u256(raw: &RawValue) -> Result<U256, String> {
    if let Ok(number) = raw.get().parse::<u64>() {
        return Ok(U256::from(number));
    }
    u256_text(&text(raw)?)
}

fn u256_text(text: &str) -> Result<U256, String> {
    let digits = digits(text)?;
    if digits.is_empty() {
        return Err("empty hex number".into());
    }
    if digits.trim_start_matches('0').len() > 64 {
        return Err("hex number exceeds 256 bits".into());
    }
    U256::from_str_radix(digits, 16).map_err(|_| not_hex(text))
}

/// A quantity of up to 64 bits: hex, or a plain JSON number.
pub(crate) fn u64(raw: &RawValue) -> Result<u64, String> {
    u256(raw)?
        .try_into()
        .map_err(|_| "number exceeds 64 bits".to_owned())
}

/// A quantity of up to 128 bits: hex, or a plain JSON number.
pub(crate) fn u128(raw: &RawValue) -> Result<u128, String> {
    u256(raw)?
        .try_into()
        .map_err(|_| "number exceeds 128 bits".to_owned())
}

/// A count: hex, a JSON number, or decimal digits in a string (`eth_feeHistory`).
pub(crate) fn count(raw: &RawValue) -> Result<u64, String> {
    if let Ok(text) = text(raw)
        && let Ok(number) = text.parse()
    {
        return Ok(number);
    }
    u64(raw)
}

/// `true` or `false`.
pub(crate) fn boolean(raw: &RawValue) -> Result<bool, String> {
    match raw.get() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(format!("want true or false, have {}", shown(other))),
    }
}

/// A storage slot: hex of up to 32 bytes, short forms such as `0x0` included.
pub(crate) fn slot(raw: &RawValue) -> Result<U256, String> {
    let text = text(raw)?;
    if text.len() > 66 {
        return Err(format!(
            "hex string too long, want at most 32 bytes, have {} digits",
            text.len() - 2
        ));
    }
    if digits(&text)?.is_empty() {
        return Ok(U256::ZERO);
    }
    u256_text(&text)
}

/// A list of anything.
pub(crate) fn list(raw: &RawValue) -> Result<Vec<&RawValue>, String> {
    if !raw.get().starts_with('[') {
        return Err(format!("want a list, have {}", shown(raw.get())));
    }
    json(raw)
}

/// A tag, a number, a 32-byte hash, or an EIP-1898 object.
pub(crate) fn block_id(raw: &RawValue) -> Result<BlockId, String> {
    if raw.get().starts_with('{') {
        return block_object(raw);
    }
    let text = text(raw)?;
    // alloy sends a bare block hash where a block parameter is wanted.
    if text.len() == 66 && text.starts_with("0x") {
        return fixed(&text).map(|hash| BlockId::hash(B256::new(hash)));
    }
    tag_text(&text).map(BlockId::Number)
}

/// A tag or a number.
pub(crate) fn block_tag(raw: &RawValue) -> Result<BlockNumberOrTag, String> {
    tag_text(&text(raw)?)
}

fn tag_text(text: &str) -> Result<BlockNumberOrTag, String> {
    Ok(match text {
        "latest" => BlockNumberOrTag::Latest,
        "pending" => BlockNumberOrTag::Pending,
        "safe" => BlockNumberOrTag::Safe,
        "finalized" => BlockNumberOrTag::Finalized,
        "earliest" => BlockNumberOrTag::Earliest,
        _ if text.starts_with("0x") => BlockNumberOrTag::Number(
            u256_text(text)?
                .try_into()
                .map_err(|_| "block number exceeds 64 bits".to_owned())?,
        ),
        _ => {
            return Err(format!(
                "{:?} is neither a block tag nor a hex number with 0x prefix",
                shown(text)
            ));
        }
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockObject<'a> {
    #[serde(borrow, default)]
    block_number: Option<&'a RawValue>,
    #[serde(borrow, default)]
    block_hash: Option<&'a RawValue>,
    #[serde(default)]
    require_canonical: Option<bool>,
}

fn block_object(raw: &RawValue) -> Result<BlockId, String> {
    let object: BlockObject<'_> =
        serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
    match (object.block_number, object.block_hash) {
        (Some(_), Some(_)) => Err("cannot specify both blockHash and blockNumber".into()),
        (Some(number), None) => block_tag(number).map(BlockId::Number),
        (None, Some(value)) => Ok(BlockId::Hash(RpcBlockHash::from_hash(
            hash(value)?,
            object.require_canonical,
        ))),
        (None, None) => Err("want blockHash or blockNumber".into()),
    }
}

/// Any JSON value, by serde; nested at most as deep as serde_json allows.
pub(crate) fn json<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
    serde_json::from_str(raw.get()).map_err(|error| error.to_string())
}

#[cfg(test)]
#[path = "params_tests.rs"]
mod tests;
