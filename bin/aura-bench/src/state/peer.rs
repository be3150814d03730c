//! NOMT, the state database that Aura's is compared with: its own tree and disk store, SHA-256.
//!
//! Settings: one commit worker, caches of 1 GiB each, buckets for a sixteenth of the leaves. Its
//! own sync to disk is durable.

use super::{clock::measured, leaves};
use aura_smt::Change;
use eyre::{Result, eyre};
use nomt::{KeyReadWrite, Nomt, Options, SessionParams, WitnessMode, hasher::Sha2Hasher};
use std::{fmt::Display, hint::black_box, path::Path};

/// Leaves in one commit of the first load.
const LOADED_TOGETHER: u32 = 100_000;
/// Size of each cache in MiB.
const CACHE_MIB: usize = 1024;
/// Least number of buckets of its hash table.
const MIN_BUCKETS: u32 = 64_000;

/// The open database.
pub(crate) struct Peer(Nomt<Sha2Hasher>);

/// CPU milliseconds of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerTook {
    pub(crate) root: f64,
    pub(crate) commit: f64,
}

fn failed(error: impl Display) -> eyre::Report {
    eyre!("NOMT: {error:#}")
}

impl Peer {
    /// Loads the generated state of `leaves` leaves into a new database.
    pub(crate) fn load(directory: &Path, leaves: u32) -> Result<Self> {
        let mut options = Options::new();
        options.path(directory);
        options.commit_concurrency(1);
        options.hashtable_buckets((leaves / 16).max(MIN_BUCKETS));
        options.rollback(false);
        options.page_cache_size(CACHE_MIB);
        options.leaf_cache_size(CACHE_MIB);
        let peer = Self(Nomt::open(options).map_err(failed)?);
        let mut start = 0;
        while start < leaves {
            let end = leaves.min(start.saturating_add(LOADED_TOGETHER));
            let loaded = leaves::values(&leaves::sorted_keys(start..end));
            let loaded: Vec<Change> = loaded.into_iter().map(|(k, v)| (k, Some(v))).collect();
            peer.apply(&loaded)?;
            start = end;
        }
        Ok(peer)
    }

    /// Computes the root of a batch and makes it durable.
    pub(crate) fn apply(&self, changes: &[Change]) -> Result<PeerTook> {
        let changes = changes.iter().map(|(key, value)| {
            let value = value.map(|value| value.to_vec());
            (key.0, KeyReadWrite::Write(value))
        });
        let changes = changes.collect();
        let (finished, root) = measured(|| {
            let params = SessionParams::default().witness_mode(WitnessMode::disabled());
            let finished = self.0.begin_session(params).finish(changes);
            finished.inspect(|finished| {
                black_box(finished.root());
            })
        });
        let finished = finished.map_err(failed)?;
        let (committed, commit) = measured(|| finished.commit(&self.0));
        committed.map_err(failed)?;
        Ok(PeerTook {
            root: root.process,
            commit: commit.process,
        })
    }
}
