//! Past states, unwind and pruning against a naive model.

mod common;

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use aura_primitives::HeadLabel;
use aura_smt::Prefix;
use aura_storage::{Leaf, Reader, StorageError, Store};
use common::{
    Builder, Model, Op, config, dump, genesis, log, new_chain, put, put_at, row_counts, who,
};
use proptest::{collection::vec, prelude::*};

const PEOPLE: u8 = 8;
const SLOTS: u8 = 3;

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..PEOPLE, 0u64..4, any::<u64>(), 0u8..3)
            .prop_map(|(who, nonce, balance, code)| Op::Account { who, nonce, balance, code }),
        1 => (0..PEOPLE).prop_map(|who| Op::Delete { who }),
        3 => (0..PEOPLE, 0..SLOTS, 0u64..3)
            .prop_map(|(who, slot, word)| Op::Slot { who, slot, word }),
    ]
}

/// What a block does, and whether it is a boundary.
type Step = (Vec<Op>, bool);

fn any_steps(blocks: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let is_boundary = prop_oneof![3 => Just(false), 1 => Just(true)];
    vec((vec(any_op(), 0..12), is_boundary), blocks)
}

#[derive(Debug, Clone)]
enum Event {
    /// In one transaction.
    Blocks(Vec<Step>),
    Unwind(u64),
    /// Blocks to keep below the head, and a limit.
    Prune(u64, usize),
    Reopen,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => any_steps(1..4).prop_map(Event::Blocks),
        3 => (1u64..6).prop_map(Event::Unwind),
        2 => (0u64..12, 0usize..40).prop_map(|(kept, limit)| Event::Prune(kept, limit)),
        1 => Just(Event::Reopen),
    ]
}

/// A chain and its state and rows after every block.
struct Built {
    dir: tempfile::TempDir,
    store: Store,
    models: Vec<Model>,
    rows: Vec<BTreeMap<&'static str, u64>>,
}

fn build(blocks: &[Step]) -> Built {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder): (Store, Builder) = new_chain(dir.path());
    let mut models = vec![builder.model.clone()];
    let mut rows = vec![row_counts(&store)];
    for (n, (ops, is_boundary)) in (0u8..).zip(blocks) {
        let logs: Vec<_> = (0..n % 3)
            .map(|i| vec![log(i, &[n % 4, i]); i as usize])
            .collect();
        let block = builder.block(ops, &logs);
        let mut writer = store.writer().unwrap();
        put_at(&mut writer, &block, *is_boundary).unwrap();
        writer.commit().unwrap();
        models.push(builder.model.clone());
        rows.push(row_counts(&store));
    }
    Built {
        dir,
        store,
        models,
        rows,
    }
}

/// The list of `block` names exactly the leaves that it changed.
fn assert_touched(store: &Store, models: &[Model], first_history: u64) {
    let reader = store.reader().unwrap();
    for (number, states) in (1u64..).zip(models.windows(2)) {
        let changed = difference(&states[1], &states[0]).into_iter();
        let changed = (number > first_history).then(|| changed.map(|(key, _)| key).collect());
        assert_eq!(reader.touched_keys(number).unwrap(), changed);
    }
    assert_eq!(reader.touched_keys(0).unwrap(), None);
    assert_eq!(reader.touched_keys(models.len() as u64).unwrap(), None);
}

fn leaves_at(reader: &Reader, block: u64) -> BTreeMap<B256, Leaf> {
    let mut leaves = BTreeMap::new();
    let visit = |key, leaf| assert_eq!(leaves.insert(key, leaf), None);
    reader.leaves_in_at(&Prefix::ALL, block, visit).unwrap();
    leaves
}

fn assert_state(store: &Store, number: u64, model: &Model) {
    let reader = store.reader().unwrap();
    for index in 0..PEOPLE {
        let address = who(index);
        let account = model.accounts.get(&address).copied();
        assert_eq!(reader.account_at(address, number).unwrap(), account);
        for slot in 0..SLOTS {
            let slot = U256::from(slot);
            let word = model
                .slots
                .get(&(address, slot))
                .copied()
                .unwrap_or_default();
            assert_eq!(reader.slot_at(address, slot, number).unwrap(), word);
        }
    }
}

/// The leaves that differ between two states, with the older value.
fn difference(newer: &Model, older: &Model) -> Vec<(B256, Option<Leaf>)> {
    let (newer, older) = (newer.leaves(), older.leaves());
    let mut keys: Vec<B256> = newer.keys().chain(older.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| newer.get(key) != older.get(key));
    keys.into_iter()
        .map(|key| (key, older.get(&key).copied()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_past_state_equals_the_model(blocks in any_steps(1..12)) {
        let built = build(&blocks);
        for (number, model) in (0u64..).zip(&built.models) {
            assert_state(&built.store, number, model);
        }
        assert_touched(&built.store, &built.models, 0);
        prop_assert_eq!(
            dump(&built.store.reader().unwrap()),
            built.models.last().unwrap().leaves()
        );
    }

    #[test]
    fn unwinding_restores_every_former_state_and_every_table(
        blocks in any_steps(1..12), steps_per_commit in 1usize..3,
    ) {
        let built = build(&blocks);
        let mut number = blocks.len();
        while number > 0 {
            let mut writer = built.store.writer().unwrap();
            for _ in 0..steps_per_commit.min(number) {
                let unwound = writer.unwind_block().unwrap();
                prop_assert_eq!(unwound.block.number(), number as u64);
                let expected = difference(&built.models[number], &built.models[number - 1]);
                prop_assert_eq!(unwound.restored, expected);
                number -= 1;
            }
            writer.commit().unwrap();
            let reader = built.store.reader().unwrap();
            prop_assert_eq!(dump(&reader), built.models[number].leaves());
            prop_assert_eq!(reader.head(HeadLabel::Unsafe).unwrap().number, number as u64);
            let mut rows = row_counts(&built.store);
            // Code stays: it is found by its hash and may be shared.
            rows.insert("Code", built.rows[number]["Code"]);
            if rows["Undo"] != built.rows[number]["Undo"] {
                // What a removed block has folded stays folded.
                prop_assert_eq!(rows["Undo"], 0);
                for table in ["Undo", "History", "TouchedKeys"] {
                    rows.insert(table, built.rows[number][table]);
                }
            }
            prop_assert_eq!(&rows, &built.rows[number]);
            assert_touched(&built.store, &built.models[..=number], 0);
            for (past, model) in (0u64..).zip(&built.models[..=number]) {
                assert_state(&built.store, past, model);
            }
        }
        let error = built.store.writer().unwrap().unwind_block().unwrap_err();
        let refused = matches!(error, StorageError::UnwindGenesis);
        prop_assert!(refused);
    }

    #[test]
    fn pruning_keeps_the_window_and_refuses_what_is_below(
        blocks in any_steps(2..12), below in 0u64..13, limit in 1usize..20,
    ) {
        let built = build(&blocks);
        let head = blocks.len() as u64;
        loop {
            let mut writer = built.store.writer().unwrap();
            let stats = writer.prune_history(below, limit).unwrap();
            writer.commit().unwrap();
            let reader = built.store.reader().unwrap();
            let first = reader.first_history_block().unwrap();
            prop_assert_eq!(first, stats.first_history_block);
            prop_assert!(first <= below.min(head));
            for (number, model) in (0u64..).zip(&built.models) {
                if number >= first {
                    assert_state(&built.store, number, model);
                } else {
                    let error = reader.account_at(who(0), number).unwrap_err();
                    let StorageError::HistoryPruned { requested, first_available } = error else {
                        panic!("unexpected error {error}");
                    };
                    prop_assert_eq!((requested, first_available), (number, first));
                }
            }
            assert_touched(&built.store, &built.models, first);
            if stats.done {
                prop_assert_eq!(first, below.min(head));
                break;
            }
            prop_assert!(stats.removed > 0);
        }
        let mut writer = built.store.writer().unwrap();
        for number in (below.min(head)..head).rev() {
            prop_assert_eq!(writer.unwind_block().unwrap().block.number(), number + 1);
        }
        if below > 0 {
            let error = writer.unwind_block().unwrap_err();
            let refused = matches!(error, StorageError::HistoryPruned { .. });
            prop_assert!(refused);
        }
        writer.commit().unwrap();
        let reader = built.store.reader().unwrap();
        let model = &built.models[below.min(head) as usize];
        prop_assert_eq!(dump(&reader), model.leaves());
        if below >= head {
            prop_assert_eq!(row_counts(&built.store)["History"], 0);
        }
        prop_assert_eq!(row_counts(&built.store)["TouchedKeys"], 0);
        prop_assert_eq!(row_counts(&built.store)["Undo"], 0);
    }

    #[test]
    fn every_state_stays_right_through_folds_unwinds_pruning_and_restarts(
        events in vec(any_event(), 1..40),
    ) {
        let mut built = build(&[]);
        let mut builders = vec![genesis().2];
        let mut first = 0;
        for event in events {
            let mut writer = built.store.writer().unwrap();
            let head = builders.len() as u64 - 1;
            match event {
                Event::Blocks(steps) => {
                    for (ops, is_boundary) in steps {
                        let mut builder = builders[builders.len() - 1].clone();
                        let block = builder.block(&ops, &[]);
                        put_at(&mut writer, &block, is_boundary).unwrap();
                        builders.push(builder);
                    }
                }
                Event::Unwind(count) => {
                    for _ in 0..count.min(head - first) {
                        writer.unwind_block().unwrap();
                        builders.pop();
                    }
                }
                Event::Prune(kept, limit) => {
                    let stats = writer.prune_history(head.saturating_sub(kept), limit).unwrap();
                    first = stats.first_history_block;
                }
                Event::Reopen => {
                    drop(writer);
                    drop(built.store);
                    built.store = Store::open(built.dir.path(), &config()).unwrap();
                    continue;
                }
            }
            writer.commit().unwrap();
            let models: Vec<Model> = builders.iter().map(|b| b.model.clone()).collect();
            for (number, model) in (0u64..).zip(&models).skip(first as usize) {
                assert_state(&built.store, number, model);
                let reader = built.store.reader().unwrap();
                prop_assert_eq!(leaves_at(&reader, number), model.leaves());
            }
            assert_touched(&built.store, &models, first);
        }
    }
}

#[test]
fn a_block_with_more_keys_than_one_list_part_unwinds() {
    let ops: Vec<Op> = (0..=255)
        .map(|who| Op::Account {
            who,
            nonce: 1,
            balance: 2,
            code: 0,
        })
        .collect();
    for (is_boundary, table) in [(true, "TouchedKeys"), (false, "Undo")] {
        let deleted = (vec![Op::Delete { who: 7 }], false);
        let built = build(&[(ops.clone(), is_boundary), deleted]);
        assert!(built.rows[1][table] > 3);
        assert_touched(&built.store, &built.models, 0);
        for (number, model) in (0u64..).zip(&built.models) {
            assert_eq!(
                leaves_at(&built.store.reader().unwrap(), number),
                model.leaves()
            );
        }
        let mut writer = built.store.writer().unwrap();
        writer.unwind_block().unwrap();
        writer.unwind_block().unwrap();
        writer.commit().unwrap();
        assert_eq!(
            dump(&built.store.reader().unwrap()),
            built.models[0].leaves()
        );
        assert_eq!(row_counts(&built.store)[table], 0);
    }
}

#[test]
fn without_boundaries_the_history_is_folded_now_and_then() {
    let steps: Vec<Step> = (0..150)
        .map(|n| {
            let word = n % 3;
            let slot = Op::Slot {
                who: (n % 7) as u8,
                slot: 1,
                word,
            };
            (vec![slot], false)
        })
        .collect();
    let built = build(&steps);
    assert!(
        built
            .rows
            .iter()
            .all(|rows| rows["Undo"] < 64 && rows["Undo"] + rows["TouchedKeys"] <= 150)
    );
    assert!(built.rows[63]["History"] == 0 && built.rows[64]["Undo"] == 0);
    for (number, model) in (0u64..).zip(&built.models) {
        assert_state(&built.store, number, model);
    }
}

#[test]
fn heads_move_down_with_an_unwind_and_another_block_can_follow() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder) = new_chain(dir.path());
    let fork = builder.clone();
    let block = builder.block(&[Op::Delete { who: 1 }], &[vec![log(1, &[1])]]);
    let mut writer = store.writer().unwrap();
    put(&mut writer, &block).unwrap();
    writer
        .set_head(HeadLabel::Safe, block.block.num_hash())
        .unwrap();
    writer.commit().unwrap();

    let other = fork
        .clone()
        .block(&[Op::Delete { who: 2 }], &[vec![log(2, &[2])]]);
    let mut writer = store.writer().unwrap();
    writer.unwind_block().unwrap();
    assert_eq!(
        writer.head(HeadLabel::Safe).unwrap().hash,
        fork.parent.hash()
    );
    put(&mut writer, &other).unwrap();
    writer.commit().unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.block_hash(1).unwrap(), Some(other.block.hash()));
    assert_eq!(reader.block_number(block.block.hash()).unwrap(), None);
    assert_eq!(reader.head(HeadLabel::Safe).unwrap().number, 0);
}
