//! A small chain with a naive model of its state beside it.
// Every test binary uses its own part of this module.
#![allow(dead_code, unreachable_pub)]

pub mod states;
pub mod tree;

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{Header, Signed, TxEip1559, TxType};
use alloy_eips::eip4895::{Withdrawal, Withdrawals};
use alloy_primitives::{Address, B256, Bytes, Log, Sealable, Signature, TxKind, U256, keccak256};
use aura_primitives::{
    Account, AccountChange, AuraTxType, CommittedBlock, Receipt, RecoveredTx, SealedBlock,
    SealedHeader, SlotChange, StateDiff, hashed_account_key, hashed_slot_key,
};
use aura_storage::{
    ChainIdentity, GenesisState, Leaf, Reader, StorageError, Store, StoreConfig, TreeChanges,
    Writer,
};
use signet_libmdbx::Environment;

/// State as plain maps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    pub accounts: BTreeMap<Address, Account>,
    pub slots: BTreeMap<(Address, U256), U256>,
}

impl Model {
    /// The flat table that belongs to this state.
    pub fn leaves(&self) -> BTreeMap<B256, Leaf> {
        let accounts = self
            .accounts
            .iter()
            .map(|(address, account)| (hashed_account_key(*address), Leaf::Account(*account)));
        let slots = self
            .slots
            .iter()
            .map(|((address, slot), word)| (hashed_slot_key(*address, *slot), Leaf::Slot(*word)));
        accounts.chain(slots).collect()
    }
}

/// One change of a block; addresses and slots come from small sets, so that blocks overlap.
#[derive(Debug, Clone)]
pub enum Op {
    Account {
        who: u8,
        nonce: u64,
        balance: u64,
        code: u8,
    },
    Delete {
        who: u8,
    },
    Slot {
        who: u8,
        slot: u8,
        word: u64,
    },
}

pub fn who(index: u8) -> Address {
    Address::from_word(keccak256([index]))
}

pub fn code(index: u8) -> Bytes {
    Bytes::from(vec![index; 3])
}

pub fn transaction(nonce: u64, sender: Address) -> RecoveredTx {
    let tx = TxEip1559 {
        chain_id: 7,
        nonce,
        gas_limit: 21_000,
        to: TxKind::Call(who(0)),
        value: U256::from(nonce),
        ..TxEip1559::default()
    };
    let signature = Signature::new(U256::from(9), U256::from(nonce) + U256::ONE, true);
    RecoveredTx::new(Signed::new_unhashed(tx, signature), sender)
}

/// Makes blocks that follow each other.
#[derive(Debug, Clone)]
pub struct Builder {
    pub parent: SealedHeader,
    pub model: Model,
    next_nonce: u64,
}

pub fn genesis() -> (SealedBlock, GenesisState, Builder) {
    let mut model = Model::default();
    for index in 0..4 {
        let account = Account {
            nonce: 1,
            balance: U256::from(index) << 70,
            ..Account::default()
        };
        model.accounts.insert(who(index), account);
        model.slots.insert((who(index), U256::ZERO), U256::from(5));
    }
    let state = GenesisState {
        accounts: model.accounts.clone().into_iter().collect(),
        slots: model.slots.iter().map(|((a, s), w)| (*a, *s, *w)).collect(),
        code: vec![(keccak256(code(9)), code(9))],
    };
    let header = Header {
        extra_data: Bytes::from_static(b"genesis"),
        ..Header::default()
    };
    let block = SealedBlock {
        l1_info: None,
        header: header.seal_slow(),
        transactions: vec![],
        ommers: vec![],
        withdrawals: Some(Withdrawals::default()),
    };
    let builder = Builder {
        parent: block.header.clone(),
        model,
        next_nonce: 0,
    };
    (block, state, builder)
}

pub fn identity() -> ChainIdentity {
    ChainIdentity {
        chain_id: 7,
        genesis_hash: genesis().0.hash(),
    }
}

pub fn config() -> StoreConfig {
    StoreConfig {
        max_size_bytes: 1 << 30,
        growth_step_bytes: 1 << 20,
        durable: false,
        ..StoreConfig::default()
    }
}

/// A database with the genesis block in it.
pub fn new_chain(dir: &std::path::Path) -> (Store, Builder) {
    let (block, state, builder) = genesis();
    let store = Store::open(dir, &config()).unwrap();
    store.init(identity(), &block, &state, 0).unwrap();
    (store, builder)
}

impl Builder {
    fn diff(&mut self, ops: &[Op]) -> StateDiff {
        let before = self.model.clone();
        let mut diff = StateDiff::default();
        for op in ops {
            match *op {
                Op::Account {
                    who: w,
                    nonce,
                    balance,
                    code: c,
                } => {
                    let mut account = Account {
                        nonce,
                        balance: U256::from(balance),
                        ..Account::default()
                    };
                    if c > 0 {
                        account.code_hash = keccak256(code(c));
                        diff.code.insert(account.code_hash, code(c));
                    }
                    self.model.accounts.insert(who(w), account);
                }
                Op::Delete { who: w } => {
                    self.model.accounts.remove(&who(w));
                    self.model
                        .slots
                        .retain(|(address, _), _| *address != who(w));
                }
                Op::Slot { who: w, slot, word } => {
                    let key = (who(w), U256::from(slot));
                    if word == 0 {
                        self.model.slots.remove(&key);
                    } else {
                        self.model.slots.insert(key, U256::from(word));
                    }
                }
            }
        }
        // Some unchanged entries stay in the diff, as its contract allows.
        for address in before.accounts.keys().chain(self.model.accounts.keys()) {
            let change = AccountChange {
                before: before.accounts.get(address).copied(),
                after: self.model.accounts.get(address).copied(),
            };
            diff.accounts.insert(*address, change);
        }
        for key @ (address, slot) in before.slots.keys().chain(self.model.slots.keys()) {
            let change = SlotChange {
                before: before.slots.get(key).copied().unwrap_or_default(),
                after: self.model.slots.get(key).copied().unwrap_or_default(),
            };
            diff.slots
                .entry(*address)
                .or_default()
                .insert(*slot, change);
        }
        diff
    }

    /// The next block: one transaction for every entry of `logs`, which are its logs.
    pub fn block(&mut self, ops: &[Op], logs: &[Vec<Log>]) -> CommittedBlock {
        let diff = self.diff(ops);
        let mut transactions = Vec::new();
        let mut receipts = Vec::new();
        let mut gas = 0;
        for logs in logs {
            let sender = who((self.next_nonce % 4) as u8);
            transactions.push(Arc::new(transaction(self.next_nonce, sender)));
            self.next_nonce += 1;
            gas += 21_000 + logs.len() as u64;
            receipts.push(Receipt {
                tx_type: AuraTxType::Signed(TxType::Eip1559),
                status: (!self.next_nonce.is_multiple_of(3)).into(),
                cumulative_gas_used: gas,
                logs: logs.clone(),
            });
        }
        let number = self.parent.number + 1;
        let header = Header {
            parent_hash: self.parent.hash(),
            number,
            gas_used: gas,
            timestamp: number * 2,
            extra_data: Bytes::copy_from_slice(&keccak256(format!("{ops:?}"))[..]),
            ..Header::default()
        };
        let header = header.seal_slow();
        self.parent = header.clone();
        let withdrawal = Withdrawal {
            index: number,
            ..Withdrawal::default()
        };
        let block = SealedBlock {
            l1_info: None,
            header,
            transactions,
            ommers: if number.is_multiple_of(2) {
                vec![Header::default()]
            } else {
                vec![]
            },
            withdrawals: (!number.is_multiple_of(3))
                .then(|| Withdrawals(vec![withdrawal; (number % 2) as usize])),
        };
        CommittedBlock {
            block,
            receipts,
            diff: Arc::new(diff),
        }
    }
}

/// Writes `block` without nodes of the tree.
pub fn put(writer: &mut Writer, block: &CommittedBlock) -> Result<(), StorageError> {
    writer.put_block(block, &TreeChanges::without_nodes(&block.diff))
}

/// Writes `block` without nodes of the tree; a boundary closes an interval.
pub fn put_at(
    writer: &mut Writer,
    block: &CommittedBlock,
    is_boundary: bool,
) -> Result<(), StorageError> {
    let tree = TreeChanges {
        interval: is_boundary.then(Vec::new),
        ..TreeChanges::without_nodes(&block.diff)
    };
    writer.put_block(block, &tree)
}

/// The flat table of a snapshot.
pub fn dump(reader: &Reader) -> BTreeMap<B256, Leaf> {
    let mut leaves = BTreeMap::new();
    let mut last = None;
    reader
        .leaves(|key, leaf| {
            assert!(last < Some(key), "keys come in order");
            last = Some(key);
            leaves.insert(key, leaf);
        })
        .unwrap();
    leaves
}

/// Rows of every table by name.
pub fn row_counts(store: &Store) -> BTreeMap<&'static str, u64> {
    let tables = store.stats().unwrap().tables;
    tables.into_iter().map(|t| (t.name, t.entries)).collect()
}

pub fn log(emitter: u8, topics: &[u8]) -> Log {
    let topics = topics.iter().map(|t| topic(*t)).collect();
    Log::new_unchecked(who(emitter), topics, Bytes::from(vec![emitter; 5]))
}

pub fn topic(index: u8) -> B256 {
    B256::left_padding_from(&[index, 0, 1])
}

/// Runs `change` in a plain MDBX environment.
pub fn with_mdbx(
    dir: &std::path::Path,
    change: impl FnOnce(&signet_libmdbx::tx::aliases::RwTxUnsync),
) {
    let env = Environment::builder().set_max_dbs(32).open(dir).unwrap();
    let tx = env.begin_rw_unsync().unwrap();
    change(&tx);
    tx.commit().unwrap();
}
