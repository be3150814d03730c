//! Leaves of one bucket: reading, hashing, changing.

use alloc::{boxed::Box, vec::Vec};

use alloy_primitives::B256;

use crate::{
    Change, LeafSource, Leaves, Prefix,
    cache::{Bucket, Entry},
    hash::leaf_batch,
};

/// Leaves of buckets, read and hashed ahead of the batch that changes them.
#[derive(Debug)]
pub struct WarmBuckets(pub(crate) Vec<(Prefix, Bucket)>);

impl WarmBuckets {
    /// Reads and hashes the leaves of `prefixes`, which ascend.
    ///
    /// # Errors
    /// Those of the source.
    pub fn read<S: LeafSource>(prefixes: Vec<Prefix>, source: &mut S) -> Result<Self, S::Error> {
        let buckets = read_buckets(&prefixes, source)?;
        Ok(Self(prefixes.into_iter().zip(buckets).collect()))
    }
}

/// Reads the leaves of `prefixes` and hashes them.
pub(crate) fn read_buckets<S: LeafSource>(
    prefixes: &[Prefix],
    source: &mut S,
) -> Result<impl Iterator<Item = Bucket> + use<S>, S::Error> {
    let mut leaves = Leaves::default();
    if !prefixes.is_empty() {
        source.read(prefixes, &mut leaves)?;
    }
    assert_eq!(
        leaves.ends.len(),
        prefixes.len(),
        "source left out a prefix"
    );
    let entries = leaf_entries(&leaves.entries);
    let mut start = 0;
    Ok(leaves.ends.into_iter().map(move |end| {
        let bucket = Box::from(&entries[start..end]);
        start = end;
        bucket
    }))
}

/// Leaves with their hashes.
pub(crate) fn leaf_entries(leaves: &[(B256, B256)]) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(leaves.len());
    leaf_batch(
        leaves.len(),
        |position| (&leaves[position].0, &leaves[position].1),
        |position, hash| {
            let key = leaves[position].0;
            entries.push(Entry { key, hash });
        },
    );
    entries
}

/// Hashes of the new leaves; zero for a deletion.
pub(crate) fn change_hashes(changes: &[Change]) -> Vec<B256> {
    let mut hashes = vec![B256::ZERO; changes.len()];
    let is_set = |value: &B256| !value.is_zero();
    let set: Vec<(usize, &B256, &B256)> = changes
        .iter()
        .enumerate()
        .filter_map(|(position, (key, value))| {
            Some((position, key, value.as_ref().filter(|v| is_set(v))?))
        })
        .collect();
    leaf_batch(
        set.len(),
        |position| (set[position].1, set[position].2),
        |position, hash| hashes[set[position].0] = hash,
    );
    hashes
}

/// Overwrites hashes in place, if every change is to a leaf that is there and stays.
pub(crate) fn overwrite(bucket: &mut Bucket, changes: &[Change], hashes: &[B256]) -> bool {
    let find = |bucket: &Bucket, key: &B256| bucket.iter().position(|leaf| leaf.key == *key);
    let fits = |((key, _), hash): (&Change, &B256)| !hash.is_zero() && find(bucket, key).is_some();
    if !changes.iter().zip(hashes).all(fits) {
        return false;
    }
    for ((key, _), hash) in changes.iter().zip(hashes) {
        if let Some(position) = find(bucket, key) {
            bucket[position].hash = *hash;
        }
    }
    true
}

/// Leaves after the changes.
pub(crate) fn merge(bucket: &[Entry], changes: &[Change], hashes: &[B256]) -> Vec<Entry> {
    let mut merged = Vec::with_capacity(bucket.len() + changes.len());
    let mut rest = bucket;
    for ((key, _), hash) in changes.iter().zip(hashes) {
        let below = rest.partition_point(|leaf| leaf.key < *key);
        merged.extend_from_slice(&rest[..below]);
        rest = &rest[below..];
        if rest.first().is_some_and(|leaf| leaf.key == *key) {
            rest = &rest[1..];
        }
        if !hash.is_zero() {
            merged.push(Entry {
                key: *key,
                hash: *hash,
            });
        }
    }
    merged.extend_from_slice(rest);
    merged
}
