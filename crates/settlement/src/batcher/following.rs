//! What the batcher does when L1 has gone another way.

use aura_storage::BatchRecord;

use super::Batcher;
use crate::{Limits, RebuildReason, SettlementError, ledger::Located, metrics, refusal::Refusal};

impl Batcher {
    /// Does what helps against a refusal. Most of it is waiting: the watcher and the sequencer follow L1.
    pub(super) async fn react(
        &mut self,
        refusal: Refusal,
        record: &BatchRecord,
        limits: &Limits,
    ) -> Result<(), SettlementError> {
        let before = record.first_block - 1;
        let is_old = record.header.first_time + limits.max_batch_age <= metrics::now();
        match refusal {
            // Of a transaction that failed in a block the reason is asked for afterwards, and a batch that
            // is too old can be found to have an anchor that is too new.
            Refusal::Time | Refusal::Anchor if is_old => {
                self.asks
                    .rebuild(before, Vec::new(), RebuildReason::TooOld)
                    .await?;
            }
            Refusal::Queue => {
                let (consumed, acc) = (record.header.consumed, record.header.queue_acc);
                let seen = self
                    .desk
                    .read(move |reader| Ok(reader.l1_queue_acc(consumed)?))
                    .await?;
                // Otherwise the watcher has not seen the other queue yet.
                if seen.is_some_and(|seen| seen != acc) {
                    self.asks
                        .rebuild(before, Vec::new(), RebuildReason::OtherQueue)
                        .await?;
                }
            }
            Refusal::Anchor | Refusal::Overdue(_) => {
                self.asks.seal().await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Has the blocks made that forced batches stand for.
    pub(super) async fn follow_forced(
        &mut self,
        located: Located,
        is_sent: bool,
    ) -> Result<(), SettlementError> {
        if is_sent {
            // What was sent would take the place of the forced batch if L1 took that one back, and its
            // blocks would be gone by then.
            for ticket in self.flights.tickets() {
                self.desk.manager.cancel(ticket.id()).await.ok();
            }
            return Ok(());
        }
        let position = located.position;
        let headers = located.forced.iter().map(|batch| batch.header).collect();
        let ends = self
            .asks
            .rebuild(position.last_block, headers, RebuildReason::ForcedBatch)
            .await?;
        self.desk.chain.wait_uncommitted(0).await;
        let chain = self.desk.chain.clone();
        let write = move || {
            let reader = chain.store().reader()?;
            let mut first_block = position.last_block + 1;
            let mut batches = Vec::new();
            for (on_l1, last_block) in located.forced.iter().zip(ends) {
                let last_hash = reader
                    .block_hash(last_block)?
                    .ok_or(SettlementError::MissingBlock(last_block))?;
                batches.push(BatchRecord {
                    index: on_l1.index,
                    first_block,
                    last_block,
                    last_hash,
                    consumed: on_l1.header.consumed,
                    da_kind: on_l1.da_kind,
                    da_hash: on_l1.da_hash,
                    header: on_l1.header,
                    l1_tx: on_l1.l1_tx,
                });
                first_block = last_block + 1;
            }
            drop(reader);
            chain.write(move |writer| {
                for batch in &batches {
                    writer.confirm_batch(batch, batch.l1_tx, None)?;
                }
                Ok(())
            })?;
            Ok::<_, SettlementError>(())
        };
        self.desk.pool.run(write).await?
    }
}
