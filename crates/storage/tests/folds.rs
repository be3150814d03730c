//! Past states while blocks are folded, unwound and pruned, for snapshots of any age.

mod common;

use aura_storage::{Reader, Store};
use common::{
    Model, Op, config, new_chain, put, put_at, row_counts,
    states::{Step, any_steps, assert_state, assert_touched, leaves_at},
};
use proptest::{collection::vec, prelude::*};

/// Snapshots that stay open while the chain goes on.
const SNAPSHOTS: usize = 4;

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

/// A snapshot with what it must have.
struct Snapshot {
    reader: Reader,
    models: Vec<Model>,
    first: u64,
}

impl Snapshot {
    fn new(store: &Store, models: &[Model], first: u64) -> Self {
        Self {
            reader: store.reader().unwrap(),
            models: models.to_vec(),
            first,
        }
    }

    fn check(&self) {
        let models = (0u64..).zip(&self.models).skip(self.first as usize);
        for (number, model) in models {
            assert_state(&self.reader, number, model);
            assert_eq!(leaves_at(&self.reader, number), model.leaves());
        }
        assert_touched(&self.reader, &self.models, self.first);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_state_stays_right_through_folds_unwinds_pruning_and_restarts(
        events in vec(any_event(), 1..30),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, builder) = new_chain(dir.path());
        let mut builders = vec![builder];
        let mut first = 0;
        let mut snapshots: Vec<Snapshot> = Vec::new();
        for event in events {
            let head = builders.len() as u64 - 1;
            let mut writer = store.writer().unwrap();
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
                    snapshots.clear();
                    drop((writer, store));
                    let models: Vec<_> = builders.iter().map(|b| b.model.clone()).collect();
                    let for_reading = Store::open_read_only(dir.path(), &config()).unwrap();
                    Snapshot::new(&for_reading, &models, first).check();
                    drop(for_reading);
                    store = Store::open(dir.path(), &config()).unwrap();
                    continue;
                }
            }
            writer.commit().unwrap();
            let models: Vec<_> = builders.iter().map(|b| b.model.clone()).collect();
            if snapshots.len() == SNAPSHOTS {
                snapshots.remove(0);
            }
            snapshots.push(Snapshot::new(&store, &models, first));
            snapshots.iter().for_each(Snapshot::check);
        }
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
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder) = new_chain(dir.path());
    let mut models = vec![builder.model.clone()];
    let mut rows = vec![row_counts(&store)];
    for (ops, _) in &steps {
        let mut writer = store.writer().unwrap();
        put(&mut writer, &builder.block(ops, &[])).unwrap();
        writer.commit().unwrap();
        models.push(builder.model.clone());
        rows.push(row_counts(&store));
    }
    assert!(
        rows.iter()
            .all(|rows| rows["Undo"] < 64 && rows["Undo"] + rows["TouchedKeys"] <= 150)
    );
    assert!(rows[63]["History"] == 0 && rows[64]["Undo"] == 0);
    for (number, model) in (0u64..).zip(&models) {
        assert_state(&store.reader().unwrap(), number, model);
    }
}
