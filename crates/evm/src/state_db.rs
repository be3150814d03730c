//! revm's database: the parent's state below, the block's own changes above.

mod edit;
mod storage;

use std::{collections::BTreeMap, fmt, mem, sync::Arc};

use alloy_evm::overrides::OverrideBlockHashes;
use alloy_primitives::{
    Address, B256, KECCAK256_EMPTY, U256,
    map::{AddressMap, AddressSet, B256Map, HashMap, HashSet},
};
use aura_primitives::{Account, AccountChange, SlotChange, StateDiff};
use aura_storage::{DecodeError, LeafId, StateView, StorageError};
use parking_lot::{Mutex, RwLock};
use revm::{
    Database, DatabaseCommit,
    context::DBErrorMarker,
    state::{Account as EvmAccount, AccountInfo, Bytecode},
};

/// Accounts (and slots) of the parent state that one block keeps in memory; above it the cache starts
/// again after the transaction. About 100 bytes each.
const MAX_CLEAN_ENTRIES: usize = 1 << 18;
/// Most analysed contracts kept for one block, 24 KiB each at worst.
const MAX_CODE_ENTRIES: usize = 1 << 10;

/// A read of the state failed; the executor or call reports the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("state cannot be read")]
pub struct StateReadError;

impl DBErrorMarker for StateReadError {}

/// Why the last read failed.
#[derive(Debug)]
pub(crate) enum ReadFailure {
    /// The database says no.
    Storage(StorageError),
    /// No view was attached.
    Detached,
}

/// Where a [`StateDb`] leaves the cause of a failed read.
///
/// revm and alloy-evm turn database errors into text on some paths; the cause survives here.
#[derive(Debug, Clone, Default)]
pub(crate) struct ErrorSlot(Arc<Mutex<Option<ReadFailure>>>);

impl ErrorSlot {
    /// Takes the cause of the last failed read.
    pub(crate) fn take(&self) -> Option<ReadFailure> {
        self.0.lock().take()
    }

    fn put(&self, failure: ReadFailure) -> StateReadError {
        *self.0.lock() = Some(failure);
        StateReadError
    }
}

/// State during one block: revm reads from it and commits each transaction to it.
///
/// Changes go into the layer, a [`StateDiff`] that readers of `pending` share; its `before` values
/// are those of the parent's state however often a value changes. What was read from the parent's
/// state is remembered for the block, so a hot account costs one database read per block.
///
/// A `SELFDESTRUCT` before Cancun clears slots that the block has never touched: they are listed, which
/// only Ethereum chains can. From Cancun on (EIP-6780) only contracts created in the same
/// transaction are destroyed, and those have no older slots; Aura chains start at Cancun or later.
pub struct StateDb {
    view: Option<StateView>,
    layer: Arc<RwLock<StateDiff>>,
    accounts: AddressMap<Option<Account>>,
    slots: HashMap<(Address, U256), U256>,
    code: B256Map<Bytecode>,
    wiped: AddressSet,
    block_hashes: BTreeMap<u64, B256>,
    failure: ErrorSlot,
    reads: Option<StateReads>,
}

/// Leaves of the parent's state that a block has read so far.
pub type StateReads = Arc<Mutex<HashSet<LeafId>>>;

impl fmt::Debug for StateDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateDb")
            .field("attached", &self.view.is_some())
            .field("accounts", &self.accounts.len())
            .field("slots", &self.slots.len())
            .finish_non_exhaustive()
    }
}

impl Default for StateDb {
    fn default() -> Self {
        Self::new(None, Arc::default())
    }
}

impl StateDb {
    /// State of `view` with the changes of `layer` above it.
    pub fn new(view: Option<StateView>, layer: Arc<RwLock<StateDiff>>) -> Self {
        Self {
            view,
            layer,
            accounts: AddressMap::default(),
            slots: HashMap::default(),
            code: B256Map::default(),
            wiped: AddressSet::default(),
            block_hashes: BTreeMap::new(),
            failure: ErrorSlot::default(),
            reads: None,
        }
    }

    /// Notes every leaf of the parent's state that was read, or will be.
    pub fn record_reads(&mut self) -> StateReads {
        let accounts = self.accounts.keys().copied().map(LeafId::Account);
        let slots = self.slots.keys();
        let slots = slots.map(|(address, slot)| LeafId::Slot(*address, *slot));
        let reads = StateReads::new(Mutex::new(accounts.chain(slots).collect()));
        self.reads = Some(reads.clone());
        reads
    }

    fn note_read(&self, leaf: LeafId) {
        if let Some(reads) = &self.reads {
            reads.lock().insert(leaf);
        }
    }

    /// Replaces the view; it must show the same state as the one before.
    pub fn attach(&mut self, view: StateView) {
        self.view = Some(view);
    }

    /// Drops the view and with it the database snapshot.
    pub fn detach(&mut self) {
        self.view = None;
    }

    /// The changes so far, shared with whoever reads them.
    pub const fn layer(&self) -> &Arc<RwLock<StateDiff>> {
        &self.layer
    }

    pub(crate) fn error_slot(&self) -> ErrorSlot {
        self.failure.clone()
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&StateView) -> Result<T, StorageError>,
    ) -> Result<T, StateReadError> {
        let Some(view) = &self.view else {
            return Err(self.failure.put(ReadFailure::Detached));
        };
        read(view).map_err(|error| self.failure.put(ReadFailure::Storage(error)))
    }

    /// Looks at the parent's state together with the changes so far; `None` without a view.
    pub(crate) fn with_state<T>(
        &self,
        look: &mut dyn FnMut(&StateView, &StateDiff) -> T,
    ) -> Option<T> {
        let view = self.view.as_ref()?;
        Some(look(view, &self.layer.read()))
    }

    /// Account in the parent's state.
    fn parent_account(&mut self, address: Address) -> Result<Option<Account>, StateReadError> {
        if let Some(account) = self.accounts.get(&address) {
            return Ok(*account);
        }
        let account = self.read(|view| view.account(address))?;
        self.note_read(LeafId::Account(address));
        self.accounts.insert(address, account);
        Ok(account)
    }

    /// Slot in the parent's state.
    fn parent_slot(&mut self, address: Address, slot: U256) -> Result<U256, StateReadError> {
        if let Some(value) = self.slots.get(&(address, slot)) {
            return Ok(*value);
        }
        let value = self.read(|view| view.slot(address, slot))?;
        self.note_read(LeafId::Slot(address, slot));
        self.slots.insert((address, slot), value);
        Ok(value)
    }

    fn remember_code(&mut self, code_hash: B256, code: &Bytecode) {
        if self.code.len() >= MAX_CODE_ENTRIES {
            self.code.clear();
        }
        self.code.insert(code_hash, code.clone());
    }

    /// Writes one account of a transaction's outcome into `layer`.
    fn commit_account(&mut self, layer: &mut StateDiff, address: Address, account: &EvmAccount) {
        let destroyed = account.is_selfdestructed();
        // EIP-161 removes touched empty accounts. Those that come to be before that rule are marked
        // as created by revm.
        let after = if destroyed || (account.is_empty() && !account.is_created()) {
            None
        } else {
            Some(Account {
                nonce: account.info.nonce,
                balance: account.info.balance,
                code_hash: Self::unmarked_code_hash(account.info.code_hash),
            })
        };
        // An account can be empty by EIP-161 and have storage, from before that rule.
        let empty_with_storage = after.is_none() && Self::has_only_storage(&account.info);
        if destroyed || empty_with_storage {
            self.wipe_storage(layer, address, account.is_created());
        } else {
            self.commit_slots(layer, address, account);
        }
        let previous = match layer.accounts.get_mut(&address) {
            Some(change) => mem::replace(&mut change.after, after),
            None => {
                // The account was read before it could change, so this is a cache hit. Should it be
                // a read and fail, the cause stays in the slot and fails the block.
                let before = self.parent_account(address).unwrap_or_default();
                if before != after {
                    let change = AccountChange { before, after };
                    layer.accounts.insert(address, change);
                }
                before
            }
        };
        // Code changes by creation and, through EIP-7702, by delegation.
        if let Some(after) = after.filter(Account::has_code)
            && previous.is_none_or(|previous| previous.code_hash != after.code_hash)
            && let Some(code) = &account.info.code
        {
            let bytes = || code.original_bytes();
            layer.code.entry(after.code_hash).or_insert_with(bytes);
            self.remember_code(after.code_hash, code);
        }
    }

    fn commit_slots(&mut self, layer: &mut StateDiff, address: Address, account: &EvmAccount) {
        let mut changed = account.changed_storage_slots().peekable();
        if changed.peek().is_none() {
            return;
        }
        let slots = layer.slots.entry(address).or_default();
        for (slot, value) in changed {
            let after = value.present_value();
            match slots.get_mut(slot) {
                Some(change) => change.after = after,
                None => {
                    // A contract created in this transaction had no storage, unless its
                    // predecessor was destroyed in this very block.
                    let before = if account.is_created() && !self.wiped.contains(&address) {
                        U256::ZERO
                    } else {
                        self.parent_slot(address, *slot).unwrap_or_default()
                    };
                    slots.insert(*slot, SlotChange { before, after });
                }
            }
        }
    }
}

impl Database for StateDb {
    type Error = StateReadError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateReadError> {
        let changed = self.layer.read().accounts.get(&address).map(|c| c.after);
        let account = match changed {
            Some(after) => after,
            None => self.parent_account(address)?,
        };
        let Some(account) = account else {
            return Ok(None);
        };
        Ok(Some(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: self.marked_code_hash(address, &account)?,
            account_id: None,
            code: (!account.has_code()).then(Bytecode::default),
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, StateReadError> {
        if let Some(code) = self.code.get(&code_hash) {
            return Ok(code.clone());
        }
        let open = self.layer.read().code.get(&code_hash).cloned();
        let bytes = match open {
            Some(bytes) => bytes,
            None => self.read(|view| {
                // An account names it, so it was stored with that account.
                view.code(code_hash)?.ok_or_else(|| StorageError::Decode {
                    table: "Code",
                    key: code_hash.into(),
                    source: DecodeError::Missing,
                })
            })?,
        };
        // Bytes that look like a delegation but are not one predate EIP-3541: plain code.
        let code = Bytecode::new_raw_checked(bytes.clone())
            .unwrap_or_else(|_| Bytecode::new_legacy(bytes));
        self.remember_code(code_hash, &code);
        Ok(code)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateReadError> {
        let changed = {
            let layer = self.layer.read();
            let slots = layer.slots.get(&address);
            slots.and_then(|slots| slots.get(&slot)).map(|c| c.after)
        };
        match changed {
            Some(after) => Ok(after),
            None if self.wiped.contains(&address) => Ok(U256::ZERO),
            None => self.parent_slot(address, slot),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateReadError> {
        if let Some(hash) = self.block_hashes.get(&number) {
            return Ok(*hash);
        }
        let hash = self.read(|view| view.block_hash(number))?;
        Ok(hash.unwrap_or_default())
    }
}

impl DatabaseCommit for StateDb {
    fn commit(&mut self, changes: AddressMap<EvmAccount>) {
        self.commit_iter(&mut changes.into_iter());
    }

    fn commit_iter(&mut self, changes: &mut dyn Iterator<Item = (Address, EvmAccount)>) {
        let shared = Arc::clone(&self.layer);
        // One lock for the whole transaction: readers see all of it or nothing.
        let mut layer = shared.write();
        for (address, account) in changes {
            if account.is_touched() {
                self.commit_account(&mut layer, address, &account);
            }
        }
        // Only between transactions: a commit finds what its transaction has read.
        if self.accounts.len() > MAX_CLEAN_ENTRIES {
            self.accounts.clear();
        }
        if self.slots.len() > MAX_CLEAN_ENTRIES {
            self.slots.clear();
        }
    }
}

impl OverrideBlockHashes for StateDb {
    fn override_block_hashes(&mut self, block_hashes: BTreeMap<u64, B256>) {
        self.block_hashes.extend(block_hashes);
    }
}
