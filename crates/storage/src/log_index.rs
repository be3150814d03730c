//! Posting lists of blocks by emitter and topic.

/// Block numbers that can hold matching logs, in ascending order.
pub struct LogBlocks(roaring::treemap::IntoIter);

impl std::fmt::Debug for LogBlocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogBlocks").finish_non_exhaustive()
    }
}

impl Iterator for LogBlocks {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        self.0.next()
    }
}
