//! Recently served blocks as JSON.

use alloy_primitives::B256;
use quick_cache::{OptionsBuilder, Weighter, sync::Cache};

use crate::types::SharedJson;

/// In which form a block was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// With transaction hashes.
    Hashes,
    /// With full transactions.
    Full,
    /// Its receipts.
    Receipts,
    /// Its header, as `newHeads` sends it.
    Header,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<(B256, Form), SharedJson> for ByBytes {
    fn weight(&self, _: &(B256, Form), value: &SharedJson) -> u64 {
        // Key, handles and the cache's own bookkeeping.
        const OVERHEAD: u64 = 128;
        value.len() as u64 + OVERHEAD
    }
}

/// Serialised blocks by hash, bounded by bytes.
///
/// A block under a hash never changes, so nothing is ever invalidated: whether the hash is in the
/// chain is asked of the database each time. When full, what was used least goes.
#[derive(Debug)]
pub(crate) struct BlockCache {
    blocks: Cache<(B256, Form), SharedJson, ByBytes>,
}

impl BlockCache {
    pub(crate) fn new(bytes: u64) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(1_024)
            .weight_capacity(bytes)
            // Few shards: one large block must fit into its shard's part of the capacity.
            .shards(2)
            .build()
            .expect("both capacities are set");
        Self {
            blocks: Cache::with_options(options, ByBytes, Default::default(), Default::default()),
        }
    }

    pub(crate) fn get(&self, hash: B256, form: Form) -> Option<SharedJson> {
        self.blocks.get(&(hash, form))
    }

    pub(crate) fn put(&self, hash: B256, form: Form, json: SharedJson) {
        self.blocks.insert((hash, form), json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_no_more_bytes_than_allowed() {
        let cache = BlockCache::new(100_000);
        let text = "x".repeat(5_000);
        for index in 0..200u64 {
            let hash = B256::from(alloy_primitives::U256::from(index));
            cache.put(hash, Form::Full, SharedJson::new(&text));
        }
        assert!(cache.blocks.weight() <= 100_000);
        assert!(cache.blocks.len() > 5);
    }
}
