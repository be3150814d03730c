//! Log filters.

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, B256, Log};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::params;

/// Which blocks a filter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockRange {
    /// From one to another, both included; absent means latest.
    Numbers {
        from: Option<BlockNumberOrTag>,
        to: Option<BlockNumberOrTag>,
    },
    /// The block with this hash (EIP-234).
    Hash(B256),
}

impl BlockRange {
    /// Returns `true` if a block that joins the chain is among those named; tags name all of them.
    pub(crate) fn covers(&self, number: u64, block: B256) -> bool {
        match *self {
            Self::Hash(hash) => block == hash,
            Self::Numbers { from, to } => {
                let from = from.and_then(|tag| tag.as_number());
                let to = to.and_then(|tag| tag.as_number());
                from.is_none_or(|from| number >= from) && to.is_none_or(|to| number <= to)
            }
        }
    }
}

/// Which logs are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFilter {
    pub(crate) blocks: BlockRange,
    /// Emitters, any of them; empty matches every emitter.
    pub(crate) addresses: Vec<Address>,
    /// For each position any of the values; empty matches everything.
    pub(crate) topics: [Vec<B256>; 4],
    /// Positions named in the request: a log with fewer topics does not match, as in geth.
    pub(crate) positions: usize,
}

impl LogFilter {
    /// All logs of all blocks.
    pub(crate) fn everything() -> Self {
        Self {
            blocks: BlockRange::Numbers {
                from: None,
                to: None,
            },
            addresses: Vec::new(),
            topics: Default::default(),
            positions: 0,
        }
    }

    /// Memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let topics: usize = self.topics.iter().map(Vec::capacity).sum();
        size_of::<Self>()
            + self.addresses.capacity() * size_of::<Address>()
            + topics * size_of::<B256>()
    }

    /// Returns `true` if `log` is wanted, whatever its block.
    pub(crate) fn matches(&self, log: &Log) -> bool {
        let topics = log.topics();
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.positions <= topics.len()
            && self
                .topics
                .iter()
                .zip(topics)
                .all(|(wanted, topic)| wanted.is_empty() || wanted.contains(topic))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow, default)]
    from_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    to_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    block_hash: Option<&'a RawValue>,
    #[serde(borrow, default)]
    address: Option<&'a RawValue>,
    #[serde(borrow, default)]
    topics: Option<&'a RawValue>,
}

/// One value or an array of values; `null` in the array, and an empty array, match everything.
fn any_of<T>(
    raw: &RawValue,
    max: usize,
    parse: impl Fn(&RawValue) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    if !raw.get().starts_with('[') {
        return parse(raw).map(|value| vec![value]);
    }
    let values: Vec<&RawValue> = params::json(raw)?;
    if values.len() > max {
        return Err(format!("{} values, limit {max}", values.len()));
    }
    if values.iter().any(|value| value.get() == "null") {
        return Ok(Vec::new());
    }
    values.into_iter().map(parse).collect()
}

fn topics(raw: &RawValue, max: usize) -> Result<([Vec<B256>; 4], usize), String> {
    if !raw.get().starts_with('[') {
        return Err("topics: want an array".into());
    }
    let positions: Vec<&RawValue> = params::json(raw)?;
    let mut topics: [Vec<B256>; 4] = Default::default();
    if positions.len() > topics.len() {
        return Err(format!("topics: {} positions, limit 4", positions.len()));
    }
    for (index, (wanted, raw)) in topics.iter_mut().zip(&positions).enumerate() {
        if raw.get() != "null" {
            *wanted = any_of(raw, max, params::hash)
                .map_err(|problem| format!("topics[{index}]: {problem}"))?;
        }
    }
    Ok((topics, positions.len()))
}

/// Parses a filter object; at most `max` addresses, and alternatives of a topic.
pub(crate) fn log_filter(raw: &RawValue, max: usize) -> Result<LogFilter, String> {
    if !raw.get().starts_with('{') {
        return Err("want a filter object".into());
    }
    let fields: Fields<'_> = params::json(raw)?;
    let named = |name: &'static str| move |problem: String| format!("{name}: {problem}");
    let tag = |raw: Option<&RawValue>, name| {
        raw.map(|raw| params::block_tag(raw).map_err(named(name)))
            .transpose()
    };
    let from = tag(fields.from_block, "fromBlock")?;
    let to = tag(fields.to_block, "toBlock")?;
    let blocks = match fields.block_hash {
        Some(_) if from.is_some() || to.is_some() => {
            return Err("cannot specify both blockHash and fromBlock/toBlock, choose one".into());
        }
        Some(raw) => BlockRange::Hash(params::hash(raw).map_err(named("blockHash"))?),
        None => BlockRange::Numbers { from, to },
    };
    let addresses = match fields.address {
        Some(raw) => any_of(raw, max, params::address).map_err(named("address"))?,
        None => Vec::new(),
    };
    let (topics, positions) = match fields.topics {
        Some(raw) => topics(raw, max)?,
        None => Default::default(),
    };
    Ok(LogFilter {
        blocks,
        addresses,
        topics,
        positions,
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::LogData;

    use super::*;

    fn parse(json: &str) -> Result<LogFilter, String> {
        log_filter(&RawValue::from_string(json.to_owned()).unwrap(), 3)
    }

    fn log(address: u8, topics: &[u8]) -> Log {
        Log {
            address: Address::repeat_byte(address),
            data: LogData::new_unchecked(
                topics.iter().map(|byte| B256::repeat_byte(*byte)).collect(),
                Default::default(),
            ),
        }
    }

    #[test]
    fn nulls_and_absent_members_match_everything() {
        let filter =
            parse(r#"{"fromBlock":null,"address":null,"topics":null,"blockHash":null}"#).unwrap();
        assert_eq!(filter, parse("{}").unwrap());
        assert!(filter.matches(&log(1, &[])));
        assert!(filter.matches(&log(2, &[1, 2, 3, 4])));
    }

    #[test]
    fn one_value_and_arrays_are_alternatives() {
        let (a, t) = (Address::repeat_byte(1), B256::repeat_byte(7));
        let filter = parse(&format!(
            r#"{{"address":["{a}","{}"],"topics":["{t}",null,["{t}","{}"]]}}"#,
            Address::repeat_byte(2),
            B256::repeat_byte(8),
        ))
        .unwrap();
        assert!(filter.matches(&log(2, &[7, 0, 8])));
        assert!(!filter.matches(&log(3, &[7, 0, 8])));
        assert!(!filter.matches(&log(1, &[7, 0])));
        assert!(!filter.matches(&log(1, &[6, 0, 7])));
        assert_eq!(
            parse(&format!(r#"{{"address":"{a}"}}"#)).unwrap().addresses,
            [a]
        );
    }

    #[test]
    fn a_named_position_must_exist_in_the_log() {
        let filter = parse(r#"{"topics":[null,[]]}"#).unwrap();
        assert!(!filter.matches(&log(1, &[1])));
        assert!(filter.matches(&log(1, &[1, 2])));
    }

    #[test]
    fn refuses_with_the_name_of_the_member() {
        let hash = B256::ZERO;
        for (json, want) in [
            ("[]", "want a filter object"),
            (r#"{"fromBlock":"5"}"#, "fromBlock"),
            (r#"{"address":"0x12"}"#, "address"),
            (r#"{"topics":"0x12"}"#, "topics: want an array"),
            (r#"{"topics":[1]}"#, "topics[0]"),
            (r#"{"topics":[null,null,null,null,null]}"#, "limit 4"),
            (
                r#"{"topics":[["0x1","0x2","0x3","0x4"]]}"#,
                "4 values, limit 3",
            ),
        ] {
            let problem = parse(json).unwrap_err();
            assert!(problem.contains(want), "{json}: {problem}");
        }
        let both = format!(r#"{{"blockHash":"{hash}","fromBlock":"0x1"}}"#);
        assert!(parse(&both).unwrap_err().contains("choose one"));
    }
}
