//! From blocks that are not on L1 to a transaction.

use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use aura_bindings::rollup::AuraRollup;
use aura_derivation::encode_blobs;
use aura_l1::{L1Status, tx::TxRequest};
use aura_primitives::{HeadLabel, bridge::DaKind};

use super::{Batcher, LABEL, Post, da_word};
use crate::{
    Limits, RebuildReason, SettlementError,
    cost::{self, Prices},
    draft::{self, Draft},
    ledger::Position,
    metrics,
    policy::{self, Triggers},
};

impl Batcher {
    /// Posts the next batch if it is due and L1 will take it.
    pub(super) async fn post_next(
        &mut self,
        position: &Position,
        status: &L1Status,
        limits: &Limits,
    ) -> Result<(), SettlementError> {
        let Some(prices) = self.prices(status).await? else {
            return Ok(());
        };
        let longest = cost::longest_payload(&self.desk.config, !prices.blob_gas.is_zero());
        let Some((last, head)) = self.due(position, limits, longest).await? else {
            return Ok(());
        };
        let at = *position;
        let draft = self
            .desk
            .read(move |reader| draft::make(reader, &at, last, longest))
            .await?;
        if !self.is_takeable(&draft, head, status, limits).await? {
            self.desk.hold();
            return Ok(());
        }
        self.post(draft, &prices).await
    }

    async fn prices(&self, status: &L1Status) -> Result<Option<Prices>, SettlementError> {
        let number = status.head.number;
        let header = self
            .desk
            .read(move |reader| Ok(reader.l1_header(number)?))
            .await?;
        Ok(header.map(|header| Prices {
            gas: header.origin.base_fee,
            blob_gas: header.origin.blob_base_fee,
        }))
    }

    /// The last block of the batch that is due, if one is, and the chain's head.
    async fn due(
        &mut self,
        position: &Position,
        limits: &Limits,
        longest: usize,
    ) -> Result<Option<(u64, u64)>, SettlementError> {
        let (position, max_blocks) = (*position, self.desk.config.max_blocks);
        let mut scan = std::mem::take(&mut self.scan);
        let now = metrics::now();
        let force_delay = limits.force_delay;
        let looked = self
            .desk
            .read(move |reader| {
                let head = reader.head(HeadLabel::Unsafe)?.number;
                let last = scan.advance(reader, &position, head, longest, max_blocks)?;
                let backlog = draft::backlog(reader, &position, last, &scan)?;
                // The oldest entry that no block has consumed.
                let consumed = draft::info_at(reader, head)?.consumed;
                let entry = reader.l1_queue_entry(consumed)?;
                let entry = entry.map(|entry| (consumed, entry.slot.time()));
                Ok((scan, head, last, backlog, entry))
            })
            .await?;
        let (scan, head, last, backlog, entry) = looked;
        self.scan = scan;
        let blocks = head.saturating_sub(position.last_block);
        let age = backlog.map_or(0, |backlog| now.saturating_sub(backlog.first_time));
        metrics::lag(blocks, age);
        let waits = entry.map_or(0, |(_, time)| now.saturating_sub(time));
        metrics::queue_lag(waits, force_delay);
        let is_pressed = entry.is_some_and(|(consumed, time)| {
            self.desk.view.status().queue_len > consumed
                && policy::is_pressing(time, force_delay, now)
        });
        if is_pressed {
            tracing::warn!(
                "an entry of the queue waits too long; the sequencer is asked for a block"
            );
            self.asks.seal().await?;
            self.desk.hold();
            return Ok(None);
        }
        let triggers = Triggers {
            interval: self.desk.config.batch_interval(),
            max_payload_bytes: longest,
            max_blocks: max_blocks as u64,
            force_delay,
        };
        let reason = backlog.and_then(|backlog| policy::due(&backlog, &triggers, now));
        Ok(reason.map(|reason| {
            tracing::debug!(reason, last, "a batch is due");
            (last, head)
        }))
    }

    /// Whether L1 will take the batch as it is. If not, what helps is asked for.
    async fn is_takeable(
        &self,
        draft: &Draft,
        head: u64,
        status: &L1Status,
        limits: &Limits,
    ) -> Result<bool, SettlementError> {
        let header = draft.record.header;
        let before = draft.record.first_block - 1;
        if header.first_time + limits.max_batch_age <= metrics::now() {
            self.asks
                .rebuild(before, Vec::new(), RebuildReason::TooOld)
                .await?;
            return Ok(false);
        }
        let reach = limits
            .anchor_depth
            .saturating_sub(self.desk.config.anchor_margin);
        let age = status.head.number.saturating_sub(header.anchor_number);
        if header.anchor_hash == B256::ZERO || age > reach {
            // One more block with a newer origin helps if it fits the batch.
            if draft.record.last_block == head {
                self.asks.seal().await?;
            } else {
                self.asks
                    .rebuild(before, Vec::new(), RebuildReason::TooOld)
                    .await?;
            }
            return Ok(false);
        }
        let consumed = header.consumed;
        let on_l1 = self
            .desk
            .read(move |reader| {
                let anchor = reader.l1_header(header.anchor_number)?;
                Ok((
                    anchor.map(|anchor| anchor.origin.hash),
                    reader.l1_queue_acc(consumed)?,
                ))
            })
            .await?;
        // If L1 was reorganised the sequencer builds these blocks anew by itself.
        Ok(on_l1 == (Some(header.anchor_hash), Some(header.queue_acc)))
    }

    async fn post(&mut self, draft: Draft, prices: &Prices) -> Result<(), SettlementError> {
        let Draft {
            mut record,
            payload,
            transactions,
        } = draft;
        let bytes = payload.len();
        let (to, h) = (self.desk.rollup.address, (&record.header).into());
        let request = if cost::goes_into_blobs(&payload, &self.desk.config, prices) {
            let sidecar = self.desk.manager.sidecar(encode_blobs(&payload)).await?;
            let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
            record.da_kind = DaKind::Blobs as u8;
            record.da_hash = DaKind::blobs_hash(&hashes);
            let call = AuraRollup::appendBatchBlobsCall { h };
            TxRequest::call(LABEL, to, call.abi_encode()).with_blobs(sidecar)
        } else {
            record.da_kind = DaKind::Calldata as u8;
            record.da_hash = DaKind::calldata_hash(&payload);
            let data = payload.clone().into();
            TxRequest::call(
                LABEL,
                to,
                AuraRollup::appendBatchCall { h, data }.abi_encode(),
            )
        };
        let chain = self.desk.chain.clone();
        let write = move || chain.write(move |writer| writer.put_batch(&record, &payload));
        self.desk.pool.run(write).await??;
        let ticket = self.desk.manager.submit(request)?;
        tracing::info!(
            index = record.index,
            first = record.first_block,
            last = record.last_block,
            transactions,
            bytes,
            da = da_word(record.da_kind),
            "batch is posted"
        );
        let post = Post {
            record,
            bytes,
            transactions,
        };
        self.flights.start(post, ticket);
        Ok(())
    }
}
