//! The first block and its state.

use alloy_primitives::{B256, Bytes};
use aura_primitives::{HeadLabel, SealedBlock, hashed_account_key, hashed_slot_key};

use super::{Tip, Writer};
use crate::{
    ChainIdentity, GenesisState, LeafRecord, StorageError,
    codec::{self, DepthList},
    tables::Table,
};

#[derive(Clone, Copy)]
enum Source {
    Account(usize),
    Slot(usize),
}

/// The leaves of `state` in the order of their hashed keys.
pub(super) fn sorted_leaves(state: &GenesisState) -> impl Iterator<Item = (B256, LeafRecord)> {
    let accounts = state.accounts.iter().enumerate();
    let accounts =
        accounts.map(|(i, (address, _))| (hashed_account_key(*address), Source::Account(i)));
    let slots = state.slots.iter().enumerate();
    let slots = slots
        .filter(|(_, (_, _, word))| !word.is_zero())
        .map(|(i, (address, slot, _))| (hashed_slot_key(*address, *slot), Source::Slot(i)));
    let mut leaves: Vec<(B256, Source)> = accounts.chain(slots).collect();
    leaves.sort_unstable_by_key(|(key, _)| *key);
    leaves.into_iter().map(|(key, source)| {
        let record = match source {
            Source::Account(i) => {
                let (address, account) = state.accounts[i];
                LeafRecord::Account(address, account)
            }
            Source::Slot(i) => LeafRecord::Slot(state.slots[i].2),
        };
        (key, record)
    })
}

impl Writer {
    /// Removes the leaves of an initialisation that did not come to its end.
    pub(super) fn remove_loose_leaves(&self) -> Result<(), StorageError> {
        let leaves = self.access.rows(Table::Flat)?;
        if leaves > 0 {
            tracing::warn!(leaves, "removing state without a genesis block");
            self.access.clear(Table::Flat)?;
        }
        Ok(())
    }

    /// Writes leaves that follow `last`; returns the last one.
    pub(super) fn append_leaves(
        &self,
        mut last: Option<B256>,
        leaves: impl Iterator<Item = (B256, LeafRecord)>,
    ) -> Result<Option<B256>, StorageError> {
        let mut flat = self.access.cursor(Table::Flat)?;
        for (key, record) in leaves {
            let fails = |reason| Err(StorageError::InvalidLeaf { key, reason });
            if last.is_some_and(|last| last >= key) {
                return fails("does not follow the one before");
            }
            last = Some(key);
            let leaf = match record {
                LeafRecord::Account(address, account) => codec::encode_account(address, &account),
                LeafRecord::Slot(word) if word.is_zero() => return fails("is a zero word"),
                LeafRecord::Slot(word) => codec::encode_slot(word),
            };
            flat.append(key.as_slice(), leaf.as_slice())?;
        }
        Ok(last)
    }

    pub(super) fn write_code(&self, code: &[(B256, Bytes)]) -> Result<(), StorageError> {
        let mut rows = self.access.cursor(Table::Code)?;
        for (hash, bytes) in code {
            rows.put(hash.as_slice(), bytes)?;
        }
        Ok(())
    }

    /// Writes the block after its state: a database has a chain only once this is committed.
    pub(super) fn write_genesis(
        &mut self,
        identity: &ChainIdentity,
        genesis: &SealedBlock,
        bottom: u8,
    ) -> Result<(), StorageError> {
        let number = genesis.number();
        let chain = codec::encode_identity(identity);
        self.access.put(Table::Meta, codec::META_CHAIN, &chain)?;
        self.access.put(
            Table::Meta,
            codec::META_FIRST_HISTORY,
            &number.to_be_bytes(),
        )?;
        self.write_folded(number)?;
        self.write_first_nodes(number.saturating_add(1))?;
        self.write_depths(&DepthList::new(number, bottom))?;
        self.write_boundary(number, &[])?;
        self.write_header_and_body(genesis, 0, 0)?;
        for label in HeadLabel::ALL {
            self.write_head(label, genesis.num_hash())?;
        }
        self.write_tip(Tip {
            head: genesis.num_hash(),
            next_tx: 0,
        })
    }
}
