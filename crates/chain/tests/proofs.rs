//! Proofs at the head, in the window, at boundaries and pins: on random states, through unwinds and
//! restarts.

mod common;

use alloy_primitives::B256;
use aura_chain::ChainError;
use aura_smt::verify;
use aura_storage::StorageError;
use common::{INTERVAL, Key, Model, Running, WINDOW, random_block};
use rand::{Rng, SeedableRng, rngs::StdRng};

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
                // The window moves with every commit.
                running.settle();
                let window = running.durable().saturating_sub(WINDOW);
                let absent = B256::repeat_byte(1);
                let named = first_available.max(window);
                running.chain.prove(named, &[absent]).unwrap();
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
    for seed in 0..cases.unwrap_or(6).max(6) {
        println!("seed {seed}");
        run(seed, 150, [40, 400, 4_000][seed as usize % 3]);
    }
}
