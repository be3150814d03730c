//! What the pool writes to its journal, and when it rewrites it.

use std::sync::atomic::Ordering;

use alloy_primitives::B256;

use crate::{
    PoolError,
    inner::Inner,
    journal::Journal,
    queue::Entry,
    record::{encode_accepted, encode_dropped, encode_quarantined},
};

/// The journal is rewritten when it is this many times as long as what is live in it.
const ROTATE_FACTOR: u64 = 4;

impl Inner {
    pub(crate) fn flush(&self) -> Result<(), PoolError> {
        self.journal.as_ref().map_or(Ok(()), Journal::flush)
    }

    pub(crate) fn write_accepted(&self, entry: &Entry) -> Result<(), PoolError> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        let raw = entry.tx.encoded();
        let mut record = Vec::with_capacity(raw.len() + 32);
        encode_accepted(entry.seq, raw, &mut record);
        journal
            .append(&record)
            .inspect_err(|_| self.metrics.journal_errors.increment(1))
    }

    pub(crate) fn write_dropped(&self, drops: impl IntoIterator<Item = (u64, B256)>) {
        let mut records = Vec::new();
        for (seq, hash) in drops {
            encode_dropped(seq, hash, &mut records);
        }
        self.write_note(&records);
    }

    pub(crate) fn write_quarantined(&self, hash: B256, reason: &str) {
        let mut record = Vec::new();
        encode_quarantined(hash, reason, &mut record);
        self.write_note(&record);
    }

    /// Writes what costs no accepted transaction if it is lost: after a restart one more comes back
    /// and is validated again.
    fn write_note(&self, records: &[u8]) {
        if let Some(journal) = &self.journal
            && let Err(error) = journal.append(records)
        {
            self.metrics.journal_errors.increment(1);
            tracing::warn!(%error, "drop not written to the transaction journal");
        }
    }

    /// Rewrites the journal if it has grown far beyond what is live in it.
    pub(crate) fn rotate_if_due(&self) {
        let Some(journal) = &self.journal else {
            return;
        };
        let length = journal.length();
        if length <= self.rotate_above.load(Ordering::Relaxed) {
            return;
        }
        let live = self.state().sizes().encoded_bytes as u64;
        if length <= live.saturating_mul(ROTATE_FACTOR) {
            return;
        }
        if let Err(error) = self.rotate() {
            self.metrics.journal_errors.increment(1);
            tracing::warn!(%error, "transaction journal not rewritten");
        }
    }

    /// Rewrites the journal with only what is live. Submissions wait meanwhile.
    pub(crate) fn rotate(&self) -> Result<(), PoolError> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        let _gate = self.gate.write();
        let live = self.state().live();
        let quarantined = self.drop_log.quarantined_hashes();
        let result = journal.rotate(|out| {
            let mut record = Vec::new();
            for (seq, tx) in &live {
                record.clear();
                encode_accepted(*seq, tx.encoded(), &mut record);
                out.write_all(&record)?;
            }
            for (hash, reason) in &quarantined {
                record.clear();
                encode_quarantined(*hash, reason, &mut record);
                out.write_all(&record)?;
            }
            Ok(())
        });
        // After a failure it is not tried again with each transaction.
        let above = match &result {
            Ok(()) => self.config.journal_rotate_bytes,
            Err(_) => journal.length() + self.config.journal_rotate_bytes,
        };
        self.rotate_above.store(above, Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss)] // gauges are floats
        self.metrics.journal_bytes.set(journal.length() as f64);
        result
    }
}
