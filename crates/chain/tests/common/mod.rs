//! A chain of random states.

// Each test file uses its own part of this.
#![allow(dead_code)]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use alloy_primitives::{Address, B256, U256};
use aura_chain::{Chain, ChainConfig, ChainError};
use aura_chainspec::ChainSpec;
use aura_evm::{BlockExecutor, PayloadAttributes};
use aura_primitives::{
    Account, AccountChange, ExecutedBlock, SlotChange, StateDiff, hashed_account_key,
    hashed_slot_key,
};
use aura_smt::account_value;
use aura_storage::{Store, StoreConfig};
use rand::{Rng, rngs::StdRng};

pub(crate) const WINDOW: u64 = 20;
pub(crate) const INTERVAL: u64 = 8;

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) chain: Chain,
    writer: Option<JoinHandle<Result<(), ChainError>>>,
}

impl Running {
    pub(crate) fn new(chain: Chain, writer: JoinHandle<Result<(), ChainError>>) -> Self {
        Self {
            chain,
            writer: Some(writer),
        }
    }

    pub(crate) fn open(path: &Path) -> Self {
        Self::try_open(path).unwrap()
    }

    pub(crate) fn try_open(path: &Path) -> Result<Self, ChainError> {
        let store = Store::open(path, &StoreConfig::default()).unwrap();
        let config = ChainConfig {
            history_blocks: 90,
            proof_window_blocks: WINDOW,
            proof_interval_blocks: INTERVAL,
            pin_blocks: 60,
            pin_time: Duration::from_secs(60),
            cached_leaves: 500,
            ..ChainConfig::default()
        };
        let (chain, writer) = Chain::open(store, Arc::new(ChainSpec::dev()), config)?;
        let writer = thread::Builder::new().spawn(move || writer.run()).unwrap();
        Ok(Self::new(chain, writer))
    }

    pub(crate) fn durable(&self) -> u64 {
        let reader = self.chain.store().reader().unwrap();
        reader
            .head(aura_primitives::HeadLabel::Unsafe)
            .unwrap()
            .number
    }

    pub(crate) fn settle(&self) {
        while self.durable() < self.chain.tip().number {
            thread::yield_now();
        }
    }

    pub(crate) fn stop(mut self) -> Result<(), ChainError> {
        self.chain.shutdown();
        self.writer.take().unwrap().join().unwrap()
    }
}

/// Values of leaves that the random blocks change.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) slots: BTreeMap<(Address, U256), U256>,
    pub(crate) accounts: BTreeMap<Address, Account>,
}

impl Model {
    pub(crate) fn value(&self, key: Key) -> Option<B256> {
        match key {
            Key::Slot(address, slot) => self
                .slots
                .get(&(address, slot))
                .map(|word| B256::from(*word)),
            Key::Account(address) => self
                .accounts
                .get(&address)
                .map(|a| account_value(a.nonce, a.balance, a.code_hash)),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Key {
    Slot(Address, U256),
    Account(Address),
}

impl Key {
    pub(crate) fn random(rng: &mut StdRng) -> Self {
        let address = Address::from([rng.random_range(1..9); 20]);
        if rng.random_bool(0.2) {
            return Self::Account(Address::with_last_byte(rng.random_range(1..200)));
        }
        Self::Slot(address, U256::from(rng.random_range(0..500)))
    }

    pub(crate) fn hashed(self) -> B256 {
        match self {
            Self::Slot(address, slot) => hashed_slot_key(address, slot),
            Self::Account(address) => hashed_account_key(address),
        }
    }
}

/// An empty block on the tip, with `changes` random changes of the state.
pub(crate) fn random_block(
    chain: &Chain,
    rng: &mut StdRng,
    model: &mut Model,
    changes: usize,
) -> ExecutedBlock {
    let parent = chain.tip();
    let attributes = PayloadAttributes {
        l1_info: None,
        timestamp: parent.timestamp + 1,
        prev_randao: B256::ZERO,
        fee_recipient: Address::repeat_byte(0xfe),
        gas_limit: 30_000_000,
        parent_beacon_block_root: Some(B256::ZERO),
        withdrawals: None,
        extra_data: Default::default(),
    };
    let view = chain.tip_view().unwrap();
    let executor = BlockExecutor::begin(chain.spec().clone(), &parent, attributes, view).unwrap();
    let mut block = executor.finish().unwrap();
    block.diff = StateDiff::default();
    for _ in 0..changes {
        match Key::random(rng) {
            Key::Slot(address, slot) => {
                let before = model
                    .slots
                    .get(&(address, slot))
                    .copied()
                    .unwrap_or_default();
                let after = if rng.random_bool(0.3) {
                    U256::ZERO
                } else {
                    U256::from(rng.random::<u64>())
                };
                let slots = block.diff.slots.entry(address).or_default();
                slots
                    .entry(slot)
                    .or_insert(SlotChange { before, after })
                    .after = after;
                match after.is_zero() {
                    true => model.slots.remove(&(address, slot)),
                    false => model.slots.insert((address, slot), after),
                };
            }
            Key::Account(address) => {
                let before = model.accounts.get(&address).copied();
                let after = rng.random_bool(0.7).then(|| Account {
                    nonce: rng.random(),
                    ..Account::default()
                });
                let entry = block.diff.accounts.entry(address);
                entry.or_insert(AccountChange { before, after }).after = after;
                match after {
                    None => model.accounts.remove(&address),
                    Some(account) => model.accounts.insert(address, account),
                };
            }
        }
    }
    block
}
