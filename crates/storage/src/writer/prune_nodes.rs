//! Forgetting former hashes of nodes.

use super::Writer;
use crate::{
    DecodeError, NodePruneStats, StorageError,
    codec::{self, NODE_BYTES},
    reader::leading_number,
    tables::Table,
};

/// Rows that a call has removed and may remove.
struct Budget {
    removed: usize,
    limit: usize,
}

impl Budget {
    const fn is_spent(&self) -> bool {
        self.removed >= self.limit
    }
}

impl Writer {
    pub(super) fn prune_window(
        &mut self,
        window_below: u64,
        pins_below_block: u64,
        pins_below_time: u64,
        limit: usize,
    ) -> Result<NodePruneStats, StorageError> {
        let mut budget = Budget { removed: 0, limit };
        let done = self.prune_pins(pins_below_block, pins_below_time, &mut budget)?
            && self.prune_diffs(window_below, &mut budget)?;
        let window = self.access.proof_window(self.tip()?.head.number)?;
        Ok(NodePruneStats {
            removed: budget.removed,
            first_window_block: window.first_available(),
            done,
        })
    }

    /// Removes pins below both bounds, and the diffs that only they kept. Returns whether done.
    fn prune_pins(
        &self,
        below_block: u64,
        below_time: u64,
        budget: &mut Budget,
    ) -> Result<bool, StorageError> {
        let first_nodes = self.access.first_nodes()?;
        // Timestamps ascend with the blocks: the first pin that stays ends the walk.
        while let Some(pin) = self.access.pin_from(0)? {
            if pin.block >= below_block || pin.timestamp >= below_time {
                break;
            }
            if budget.is_spent() {
                return Ok(false);
            }
            self.access.delete(Table::Pins, &pin.block.to_be_bytes())?;
            budget.removed += 1;
            let is_boundary = self.access.boundary_upto(pin.block)? == Some(pin.block);
            let boundary = self.access.boundary_after(pin.block)?;
            let (Some(boundary), false) = (boundary, is_boundary) else {
                continue;
            };
            let next_pin = self.access.pin_from(0)?.map_or(u64::MAX, |pin| pin.block);
            let last = boundary.min(next_pin).min(first_nodes.saturating_sub(1));
            budget.removed += self.remove_diffs(pin.block.saturating_add(1), last)?;
        }
        Ok(true)
    }

    /// Removes the diffs of blocks that leave the window, except those that a pin needs and those
    /// of the open interval. Returns whether done.
    fn prune_diffs(&self, below: u64, budget: &mut Budget) -> Result<bool, StorageError> {
        let first_nodes = self.access.first_nodes()?;
        let boundary = self.access.last_boundary(self.tip()?.head.number)?;
        let end = below.min(boundary.saturating_add(1));
        let mut block = first_nodes;
        let mut done = true;
        while block < end {
            if budget.is_spent() {
                done = false;
                break;
            }
            if self.access.is_pinned(block.saturating_sub(1))? {
                // Kept up to the next boundary, which there is below `end`.
                let kept = self.access.boundary_after(block.saturating_sub(1))?;
                block = kept.unwrap_or(boundary).saturating_add(1).min(end);
            } else {
                budget.removed += self.remove_diffs(block, block)?;
                block += 1;
            }
        }
        if block > first_nodes {
            self.write_first_nodes(block)?;
        }
        Ok(done)
    }

    /// Removes what no state from block `first` on needs. Returns the number of rows, and whether
    /// nothing is left.
    pub(super) fn prune_old_nodes(
        &mut self,
        first: u64,
        limit: usize,
    ) -> Result<(usize, bool), StorageError> {
        let mut budget = Budget { removed: 0, limit };
        let boundary = self.access.last_boundary(self.tip()?.head.number)?;
        let last = first.min(boundary);
        if self.access.first_nodes()? <= last {
            self.write_first_nodes(last.saturating_add(1))?;
        }
        let mut depths = self.access.node_depths()?;
        if depths.cut_before(first) {
            self.write_depths(&depths)?;
        }
        // The last boundary up to `first` stays: the chain can unwind into its interval.
        let kept = self.access.last_boundary(first)?;
        let done = self.remove_old_pins(first, &mut budget)?
            && self.remove_old_diffs(last, &mut budget)?
            && self.remove_old_boundaries(kept, &mut budget)?;
        Ok((budget.removed, done))
    }

    fn remove_old_pins(&self, below: u64, budget: &mut Budget) -> Result<bool, StorageError> {
        while let Some(pin) = self.access.pin_from(0)? {
            if pin.block >= below {
                break;
            }
            if budget.is_spent() {
                return Ok(false);
            }
            self.access.delete(Table::Pins, &pin.block.to_be_bytes())?;
            budget.removed += 1;
        }
        Ok(true)
    }

    fn remove_old_diffs(&self, last: u64, budget: &mut Budget) -> Result<bool, StorageError> {
        let mut parts = self.access.cursor(Table::NodeDiffs)?;
        while let Some((key, _)) = parts.first()? {
            if leading_number(&parts, &key, 13)? > last {
                break;
            }
            if budget.is_spent() {
                return Ok(false);
            }
            parts.delete_current()?;
            budget.removed += 1;
        }
        Ok(true)
    }

    fn remove_old_boundaries(&self, below: u64, budget: &mut Budget) -> Result<bool, StorageError> {
        let mut parts = self.access.cursor(Table::Boundaries)?;
        let mut history = self.access.cursor(Table::NodeHistory)?;
        while let Some((key, nodes)) = parts.first()? {
            let boundary = leading_number(&parts, &key, 12)?;
            if boundary >= below {
                break;
            }
            if budget.is_spent() {
                return Ok(false);
            }
            let (nodes, rest) = nodes.as_chunks::<NODE_BYTES>();
            if !rest.is_empty() {
                return Err(parts.damage(&key, DecodeError::TrailingBytes));
            }
            for node in nodes {
                history.delete(&codec::node_history_key(node, boundary))?;
            }
            parts.delete_current()?;
            budget.removed += nodes.len() + 1;
        }
        Ok(true)
    }
}
