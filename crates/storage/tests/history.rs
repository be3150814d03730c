//! Past states, unwind and pruning against a naive model.

mod common;

use std::collections::BTreeMap;

use aura_primitives::HeadLabel;
use aura_storage::{Reader, StorageError, Store};
use common::{
    Builder, Model, Op, dump, log, new_chain, put, put_at, row_counts,
    states::{Step, any_steps, assert_state, assert_touched, difference, leaves_at},
    who,
};
use proptest::prelude::*;

/// A chain and its state and rows after every block.
struct Built {
    _dir: tempfile::TempDir,
    store: Store,
    models: Vec<Model>,
    rows: Vec<BTreeMap<&'static str, u64>>,
}

fn reader_of(built: &Built) -> Reader {
    built.store.reader().unwrap()
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
        _dir: dir,
        store,
        models,
        rows,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_past_state_equals_the_model(blocks in any_steps(1..12)) {
        let built = build(&blocks);
        for (number, model) in (0u64..).zip(&built.models) {
            assert_state(&reader_of(&built), number, model);
        }
        assert_touched(&reader_of(&built), &built.models, 0);
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
            assert_touched(&reader_of(&built), &built.models[..=number], 0);
            for (past, model) in (0u64..).zip(&built.models[..=number]) {
                assert_state(&reader_of(&built), past, model);
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
                    assert_state(&reader_of(&built), number, model);
                } else {
                    let error = reader.account_at(who(0), number).unwrap_err();
                    let StorageError::HistoryPruned { requested, first_available } = error else {
                        panic!("unexpected error {error}");
                    };
                    prop_assert_eq!((requested, first_available), (number, first));
                }
            }
            assert_touched(&reader_of(&built), &built.models, first);
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
        assert_touched(&reader_of(&built), &built.models, 0);
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
