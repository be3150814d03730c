//! Opening the pool: what the journal holds comes back through validation.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
};

use alloy_primitives::{
    B256, Bytes, keccak256,
    map::{B256Map, B256Set},
};
use aura_chainspec::ChainSpec;
use aura_primitives::{HeadLabel, RecoveredTx};
use aura_storage::{StorageError, Store};
use parking_lot::{Mutex, RwLock};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tokio::sync::Notify;

use crate::{
    DropReason, PoolConfig, PoolError,
    account::sender_account,
    drops::DropLog,
    inner::Inner,
    journal::Journal,
    metrics::Metrics,
    queue::Entry,
    record::Record,
    rules::Rules,
    state::{Effects, State},
};

/// Transactions that are looked up in one snapshot of the database.
const SNAPSHOT_CHUNK: usize = 4_096;

/// What a journal says is still waiting.
#[derive(Debug, Default)]
struct Replay {
    /// Transactions by arrival.
    accepted: BTreeMap<u64, Bytes>,
    /// Last arrival that a drop ends, by hash.
    dropped: B256Map<u64>,
    /// Arrival after all that were ever written to the file.
    next_seq: u64,
    /// The file holds no record at all.
    is_empty: bool,
}

impl Inner {
    pub(crate) fn open(
        config: PoolConfig,
        spec: Arc<ChainSpec>,
        store: Store,
    ) -> Result<Self, PoolError> {
        config.validate().map_err(PoolError::Config)?;
        let config = Arc::new(config);
        let drop_log = Arc::new(DropLog::new(
            config.max_remembered_drops,
            config.quarantine_lifetime,
        ));
        let (journal, replay) = open_journal(&config, &drop_log)?;
        let header = {
            let reader = store.reader()?;
            let head = reader.head(HeadLabel::Unsafe)?;
            reader.header(head.number)?
        }
        .ok_or(PoolError::NoHead)?;
        let mut state = State::new(Arc::clone(&config), Arc::clone(&drop_log), header.number);
        state.set_base_fee(spec.next_base_fee(header.inner()));
        let inner = Self {
            rules: RwLock::new(Rules::after(header.inner(), &spec, &config)),
            state: Mutex::new(state),
            rotate_above: AtomicU64::new(config.journal_rotate_bytes),
            next_seq: AtomicU64::new(replay.next_seq),
            notify: Arc::new(Notify::new()),
            announce: Self::announcer(),
            metrics: Metrics::new(),
            gate: RwLock::new(()),
            drop_log,
            journal,
            config,
            spec,
            store,
        };
        if !replay.is_empty {
            inner.replay(replay.waiting())?;
            // So that what was dropped or mined is not validated again at each start.
            inner.rotate()?;
        }
        Ok(inner)
    }

    fn replay(&self, accepted: Vec<(u64, B256, Bytes)>) -> Result<(), PoolError> {
        let journalled = accepted.len();
        let waiting = self.without_mined(accepted)?;
        let mined = journalled - waiting.len();
        let recovered: Vec<_> = waiting
            .into_par_iter()
            .map(|(seq, hash, raw)| (seq, hash, RecoveredTx::try_decode(raw)))
            .collect();
        let mut effects = Effects::default();
        for chunk in recovered.chunks(SNAPSHOT_CHUNK) {
            let reader = self.store.reader()?;
            let head = reader.head(HeadLabel::Unsafe)?.number;
            let mut state = self.state();
            for (seq, hash, tx) in chunk {
                let result = tx.clone().map_err(PoolError::from).and_then(|tx| {
                    self.check_rules(&tx)?;
                    let account = sender_account(&reader, tx.sender())?;
                    state.learn(tx.sender(), account, head);
                    state.insert(Entry::new(Arc::new(tx), *seq)?, &mut effects)
                });
                match result {
                    Ok(()) => {}
                    Err(error) if error.is_internal() => return Err(error),
                    Err(error) => {
                        let reason = DropReason::from(&error);
                        self.drop_log.remember(*hash, reason.clone());
                        effects.drops.push(crate::drops::Drop {
                            hash: *hash,
                            seq: *seq,
                            reason,
                        });
                    }
                }
            }
        }
        let sizes = self.state().sizes();
        self.metrics.sizes(&sizes);
        tracing::info!(
            pending = sizes.pending,
            queued = sizes.queued,
            mined,
            dropped = effects.drops.len(),
            "transaction journal replayed"
        );
        self.settle(effects);
        Ok(())
    }

    /// Leaves out what is in a durable block: found by hash, before it costs a recovery.
    fn without_mined(
        &self,
        mut accepted: Vec<(u64, B256, Bytes)>,
    ) -> Result<Vec<(u64, B256, Bytes)>, StorageError> {
        let mut mined = B256Set::default();
        for chunk in accepted.chunks(SNAPSHOT_CHUNK) {
            let reader = self.store.reader()?;
            for (_, hash, _) in chunk {
                if reader.transaction_location(*hash)?.is_some() {
                    mined.insert(*hash);
                }
            }
        }
        accepted.retain(|(_, hash, _)| !mined.contains(hash));
        Ok(accepted)
    }
}

fn open_journal(
    config: &PoolConfig,
    drop_log: &DropLog,
) -> Result<(Option<Journal>, Replay), PoolError> {
    let mut replay = Replay {
        is_empty: true,
        ..Replay::default()
    };
    let Some(path) = &config.journal else {
        return Ok((None, replay));
    };
    let journal = Journal::open(path, config.journal_sync, |record| {
        replay.is_empty = false;
        match record {
            Record::Accepted { seq, raw } => {
                replay.next_seq = replay.next_seq.max(seq.saturating_add(1));
                replay.accepted.insert(seq, raw);
            }
            Record::Dropped { seq, hash } => {
                replay.next_seq = replay.next_seq.max(seq.saturating_add(1));
                let last = replay.dropped.entry(hash).or_default();
                *last = (*last).max(seq);
            }
            Record::Quarantined { hash, reason } => drop_log.quarantine(hash, reason),
        }
    })?;
    Ok((Some(journal), replay))
}

impl Replay {
    /// What was accepted and not dropped since, by arrival; of one hash only the last.
    fn waiting(self) -> Vec<(u64, B256, Bytes)> {
        let mut seen = B256Set::default();
        let mut waiting: Vec<_> = self
            .accepted
            .into_iter()
            .rev()
            .map(|(seq, raw)| (seq, keccak256(&raw), raw))
            .filter(|(seq, hash, _)| {
                let is_dropped = self.dropped.get(hash).is_some_and(|last| seq <= last);
                !is_dropped && seen.insert(*hash)
            })
            .collect();
        waiting.reverse();
        waiting
    }
}
