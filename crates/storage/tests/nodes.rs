//! Nodes and leaves of past states, pins, pruning and unwinding against every past state.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, U256};
use aura_smt::Prefix;
use aura_storage::{Leaf, Reader, StorageError, Store};
use common::{
    config, row_counts,
    tree::{INTERVAL, Model, State},
};
use proptest::{collection::vec, prelude::*, sample::Index};

#[derive(Debug, Clone)]
enum Step {
    Block(Vec<(usize, u64)>),
    Bottom(u8),
    Unwind(usize),
    Pin(Index),
    PruneNodes(u64, Index, usize),
    PruneHistory(u64, usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let block = vec((any::<usize>(), 0u64..4), 0..6);
    prop_oneof![
        16 => block.prop_map(Step::Block),
        1 => (0u8..4).prop_map(|bottom| Step::Bottom(bottom * 4)),
        2 => (1usize..7).prop_map(Step::Unwind),
        3 => any::<Index>().prop_map(Step::Pin),
        2 => (0u64..10, any::<Index>(), 0usize..20)
            .prop_map(|(window, pins, limit)| Step::PruneNodes(window, pins, limit)),
        1 => (0u64..20, 0usize..40).prop_map(|(kept, limit)| Step::PruneHistory(kept, limit)),
    ]
}

/// A store beside what the steps so far make it promise.
struct Run {
    _dir: tempfile::TempDir,
    store: Store,
    model: Model,
    bottom: u8,
    pins: BTreeSet<u64>,
    first_history: u64,
    /// The window reaches at least down to here.
    kept: u64,
    /// Without boundary and pin, blocks further below cannot be proven.
    pruned: u64,
}

impl Run {
    fn new(bottom: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &config()).unwrap();
        let model = Model::new(&store, bottom);
        Self {
            _dir: dir,
            store,
            model,
            bottom,
            pins: BTreeSet::new(),
            first_history: 0,
            kept: 0,
            pruned: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        let mut writer = self.store.writer().unwrap();
        let head = self.model.head();
        match step {
            Step::Block(writes) => self.model.put(&mut writer, writes, self.bottom),
            // It never falls.
            Step::Bottom(bottom) => self.bottom = self.bottom.max(*bottom),
            Step::Unwind(count) => {
                for _ in 0..(*count as u64).min(head - self.first_history) {
                    self.model.unwound(&writer.unwind_block().unwrap());
                }
            }
            Step::Pin(index) => {
                let block = index.index(head as usize + 1) as u64;
                let is_provable = self.store.reader().unwrap().provable(block).unwrap();
                match writer.pin(block) {
                    Ok(()) => {
                        assert!(is_provable);
                        self.pins.insert(block);
                    }
                    Err(StorageError::PinUnavailable { requested, .. }) => {
                        assert_eq!((requested, is_provable), (block, false));
                    }
                    Err(error) => panic!("unexpected error {error}"),
                }
            }
            Step::PruneNodes(window, pins, limit) => {
                let window = head.saturating_sub(*window);
                let below = pins.index(head as usize + 2) as u64;
                // Timestamps are twice the number.
                let stats = writer
                    .prune_nodes(window, below, below * 2, *limit)
                    .unwrap();
                self.kept = self.kept.max(window.saturating_sub(1));
                if stats.done {
                    self.pins.retain(|pin| *pin >= below);
                    let last_boundary = head / INTERVAL * INTERVAL;
                    self.pruned = self.pruned.max(window.min(last_boundary + 1));
                }
            }
            Step::PruneHistory(kept, limit) => {
                let below = head.saturating_sub(*kept);
                let stats = writer.prune_history(below, *limit).unwrap();
                assert!(stats.first_history_block <= below.max(self.first_history));
                self.first_history = stats.first_history_block;
            }
        }
        writer.commit().unwrap();
        self.settle();
    }

    /// Brings the promises in line with a head that is lower, or pins that are fewer.
    fn settle(&mut self) {
        let (head, first) = (self.model.head(), self.first_history);
        self.pruned = self.pruned.min(head + 1);
        self.kept = self.kept.min(head);
        self.pins.retain(|pin| (first..=head).contains(pin));
        let reader = self.store.reader().unwrap();
        let found = reader.pins().unwrap();
        assert!(found.iter().all(|pin| pin.timestamp == pin.block * 2));
        let found: BTreeSet<u64> = found.iter().map(|pin| pin.block).collect();
        let found: BTreeSet<u64> = found.range(first..).copied().collect();
        // A limit can leave some that were to go.
        assert!(found.is_subset(&self.pins) && found.len() <= self.pins.len());
        self.pins = found;
    }

    fn assert_blocks(&self) {
        let reader = self.store.reader().unwrap();
        let head = self.model.head();
        let blocks = 0..=head;
        let provable: BTreeSet<u64> = blocks
            .clone()
            .filter(|block| reader.provable(*block).unwrap())
            .collect();
        assert!(!reader.provable(head + 1).unwrap());
        for block in blocks {
            let last_boundary = block / INTERVAL * INTERVAL;
            let is_kept = self.pins.contains(&block)
                || [head, last_boundary].contains(&block)
                || block >= self.kept;
            let is_kept = is_kept && block >= self.first_history;
            let mut pins = self.pins.iter();
            let has_pin = pins.any(|pin| last_boundary < *pin && *pin <= block);
            let is_gone =
                block < self.first_history || (!is_kept && !has_pin && block + 1 < self.pruned);
            assert!(
                !is_kept || provable.contains(&block),
                "{block} must be provable"
            );
            assert!(
                !is_gone || !provable.contains(&block),
                "{block} must be gone"
            );
            if provable.contains(&block) {
                self.model.assert_nodes(&reader, block);
                continue;
            }
            match reader.nodes_at(block).unwrap_err() {
                StorageError::ProofUnavailable {
                    requested,
                    first_available,
                    nearest,
                } => {
                    assert_eq!(requested, block);
                    assert!((first_available..=head).all(|later| provable.contains(&later)));
                    let below = provable.range(..block).next_back().copied();
                    let above = provable.range(block..).next().copied();
                    assert_eq!(nearest, (below, above));
                }
                error => panic!("unexpected error {error}"),
            }
        }
    }

    fn assert_leaves(&self, bits: u16) {
        let reader = self.store.reader().unwrap();
        assert_eq!(
            reader.leaf_count().unwrap(),
            self.model.state().len() as u64
        );
        let prefixes: BTreeSet<Prefix> = self
            .model
            .keys
            .iter()
            .map(|k| Prefix::new(k, bits))
            .collect();
        for (block, state) in (0u64..).zip(&self.model.states) {
            for prefix in &prefixes {
                let found = leaves_at(&reader, prefix, block);
                if block >= self.first_history {
                    assert_eq!(
                        found.unwrap(),
                        below(state, prefix),
                        "{prefix:?} at {block}"
                    );
                } else {
                    let error = found.unwrap_err();
                    assert!(
                        matches!(error, StorageError::HistoryPruned { .. }),
                        "{error}"
                    );
                }
            }
        }
        let ascending: Vec<Prefix> = prefixes.into_iter().collect();
        let some = ascending.iter().step_by(2).copied().collect();
        let back = ascending.iter().rev().flat_map(|prefix| [*prefix; 2]);
        for prefixes in [some, back.collect(), ascending] {
            let mut found: Vec<State> = vec![State::new(); prefixes.len()];
            reader
                .leaves_in(&prefixes, |position, key, leaf| {
                    found[position].insert(key, word(leaf));
                })
                .unwrap();
            let expected = prefixes.iter().map(|p| below(self.model.state(), p));
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }
}

fn word(leaf: Leaf) -> U256 {
    match leaf {
        Leaf::Slot(word) => word,
        Leaf::Account(account) => panic!("unexpected account {account:?}"),
    }
}

fn below(state: &State, prefix: &Prefix) -> State {
    let leaves = state.iter().filter(|(key, _)| prefix.contains(key));
    leaves.map(|(key, word)| (*key, *word)).collect()
}

fn leaves_at(reader: &Reader, prefix: &Prefix, block: u64) -> Result<State, StorageError> {
    let mut found = State::new();
    let mut last: Option<B256> = None;
    reader.leaves_in_at(prefix, block, |key, leaf| {
        assert!(last < Some(key), "keys ascend");
        last = Some(key);
        found.insert(key, word(leaf));
    })?;
    Ok(found)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_provable_block_has_its_nodes_and_every_kept_state_its_leaves(
        steps in vec(any_step(), 1..60), bottom in 0u8..4, bits in vec(0u16..=256, 2),
    ) {
        let mut run = Run::new(bottom * 4);
        for (count, step) in steps.iter().enumerate() {
            run.step(step);
            // Always after what can break something; after blocks only now and then.
            if !matches!(step, Step::Block(_)) || count % 8 == 0 {
                run.assert_blocks();
            }
        }
        run.assert_blocks();
        for bits in bits.into_iter().chain([0, 4, 255, 256]) {
            run.assert_leaves(bits);
        }
    }

    #[test]
    fn unwinding_everything_leaves_the_tables_as_they_were(
        blocks in vec(vec((any::<usize>(), 0u64..4), 0..6), 1..20), window in 0u64..20,
        pins in vec(any::<Index>(), 0..4),
    ) {
        let mut run = Run::new(8);
        let mut before = row_counts(&run.store);
        for writes in &blocks {
            run.step(&Step::Block(writes.clone()));
        }
        for pin in pins {
            run.step(&Step::Pin(pin));
        }
        let mut writer = run.store.writer().unwrap();
        prop_assert!(writer.prune_nodes(window, 0, 0, usize::MAX).unwrap().done);
        writer.commit().unwrap();
        for _ in &blocks {
            run.kept = window;
            run.step(&Step::Unwind(1));
            run.assert_blocks();
        }
        // A pin of the genesis block stays.
        before.insert("Pins", run.pins.len() as u64);
        prop_assert_eq!(row_counts(&run.store), before);
    }

    #[test]
    fn pruning_everything_leaves_the_open_interval_only(
        blocks in vec(vec((any::<usize>(), 0u64..4), 0..6), 1..20), pins in vec(any::<Index>(), 0..4),
        limit in 1usize..9,
    ) {
        let mut run = Run::new(8);
        for writes in &blocks {
            run.step(&Step::Block(writes.clone()));
        }
        for pin in pins {
            run.step(&Step::Pin(pin));
        }
        let head = run.model.head();
        let mut is_done = false;
        while !is_done {
            let mut writer = run.store.writer().unwrap();
            let stats = writer.prune_nodes(u64::MAX, u64::MAX, u64::MAX, limit).unwrap();
            is_done = stats.done;
            prop_assert!(is_done || stats.removed >= limit);
            let first = stats.first_window_block;
            writer.commit().unwrap();
            run.pins = run.store.reader().unwrap().pins().unwrap().iter().map(|p| p.block).collect();
            run.kept = first;
            run.assert_blocks();
        }
        let rows = row_counts(&run.store);
        prop_assert_eq!(rows["Pins"], 0);
        // One part for each block of so few keys.
        prop_assert_eq!(rows["NodeDiffs"], head % INTERVAL);
        let mut is_done = false;
        while !is_done {
            let mut writer = run.store.writer().unwrap();
            let stats = writer.prune_history(head, limit).unwrap();
            is_done = stats.done;
            writer.commit().unwrap();
            run.first_history = stats.first_history_block;
            run.assert_blocks();
        }
        let rows: BTreeMap<_, _> = row_counts(&run.store);
        prop_assert_eq!(rows["Boundaries"], 1);
        prop_assert_eq!(rows["NodeDiffs"], head % INTERVAL);
        run.step(&Step::Block(vec![(0, 9)]));
        run.assert_blocks();
    }
}

#[test]
fn pins_of_one_interval_go_one_by_one() {
    let mut run = Run::new(8);
    for n in 0..14 {
        run.step(&Step::Block(vec![(n, 9), (n + 1, 8)]));
    }
    let mut writer = run.store.writer().unwrap();
    for block in [4, 5, 6] {
        writer.pin(block).unwrap();
    }
    assert!(writer.prune_nodes(12, 0, 0, 100).unwrap().done);
    writer.commit().unwrap();
    let reader = run.store.reader().unwrap();
    assert_eq!(row_counts(&run.store)["NodeDiffs"], 3 + 3);
    assert!(reader.provable(7).unwrap() && !reader.provable(3).unwrap());
    for (below, time, diffs, first) in [(9, 8, 6, 4), (5, 99, 6, 5), (6, 99, 5, 6), (7, 99, 3, 8)] {
        let mut writer = run.store.writer().unwrap();
        assert!(writer.prune_nodes(0, below, time, 100).unwrap().done);
        writer.commit().unwrap();
        assert_eq!(row_counts(&run.store)["NodeDiffs"], diffs);
        let reader = run.store.reader().unwrap();
        for block in [4, 5, 6, 7] {
            let is_there = block >= first || block == 4;
            assert_eq!(
                reader.provable(block).unwrap(),
                is_there,
                "{block} of {first}"
            );
            if is_there {
                run.model.assert_nodes(&reader, block);
            }
        }
    }
    let mut writer = run.store.writer().unwrap();
    let error = writer.pin(6).unwrap_err();
    assert_eq!(
        error.to_string(),
        "block 6 cannot be pinned: every block from 11 on can be proven, nearest are 4 and 8"
    );
    assert!(matches!(
        writer.pin(15).unwrap_err(),
        StorageError::MissingBlock { number: 15 }
    ));
    // A refused pin does not end the transaction.
    writer.pin(11).unwrap();
    writer.commit().unwrap();
}
