//! Leaves for the tree: those of the database, with the changes of blocks that are not in it yet.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use aura_smt::{Change, LeafSource, Leaves, Prefix};
use aura_storage::{Reader, StorageError};

use crate::leaves::LeafValues;

/// The newest state of a snapshot, and changes above it.
pub(crate) struct StoredLeaves<'a> {
    pub(crate) reader: &'a Reader,
    /// Changes of sealed blocks, oldest first, each sorted. Blocks that the snapshot already has do
    /// no harm if all newer ones are there too.
    pub(crate) above: Vec<Arc<[Change]>>,
}

impl<'a> StoredLeaves<'a> {
    /// The snapshot alone.
    pub(crate) const fn newest(reader: &'a Reader) -> Self {
        Self {
            reader,
            above: Vec::new(),
        }
    }
}

impl LeafSource for StoredLeaves<'_> {
    type Error = StorageError;

    fn read(&mut self, prefixes: &[Prefix], leaves: &mut Leaves) -> Result<(), StorageError> {
        let mut values = LeafValues::default();
        let mut ends = Vec::with_capacity(prefixes.len());
        self.reader.leaves_in(prefixes, |prefix, key, leaf| {
            ends.resize(prefix, values.len());
            values.push(key, leaf);
        })?;
        ends.resize(prefixes.len(), values.len());
        let stored = values.finish();
        let mut start = 0;
        for (prefix, end) in prefixes.iter().zip(ends) {
            let stored = &stored[start..end];
            start = end;
            let changes = changes_in(&self.above, prefix);
            if changes.is_empty() {
                stored
                    .iter()
                    .for_each(|(key, value)| leaves.push(*key, *value));
            } else {
                let mut merged: BTreeMap<B256, Option<B256>> = stored
                    .iter()
                    .map(|(key, value)| (*key, Some(*value)))
                    .collect();
                merged.extend(changes);
                for (key, value) in merged {
                    if let Some(value) = value {
                        leaves.push(key, value);
                    }
                }
            }
            leaves.end_prefix();
        }
        Ok(())
    }
}

/// The changes to keys below `prefix`, oldest first.
fn changes_in(above: &[Arc<[Change]>], prefix: &Prefix) -> Vec<Change> {
    let mut found = Vec::new();
    for changes in above {
        let start = changes.partition_point(|(key, _)| key < prefix.first_key());
        let rest = changes[start..].iter();
        found.extend(rest.take_while(|(key, _)| prefix.contains(key)));
    }
    found
}
