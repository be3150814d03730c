//! One step of the watcher: the next blocks of L1, or a look at its head.

use alloy_eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use alloy_primitives::B256;
use aura_primitives::bridge::{L1Origin, QueueSlot};
use aura_storage::{L1HeaderRecord, Reader, StorageError};

use super::{
    Tracker,
    chunk::{Built, Gap, Numbered, Read},
    contracts::Counts,
};
use crate::{Confirmations, L1Error, L1Header, L1Ref, L1Status, Session, metrics};

/// Holes in the numbers that are blamed on the endpoint before they are blamed on what was read before.
const GAPS_BEFORE_REREAD: u32 = 2;

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is more to do at once.
    Advanced,
    /// Everything up to the head is done.
    Idle,
}

/// How far the watcher has come. The database says the same.
#[derive(Debug, Clone)]
pub(super) struct Position {
    /// The newest block.
    pub(super) tip: Option<L1HeaderRecord>,
    /// Queue entries, which is the id of the next one.
    pub(super) entries: u64,
    /// Trimmed accumulator after the last of them.
    pub(super) queue_acc: B256,
    /// Index of the next batch.
    pub(super) batches: u64,
    /// Slot of the last one, if it is not the genesis.
    pub(super) batch_slot: Option<QueueSlot>,
    /// Id of the next root.
    pub(super) roots: u64,
    /// Blocks that are read at once.
    range: u64,
    /// Reorganisations since the start.
    pub(super) generation: u64,
    /// Holes in a row.
    gaps: u32,
    /// Whether the numbers were compared with those of the contracts, at a head.
    is_compared: bool,
    synced: bool,
    /// A wait for L1 was logged.
    waits: bool,
}

impl Position {
    /// Starts again after a rewind, with what does not come from the database.
    pub(super) const fn carry(&mut self, before: &Self) {
        self.generation = before.generation + 1;
        self.synced = before.synced;
        self.range = before.range;
    }

    fn read(reader: &Reader) -> Result<Self, StorageError> {
        let entry = reader.l1_last_queue_entry()?;
        let batch = reader.l1_last_batch()?;
        let root = reader.l1_last_root()?;
        Ok(Self {
            tip: reader.l1_tip()?,
            entries: entry.as_ref().map_or(0, |entry| entry.message.id + 1),
            queue_acc: entry.map_or(B256::ZERO, |entry| entry.slot.trim()),
            batches: batch.map_or(1, |batch| batch.index + 1),
            batch_slot: batch.map(|batch| batch.slot),
            roots: root.map_or(0, |root| root.id + 1),
            range: 1,
            generation: 0,
            gaps: 0,
            is_compared: false,
            synced: false,
            waits: false,
        })
    }
}

impl Tracker {
    /// Reads from the database how far the watcher has come.
    pub(super) async fn load_position(&self) -> Result<Position, L1Error> {
        let mut position = self.read(Position::read).await?;
        position.range = self.config.max_log_range.min(64);
        Ok(position)
    }

    /// Goes on by up to as many blocks as are read at once.
    pub(super) async fn step(
        &self,
        session: &Session,
        position: &mut Position,
    ) -> Result<Progress, L1Error> {
        let head = session.head().await?;
        self.provider.check_fresh(session)?;
        let from = match position.tip {
            None => self.config.deploy_block,
            Some(tip) if tip.origin.number < head.inner().number => tip.origin.number + 1,
            Some(tip) if tip.origin.hash == head.hash() => {
                return self.settle(session, position, &head).await;
            }
            Some(tip) => return self.look_back(session, position, &head, &tip).await,
        };
        if from > head.inner().number {
            return self.wait_for_l1(position, &head).await;
        }
        position.waits = false;
        let to = head
            .inner()
            .number
            .min(from.saturating_add(position.range - 1));
        let headers = session.headers(from..=to).await?;
        if let (Some(tip), Some(first)) = (position.tip, headers.first())
            && first.inner().parent_hash != tip.origin.hash
        {
            return self.rewind(session, position, &head, &tip).await;
        }
        self.advance(session, position, &head, headers).await
    }

    async fn wait_for_l1(
        &self,
        position: &mut Position,
        head: &L1Header,
    ) -> Result<Progress, L1Error> {
        if !std::mem::replace(&mut position.waits, true) {
            let tip = position.tip.map_or(0, |tip| tip.origin.number);
            let head = head.inner().number;
            tracing::warn!(
                head,
                tip,
                "L1 is behind what was seen of it before; waiting"
            );
        }
        self.publish(position, head, None).await?;
        Ok(Progress::Idle)
    }

    /// The head is not above the newest block that is stored, and is not that block.
    async fn look_back(
        &self,
        session: &Session,
        position: &mut Position,
        head: &L1Header,
        tip: &L1HeaderRecord,
    ) -> Result<Progress, L1Error> {
        let number = head.inner().number;
        let stored = self.read(move |reader| reader.l1_header(number)).await?;
        match stored {
            Some(stored) if stored.origin.hash != head.hash() => {
                self.rewind(session, position, head, tip).await
            }
            // The same chain, not so far yet; or so far behind that nothing is known of it.
            _ => self.wait_for_l1(position, head).await,
        }
    }

    /// Takes the blocks `headers`, which follow the newest stored one.
    async fn advance(
        &self,
        session: &Session,
        position: &mut Position,
        head: &L1Header,
        headers: Vec<L1Header>,
    ) -> Result<Progress, L1Error> {
        let head_number = head.inner().number;
        let asked = headers.len();
        let Some(last) = headers.last() else {
            return Ok(Progress::Idle);
        };
        if last.inner().number == head_number && last.hash() != head.hash() {
            let block = head.hash().to_string();
            return Err(L1Error::UnknownBlock { block });
        }
        let is_near = head_number - last.inner().number < self.config.proof_depth;
        let read = if is_near {
            self.read_blocks(session, headers).await?
        } else {
            // What is missing shows at the head only.
            position.is_compared = false;
            self.read_range(session, headers).await?
        };
        let Read::Logs(headers, logs) = read else {
            position.range = (position.range / 2).max(1);
            return Ok(Progress::Advanced);
        };
        let (chunk, next) = match self.build(session, position, &headers, &logs)? {
            Built::Chunk(chunk, next) => (chunk, next),
            Built::Gap(gap) => return self.reread(session, position, head, gap).await,
        };
        let Some(last) = headers.last() else {
            return Ok(Progress::Idle);
        };
        // Slots never change, so old ones can be compared at the head, whose state every endpoint has.
        let at = if is_near { last.hash() } else { head.hash() };
        let at = BlockId::Hash(RpcBlockHash::from_hash(at, None));
        self.compare(session, &chunk, at).await?;
        let last_number = last.inner().number;
        let keep_from = last_number.saturating_sub(self.config.header_window - 1);
        let events = logs.len();
        self.write(move |writer| writer.append_l1(&chunk, keep_from))
            .await?;
        *position = *next;
        position.gaps = 0;
        let is_whole = headers.len() == asked;
        if is_whole && events < self.config.max_chunk_events / 4 {
            position.range = (position.range * 2).min(self.config.max_log_range);
        } else if !is_whole || events > self.config.max_chunk_events {
            position.range = (headers.len() as u64).div_ceil(2).max(1);
        }
        tracing::debug!(number = last_number, events, "L1 blocks taken");
        if last_number == head_number {
            return self.settle(session, position, head).await;
        }
        self.publish(position, head, None).await?;
        Ok(Progress::Advanced)
    }

    /// Everything up to the head is stored: is nothing missing, and what does L1 call safe?
    async fn settle(
        &self,
        session: &Session,
        position: &mut Position,
        head: &L1Header,
    ) -> Result<Progress, L1Error> {
        position.waits = false;
        if !position.is_compared {
            let at = BlockId::Hash(RpcBlockHash::from_hash(head.hash(), None));
            let own = Counts {
                entries: position.entries,
                batches: position.batches,
                roots: position.roots,
            };
            let found = self.counts(session, at).await?;
            let kinds = own.fewer_than(&found);
            if found != own {
                let what = format!("the contracts have {found:?}, {own:?} were seen");
                return self
                    .reread(session, position, head, Gap { kinds, what })
                    .await;
            }
            position.is_compared = true;
        }
        if !position.synced {
            position.synced = true;
            let (number, entries) = (head.inner().number, position.entries);
            tracing::info!(number, entries, "L1 watcher is at the head");
        }
        let labels = [BlockNumberOrTag::Safe, BlockNumberOrTag::Finalized];
        let mut refs = [None; 2];
        for (label, found) in labels.into_iter().zip(&mut refs) {
            *found = match session.header(BlockId::Number(label)).await {
                Ok(header) => header.map(|header| header.to_ref()),
                // A chain without finality, or without any yet.
                Err(L1Error::Rpc { .. }) => None,
                Err(error) => return Err(error),
            };
        }
        self.publish(position, head, Some(refs)).await?;
        Ok(Progress::Idle)
    }

    /// An event is missing. The endpoint may have left it out now, or an endpoint may have left it out
    /// before: then everything since the last event is read again.
    async fn reread(
        &self,
        session: &Session,
        position: &mut Position,
        head: &L1Header,
        gap: Gap,
    ) -> Result<Progress, L1Error> {
        position.gaps += 1;
        if position.gaps < GAPS_BEFORE_REREAD {
            return Err(session.contradiction(gap.what));
        }
        let kinds = gap.kinds;
        let complete = self.read(move |reader| {
            let first = reader.l1_first_header()?;
            let mut complete = Vec::new();
            for kind in kinds {
                // Numbers have no holes up to the last one, so nothing is missing before its block.
                let last = match kind {
                    Numbered::Entries => reader.l1_last_queue_entry()?.map(|last| last.l1_block),
                    Numbered::Batches => reader.l1_last_batch()?.map(|last| last.l1_block),
                    Numbered::Roots => reader.l1_last_root()?.map(|last| last.l1_block),
                };
                complete.push(last.unwrap_or(0).saturating_sub(1));
            }
            let oldest = first.map_or(0, |first| first.origin.number);
            Ok(complete.into_iter().min().unwrap_or(0).max(oldest))
        });
        let number = complete.await?;
        tracing::warn!(
            gap = gap.what,
            number,
            "events of L1 are missing; reading again"
        );
        self.rewind_to(position, number).await?;
        self.publish(position, head, None).await?;
        Ok(Progress::Advanced)
    }

    /// Publishes the status; `refs` are what L1 calls safe and finalized, if that was asked.
    pub(super) async fn publish(
        &self,
        position: &Position,
        head: &L1Header,
        refs: Option<[Option<L1Ref>; 2]>,
    ) -> Result<(), L1Error> {
        let before = *self.status.borrow();
        let Some(tip) = position.tip else {
            return Ok(());
        };
        let tip_number = tip.origin.number;
        let target = match self.config.confirmations {
            Confirmations::Depth(depth) => head.inner().number.checked_sub(depth),
            Confirmations::Safe | Confirmations::Finalized => None,
        };
        let is_depth = matches!(self.config.confirmations, Confirmations::Depth(_));
        let finalized_wanted = self.config.confirmations == Confirmations::Finalized;
        let read = move |reader: &Reader| -> Result<_, StorageError> {
            let canonical = |block: Option<L1Ref>| -> Result<Option<L1Origin>, StorageError> {
                let Some(block) = block else { return Ok(None) };
                let stored = reader.l1_header(block.number)?;
                let stored = stored.filter(|stored| stored.origin.hash == block.hash);
                Ok(stored.map(|stored| stored.origin))
            };
            let old = [Some(before.safe), Some(before.finalized)];
            let [safe, finalized] = refs.unwrap_or(old);
            let (safe, finalized) = (canonical(safe)?, canonical(finalized)?);
            let usable = if is_depth {
                let number = target.map(|target| target.min(tip_number));
                let header = number.map(|number| reader.l1_header(number)).transpose()?;
                header.flatten().map(|header| header.origin)
            } else {
                let confirmed = if finalized_wanted { finalized } else { safe };
                // What was usable stays so while its block is canonical.
                let known = canonical(before.usable.as_ref().map(Into::into))?;
                confirmed.max_by_number(known)
            };
            let queue_len = match &usable {
                Some(usable) => reader.l1_queue_len_at(usable.number)?,
                None => 0,
            };
            Ok((safe, finalized, usable, queue_len))
        };
        let (safe, finalized, usable, queue_len) = self.read(read).await?;
        let to_ref = |origin: Option<L1Origin>| origin.as_ref().map(L1Ref::from);
        let status = L1Status {
            head: (&tip.origin).into(),
            safe: to_ref(safe).unwrap_or_default(),
            finalized: to_ref(finalized).unwrap_or_default(),
            usable,
            queue_len,
            synced: position.synced,
            generation: position.generation,
        };
        metrics::progress(&status, self.provider.best_head());
        self.status.send_if_modified(|current| {
            let changes = *current != status;
            *current = status;
            changes
        });
        Ok(())
    }
}

/// The one with the higher number.
trait MaxByNumber {
    fn max_by_number(self, other: Self) -> Self;
}

impl MaxByNumber for Option<L1Origin> {
    fn max_by_number(self, other: Self) -> Self {
        let number = |origin: &Self| origin.map(|origin| origin.number);
        if number(&self) >= number(&other) {
            self
        } else {
            other
        }
    }
}
