//! Damaged rows about nodes and leaves: each is named with its table and key.

mod common;

use alloy_primitives::B256;
use aura_primitives::AccountChange;
use aura_smt::{NodeChange, NodeId, Prefix};
use aura_storage::{LeafChange, StorageError, Store, TreeChanges};
use common::{config, tree::Model, with_mdbx};
use signet_libmdbx::{WriteFlags, tx::aliases::RwTxUnsync};

const NODES: u32 = 1_000;
const DEPTH: u8 = 12;

fn node(index: u32) -> NodeId {
    NodeId {
        depth: DEPTH,
        index,
    }
}

fn node_changes() -> Vec<NodeChange> {
    let change = |index| NodeChange {
        node: node(index),
        before: B256::left_padding_from(&index.to_be_bytes()),
    };
    (0..NODES).map(change).collect()
}

/// A chain of `blocks` blocks, with many nodes in each block and boundary.
fn chain(dir: &std::path::Path, blocks: u64) -> Store {
    let store = Store::open(dir, &config()).unwrap();
    let mut model = Model::new(&store, DEPTH);
    let mut writer = store.writer().unwrap();
    for n in 0..blocks {
        let (block, mut tree) = model.next(&[(2, n + 1), (3, n % 2)], DEPTH);
        tree.nodes = node_changes();
        tree.interval = tree.interval.map(|_| node_changes());
        writer.put_block(&block, &tree).unwrap();
    }
    writer.commit().unwrap();
    store
}

fn key13(number: u64, depth: u8, index: u32) -> Vec<u8> {
    [&number.to_be_bytes()[..], &[depth], &index.to_be_bytes()].concat()
}

/// Key of the `part`-th part of a diff.
fn diff_key(block: u64, part: u32) -> Vec<u8> {
    match (part + 1) * 54 {
        end if end < NODES => key13(block, DEPTH, end - 1),
        _ => key13(block, 0xff, u32::MAX),
    }
}

fn history_key(index: u32, boundary: u64) -> Vec<u8> {
    [&[DEPTH][..], &index.to_be_bytes(), &boundary.to_be_bytes()].concat()
}

fn part_key(block: u64, part: u32) -> Vec<u8> {
    [&block.to_be_bytes()[..], &part.to_be_bytes()].concat()
}

fn change(tx: &RwTxUnsync, table: &str, key: &[u8], f: impl FnOnce(&mut Vec<u8>)) {
    let table = tx.open_db(Some(table)).unwrap();
    let mut value: Vec<u8> = tx.get(table.dbi(), key).unwrap().expect("the row is there");
    f(&mut value);
    tx.put(table, key, value, WriteFlags::UPSERT).unwrap();
}

fn remove(tx: &RwTxUnsync, table: &str, key: &[u8]) {
    let table = tx.open_db(Some(table)).unwrap();
    assert!(tx.del(table, key, None).unwrap());
}

fn insert(tx: &RwTxUnsync, table: &str, key: &[u8], value: &[u8]) {
    let table = tx.open_db(Some(table)).unwrap();
    tx.put(table, key, value, WriteFlags::UPSERT).unwrap();
}

/// Damages a chain, then expects `read` to fail and to name the row.
fn named(
    blocks: u64,
    (table, key): (&str, &[u8]),
    damage: impl FnOnce(&RwTxUnsync),
    read: impl Fn(&Store) -> Result<(), StorageError>,
) {
    let dir = tempfile::tempdir().unwrap();
    let store = chain(dir.path(), blocks);
    read(&store).expect("the chain is whole");
    drop(store);
    with_mdbx(dir.path(), damage);
    let store = Store::open(dir.path(), &config()).unwrap();
    let error = read(&store).expect_err("the damage is seen");
    assert!(error.is_damage());
    match error {
        StorageError::Decode {
            table: found,
            key: found_key,
            ..
        } => assert_eq!((found, &found_key[..]), (table, key)),
        error => panic!("unexpected error {error}"),
    }
}

/// Asks for a node as of the block before `block`, which changed it.
fn ask(store: &Store, block: u64, index: u32) -> Result<(), StorageError> {
    let reader = store.reader()?;
    let found = reader.nodes_at(block - 1)?.before(node(index))?;
    assert_eq!(found, Some(node_changes()[index as usize].before));
    Ok(())
}

fn unwind(store: &Store) -> Result<(), StorageError> {
    let unwound = store.writer()?.unwind_block()?;
    let interval = unwound.interval.expect("the tip is a boundary");
    assert_eq!(interval, node_changes());
    Ok(())
}

fn open_interval(store: &Store) -> Result<(), StorageError> {
    let interval = store.reader()?.open_interval()?;
    assert_eq!(interval, node_changes());
    Ok(())
}

/// A block in the closed interval up to 8, and one in the open interval.
const BLOCKS: [u64; 2] = [6, 10];

#[test]
fn a_missing_part_of_a_diff() {
    for (part, index) in [(0, 3), (7, 400), (18, 999)] {
        for block in BLOCKS {
            let key = diff_key(block, part);
            // A row that is not there is named by the key that was looked for.
            let wanted = key13(block, DEPTH, index);
            let damage = |tx: &RwTxUnsync| remove(tx, "NodeDiffs", &key);
            named(10, ("NodeDiffs", &wanted), damage, |s| ask(s, block, index));
        }
        // It is named by the end of the part before.
        let begin = match part {
            0 => key13(10, 0, 0),
            part => diff_key(10, part - 1),
        };
        let key = diff_key(10, part);
        let damage = |tx: &RwTxUnsync| remove(tx, "NodeDiffs", &key);
        named(10, ("NodeDiffs", &begin), damage, open_interval);
    }
}

#[test]
fn a_missing_diff() {
    let damage = |block: u64| {
        move |tx: &RwTxUnsync| (0..19).for_each(|n| remove(tx, "NodeDiffs", &diff_key(block, n)))
    };
    for block in BLOCKS {
        let wanted = key13(block, DEPTH, 0);
        named(10, ("NodeDiffs", &wanted), damage(block), |s| {
            ask(s, block, 0)
        });
    }
    for block in [9, 10] {
        let first = key13(block, 0, 0);
        named(10, ("NodeDiffs", &first), damage(block), open_interval);
    }
    named(8, ("NodeDiffs", &key13(8, 0, 0)), damage(8), unwind);
}

#[test]
fn a_part_of_a_diff_with_a_wrong_width_or_order() {
    let damages: [fn(&mut Vec<u8>); 6] = [
        |value| value.truncate(value.len() - 1),
        |value| value.push(0),
        |value| value.truncate(4),
        |value| value.truncate(value.len() - 37),
        |value| value[5..].rotate_left(37),
        |value| value[5] = 40,
    ];
    for edit in damages {
        let key = diff_key(10, 7);
        let damage = |tx: &RwTxUnsync| change(tx, "NodeDiffs", &key, edit);
        named(10, ("NodeDiffs", &key), damage, |s| ask(s, 10, 400));
        let damage = |tx: &RwTxUnsync| change(tx, "NodeDiffs", &key, edit);
        named(10, ("NodeDiffs", &key), damage, open_interval);
    }
}

#[test]
fn a_row_of_a_boundary() {
    let key = history_key(400, 8);
    let as_of_4 = |store: &Store| ask(store, 5, 400);
    for len in [0, 31, 33] {
        let damage = |tx: &RwTxUnsync| change(tx, "NodeHistory", &key, |v| v.resize(len, 1));
        named(8, ("NodeHistory", &key), damage, as_of_4);
        let damage = |tx: &RwTxUnsync| change(tx, "NodeHistory", &key, |v| v.resize(len, 1));
        named(8, ("NodeHistory", &key), damage, unwind);
    }
    let damage = |tx: &RwTxUnsync| remove(tx, "NodeHistory", &key);
    named(8, ("NodeHistory", &key), damage, unwind);
    let long = [&history_key(400, 5)[..], &[1]].concat();
    let damage = |tx: &RwTxUnsync| insert(tx, "NodeHistory", &long, &[1; 32]);
    named(8, ("NodeHistory", &long), damage, as_of_4);
}

#[test]
fn a_part_of_a_list_of_boundary_nodes() {
    // More parts follow one that is not full.
    let damage = |tx: &RwTxUnsync| change(tx, "Boundaries", &part_key(8, 0), |v| v.truncate(50));
    named(8, ("Boundaries", &part_key(8, 1)), damage, unwind);
    for part in 0..3 {
        let key = part_key(8, part);
        if part > 0 {
            let damage = |tx: &RwTxUnsync| remove(tx, "Boundaries", &key);
            named(8, ("Boundaries", &key), damage, unwind);
        }
        let damages: [fn(&mut Vec<u8>); 4] = [
            |value| value.truncate(value.len() - 1),
            |value| value.push(0),
            |value| value.rotate_left(5),
            |value| value[0] = 0,
        ];
        for edit in damages {
            let damage = |tx: &RwTxUnsync| change(tx, "Boundaries", &key, edit);
            named(8, ("Boundaries", &key), damage, unwind);
        }
    }
    let short = 7u64.to_be_bytes();
    let damage = |tx: &RwTxUnsync| insert(tx, "Boundaries", &short, &[]);
    named(8, ("Boundaries", &short), damage, |s| {
        s.reader()?.nodes_at(7).map(drop)
    });
}

#[test]
fn rows_of_pins_and_of_settings() {
    let pins = |store: &Store| store.reader()?.pins().map(drop);
    let key = 4u64.to_be_bytes();
    let damage = |tx: &RwTxUnsync| insert(tx, "Pins", &key, &[1; 7]);
    named(8, ("Pins", &key), damage, pins);
    let damage = |tx: &RwTxUnsync| insert(tx, "Pins", &[1; 9], &[1; 8]);
    named(8, ("Pins", &[1; 9]), damage, pins);
    let nodes_at = |store: &Store| store.reader()?.nodes_at(5).map(drop);
    for name in ["node_depth", "first_nodes"] {
        let row = ("Meta", name.as_bytes());
        named(8, row, |tx| remove(tx, "Meta", name.as_bytes()), nodes_at);
        let damage = |tx: &RwTxUnsync| change(tx, "Meta", name.as_bytes(), |v| v.push(0));
        named(8, row, damage, nodes_at);
    }
    let damage = |tx: &RwTxUnsync| change(tx, "Meta", b"node_depth", |v| v[8] = 13);
    named(8, ("Meta", b"node_depth"), damage, nodes_at);
}

#[test]
fn leaves_and_their_history() {
    let now = |store: &Store| store.reader()?.leaves_in(&[Prefix::ALL], |_, _, _| {});
    let then = |store: &Store| store.reader()?.leaves_in_at(&Prefix::ALL, 5, |_, _| {});
    let long = [0x5b; 33];
    let damage = |tx: &RwTxUnsync| insert(tx, "Flat", &long, &[1, 1]);
    named(8, ("Flat", &long), damage, now);
    let damage = |tx: &RwTxUnsync| insert(tx, "Flat", &long, &[1, 1]);
    named(8, ("Flat", &long), damage, then);
    let key = B256::ZERO;
    let damage = |tx: &RwTxUnsync| change(tx, "Flat", &key[..], |v| v[0] = 9);
    named(8, ("Flat", &key[..]), damage, now);
    let damage = |tx: &RwTxUnsync| change(tx, "Flat", &key[..], |v| v[0] = 9);
    named(8, ("Flat", &key[..]), damage, then);
    let row = [&[0x5a; 32][..], &6u64.to_be_bytes()].concat();
    let damage = |tx: &RwTxUnsync| change(tx, "History", &row, |v| v[0] = 9);
    named(8, ("History", &row), damage, then);
    let long = [&row[..], &[1]].concat();
    let damage = |tx: &RwTxUnsync| {
        remove(tx, "History", &row);
        insert(tx, "History", &long, &[1, 1]);
    };
    named(8, ("History", &long), damage, then);
}

type Read = fn(&Store) -> Result<(), StorageError>;

#[test]
fn a_part_of_a_list_of_touched_keys() {
    let touched = |store: &Store| store.reader()?.touched_keys(7).map(drop);
    let undone = |store: &Store| {
        let mut writer = store.writer()?;
        writer.unwind_block()?;
        writer.unwind_block().map(drop)
    };
    let key = part_key(7, 0);
    let reads: [Read; 2] = [touched, undone];
    for read in reads {
        let damages: [fn(&mut Vec<u8>); 3] = [
            |value| value.push(0),
            |value| value.truncate(value.len() - 1),
            |value| value.rotate_left(32),
        ];
        for edit in damages {
            let damage = |tx: &RwTxUnsync| change(tx, "TouchedKeys", &key, edit);
            named(8, ("TouchedKeys", &key), damage, read);
        }
        let damage = |tx: &RwTxUnsync| remove(tx, "TouchedKeys", &key);
        named(8, ("TouchedKeys", &key), damage, read);
    }
}

type Edit = fn(&mut TreeChanges);

#[test]
fn what_the_caller_says_wrong_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &config()).unwrap();
    let mut model = Model::new(&store, DEPTH);
    let (block, good) = model.next(&[(0, 5), (1, 5), (2, 5)], DEPTH);
    let mut writer = store.writer().unwrap();
    let wrong: [(&str, Edit); 10] = [
        ("keys are not in order", |t| t.leaves.swap(0, 1)),
        ("keys are not in order", |t| t.leaves[1] = t.leaves[0]),
        (
            "there are more or fewer leaves than the block changes",
            |t| t.leaves.truncate(2),
        ),
        ("a leaf does not change", |t| {
            t.leaves[0].1 = LeafChange::Account(
                Default::default(),
                AccountChange {
                    before: None,
                    after: None,
                },
            );
        }),
        ("nodes are not in order", |t| t.nodes.swap(0, 1)),
        ("nodes are not in order", |t| t.nodes[0].node.depth = 0),
        ("nodes are not in order", |t| t.nodes[0].node.index = 16),
        ("nodes of the interval are not in order", |t| {
            t.interval = Some(vec![t.nodes[0]; 2]);
        }),
        ("the bottom is not a multiple of 4 up to 32", |t| {
            t.bottom = 36
        }),
        ("the bottom is above that of the block before", |t| {
            t.bottom = DEPTH - 4
        }),
    ];
    for (expected, edit) in wrong {
        let mut tree = good.clone();
        edit(&mut tree);
        match writer.put_block(&block, &tree).unwrap_err() {
            StorageError::TreeChanges { number: 1, reason } => assert_eq!(reason, expected),
            error => panic!("unexpected error {error}"),
        }
    }
    writer.put_block(&block, &good).unwrap();
    writer.commit().unwrap();
}
