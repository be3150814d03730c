//! Writing one block.

use alloy_primitives::{Address, B256};
use aura_primitives::{
    AccountChange, CommittedBlock, SealedBlock, SlotChange, StateDiff, hashed_account_key,
    hashed_slot_key,
};

use super::{Tip, Writer};
use crate::{
    StorageError,
    codec::{self, LeafBytes},
    log_index::Terms,
    tables::{TOUCHED_KEYS_PER_PART, Table},
};

/// A changed leaf, still as the diff has it.
#[derive(Clone, Copy)]
enum Change<'a> {
    Account(Address, &'a AccountChange),
    Slot(&'a SlotChange),
}

impl Change<'_> {
    fn before(self) -> Option<LeafBytes> {
        match self {
            Self::Account(address, change) => change
                .before
                .map(|account| codec::encode_account(address, &account)),
            Self::Slot(change) if change.before.is_zero() => None,
            Self::Slot(change) => Some(codec::encode_slot(change.before)),
        }
    }

    fn after(self) -> Option<LeafBytes> {
        match self {
            Self::Account(address, change) => change
                .after
                .map(|account| codec::encode_account(address, &account)),
            Self::Slot(change) if change.after.is_zero() => None,
            Self::Slot(change) => Some(codec::encode_slot(change.after)),
        }
    }
}

/// The leaves that really change, sorted by hashed key.
fn sorted_changes(diff: &StateDiff) -> Vec<(B256, Change<'_>)> {
    let mut changes = Vec::with_capacity(diff.len());
    for (address, change) in &diff.accounts {
        if change.before != change.after {
            let key = hashed_account_key(*address);
            changes.push((key, Change::Account(*address, change)));
        }
    }
    for (address, slots) in &diff.slots {
        for (slot, change) in slots {
            if change.before != change.after {
                changes.push((hashed_slot_key(*address, *slot), Change::Slot(change)));
            }
        }
    }
    changes.sort_unstable_by_key(|(key, _)| *key);
    changes
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

    pub(super) fn write_block(&mut self, committed: &CommittedBlock) -> Result<(), StorageError> {
        let block = &committed.block;
        let first_tx = self.tip()?.next_tx;
        // `check_next` has compared the count with `u32`.
        let count = block.transactions.len() as u32;
        self.write_header_and_body(block, first_tx, count)?;
        self.write_transactions(block, first_tx)?;
        self.write_receipts(committed, first_tx)?;
        self.write_state(block.number(), &committed.diff)?;
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
        bodies.append(&number, &self.scratch)
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

    fn write_state(&mut self, block: u64, diff: &StateDiff) -> Result<(), StorageError> {
        let changes = sorted_changes(diff);
        let mut flat = self.access.cursor(Table::Flat)?;
        for (key, change) in &changes {
            match change.after() {
                Some(leaf) => flat.put(key.as_slice(), leaf.as_slice())?,
                None => {
                    flat.delete(key.as_slice())?;
                }
            }
        }
        let mut history = self.access.cursor(Table::History)?;
        for (key, change) in &changes {
            let before = change.before();
            let value = before.as_ref().map_or(&[][..], LeafBytes::as_slice);
            history.put(&codec::history_key(key, block), value)?;
        }
        let mut touched = self.access.cursor(Table::TouchedKeys)?;
        for (part, chunk) in (0u32..).zip(changes.chunks(TOUCHED_KEYS_PER_PART)) {
            self.scratch.clear();
            for (key, _) in chunk {
                self.scratch.extend_from_slice(key.as_slice());
            }
            touched.append(&codec::touched_key(block, part), &self.scratch)?;
        }
        let mut codes: Vec<_> = diff.code.iter().collect();
        codes.sort_unstable_by_key(|(hash, _)| **hash);
        let mut rows = self.access.cursor(Table::Code)?;
        for (hash, code) in codes {
            rows.put(hash.as_slice(), code)?;
        }
        Ok(())
    }
}
