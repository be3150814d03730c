//! Which keys the blocks in `Undo` changed, so that a read of another key need not look into each.

use alloy_primitives::{B256, map::HashSet};
use parking_lot::RwLock;

/// The first bytes of a hashed key. Two keys that share them cost no more than a look.
pub(crate) fn head_of(key: &B256) -> u64 {
    key.first_chunk()
        .map_or(0, |head| u64::from_be_bytes(*head))
}

#[derive(Debug)]
struct Keys {
    /// Id of the oldest snapshot for which the set is complete.
    since: u64,
    heads: HashSet<u64>,
}

/// Heads of the keys in `Undo`, for the snapshots since the last fold.
///
/// There may be more than a snapshot has: keys are added before the commit that makes them visible,
/// and those of an unwound block stay. Only a fold begins a new set, for the snapshots from its own
/// commit on; older ones get no answer any more.
#[derive(Debug)]
pub(crate) struct RecentKeys(RwLock<Keys>);

impl RecentKeys {
    /// A set that answers for no snapshot.
    pub(crate) fn unknown() -> Self {
        Self(RwLock::new(Keys {
            since: u64::MAX,
            heads: HashSet::default(),
        }))
    }

    /// Whether `Undo` can have `key` in the given snapshot.
    pub(crate) fn may_have(&self, snapshot: u64, key: &B256) -> bool {
        let keys = self.0.read();
        snapshot < keys.since || keys.heads.contains(&head_of(key))
    }

    /// To be called before the commit.
    pub(crate) fn add(&self, heads: &[u64]) {
        if !heads.is_empty() {
            self.0.write().heads.extend(heads);
        }
    }

    /// Begins a new set for the snapshots from `since` on, after that has been committed.
    pub(crate) fn begin(&self, since: u64, heads: &[u64]) {
        let heads = heads.iter().copied().collect();
        *self.0.write() = Keys { since, heads };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_answers_for_its_snapshots_only() {
        let keys: Vec<B256> = (0..3).map(B256::repeat_byte).collect();
        let has = |recent: &RecentKeys, snapshot| {
            let has = keys.iter().map(|key| recent.may_have(snapshot, key));
            has.collect::<Vec<_>>()
        };
        let recent = RecentKeys::unknown();
        recent.add(&[head_of(&keys[1])]);
        assert_eq!(has(&recent, 7), [true; 3]);
        recent.begin(7, &[head_of(&keys[0])]);
        assert_eq!(has(&recent, 6), [true; 3]);
        assert_eq!(has(&recent, 7), [true, false, false]);
        recent.add(&[head_of(&keys[2])]);
        assert_eq!(has(&recent, 8), [true, false, true]);
        recent.begin(9, &[]);
        assert_eq!(has(&recent, 8), [true; 3]);
        assert_eq!(has(&recent, 9), [false; 3]);
    }
}
