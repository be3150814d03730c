//! Removing the tip block.

use alloy_primitives::B256;
use aura_primitives::{BlockNumHash, HeadLabel, SealedBlock};
use signet_libmdbx::Rw;

use super::{Tip, Writer};
use crate::{
    DecodeError, Leaf, StorageError, UnwoundBlock,
    access::TableCursor,
    codec,
    log_index::Terms,
    reader::{ALL_KEYS, undo_damage},
    tables::Table,
};

/// Writes back what stood under `key`.
fn restore(
    flat: &mut TableCursor<'_, Rw>,
    key: &B256,
    before: &[u8],
    damage: impl FnOnce(DecodeError) -> StorageError,
) -> Result<Option<Leaf>, StorageError> {
    if before.is_empty() {
        flat.delete(key.as_slice())?;
        return Ok(None);
    }
    let (leaf, _) = codec::decode_leaf(before).map_err(damage)?;
    flat.put(key.as_slice(), before)?;
    Ok(Some(leaf))
}

impl Writer {
    pub(super) fn check_unwind(&self) -> Result<(), StorageError> {
        let tip = self.tip()?.head.number;
        let target = tip.checked_sub(1).ok_or(StorageError::UnwindGenesis)?;
        if self.block_hash(target)?.is_none() {
            return Err(StorageError::UnwindGenesis);
        }
        let first_available = self.first_history_block()?;
        if target < first_available {
            return Err(StorageError::HistoryPruned {
                requested: target,
                first_available,
            });
        }
        Ok(())
    }

    pub(super) fn remove_tip(&mut self) -> Result<UnwoundBlock, StorageError> {
        let number = self.tip()?.head.number;
        let missing = || StorageError::MissingBlock { number };
        let block = self.access.block(number)?.ok_or_else(missing)?;
        let (first_tx, _) = self.access.tx_span(number)?.ok_or_else(missing)?;
        let receipts = self.access.receipts(number)?.ok_or_else(missing)?;
        let restored = self.restore_state(number)?;
        let interval = self.remove_nodes(number)?;
        Terms::of(&receipts).remove(&self.access, number)?;
        self.remove_rows(&block, first_tx)?;
        self.remove_withdrawals(number)?;
        let parent = BlockNumHash {
            number: number.saturating_sub(1),
            hash: block.header.parent_hash,
        };
        for label in [HeadLabel::Safe, HeadLabel::Finalized] {
            if self.head(label)?.number >= number {
                self.write_head(label, parent)?;
            }
        }
        self.write_tip(Tip {
            head: parent,
            next_tx: first_tx,
        })?;
        Ok(UnwoundBlock {
            block,
            receipts,
            restored,
            interval,
        })
    }

    fn restore_state(&self, number: u64) -> Result<Vec<(B256, Option<Leaf>)>, StorageError> {
        if number > self.access.folded()? {
            return self.restore_unfolded(number);
        }
        let keys = self.access.touched_keys(number)?;
        let mut restored = Vec::with_capacity(keys.len());
        let mut flat = self.access.cursor(Table::Flat)?;
        let mut history = self.access.cursor(Table::History)?;
        for key in keys {
            let row = codec::history_key(&key, number);
            let before = history
                .find(&row)?
                .ok_or_else(|| history.damage(&row, DecodeError::Missing))?;
            let damage = |source| StorageError::decode(Table::History.name(), &row, source);
            restored.push((key, restore(&mut flat, &key, &before, damage)?));
            history.delete_current()?;
        }
        let mut touched = self.access.cursor(Table::TouchedKeys)?;
        while let Some((key, _)) = touched.seek(&codec::part_key(number, 0))? {
            if !key.starts_with(&number.to_be_bytes()) {
                break;
            }
            touched.delete_current()?;
        }
        self.write_folded(number.saturating_sub(1))?;
        Ok(restored)
    }

    fn restore_unfolded(&self, number: u64) -> Result<Vec<(B256, Option<Leaf>)>, StorageError> {
        let mut restored = Vec::new();
        let mut flat = self.access.cursor(Table::Flat)?;
        let mut parts = self.access.cursor(Table::Undo)?;
        self.access
            .undo_parts(&mut parts, number, ALL_KEYS, |part| {
                for (key, before) in part.formers() {
                    let damage = |source| undo_damage(part, source);
                    restored.push((key, restore(&mut flat, &key, before, damage)?));
                }
                Ok(())
            })?;
        self.remove_undo(number)?;
        Ok(restored)
    }

    fn remove_rows(&self, block: &SealedBlock, first_tx: u64) -> Result<(), StorageError> {
        let number = block.number().to_be_bytes();
        let mut transactions = self.access.cursor(Table::Transactions)?;
        let mut receipts = self.access.cursor(Table::Receipts)?;
        let mut hashes = self.access.cursor(Table::TransactionHashes)?;
        for (tx_number, tx) in (first_tx..).zip(&block.transactions) {
            transactions.delete(&tx_number.to_be_bytes())?;
            receipts.delete(&tx_number.to_be_bytes())?;
            hashes.delete(tx.hash().as_slice())?;
        }
        let hash = block.hash();
        self.access.delete(Table::HeaderNumbers, hash.as_slice())?;
        self.access.delete(Table::Headers, &number)?;
        self.access.delete(Table::Bodies, &number)?;
        self.access.delete(Table::L1Info, &number)?;
        Ok(())
    }
}
