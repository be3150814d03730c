//! State at one block, with the changes of newer blocks above it.

use std::{collections::BTreeSet, sync::Arc};

use alloy_primitives::{Address, B256, Bytes, U256};
use aura_primitives::{Account, StateDiff};
use parking_lot::RwLock;

use crate::{Reader, StorageError};

/// The state change of a block that is not in the snapshot.
#[derive(Debug, Clone)]
pub enum Layer {
    /// A sealed block.
    Frozen(Arc<StateDiff>),
    /// The open block, which still changes.
    Open(Arc<RwLock<StateDiff>>),
}

impl Layer {
    fn with<T>(&self, read: impl FnOnce(&StateDiff) -> T) -> T {
        match self {
            Self::Frozen(diff) => read(diff),
            Self::Open(diff) => read(&diff.read()),
        }
    }
}

#[derive(Debug)]
enum Base {
    Empty,
    Latest(Reader),
    At(Reader, u64),
}

/// State at one block: a snapshot or nothing at the bottom, changes of newer blocks above it.
///
/// A layer answers for an account or slot if its diff has an entry for it, else the next one does.
#[derive(Debug)]
pub struct StateView {
    base: Base,
    layers: Vec<Layer>,
    block_hashes: Vec<(u64, B256)>,
}

impl StateView {
    const fn new(base: Base) -> Self {
        Self {
            base,
            layers: Vec::new(),
            block_hashes: Vec::new(),
        }
    }

    /// State after the newest block of the snapshot.
    pub const fn latest(reader: Reader) -> Self {
        Self::new(Base::Latest(reader))
    }

    /// State after `block`. Whether it is available shows at the first read.
    pub const fn at(reader: Reader, block: u64) -> Self {
        Self::new(Base::At(reader, block))
    }

    /// State without a database below.
    pub const fn empty() -> Self {
        Self::new(Base::Empty)
    }

    /// Puts `layers` above the base, newest first.
    pub fn with_layers(mut self, layers: Vec<Layer>) -> Self {
        self.layers = layers;
        self
    }

    /// Adds hashes of sealed blocks that are not yet in the snapshot.
    pub fn with_block_hashes(mut self, hashes: Vec<(u64, B256)>) -> Self {
        self.block_hashes = hashes;
        self
    }

    /// The snapshot below, if there is one.
    pub const fn reader(&self) -> Option<&Reader> {
        match &self.base {
            Base::Empty => None,
            Base::Latest(reader) | Base::At(reader, _) => Some(reader),
        }
    }

    /// Account at `address`; `None` if it does not exist.
    ///
    /// # Errors
    /// [`StorageError::ReaderExpired`], [`StorageError::HistoryPruned`],
    /// [`StorageError::MissingBlock`], damage.
    pub fn account(&self, address: Address) -> Result<Option<Account>, StorageError> {
        for layer in &self.layers {
            if let Some(after) = layer.with(|diff| diff.accounts.get(&address).map(|c| c.after)) {
                return Ok(after);
            }
        }
        match &self.base {
            Base::Empty => Ok(None),
            Base::Latest(reader) => reader.account(address),
            Base::At(reader, block) => reader.account_at(address, *block),
        }
    }

    /// Word at `slot` of `address`; zero if absent.
    ///
    /// # Errors
    /// As for [`account`](Self::account).
    pub fn slot(&self, address: Address, slot: U256) -> Result<U256, StorageError> {
        for layer in &self.layers {
            let after = layer.with(|diff| {
                let slots = diff.slots.get(&address)?;
                slots.get(&slot).map(|change| change.after)
            });
            if let Some(after) = after {
                return Ok(after);
            }
        }
        match &self.base {
            Base::Empty => Ok(U256::ZERO),
            Base::Latest(reader) => reader.slot(address, slot),
            Base::At(reader, block) => reader.slot_at(address, slot, *block),
        }
    }

    /// Every account of this state with its address, ascending.
    ///
    /// # Errors
    /// [`StorageError::NoPreimages`], and as for [`account`](Self::account).
    pub fn accounts(&self) -> Result<Vec<(Address, Account)>, StorageError> {
        let mut addresses = BTreeSet::new();
        if let Some(reader) = self.reader() {
            addresses.extend(reader.known_addresses()?);
        }
        for layer in &self.layers {
            layer.with(|diff| addresses.extend(diff.accounts.keys()));
        }
        let mut accounts = Vec::with_capacity(addresses.len());
        for address in addresses {
            if let Some(account) = self.account(address)? {
                accounts.push((address, account));
            }
        }
        Ok(accounts)
    }

    /// Every slot of `address` that is not zero, with its word, ascending.
    ///
    /// # Errors
    /// [`StorageError::NoPreimages`], and as for [`account`](Self::account).
    pub fn slots_of(&self, address: Address) -> Result<Vec<(U256, U256)>, StorageError> {
        let mut known = self.layer_slots(address);
        if let Some(reader) = self.reader() {
            reader.known_slots(address, |slot| {
                known.insert(slot);
                Ok(true)
            })?;
        }
        let mut slots = Vec::with_capacity(known.len());
        for slot in known {
            let word = self.slot(address, slot)?;
            if !word.is_zero() {
                slots.push((slot, word));
            }
        }
        Ok(slots)
    }

    /// Whether any slot of `address` is not zero; `false` on chains that cannot list slots.
    ///
    /// Those start at Cancun, and there storage without code and nonce cannot come to be.
    ///
    /// # Errors
    /// As for [`account`](Self::account).
    pub fn has_storage(&self, address: Address) -> Result<bool, StorageError> {
        if let Some(reader) = self.reader() {
            if !reader.has_preimages()? {
                return Ok(false);
            }
            let mut found = false;
            reader.known_slots(address, |slot| {
                found = !self.slot(address, slot)?.is_zero();
                Ok(!found)
            })?;
            if found {
                return Ok(true);
            }
        }
        for slot in self.layer_slots(address) {
            if !self.slot(address, slot)?.is_zero() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Slots of `address` that the layers have an entry for.
    fn layer_slots(&self, address: Address) -> BTreeSet<U256> {
        let mut slots = BTreeSet::new();
        for layer in &self.layers {
            layer.with(|diff| {
                if let Some(changes) = diff.slots.get(&address) {
                    slots.extend(changes.keys());
                }
            });
        }
        slots
    }

    /// Code with the hash `code_hash`.
    ///
    /// # Errors
    /// As for [`account`](Self::account).
    pub fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StorageError> {
        for layer in &self.layers {
            if let Some(code) = layer.with(|diff| diff.code.get(&code_hash).cloned()) {
                return Ok(Some(code));
            }
        }
        self.reader().map_or(Ok(None), |r| r.code(code_hash))
    }

    /// Hash of block `number` of the canonical chain.
    ///
    /// # Errors
    /// As for [`account`](Self::account).
    pub fn block_hash(&self, number: u64) -> Result<Option<B256>, StorageError> {
        if let Some((_, hash)) = self.block_hashes.iter().find(|(n, _)| *n == number) {
            return Ok(Some(*hash));
        }
        self.reader().map_or(Ok(None), |r| r.block_hash(number))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, b256};
    use aura_primitives::{AccountChange, SlotChange};

    use super::*;

    const ALICE: Address = address!("00000000000000000000000000000000000a11ce");
    const SLOT: U256 = U256::ZERO;

    fn account(nonce: u64) -> Option<Account> {
        Some(Account {
            nonce,
            ..Account::default()
        })
    }

    fn diff(nonce: Option<u64>, word: Option<u64>) -> StateDiff {
        let mut diff = StateDiff::default();
        if let Some(nonce) = nonce {
            let change = AccountChange {
                before: None,
                after: account(nonce),
            };
            diff.accounts.insert(ALICE, change);
        }
        if let Some(word) = word {
            let change = SlotChange {
                before: U256::ZERO,
                after: U256::from(word),
            };
            diff.slots.entry(ALICE).or_default().insert(SLOT, change);
        }
        diff
    }

    #[test]
    fn newest_layer_with_an_entry_answers() {
        let open = Arc::new(RwLock::new(diff(None, Some(7))));
        let view = StateView::empty().with_layers(vec![
            Layer::Open(Arc::clone(&open)),
            Layer::Frozen(Arc::new(diff(Some(2), Some(6)))),
            Layer::Frozen(Arc::new(diff(Some(1), None))),
        ]);
        assert_eq!(view.account(ALICE).unwrap(), account(2));
        assert_eq!(view.slot(ALICE, SLOT).unwrap(), U256::from(7));
        assert_eq!(view.slot(ALICE, U256::from(1)).unwrap(), U256::ZERO);
        *open.write() = diff(Some(3), Some(0));
        assert_eq!(view.account(ALICE).unwrap(), account(3));
        assert_eq!(view.slot(ALICE, SLOT).unwrap(), U256::ZERO);
    }

    #[test]
    fn a_deleted_account_hides_the_older_layer() {
        let mut deleted = diff(Some(1), None);
        deleted.accounts.get_mut(&ALICE).unwrap().after = None;
        let view = StateView::empty().with_layers(vec![
            Layer::Frozen(Arc::new(deleted)),
            Layer::Frozen(Arc::new(diff(Some(1), None))),
        ]);
        assert_eq!(view.account(ALICE).unwrap(), None);
    }

    #[test]
    fn given_block_hashes_and_code_are_found_without_a_database() {
        let hash = b256!("00000000000000000000000000000000000000000000000000000000000000aa");
        let mut with_code = StateDiff::default();
        with_code.code.insert(hash, Bytes::from_static(&[1, 2]));
        let view = StateView::empty()
            .with_layers(vec![Layer::Frozen(Arc::new(with_code))])
            .with_block_hashes(vec![(5, hash)]);
        assert_eq!(view.block_hash(5).unwrap(), Some(hash));
        assert_eq!(view.block_hash(4).unwrap(), None);
        assert_eq!(view.code(hash).unwrap().unwrap().as_ref(), [1, 2]);
        assert_eq!(view.code(B256::ZERO).unwrap(), None);
    }
}
