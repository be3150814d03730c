//! Where the tree reads its leaves.

use alloc::vec::Vec;

use alloy_primitives::B256;

use crate::Prefix;

/// The leaves of a state, in the order of their keys.
pub trait LeafSource {
    /// Why leaves could not be read.
    type Error;

    /// Reads the leaves of each of `prefixes`, which ascend and do not overlap, into `leaves`.
    ///
    /// # Errors
    /// Whatever the source reports; the tree then stays as it was.
    fn read(&mut self, prefixes: &[Prefix], leaves: &mut Leaves) -> Result<(), Self::Error>;
}

/// Leaves of several prefixes, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Leaves {
    pub(crate) entries: Vec<(B256, B256)>,
    /// For each prefix the end of its entries.
    pub(crate) ends: Vec<usize>,
}

impl Leaves {
    /// Adds a leaf of the current prefix; keys ascend, and the value is not zero.
    pub fn push(&mut self, key: B256, value: B256) {
        self.entries.push((key, value));
    }

    /// Ends the current prefix.
    pub fn end_prefix(&mut self) {
        self.ends.push(self.entries.len());
    }

    /// Keys and values read so far; a source may fill in values after their keys.
    pub fn entries_mut(&mut self) -> &mut [(B256, B256)] {
        &mut self.entries
    }

    /// Number of leaves read so far.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no leaf was read so far.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
