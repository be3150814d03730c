//! `trace_filter`.

use std::{sync::Arc, time::Instant};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::Address;
use alloy_rpc_types_trace::filter::{TraceFilter, TraceFilterMatcher, TraceFilterMode};
use aura_evm::trace::{JsonText, TraceError, TraceLimits};
use aura_primitives::HeadLabel;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    blocks::block_traces,
    scene::{StoredBlock, answer, limits},
};
use crate::{api::Api, errors::Fault, eth::blocks::number_of, methods::Raw, params};

/// What is searched for.
#[derive(Debug)]
struct Filter {
    from: BlockNumberOrTag,
    to: BlockNumberOrTag,
    matcher: TraceFilterMatcher,
    /// Matches to be passed over.
    after: u64,
    /// Matches to be returned.
    count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FilterObject<'a> {
    #[serde(borrow, default)]
    from_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    to_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    from_address: Option<&'a RawValue>,
    #[serde(borrow, default)]
    to_address: Option<&'a RawValue>,
    #[serde(default)]
    mode: TraceFilterMode,
    #[serde(borrow, default)]
    after: Option<&'a RawValue>,
    #[serde(borrow, default)]
    count: Option<&'a RawValue>,
}

/// One address or a list of at most `max`.
fn addresses(raw: Option<&RawValue>, max: usize) -> Result<Vec<Address>, String> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else {
        return Ok(Vec::new());
    };
    if raw.get().starts_with('"') {
        return Ok(vec![params::address(raw)?]);
    }
    let list = params::list(raw)?;
    if list.len() > max {
        return Err(format!("more than {max} addresses"));
    }
    list.into_iter().map(params::address).collect()
}

fn filter(raw: &RawValue, max_addresses: usize) -> Result<Filter, String> {
    let object: FilterObject<'_> = params::json(raw)?;
    let tag = |raw: Option<&RawValue>, default| raw.map_or(Ok(default), params::block_tag);
    let number = |raw: Option<&RawValue>, default| raw.map_or(Ok(default), params::count);
    let addresses = TraceFilter {
        from_address: addresses(object.from_address, max_addresses)?,
        to_address: addresses(object.to_address, max_addresses)?,
        mode: object.mode,
        ..TraceFilter::default()
    };
    Ok(Filter {
        from: tag(object.from_block, BlockNumberOrTag::Earliest)?,
        to: tag(object.to_block, BlockNumberOrTag::Latest)?,
        matcher: addresses.matcher(),
        after: number(object.after, 0)?,
        count: number(object.count, u64::MAX)?,
    })
}

/// First and last block of the filter.
fn bounds(api: &Api, filter: &Filter) -> Result<(u64, u64), Fault> {
    let reader = api.reader()?;
    let head = reader.head(HeadLabel::Unsafe)?.number;
    let resolve = |tag| Ok::<_, Fault>(number_of(&reader, BlockId::Number(tag))?.unwrap_or(head));
    let (from, to) = (resolve(filter.from)?, resolve(filter.to)?);
    if from > to {
        return Err(Fault::params(
            "invalid parameters: fromBlock cannot be greater than toBlock",
        ));
    }
    let max = api.config.max_trace_blocks;
    if to - from >= max {
        return Err(Fault::LogLimit {
            what: format!("spans more than {max} blocks"),
            from,
            to: from + max - 1,
        });
    }
    Ok((from, to))
}

/// `trace_filter(filter)`.
pub(super) async fn trace_filter(api: Arc<Api>, raw: Raw) -> Result<Box<RawValue>, Fault> {
    let max = api.config.max_filter_values;
    let filter = raw.args()?.required("filter", |raw| filter(raw, max))?;
    api.on_traces(move |api| {
        let (from, to) = bounds(api, &filter)?;
        let mut search = Search {
            api,
            filter: &filter,
            limits: limits(api, None),
            skipped: 0,
            found: 0,
        };
        answer(search.run(from, to)?)
    })
    .await
}

struct Search<'a> {
    api: &'a Api,
    filter: &'a Filter,
    limits: TraceLimits,
    skipped: u64,
    found: u64,
}

impl Search<'_> {
    /// Traces the blocks in turn. The first block is served whatever it takes within the limits of
    /// one trace, so that there is always a range that works.
    fn run(&mut self, from: u64, to: u64) -> Result<String, Fault> {
        let started = Instant::now();
        let mut text = JsonText::new(self.limits.max_bytes);
        text.push(b"[")?;
        for number in from.max(1)..=to {
            if self.found >= self.filter.count {
                break;
            }
            let left = self.limits.timeout.checked_sub(started.elapsed());
            let outcome = match left {
                Some(timeout) => self.block(
                    number,
                    TraceLimits {
                        timeout,
                        ..self.limits
                    },
                    &mut text,
                ),
                None => Err(self.out_of_time()),
            };
            match outcome {
                Err(fault) if number > from && is_limit(&fault) => {
                    return Err(Fault::LogLimit {
                        what: fault.to_string(),
                        from,
                        to: number - 1,
                    });
                }
                outcome => outcome?,
            }
        }
        text.push(b"]")?;
        Ok(text.into_string())
    }

    fn out_of_time(&self) -> Fault {
        let limit = self.limits.timeout;
        aura_evm::CallError::Timeout { limit }.into()
    }

    /// Appends the matches of one block.
    fn block(
        &mut self,
        number: u64,
        limits: TraceLimits,
        text: &mut JsonText,
    ) -> Result<(), Fault> {
        let stored = StoredBlock::at(self.api.reader()?, number)?;
        let traces = block_traces(self.api, stored, limits)?;
        for trace in traces {
            if !self.filter.matcher.matches(&trace.trace) {
                continue;
            }
            if self.skipped < self.filter.after {
                self.skipped += 1;
                continue;
            }
            if self.found >= self.filter.count {
                break;
            }
            if self.found > 0 {
                text.push(b",")?;
            }
            text.value(&trace)?;
            self.found += 1;
        }
        Ok(())
    }
}

fn is_limit(fault: &Fault) -> bool {
    match fault {
        Fault::Trace(error) => matches!(**error, TraceError::TooLarge { .. }),
        Fault::Call(error) => matches!(**error, aura_evm::CallError::Timeout { .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Filter, String> {
        filter(&RawValue::from_string(json.to_owned()).unwrap(), 2)
    }

    #[test]
    fn takes_what_clients_send() {
        let found = parse(
            r#"{"fromBlock":"0x1","toBlock":"latest","fromAddress":null,"after":3,"count":"0x5",
               "toAddress":["0x1111111111111111111111111111111111111111"],"mode":"union"}"#,
        )
        .unwrap();
        assert_eq!(found.from, BlockNumberOrTag::Number(1));
        assert_eq!((found.after, found.count), (3, 5));
        let open = parse("{}").unwrap();
        assert_eq!(open.from, BlockNumberOrTag::Earliest);
        assert_eq!((open.after, open.count), (0, u64::MAX));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for (json, want) in [
            (r#"{"fromBlock":"3"}"#, "0x prefix"),
            (r#"{"fromAddress":["0x12"]}"#, "digits"),
            (r#"{"address":[]}"#, "unknown field"),
            (r#"{"mode":"both"}"#, "unknown variant"),
        ] {
            let problem = parse(json).unwrap_err();
            assert!(problem.contains(want), "{json}: {problem}");
        }
        let address = "\"0x1111111111111111111111111111111111111111\"";
        let many = format!(r#"{{"toAddress":[{address},{address},{address}]}}"#);
        assert!(parse(&many).unwrap_err().contains("more than 2"));
    }
}
