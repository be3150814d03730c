//! From logs to records, with everything checked that can be computed.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, BloomInput};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEvent;
use aura_bindings::{
    BATCH_APPENDED, MESSAGE_ENQUEUED, RollupEvent, decode_message_enqueued, decode_rollup_event,
    rollup::AuraRollup as rollup,
};
use aura_storage::{L1Chunk, L1RootChange, RootStatus};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

use super::{Tracker, records::Place, step::Position};
use crate::{L1Error, L1Header, Session, provider::is_range_limit};

/// Requests for the logs of a block that are under way at a time.
const LOGS_AT_ONCE: usize = 8;

/// Topics of the rollup's events that are kept.
const ROLLUP_TOPICS: [B256; 6] = [
    BATCH_APPENDED,
    rollup::StateRootUpdated::SIGNATURE_HASH,
    rollup::RootChallenged::SIGNATURE_HASH,
    rollup::RootInvalidated::SIGNATURE_HASH,
    rollup::DisputeRejected::SIGNATURE_HASH,
    rollup::RootFinalized::SIGNATURE_HASH,
];

/// What reading a range of blocks came to.
pub(super) enum Read {
    /// Their logs, in order. The headers may be fewer than were asked for.
    Logs(Vec<L1Header>, Vec<Log>),
    /// The range was too long.
    TooLong,
}

/// What is numbered without holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbered {
    Entries,
    Batches,
    Roots,
}

/// An event is missing, in what is read or in what was read before.
#[derive(Debug)]
pub(super) struct Gap {
    pub(super) kinds: Vec<Numbered>,
    pub(super) what: String,
}

/// A chunk that is right, with the position after it; or a hole.
pub(super) enum Built {
    Chunk(Box<L1Chunk>, Box<Position>),
    Gap(Gap),
}

impl Tracker {
    fn addresses(&self) -> Vec<Address> {
        vec![self.config.portal, self.config.rollup]
    }

    fn topics() -> Vec<B256> {
        let mut topics = vec![MESSAGE_ENQUEUED];
        topics.extend(ROLLUP_TOPICS);
        topics
    }

    /// The kinds of event that the bloom filter of a block allows.
    fn possible(&self, header: &L1Header) -> Vec<(Address, B256)> {
        let bloom = &header.inner().logs_bloom;
        let has = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        let (portal, rollup) = (self.config.portal, self.config.rollup);
        let of_rollup = ROLLUP_TOPICS.iter().map(|topic| (rollup, *topic));
        let all = std::iter::once((portal, MESSAGE_ENQUEUED)).chain(of_rollup);
        all.filter(|(address, topic)| has(address.as_slice()) && has(topic.as_slice()))
            .collect()
    }

    /// The logs of many old blocks, by number: the headers say whether they are of these blocks.
    pub(super) async fn read_range(
        &self,
        session: &Session,
        headers: Vec<L1Header>,
    ) -> Result<Read, L1Error> {
        let (Some(first), Some(last)) = (headers.first(), headers.last()) else {
            return Ok(Read::Logs(headers, Vec::new()));
        };
        let numbers = first.inner().number..=last.inner().number;
        let asked = session.logs_of_range(numbers, self.addresses(), Self::topics());
        let mut logs = match asked.await {
            Ok(logs) => logs,
            Err(error) if is_range_limit(&error) && headers.len() > 1 => {
                tracing::debug!(%error, blocks = headers.len(), "range of L1 blocks is too long");
                return Ok(Read::TooLong);
            }
            Err(error) => return Err(error),
        };
        logs.sort_by_key(|log| (log.block_number, log.log_index));
        Ok(Read::Logs(headers, logs))
    }

    /// The logs of blocks near the head, each by its hash. Stops after a block with which there are as
    /// many as may be held at once.
    pub(super) async fn read_blocks(
        &self,
        session: &Session,
        headers: Vec<L1Header>,
    ) -> Result<Read, L1Error> {
        // In boxes, for the compiler cannot tell of a closure with references that it may move to
        // another thread.
        let each: Vec<BoxFuture<'_, _>> = headers
            .iter()
            .map(|header| self.read_block(session, header).boxed())
            .collect();
        let mut each = stream::iter(each).buffered(LOGS_AT_ONCE);
        let (mut logs, mut blocks) = (Vec::new(), 0);
        while logs.len() < self.config.max_chunk_events
            && let Some(of_block) = each.try_next().await?
        {
            logs.extend(of_block);
            blocks += 1;
        }
        drop(each);
        let mut headers = headers;
        headers.truncate(blocks);
        Ok(Read::Logs(headers, logs))
    }

    async fn read_block(&self, session: &Session, header: &L1Header) -> Result<Vec<Log>, L1Error> {
        let possible = self.possible(header);
        if possible.is_empty() {
            // A bloom filter that does not have them proves that there are none.
            return Ok(Vec::new());
        }
        let logs = session.logs_of_block(header.hash(), self.addresses(), Self::topics());
        let mut logs = logs.await?;
        logs.sort_by_key(|log| log.log_index);
        let kind = |log: &Log| Some((log.address(), *log.topic0()?));
        let all_there = possible
            .iter()
            .all(|wanted| logs.iter().any(|log| kind(log) == Some(*wanted)));
        if !all_there {
            self.prove_block(session, header, &logs).await?;
        }
        Ok(logs)
    }

    /// Compares the logs of a block with its receipts, which the header proves.
    async fn prove_block(
        &self,
        session: &Session,
        header: &L1Header,
        logs: &[Log],
    ) -> Result<(), L1Error> {
        let receipts = match session.proven_receipts(header).await {
            Ok(receipts) => receipts,
            Err(L1Error::Rpc { code: -32601, .. }) => {
                // Numbers and accumulators will show what is missing, later.
                tracing::debug!(
                    endpoint = session.name(),
                    "no receipts of a block to be had"
                );
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let (addresses, topics) = (self.addresses(), Self::topics());
        let is_ours = |log: &&Log| {
            let topic = log.topic0();
            addresses.contains(&log.address()) && topic.is_some_and(|topic| topics.contains(topic))
        };
        let proven = receipts.iter().flat_map(|receipt| receipt.inner.logs());
        let proven = proven.filter(is_ours).map(|log| &log.inner);
        if proven.eq(logs.iter().map(|log| &log.inner)) {
            return Ok(());
        }
        let number = header.inner().number;
        Err(session.contradiction(format!(
            "the receipts of block {number} have other events than its logs"
        )))
    }

    /// Makes records of the logs of consecutive blocks that follow `position`.
    pub(super) fn build(
        &self,
        session: &Session,
        position: &Position,
        headers: &[L1Header],
        logs: &[Log],
    ) -> Result<Built, L1Error> {
        let mut next = position.clone();
        let mut chunk = L1Chunk {
            headers: headers
                .iter()
                .map(|header| header.to_record(&self.config.blob_schedule))
                .collect(),
            ..L1Chunk::default()
        };
        next.tip = chunk.headers.last().copied().or(next.tip);
        for log in logs {
            let place = Place::of(session, headers, log)?;
            let undecodable = |error: aura_bindings::DecodeError| {
                session.malformed("eth_getLogs", error.to_string())
            };
            let gap = if log.address() == self.config.portal {
                let event = decode_message_enqueued(&log.inner.data).map_err(undecodable)?;
                next.add_entry(session, &mut chunk, event, &place)?
            } else if log.address() == self.config.rollup {
                let event = decode_rollup_event(&log.inner.data).map_err(undecodable)?;
                self.add_rollup_event(session, &mut next, &mut chunk, event, &place)?
            } else {
                return Err(session.contradiction("a log is of another contract"));
            };
            if let Some(gap) = gap {
                return Ok(Built::Gap(gap));
            }
        }
        Ok(Built::Chunk(Box::new(chunk), Box::new(next)))
    }

    fn add_rollup_event(
        &self,
        session: &Session,
        next: &mut Position,
        chunk: &mut L1Chunk,
        event: Option<RollupEvent>,
        place: &Place,
    ) -> Result<Option<Gap>, L1Error> {
        let (id, status) = match event {
            Some(RollupEvent::BatchAppended(batch)) => {
                return next.add_batch(session, chunk, batch, place);
            }
            Some(RollupEvent::RootPosted(root)) => {
                let computed = root.output.hash(self.config.chain_id, self.config.rollup);
                if computed != root.output_hash {
                    let what = format!("root {} does not have the hash of its output", root.id);
                    return Err(session.contradiction(what));
                }
                return next.add_root(session, chunk, root, place);
            }
            Some(RollupEvent::RootChallenged { id, .. }) => (id, RootStatus::Disputed),
            Some(RollupEvent::RootInvalidated { id }) => (id, RootStatus::Invalid),
            Some(RollupEvent::DisputeRejected { id }) => (id, RootStatus::Pending),
            Some(RollupEvent::RootFinalized { id }) => (id, RootStatus::Final),
            _ => return Ok(None),
        };
        if id >= next.roots {
            return Ok(Some(Gap {
                kinds: vec![Numbered::Roots],
                what: format!("root {id} changes and was never posted"),
            }));
        }
        let l1_block = place.number;
        chunk
            .root_changes
            .push((id, L1RootChange { status, l1_block }));
        Ok(None)
    }

    /// Compares the ends of what was read with the contracts.
    pub(super) async fn compare(
        &self,
        session: &Session,
        chunk: &L1Chunk,
        block: BlockId,
    ) -> Result<(), L1Error> {
        let differs = |what: &str, number: u64| {
            Err(session.contradiction(format!("the contract has another {what} {number}")))
        };
        if let Some(last) = chunk.entries.last() {
            let id = last.message.id;
            if self.queue_slot(session, id, block).await? != last.slot {
                return differs("queue entry", id);
            }
        }
        if let Some(last) = chunk.batches.last()
            && self.batch_slot(session, last.index, block).await? != last.slot
        {
            return differs("batch", last.index);
        }
        for root in &chunk.roots {
            if self.root_output(session, root.id, block).await? != root.output_hash {
                return differs("root", root.id);
            }
        }
        Ok(())
    }
}
