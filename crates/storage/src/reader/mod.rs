//! Read snapshots.

mod batches;
mod blocks;
mod boundaries;
mod l1;
mod l1_txs;
mod leaves;
mod nodes;
mod past;
mod preimages;
mod state;
mod touched;
mod undo;
mod withdrawals;

pub(crate) use boundaries::{leading_number, node_hash};
pub(crate) use l1::Numbered;
pub(crate) use l1_txs::l1_tx_key;
pub use nodes::NodesAt;
pub(crate) use undo::{ALL_KEYS, undo_damage};
pub(crate) use withdrawals::withdrawal_node_key;

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use aura_primitives::{
    Account, BlockNumHash, HeadLabel, Receipt, RecoveredTx, SealedBlock, SealedHeader,
    hashed_account_key, hashed_slot_key,
};
use parking_lot::Mutex;
use signet_libmdbx::Ro;

use crate::{
    BlockBody, LogBlocks, LogQuery, ReaderStats, ReceiptRecord, StorageError, TxLocation,
    access::Access, codec, environment::Shared, log_index::Search, tables::Table,
};

/// The open snapshots of a process. Ids ascend with time, so the first is the oldest.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    next: AtomicU64,
    open: Mutex<BTreeMap<u64, Instant>>,
}

impl Registry {
    pub(crate) fn stats(&self) -> ReaderStats {
        let open = self.open.lock();
        ReaderStats {
            open: open.len(),
            oldest: open.values().next().map(Instant::elapsed),
        }
    }
}

/// Keeps a snapshot on the list while it is open.
#[derive(Debug)]
struct Registration {
    shared: Arc<Shared>,
    id: u64,
}

impl Registration {
    fn new(shared: &Arc<Shared>, opened: Instant) -> Self {
        let id = shared.registry.next.fetch_add(1, Ordering::Relaxed);
        shared.registry.open.lock().insert(id, opened);
        shared.metrics.readers.increment(1.0);
        Self {
            shared: Arc::clone(shared),
            id,
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.shared.registry.open.lock().remove(&self.id);
        self.shared.metrics.readers.decrement(1.0);
    }
}

/// One snapshot of the database: everything read through it belongs to the same commit.
///
/// It can move to another thread but not be shared. An old snapshot keeps freed pages from being
/// reused, so every read fails with [`StorageError::ReaderExpired`] once the configured deadline
/// has passed; long scans open a new one and continue.
#[derive(Debug)]
pub struct Reader {
    access: Access<Ro>,
    opened: Instant,
    deadline: Duration,
    head: OnceCell<u64>,
    first_history: OnceCell<u64>,
    folded: OnceCell<u64>,
    has_preimages: OnceCell<bool>,
    _registration: Registration,
}

impl Reader {
    pub(crate) fn open(shared: &Arc<Shared>) -> Result<Self, StorageError> {
        let tx = shared
            .env
            .begin_ro_unsync()
            .map_err(|error| shared.error("begin read", error))?;
        let opened = Instant::now();
        Ok(Self {
            access: Access::new(tx, Arc::clone(shared)),
            opened,
            deadline: shared.config.reader_deadline,
            head: OnceCell::new(),
            first_history: OnceCell::new(),
            folded: OnceCell::new(),
            has_preimages: OnceCell::new(),
            _registration: Registration::new(shared, opened),
        })
    }

    pub(crate) const fn access(&self) -> &Access<Ro> {
        &self.access
    }

    /// Time since the snapshot was opened.
    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    fn check(&self) -> Result<(), StorageError> {
        if self.opened.elapsed() <= self.deadline {
            return Ok(());
        }
        self.access.shared().metrics.expired_readers.increment(1);
        Err(StorageError::ReaderExpired {
            limit: self.deadline,
        })
    }

    /// The access, if the snapshot has not expired.
    fn live(&self) -> Result<&Access<Ro>, StorageError> {
        self.check()?;
        Ok(&self.access)
    }

    /// The head with `label`.
    ///
    /// # Errors
    /// [`StorageError::NotInitialized`]; [`StorageError::ReaderExpired`] and damage, as every
    /// read below.
    pub fn head(&self, label: HeadLabel) -> Result<BlockNumHash, StorageError> {
        self.live()?.head(label)
    }

    /// Hash of block `number`.
    ///
    /// # Errors
    /// As every read.
    pub fn block_hash(&self, number: u64) -> Result<Option<B256>, StorageError> {
        self.live()?.block_hash(number)
    }

    /// Number of the block with `hash`.
    ///
    /// # Errors
    /// As every read.
    pub fn block_number(&self, hash: B256) -> Result<Option<u64>, StorageError> {
        let access = self.live()?;
        access.get_as(Table::HeaderNumbers, hash.as_slice(), codec::decode_u64)
    }

    /// Header of block `number`.
    ///
    /// # Errors
    /// As every read.
    pub fn header(&self, number: u64) -> Result<Option<SealedHeader>, StorageError> {
        self.live()?.header(number)
    }

    /// Body of block `number` without its transactions.
    ///
    /// # Errors
    /// As every read.
    pub fn body(&self, number: u64) -> Result<Option<BlockBody>, StorageError> {
        self.live()?.body(number)
    }

    /// Block `number`. Senders and hashes of transactions are read, not computed.
    ///
    /// # Errors
    /// As every read.
    pub fn block(&self, number: u64) -> Result<Option<SealedBlock>, StorageError> {
        self.live()?.block(number)
    }

    /// Number of transactions of block `number`.
    ///
    /// # Errors
    /// As every read.
    pub fn transaction_count(&self, number: u64) -> Result<Option<u64>, StorageError> {
        let span = self.live()?.tx_span(number)?;
        Ok(span.map(|(_, count)| u64::from(count)))
    }

    /// Transaction hashes of block `number`, in order.
    ///
    /// # Errors
    /// As every read.
    pub fn transaction_hashes(&self, number: u64) -> Result<Option<Vec<B256>>, StorageError> {
        self.live()?.transaction_hashes(number)
    }

    /// Where the transaction with `hash` stands.
    ///
    /// # Errors
    /// As every read.
    pub fn transaction_location(&self, hash: B256) -> Result<Option<TxLocation>, StorageError> {
        self.live()?.transaction_location(hash)
    }

    /// The transaction at `location`.
    ///
    /// # Errors
    /// As every read.
    pub fn transaction(&self, location: &TxLocation) -> Result<Option<RecoveredTx>, StorageError> {
        self.live()?.transaction(location.tx_number)
    }

    /// The transaction with `index` in block `number`.
    ///
    /// # Errors
    /// As every read.
    pub fn transaction_at(
        &self,
        number: u64,
        index: u64,
    ) -> Result<Option<RecoveredTx>, StorageError> {
        let access = self.live()?;
        match access.tx_span(number)? {
            Some((first, count)) if index < u64::from(count) => {
                access.transaction(first.saturating_add(index))
            }
            _ => Ok(None),
        }
    }

    /// Receipts of block `number`, in order.
    ///
    /// # Errors
    /// As every read.
    pub fn receipts(&self, number: u64) -> Result<Option<Vec<Receipt>>, StorageError> {
        self.live()?.receipts(number)
    }

    /// Receipt of the transaction at `location`. Reads no other receipt.
    ///
    /// # Errors
    /// As every read.
    pub fn receipt(&self, location: &TxLocation) -> Result<Option<ReceiptRecord>, StorageError> {
        let key = location.tx_number.to_be_bytes();
        let access = self.live()?;
        access.get_as(Table::Receipts, &key, codec::decode_receipt)
    }

    /// Account at `address` in the newest state of this snapshot.
    ///
    /// # Errors
    /// As every read.
    pub fn account(&self, address: Address) -> Result<Option<Account>, StorageError> {
        let key = hashed_account_key(address);
        let decode = |bytes: &[u8]| codec::decode_account_of(address, bytes);
        self.live()?.get_as(Table::Flat, key.as_slice(), decode)
    }

    /// Word at `slot` of `address` in the newest state of this snapshot; zero if absent.
    ///
    /// # Errors
    /// As every read.
    pub fn slot(&self, address: Address, slot: U256) -> Result<U256, StorageError> {
        let key = hashed_slot_key(address, slot);
        let word = self
            .live()?
            .get_as(Table::Flat, key.as_slice(), codec::decode_slot)?;
        Ok(word.unwrap_or_default())
    }

    /// Account at `address` after `block`.
    ///
    /// # Errors
    /// [`StorageError::HistoryPruned`], [`StorageError::MissingBlock`] if the block is above the
    /// head, and as every read.
    pub fn account_at(
        &self,
        address: Address,
        block: u64,
    ) -> Result<Option<Account>, StorageError> {
        self.check()?;
        if self.is_newest(block)? {
            return self.account(address);
        }
        let key = hashed_account_key(address);
        self.past(&key, block, |bytes| {
            codec::decode_account_of(address, bytes)
        })
    }

    /// Word at `slot` of `address` after `block`; zero if absent.
    ///
    /// # Errors
    /// As for [`account_at`](Self::account_at).
    pub fn slot_at(&self, address: Address, slot: U256, block: u64) -> Result<U256, StorageError> {
        self.check()?;
        if self.is_newest(block)? {
            return self.slot(address, slot);
        }
        let key = hashed_slot_key(address, slot);
        let word = self.past(&key, block, codec::decode_slot)?;
        Ok(word.unwrap_or_default())
    }

    /// Number of the newest block.
    fn newest(&self) -> Result<u64, StorageError> {
        if let Some(head) = self.head.get() {
            return Ok(*head);
        }
        let head = self.access.head(HeadLabel::Unsafe)?.number;
        Ok(*self.head.get_or_init(|| head))
    }

    /// Whether `block` is the newest; fails if its state cannot be read.
    fn is_newest(&self, block: u64) -> Result<bool, StorageError> {
        let head = self.newest()?;
        if block > head {
            return Err(StorageError::MissingBlock { number: block });
        }
        if block == head {
            return Ok(true);
        }
        let first_available = self.first_history_block()?;
        if block < first_available {
            return Err(StorageError::HistoryPruned {
                requested: block,
                first_available,
            });
        }
        Ok(false)
    }

    /// Code with the hash `code_hash`.
    ///
    /// # Errors
    /// As every read.
    pub fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StorageError> {
        let code = self.live()?.get(Table::Code, code_hash.as_slice())?;
        Ok(code.map(|code| Bytes::copy_from_slice(&code)))
    }

    /// The blocks that can hold logs for `query`. The caller compares the logs themselves.
    ///
    /// # Errors
    /// As every read.
    pub fn log_blocks(&self, query: &LogQuery) -> Result<LogBlocks, StorageError> {
        let search = Search {
            access: self.live()?,
            check: || self.check(),
        };
        search.blocks(query)
    }

    /// Oldest block whose state can be read.
    ///
    /// # Errors
    /// [`StorageError::NotInitialized`], and as every read.
    pub fn first_history_block(&self) -> Result<u64, StorageError> {
        if let Some(first) = self.first_history.get() {
            return Ok(*first);
        }
        let first = self.live()?.first_history_block()?;
        Ok(*self.first_history.get_or_init(|| first))
    }
}
