//! Records that blocks replace: first in the order of blocks, later in the order of keys.
//!
//! A row in `History` for every change of a block hits another page almost every time. So a block
//! only appends what it replaced to `Undo`, and some later block brings the records of all blocks
//! since the last such one into `History`, in one pass through the table.

use alloy_primitives::B256;

use super::Writer;
use crate::{
    LeafChange, StorageError,
    codec::{self, Input, LAST_KEY, LeafBytes, UndoPart},
    reader::ALL_KEYS,
    recent::head_of,
    tables::{TOUCHED_KEYS_PER_PART, Table, UNDO_PART_BYTES},
};

/// Blocks in `Undo`, at most: a read of a past state can need a seek in each.
const MAX_UNFOLDED_BLOCKS: u64 = 64;

/// Parts in `Undo` after which the next block folds: 32 MB, which a fold has in memory.
const MAX_UNFOLDED_PARTS: u64 = 16_384;

/// Former records of many blocks.
#[derive(Default)]
struct Formers {
    /// Each as in a part of `Undo`, oldest block first.
    bytes: Vec<u8>,
    index: Vec<Former>,
}

/// Where a former record stands.
struct Former {
    /// The first bytes of its key, which decide nearly every comparison.
    head: u64,
    at: usize,
    block: u64,
}

impl Formers {
    fn push(&mut self, block: u64, key: &B256, record: &[u8]) {
        let head = head_of(key);
        let at = self.bytes.len();
        self.index.push(Former { head, at, block });
        codec::push_former(&mut self.bytes, key, record);
    }

    fn push_part(&mut self, part: &UndoPart<'_>) {
        for (key, record) in part.formers() {
            self.push(part.block, &key, record);
        }
    }

    fn get(&self, former: &Former) -> (B256, &[u8]) {
        let mut input = Input::new(self.bytes.get(former.at..).unwrap_or_default());
        codec::take_former(&mut input).expect("`push` has written it there")
    }

    /// Keys from the `first`-th record on.
    fn keys_from(&self, first: usize) -> impl Iterator<Item = B256> {
        let later = self.index.iter().skip(first);
        later.map(|former| self.get(former).0)
    }

    /// Sorts by key; records of one key stay in the order of blocks.
    fn sort(&mut self) {
        let mut index = std::mem::take(&mut self.index);
        index.sort_by(|a, b| {
            let heads = a.head.cmp(&b.head);
            heads.then_with(|| self.get(a).0.cmp(&self.get(b).0))
        });
        self.index = index;
    }
}

impl Writer {
    /// Keeps what `block` replaces.
    pub(super) fn write_former(
        &mut self,
        block: u64,
        changes: &[(B256, LeafChange)],
        is_boundary: bool,
    ) -> Result<(), StorageError> {
        let folded = self.access.folded()?;
        let is_full = block.saturating_sub(folded) >= MAX_UNFOLDED_BLOCKS
            || self.access.rows(Table::Undo)? >= MAX_UNFOLDED_PARTS;
        if is_boundary || is_full {
            self.fold(folded, block, changes)
        } else {
            self.write_undo(block, changes)
        }
    }

    fn write_undo(
        &mut self,
        block: u64,
        changes: &[(B256, LeafChange)],
    ) -> Result<(), StorageError> {
        let mut parts = self.access.cursor(Table::Undo)?;
        let mut last = None;
        self.scratch.clear();
        self.scratch.extend_from_slice(B256::ZERO.as_slice());
        for (key, change) in changes {
            let before = change.before();
            let before = before.as_ref().map_or(&[][..], LeafBytes::as_slice);
            if let Some(last) = last
                && self.scratch.len() + key.len() + 1 + before.len() > UNDO_PART_BYTES
            {
                parts.append(&codec::undo_key(block, &last), &self.scratch)?;
                // A key follows.
                let first = codec::successor(&last).unwrap_or(LAST_KEY);
                self.scratch.clear();
                self.scratch.extend_from_slice(first.as_slice());
            }
            codec::push_former(&mut self.scratch, key, before);
            self.recent.push(head_of(key));
            last = Some(*key);
        }
        parts.append(&codec::undo_key(block, &LAST_KEY), &self.scratch)
    }

    /// Brings the records of all blocks above `folded` up to `block` into `History`.
    fn fold(
        &mut self,
        folded: u64,
        block: u64,
        changes: &[(B256, LeafChange)],
    ) -> Result<(), StorageError> {
        let mut formers = Formers::default();
        for earlier in folded.saturating_add(1)..block {
            let first = formers.index.len();
            let mut parts = self.access.cursor(Table::Undo)?;
            self.access
                .undo_parts(&mut parts, earlier, ALL_KEYS, |part| {
                    formers.push_part(part);
                    Ok(())
                })?;
            self.write_touched(earlier, formers.keys_from(first))?;
        }
        for (key, change) in changes {
            let before = change.before();
            let before = before.as_ref().map_or(&[][..], LeafBytes::as_slice);
            formers.push(block, key, before);
        }
        self.write_touched(block, changes.iter().map(|(key, _)| *key))?;
        formers.sort();
        let mut history = self.access.cursor(Table::History)?;
        for former in &formers.index {
            let (key, record) = formers.get(former);
            history.put(&codec::history_key(&key, former.block), record)?;
        }
        self.taken = Some(self.recent.len());
        if self.access.rows(Table::Undo)? > 0 {
            self.access.clear(Table::Undo)?;
        }
        self.write_folded(block)
    }

    fn write_touched(
        &self,
        block: u64,
        mut keys: impl Iterator<Item = B256>,
    ) -> Result<(), StorageError> {
        let mut parts = self.access.cursor(Table::TouchedKeys)?;
        let mut value = Vec::with_capacity(32 * TOUCHED_KEYS_PER_PART);
        for part in 0u32.. {
            value.clear();
            for key in keys.by_ref().take(TOUCHED_KEYS_PER_PART) {
                value.extend_from_slice(key.as_slice());
            }
            parts.append(&codec::part_key(block, part), &value)?;
            if value.len() < 32 * TOUCHED_KEYS_PER_PART {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn write_folded(&self, block: u64) -> Result<(), StorageError> {
        let value = block.to_be_bytes();
        self.access.put(Table::Meta, codec::META_FOLDED, &value)
    }

    /// Removes the list of `block` from `Undo`; returns the number of rows.
    pub(super) fn remove_undo(&self, block: u64) -> Result<usize, StorageError> {
        let mut parts = self.access.cursor(Table::Undo)?;
        let mut removed = 0;
        while let Some((key, _)) = parts.seek(&codec::undo_key(block, &B256::ZERO))? {
            if !key.starts_with(&block.to_be_bytes()) {
                break;
            }
            parts.delete_current()?;
            removed += 1;
        }
        Ok(removed)
    }
}
