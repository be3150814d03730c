//! Loading a large state in several transactions, and a key that changes in every block.

mod common;

use alloy_primitives::{B256, U256};
use aura_primitives::HeadLabel;
use aura_smt::Prefix;
use aura_storage::{Leaf, LeafRecord, StorageError, Store};
use common::{
    config, dump, genesis, identity,
    tree::{Model, State},
};

/// More than one transaction takes.
const MANY: u64 = 1_000_000;

fn leaf(index: u64) -> (B256, LeafRecord) {
    let key = U256::from(index) << 192;
    (B256::from(key), LeafRecord::Slot(U256::from(index + 1)))
}

#[test]
fn a_load_that_fails_leaves_a_new_database_that_can_begin_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &config()).unwrap();
    let (block, state, builder) = genesis();
    // The leaf behind the first transaction has the key of the one before.
    let leaves = (0..MANY).map(leaf).chain([leaf(MANY - 1)]);
    match store.init_with(identity(), &block, 8, leaves).unwrap_err() {
        StorageError::InvalidLeaf { key, .. } => assert_eq!(key, leaf(MANY - 1).0),
        error => panic!("unexpected error {error}"),
    }
    drop(store);
    let store = Store::open(dir.path(), &config()).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.leaf_count().unwrap(), MANY);
    assert_eq!(store.identity().unwrap(), None);
    assert!(matches!(
        reader.head(HeadLabel::Unsafe).unwrap_err(),
        StorageError::NotInitialized
    ));
    drop(reader);

    let zero = [(B256::ZERO, LeafRecord::Slot(U256::ZERO))];
    let error = store.init_with(identity(), &block, 8, zero).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("leaf {} of a new state is a zero word", B256::ZERO)
    );
    let error = store.init(identity(), &block, &state, 5).unwrap_err();
    assert!(matches!(error, StorageError::TreeChanges { .. }), "{error}");
    store.init(identity(), &block, &state, 8).unwrap();
    assert_eq!(dump(&store.reader().unwrap()), builder.model.leaves());
}

#[test]
fn a_load_in_several_transactions_has_every_leaf() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &config()).unwrap();
    let block = genesis().0;
    let leaves = (0..=MANY).map(leaf);
    store.init_with(identity(), &block, 8, leaves).unwrap();
    store.check_identity(&identity()).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.leaf_count().unwrap(), MANY + 1);
    assert_eq!(reader.last_boundary().unwrap(), 0);
    assert_eq!(reader.nodes_at(0).unwrap().bottom(), 8);
    let mut next = 0;
    reader
        .leaves(|key, found| {
            let (expected, record) = leaf(next);
            assert_eq!(key, expected);
            assert!(matches!((found, record), (Leaf::Slot(a), LeafRecord::Slot(b)) if a == b));
            next += 1;
        })
        .unwrap();
    assert_eq!(next, MANY + 1);
    let error = store.init_with(identity(), &block, 8, []).unwrap_err();
    assert!(matches!(error, StorageError::AlreadyInitialized));
}

#[test]
fn a_key_that_changes_in_every_block_has_all_its_past_values() {
    const BLOCKS: u64 = 3_000;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &config()).unwrap();
    let mut model = Model::new(&store, 8);
    let mut writer = store.writer().unwrap();
    for n in 1..=BLOCKS {
        // Its neighbours in the table change seldom; the last of all keys is hot as well.
        let seldom = n.is_multiple_of(700).then_some((n as usize / 700, n));
        let hot = [(2, n), (1, n % 2)];
        let writes: Vec<_> = hot.into_iter().chain(seldom).collect();
        model.put(&mut writer, &writes, 8);
    }
    writer.commit().unwrap();
    let reader = store.reader().unwrap();
    for block in (0..=BLOCKS).step_by(371).chain([1, BLOCKS - 1, BLOCKS]) {
        model.assert_nodes(&reader, block);
        let mut found = State::new();
        let visit = |key, leaf| {
            let Leaf::Slot(word) = leaf else {
                panic!("unexpected {leaf:?}");
            };
            found.insert(key, word);
        };
        reader.leaves_in_at(&Prefix::ALL, block, visit).unwrap();
        assert_eq!(found, model.states[block as usize]);
    }
}
