//! Proofs at the head, in the window, at boundaries and pins: on random states, through unwinds and
//! restarts.

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
use aura_smt::{account_value, verify};
use aura_storage::{StorageError, Store, StoreConfig};
use rand::{Rng, SeedableRng, rngs::StdRng};

const WINDOW: u64 = 20;
const INTERVAL: u64 = 8;

struct Running {
    chain: Chain,
    writer: Option<JoinHandle<Result<(), ChainError>>>,
}

impl Running {
    fn open(path: &Path) -> Self {
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
        let (chain, writer) = Chain::open(store, Arc::new(ChainSpec::dev()), config).unwrap();
        let writer = thread::Builder::new().spawn(move || writer.run()).unwrap();
        Self {
            chain,
            writer: Some(writer),
        }
    }

    fn durable(&self) -> u64 {
        let reader = self.chain.store().reader().unwrap();
        reader
            .head(aura_primitives::HeadLabel::Unsafe)
            .unwrap()
            .number
    }

    fn settle(&self) {
        while self.durable() < self.chain.tip().number {
            thread::yield_now();
        }
    }

    fn stop(mut self) -> Result<(), ChainError> {
        self.chain.shutdown();
        self.writer.take().unwrap().join().unwrap()
    }
}

/// Values of leaves that the random blocks change.
#[derive(Clone, Default)]
struct Model {
    slots: BTreeMap<(Address, U256), U256>,
    accounts: BTreeMap<Address, Account>,
}

impl Model {
    fn value(&self, key: Key) -> Option<B256> {
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
enum Key {
    Slot(Address, U256),
    Account(Address),
}

impl Key {
    fn random(rng: &mut StdRng) -> Self {
        let address = Address::from([rng.random_range(1..9); 20]);
        if rng.random_bool(0.2) {
            return Self::Account(Address::with_last_byte(rng.random_range(1..200)));
        }
        Self::Slot(address, U256::from(rng.random_range(0..500)))
    }

    fn hashed(self) -> B256 {
        match self {
            Self::Slot(address, slot) => hashed_slot_key(address, slot),
            Self::Account(address) => hashed_account_key(address),
        }
    }
}

/// An empty block on the tip, with `changes` random changes of the state.
fn random_block(
    chain: &Chain,
    rng: &mut StdRng,
    model: &mut Model,
    changes: usize,
) -> ExecutedBlock {
    let parent = chain.tip();
    let attributes = PayloadAttributes {
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

/// Every block's state, and what must be provable.
struct History {
    states: Vec<Model>,
    pins: Vec<u64>,
    /// First block of the window, which unwinding does not move back.
    window: u64,
    /// Proofs checked at blocks that are neither in the window nor boundaries; refusals.
    pinned: usize,
    refused: usize,
}

impl History {
    fn check(&mut self, running: &Running, rng: &mut StdRng) {
        let durable = running.durable();
        let block = rng.random_range(0..=durable);
        let keys: Vec<Key> = (0..3).map(|_| Key::random(rng)).collect();
        let hashed: Vec<B256> = keys.iter().map(|key| key.hashed()).collect();
        let header = running
            .chain
            .store()
            .reader()
            .unwrap()
            .header(block)
            .unwrap()
            .unwrap();
        let first = running
            .chain
            .store()
            .reader()
            .unwrap()
            .first_history_block()
            .unwrap();
        // A commit may come between: only what lies well inside is certain.
        let in_window = block >= self.window && block + WINDOW > running.chain.tip().number;
        let kept = block.is_multiple_of(INTERVAL) && block >= first + 8
            || self.pins.contains(&block) && block + 50 > running.chain.tip().number;
        match running.chain.prove(block, &hashed) {
            Ok(proofs) => {
                self.pinned += usize::from(!in_window && !block.is_multiple_of(INTERVAL));
                assert_eq!(
                    (proofs.block.number, proofs.state_root),
                    (block, header.state_root)
                );
                for ((key, hashed), proof) in keys.iter().zip(&hashed).zip(&proofs.proofs) {
                    let value = verify(header.state_root, *hashed, proof).unwrap();
                    assert_eq!(
                        value,
                        self.states[block as usize].value(*key),
                        "block {block}"
                    );
                }
            }
            Err(ChainError::Storage(StorageError::ProofUnavailable {
                requested,
                first_available,
                ..
            })) => {
                assert!(
                    !in_window && !kept,
                    "block {block} below {durable} is not provable"
                );
                assert_eq!(requested, block);
                self.refused += 1;
                assert!(first_available <= durable);
                let absent = B256::repeat_byte(1);
                running.chain.prove(first_available, &[absent]).unwrap();
            }
            Err(ChainError::Storage(StorageError::HistoryPruned { .. })) => assert!(block < first),
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn run(seed: u64, blocks: u64, first_changes: usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::open(folder.path());
    let mut history = History {
        states: vec![Model::default()],
        pins: Vec::new(),
        window: 0,
        pinned: 0,
        refused: 0,
    };
    for round in 0..blocks {
        let mut model = history.states[history.states.len() - 1].clone();
        let changes = if round == 0 {
            first_changes
        } else {
            rng.random_range(0..60)
        };
        let block = random_block(&running.chain, &mut rng, &mut model, changes);
        running.chain.seal(block).unwrap();
        history.states.push(model);
        history.window = history
            .window
            .max(running.chain.tip().number.saturating_sub(WINDOW));
        history.check(&running, &mut rng);
        match rng.random_range(0..12) {
            0 => running.settle(),
            1 => {
                running.settle();
                let block = running.durable() - rng.random_range(0..4).min(running.durable());
                running.chain.pin(block).unwrap();
                history.pins.push(block);
            }
            2 if rng.random_bool(0.5) => {
                let tip = running.chain.tip().number;
                let to = tip - rng.random_range(0..=12).min(tip);
                match running.chain.unwind(to) {
                    Ok(()) => {
                        history.states.truncate(to as usize + 1);
                        history.pins.retain(|pin| *pin <= to);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            3 => {
                running.stop().unwrap();
                running = Running::open(folder.path());
            }
            _ => {}
        }
        for _ in 0..4 {
            history.check(&running, &mut rng);
        }
    }
    running.stop().unwrap();
    assert!(history.refused > 20, "{} refused", history.refused);
    assert!(history.pinned > 20, "{} pinned", history.pinned);
}

#[test]
fn every_state_that_must_be_is_provable_through_unwinds_and_restarts() {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    for seed in 0..cases.unwrap_or(6) {
        println!("seed {seed}");
        run(seed, 150, [40, 400, 4_000][seed as usize % 3]);
    }
}
