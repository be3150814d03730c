//! The first block and its state.

use alloy_primitives::B256;
use aura_primitives::{HeadLabel, SealedBlock, hashed_account_key, hashed_slot_key};

use super::{Tip, Writer};
use crate::{ChainIdentity, GenesisState, StorageError, codec, tables::Table};

#[derive(Clone, Copy)]
enum Source {
    Account(usize),
    Slot(usize),
}

impl Writer {
    pub(super) fn write_genesis(
        &mut self,
        identity: &ChainIdentity,
        genesis: &SealedBlock,
        state: &GenesisState,
    ) -> Result<(), StorageError> {
        self.write_genesis_state(state)?;
        let chain = codec::encode_identity(identity);
        self.access.put(Table::Meta, codec::META_CHAIN, &chain)?;
        let first = genesis.number().to_be_bytes();
        self.access
            .put(Table::Meta, codec::META_FIRST_HISTORY, &first)?;
        self.write_header_and_body(genesis, 0, 0)?;
        for label in HeadLabel::ALL {
            self.write_head(label, genesis.num_hash())?;
        }
        self.write_tip(Tip {
            head: genesis.num_hash(),
            next_tx: 0,
        })
    }

    fn write_genesis_state(&mut self, state: &GenesisState) -> Result<(), StorageError> {
        let accounts = state.accounts.iter().enumerate();
        let accounts =
            accounts.map(|(i, (address, _))| (hashed_account_key(*address), Source::Account(i)));
        let slots = state.slots.iter().enumerate();
        let slots = slots
            .filter(|(_, (_, _, word))| !word.is_zero())
            .map(|(i, (address, slot, _))| (hashed_slot_key(*address, *slot), Source::Slot(i)));
        let mut leaves: Vec<(B256, Source)> = accounts.chain(slots).collect();
        leaves.sort_unstable_by_key(|(key, _)| *key);
        let mut flat = self.access.cursor(Table::Flat)?;
        for (key, source) in leaves {
            let leaf = match source {
                Source::Account(i) => {
                    let (address, account) = &state.accounts[i];
                    codec::encode_account(*address, account)
                }
                Source::Slot(i) => codec::encode_slot(state.slots[i].2),
            };
            flat.append(key.as_slice(), leaf.as_slice())?;
        }
        let mut code = self.access.cursor(Table::Code)?;
        for (hash, bytes) in &state.code {
            code.put(hash.as_slice(), bytes)?;
        }
        Ok(())
    }
}
