//! Writing one block.

use alloy_primitives::B256;
use alloy_rlp::Encodable;
use aura_primitives::{CommittedBlock, SealedBlock, StateDiff};

use super::{Tip, Writer};
use crate::{LeafChange, StorageError, TreeChanges, codec, log_index::Terms, tables::Table};

/// Fails unless `leaves` are as many as `diff` changes, in order, and all of them change.
pub(super) fn check_leaves(
    number: u64,
    diff: &StateDiff,
    leaves: &[(B256, LeafChange)],
) -> Result<(), StorageError> {
    let fails = |reason| Err(StorageError::TreeChanges { number, reason });
    if !leaves.is_sorted_by(|(a, _), (b, _)| a < b) {
        return fails("keys are not in order");
    }
    if !leaves.iter().all(|(_, change)| change.is_change()) {
        return fails("a leaf does not change");
    }
    let accounts = diff.accounts.values();
    let slots = diff.slots.values().flat_map(|slots| slots.values());
    let count = accounts
        .filter(|change| change.before != change.after)
        .count()
        + slots.filter(|change| change.before != change.after).count();
    if count != leaves.len() {
        return fails("there are more or fewer leaves than the block changes");
    }
    Ok(())
}

impl Writer {
    pub(super) fn check_next(&self, committed: &CommittedBlock) -> Result<(), StorageError> {
        let header = &committed.block.header;
        let head = self.tip()?.head;
        let follows = head.number.checked_add(1) == Some(header.number);
        if !follows || header.parent_hash != head.hash {
            return Err(StorageError::NotNextBlock {
                number: header.number,
                parent: header.parent_hash,
                head_number: head.number,
                head_hash: head.hash,
            });
        }
        let transactions = committed.block.transactions.len();
        let receipts = committed.receipts.len();
        if transactions != receipts || u32::try_from(transactions).is_err() {
            return Err(StorageError::ReceiptCount {
                number: header.number,
                transactions,
                receipts,
            });
        }
        Ok(())
    }

    pub(super) fn write_block(
        &mut self,
        committed: &CommittedBlock,
        tree: &TreeChanges,
    ) -> Result<(), StorageError> {
        let block = &committed.block;
        let first_tx = self.tip()?.next_tx;
        // `check_next` has compared the count with `u32`.
        let count = block.transactions.len() as u32;
        self.write_header_and_body(block, first_tx, count)?;
        self.write_transactions(block, first_tx)?;
        self.write_receipts(committed, first_tx)?;
        self.write_state(&tree.leaves)?;
        self.write_former(block.number(), &tree.leaves, tree.interval.is_some())?;
        self.write_new_code(&committed.diff)?;
        self.write_preimages(&committed.diff)?;
        self.write_nodes(block.number(), tree)?;
        Terms::of(&committed.receipts).add(&self.access, block.number())?;
        self.write_tip(Tip {
            head: block.num_hash(),
            next_tx: first_tx + u64::from(count),
        })
    }

    pub(super) fn write_header_and_body(
        &mut self,
        block: &SealedBlock,
        first_tx: u64,
        count: u32,
    ) -> Result<(), StorageError> {
        let number = block.number().to_be_bytes();
        let hash = block.hash();
        self.scratch.clear();
        codec::encode_header(&mut self.scratch, &block.header);
        let mut headers = self.access.cursor(Table::Headers)?;
        headers.append(&number, &self.scratch)?;
        let hashes = Table::HeaderNumbers;
        self.access.put(hashes, hash.as_slice(), &number)?;
        self.scratch.clear();
        codec::encode_body(&mut self.scratch, block, first_tx, count);
        let mut bodies = self.access.cursor(Table::Bodies)?;
        bodies.append(&number, &self.scratch)?;
        if let Some(info) = &block.l1_info {
            self.scratch.clear();
            info.encode(&mut self.scratch);
            let mut infos = self.access.cursor(Table::L1Info)?;
            infos.append(&number, &self.scratch)?;
        }
        Ok(())
    }

    fn write_transactions(
        &mut self,
        block: &SealedBlock,
        first_tx: u64,
    ) -> Result<(), StorageError> {
        let mut hashes = Vec::with_capacity(block.transactions.len());
        let mut rows = self.access.cursor(Table::Transactions)?;
        for (number, tx) in (first_tx..).zip(&block.transactions) {
            self.scratch.clear();
            codec::encode_tx(&mut self.scratch, block.number(), tx);
            rows.append(&number.to_be_bytes(), &self.scratch)?;
            hashes.push((tx.hash(), number));
        }
        hashes.sort_unstable();
        let mut index = self.access.cursor(Table::TransactionHashes)?;
        for (hash, number) in hashes {
            index.put(hash.as_slice(), &number.to_be_bytes())?;
        }
        Ok(())
    }

    fn write_receipts(
        &mut self,
        committed: &CommittedBlock,
        first_tx: u64,
    ) -> Result<(), StorageError> {
        let mut rows = self.access.cursor(Table::Receipts)?;
        let mut gas_before = 0;
        let mut first_log = 0;
        for (number, receipt) in (first_tx..).zip(&committed.receipts) {
            // A wrong order of cumulative gas is the executor's fault; here it must not panic.
            let gas_used = receipt.cumulative_gas_used.saturating_sub(gas_before);
            self.scratch.clear();
            codec::encode_receipt(&mut self.scratch, receipt, gas_used, first_log);
            rows.append(&number.to_be_bytes(), &self.scratch)?;
            gas_before = receipt.cumulative_gas_used;
            first_log += receipt.logs.len() as u64;
        }
        Ok(())
    }

    fn write_state(&self, changes: &[(B256, LeafChange)]) -> Result<(), StorageError> {
        let mut flat = self.access.cursor(Table::Flat)?;
        for (key, change) in changes {
            match change.after() {
                Some(leaf) => flat.put(key.as_slice(), leaf.as_slice())?,
                None => {
                    flat.delete(key.as_slice())?;
                }
            }
        }
        Ok(())
    }

    fn write_new_code(&self, diff: &StateDiff) -> Result<(), StorageError> {
        let mut codes: Vec<_> = diff.code.iter().collect();
        codes.sort_unstable_by_key(|(hash, _)| **hash);
        let mut rows = self.access.cursor(Table::Code)?;
        for (hash, code) in codes {
            rows.put(hash.as_slice(), code)?;
        }
        Ok(())
    }
}
