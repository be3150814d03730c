//! Former hashes of nodes of the state tree.

use alloy_primitives::B256;
use aura_smt::{NodeChange, NodeId};
use signet_libmdbx::Ro;

use super::{Reader, boundaries::node_hash};
use crate::{
    DecodeError, Pin, StorageError,
    access::TableCursor,
    codec::{self, DiffPart, NodeKey},
    tables::Table,
};

/// The diff of one block, of which one part is at hand.
#[derive(Debug)]
struct Diff<'a> {
    block: u64,
    part: Option<DiffPart<'a>>,
}

/// Nodes of the state tree as of one block.
///
/// A node has the hash of the first of these places that knows it:
/// 1. if the block is no boundary: the diffs of the blocks above it, up to the next boundary;
/// 2. the rows of the boundaries above, oldest first;
/// 3. the open interval: the nodes that changed since the last boundary, merged by the caller;
///    not if the block lies in the open interval itself;
/// 4. the newest tree.
///
/// Nodes are best asked for in ascending order: neighbours are found without another seek.
#[derive(Debug)]
pub struct NodesAt<'a> {
    reader: &'a Reader,
    bottom: u8,
    diffs: Vec<Diff<'a>>,
    /// Rows of boundaries above this one count; `None` in the open interval.
    boundary: Option<u64>,
    parts: TableCursor<'a, Ro>,
    history: TableCursor<'a, Ro>,
}

impl<'a> NodesAt<'a> {
    fn new(reader: &'a Reader, block: u64, head: u64) -> Result<Self, StorageError> {
        let access = reader.access();
        let (blocks, boundary) = if access.boundary_upto(block)? == Some(block) {
            (0..0, Some(block))
        } else {
            let boundary = access.boundary_after(block)?;
            let end = boundary.unwrap_or(head).saturating_add(1);
            (block.saturating_add(1)..end, boundary)
        };
        Ok(Self {
            reader,
            bottom: access.node_depths()?.bottom_at(block),
            diffs: blocks.map(|block| Diff { block, part: None }).collect(),
            boundary,
            parts: access.cursor(Table::NodeDiffs)?,
            history: access.cursor(Table::NodeHistory)?,
        })
    }

    /// Depth of the lowest nodes that are recorded since the block; 0 if there are none.
    pub const fn bottom(&self) -> u8 {
        self.bottom
    }

    /// Whether no boundary of the snapshot is at or above the block. Then the tables know every
    /// later change, and the caller must not look into the open interval.
    pub const fn is_in_open_interval(&self) -> bool {
        self.boundary.is_none()
    }

    /// Hash that `node` had after the block; zero if no leaf was below it. `None` if no table of
    /// the snapshot has it: it is that of the open interval or of the newest tree.
    ///
    /// Cost: a seek in each block up to the next boundary, at most, and one more.
    ///
    /// # Errors
    /// [`StorageError::ReaderExpired`]; damage, also of a missing part.
    pub fn before(&mut self, node: NodeId) -> Result<Option<B256>, StorageError> {
        self.reader.check()?;
        let key = codec::node_key(node);
        for diff in &mut self.diffs {
            let part = diff.part_of(&key, &mut self.parts)?;
            if let Some(hash) = part.find(&key) {
                return Ok(Some(hash));
            }
        }
        let Some(boundary) = self.boundary.and_then(|boundary| boundary.checked_add(1)) else {
            return Ok(None);
        };
        let from = codec::node_history_key(&key, boundary);
        match self.history.seek(&from)? {
            Some((row_key, value)) if row_key.starts_with(&key) => {
                if row_key.len() != from.len() {
                    return Err(self
                        .history
                        .damage(&row_key, DecodeError::NotCanonical("key")));
                }
                node_hash(&self.history, &row_key, &value).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl<'a> Diff<'a> {
    /// The part that has `node` if the block changed it.
    fn part_of(
        &mut self,
        node: &NodeKey,
        parts: &mut TableCursor<'a, Ro>,
    ) -> Result<&DiffPart<'a>, StorageError> {
        let at_hand = self.part.take().filter(|part| part.covers(node));
        let part = match at_hand {
            Some(part) => part,
            None => self.seek(node, parts)?,
        };
        Ok(self.part.insert(part))
    }

    fn seek(
        &self,
        node: &NodeKey,
        parts: &mut TableCursor<'a, Ro>,
    ) -> Result<DiffPart<'a>, StorageError> {
        let wanted = codec::diff_key(self.block, node);
        if let Some((key, value)) = parts.seek(&wanted)? {
            let part =
                DiffPart::decode(&key, value).map_err(|source| parts.damage(&key, source))?;
            if part.block == self.block && part.covers(node) {
                return Ok(part);
            }
        }
        Err(parts.damage(&wanted, DecodeError::Missing))
    }
}

impl Reader {
    /// Nodes of the state tree as of `block`.
    ///
    /// # Errors
    /// [`StorageError::ProofUnavailable`] if they are pruned; [`StorageError::MissingBlock`] if the
    /// block is above the head; and as every read.
    pub fn nodes_at(&self, block: u64) -> Result<NodesAt<'_>, StorageError> {
        let access = self.live()?;
        let head = self.newest()?;
        if block > head {
            return Err(StorageError::MissingBlock { number: block });
        }
        let window = access.proof_window(head)?;
        if !access.is_provable(block, &window)? {
            return Err(StorageError::ProofUnavailable {
                requested: block,
                first_available: window.first_available(),
                nearest: access.nearest_provable(block, &window)?,
            });
        }
        NodesAt::new(self, block, head)
    }

    /// Whether [`nodes_at`](Self::nodes_at) answers for `block`.
    ///
    /// # Errors
    /// As every read.
    pub fn provable(&self, block: u64) -> Result<bool, StorageError> {
        let access = self.live()?;
        let window = access.proof_window(self.newest()?)?;
        access.is_provable(block, &window)
    }

    /// Every pinned block, ascending.
    ///
    /// # Errors
    /// As every read.
    pub fn pins(&self) -> Result<Vec<Pin>, StorageError> {
        self.live()?.pins()
    }

    /// The newest boundary.
    ///
    /// # Errors
    /// [`StorageError::NotInitialized`], and as every read.
    pub fn last_boundary(&self) -> Result<u64, StorageError> {
        let head = self.newest()?;
        self.live()?.last_boundary(head)
    }

    /// The recorded nodes that changed since the newest boundary, ascending, with their hashes as
    /// of that boundary.
    ///
    /// # Errors
    /// [`StorageError::NotInitialized`], and as every read.
    pub fn open_interval(&self) -> Result<Vec<NodeChange>, StorageError> {
        let head = self.newest()?;
        self.live()?.open_interval(head)
    }
}
