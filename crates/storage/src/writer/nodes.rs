//! Former hashes of nodes: written with a block, removed with it, kept by pins.

use aura_smt::NodeChange;

use super::Writer;
use crate::{
    DecodeError, StorageError, TreeChanges,
    codec::{self, LAST_PART, NO_NODE},
    reader::{leading_number, node_hash},
    tables::{BOUNDARY_NODES_PER_PART, NODE_CHANGES_PER_PART, Table},
};

fn are_sorted_nodes(changes: &[NodeChange]) -> bool {
    changes.iter().all(|change| codec::is_node(change.node))
        && changes.is_sorted_by(|a, b| a.node < b.node)
}

/// Fails if something in `tree` could not be read again.
pub(super) fn check_tree(number: u64, tree: &TreeChanges) -> Result<(), StorageError> {
    let fails = |reason| Err(StorageError::TreeChanges { number, reason });
    if !codec::is_bottom(tree.bottom) {
        return fails("the bottom is not a multiple of 4 up to 32");
    }
    if !are_sorted_nodes(&tree.nodes) {
        return fails("nodes are not in order");
    }
    if !tree.interval.as_deref().is_none_or(are_sorted_nodes) {
        return fails("nodes of the interval are not in order");
    }
    Ok(())
}

impl Writer {
    pub(super) fn write_nodes(
        &mut self,
        block: u64,
        tree: &TreeChanges,
    ) -> Result<(), StorageError> {
        self.write_diff(block, &tree.nodes)?;
        if let Some(interval) = &tree.interval {
            self.write_boundary(block, interval)?;
        }
        let mut depths = self.access.node_depths()?;
        if depths.set(block, tree.bottom) {
            self.write_depths(&depths)?;
        }
        Ok(())
    }

    /// Writes the diff of `block`, which has none.
    fn write_diff(&mut self, block: u64, changes: &[NodeChange]) -> Result<(), StorageError> {
        let mut parts = self.access.cursor(Table::NodeDiffs)?;
        let mut rest = changes;
        let mut begin = NO_NODE;
        loop {
            let (part, later) = rest.split_at(rest.len().min(NODE_CHANGES_PER_PART));
            let end = match (part.last(), later.is_empty()) {
                (Some(last), false) => codec::node_key(last.node),
                _ => LAST_PART,
            };
            self.scratch.clear();
            codec::encode_diff_part(&mut self.scratch, &begin, part);
            // Only an unwind writes below the newest diff; the engine sees an append by itself.
            parts.put(&codec::diff_key(block, &end), &self.scratch)?;
            if end == LAST_PART {
                return Ok(());
            }
            (begin, rest) = (end, later);
        }
    }

    pub(super) fn write_boundary(
        &mut self,
        boundary: u64,
        interval: &[NodeChange],
    ) -> Result<(), StorageError> {
        let mut history = self.access.cursor(Table::NodeHistory)?;
        for change in interval {
            let key = codec::node_history_key(&codec::node_key(change.node), boundary);
            history.put(&key, change.before.as_slice())?;
        }
        let mut parts = self.access.cursor(Table::Boundaries)?;
        let mut chunks = interval.chunks(BOUNDARY_NODES_PER_PART);
        for part in 0u32.. {
            let chunk = chunks.next().unwrap_or_default();
            self.scratch.clear();
            for change in chunk {
                let node = codec::node_key(change.node);
                self.scratch.extend_from_slice(&node);
            }
            parts.append(&codec::part_key(boundary, part), &self.scratch)?;
            if chunk.len() < BOUNDARY_NODES_PER_PART {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn write_depths(&self, depths: &codec::DepthList) -> Result<(), StorageError> {
        let value = depths.encode();
        self.access.put(Table::Meta, codec::META_NODE_DEPTH, &value)
    }

    pub(super) fn write_first_nodes(&self, block: u64) -> Result<(), StorageError> {
        let value = block.to_be_bytes();
        self.access
            .put(Table::Meta, codec::META_FIRST_NODES, &value)
    }

    /// Removes the diffs of the blocks `first..=last`; returns the number of rows.
    pub(super) fn remove_diffs(&self, first: u64, last: u64) -> Result<usize, StorageError> {
        let mut parts = self.access.cursor(Table::NodeDiffs)?;
        let start = codec::diff_key(first, &NO_NODE);
        let mut removed = 0;
        while let Some((key, _)) = parts.seek(&start)? {
            if leading_number(&parts, &key, start.len())? > last {
                break;
            }
            parts.delete_current()?;
            removed += 1;
        }
        Ok(removed)
    }

    /// Removes what the tip block `number` wrote here, and pins from it on. Returns the interval
    /// that it closed, if it was a boundary.
    pub(super) fn remove_nodes(
        &mut self,
        number: u64,
    ) -> Result<Option<Vec<NodeChange>>, StorageError> {
        let mut first_nodes = self.access.first_nodes()?;
        if self.remove_diffs(number, number)? == 0 && number >= first_nodes {
            let key = codec::diff_key(number, &NO_NODE);
            let table = Table::NodeDiffs.name();
            return Err(StorageError::decode(table, &key, DecodeError::Missing));
        }
        if number < first_nodes {
            first_nodes = number;
            self.write_first_nodes(first_nodes)?;
        }
        while let Some(pin) = self.access.pin_from(number)? {
            self.access.delete(Table::Pins, &pin.block.to_be_bytes())?;
        }
        let mut depths = self.access.node_depths()?;
        if depths.cut_from(number) {
            self.write_depths(&depths)?;
        }
        if self.access.boundary_upto(number)? != Some(number) {
            return Ok(None);
        }
        let interval = self.remove_boundary(number)?;
        let former = self.access.last_boundary(number)?;
        let first = former.saturating_add(1);
        if first < first_nodes {
            // Diffs since the boundary before are pruned. A restart must still find the open
            // interval, and the first block may name too many nodes with their hashes before it.
            self.remove_diffs(first, first)?;
            self.write_diff(first, &interval)?;
        }
        Ok(Some(interval))
    }

    fn remove_boundary(&self, boundary: u64) -> Result<Vec<NodeChange>, StorageError> {
        let nodes = self.access.boundary_nodes(boundary)?;
        let mut history = self.access.cursor(Table::NodeHistory)?;
        let mut interval = Vec::with_capacity(nodes.len());
        for node in &nodes {
            let key = codec::node_history_key(node, boundary);
            let before = history
                .find(&key)?
                .ok_or_else(|| history.damage(&key, DecodeError::Missing))?;
            let before = node_hash(&history, &key, &before)?;
            let node = codec::decode_node(node).map_err(|source| history.damage(&key, source))?;
            history.delete_current()?;
            interval.push(NodeChange { node, before });
        }
        let mut parts = self.access.cursor(Table::Boundaries)?;
        while let Some((key, _)) = parts.seek(&codec::part_key(boundary, 0))? {
            if !key.starts_with(&boundary.to_be_bytes()) {
                break;
            }
            parts.delete_current()?;
        }
        Ok(interval)
    }

    pub(super) fn check_pin(&self, block: u64) -> Result<u64, StorageError> {
        let head = self.tip()?.head.number;
        let missing = StorageError::MissingBlock { number: block };
        if block > head {
            return Err(missing);
        }
        let window = self.access.proof_window(head)?;
        if !self.access.is_provable(block, &window)? {
            return Err(StorageError::PinUnavailable {
                requested: block,
                first_available: window.first_available(),
                nearest: self.access.nearest_provable(block, &window)?,
            });
        }
        let header = self.access.header(block)?.ok_or(missing)?;
        Ok(header.timestamp)
    }
}
