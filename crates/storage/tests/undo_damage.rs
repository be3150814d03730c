//! Damage among the records that recent blocks replaced: each is named with its table and key.

mod common;

use std::path::Path;

use alloy_primitives::B256;
use aura_primitives::{CommittedBlock, hashed_account_key};
use aura_smt::Prefix;
use aura_storage::{StorageError, Store};
use common::{Op, config, new_chain, put, put_at, who, with_mdbx};
use signet_libmdbx::{WriteFlags, tx::aliases::RwTxUnsync};

/// A row: key and value.
type Row = (Vec<u8>, Vec<u8>);

/// What is done to a database that may be damaged; with the block that comes next.
type Use = fn(&Store, &CommittedBlock) -> Result<(), StorageError>;

/// Uses that go through all former records of block 3.
const SCANS: [(&str, Use); 4] = [
    ("leaves", |store, _| {
        store.reader()?.leaves_in_at(&Prefix::ALL, 2, |_, _| {})
    }),
    ("touched", |store, _| {
        store.reader()?.touched_keys(3).map(drop)
    }),
    ("unwind", |store, _| {
        store.writer()?.unwind_block().map(drop)
    }),
    ("fold", |store, next| {
        put_at(&mut store.writer()?, next, true)
    }),
];

fn everybody(nonce: u64) -> Vec<Op> {
    (0..=255)
        .map(|who| Op::Account {
            who,
            nonce,
            balance: 3,
            code: 0,
        })
        .collect()
}

/// A folded block and two that are not, in which everybody changes; and the next one.
fn chain(dir: &Path) -> (Store, CommittedBlock) {
    let (store, mut builder) = new_chain(dir);
    let mut writer = store.writer().unwrap();
    put_at(&mut writer, &builder.block(&everybody(1), &[]), true).unwrap();
    for nonce in 2..4 {
        put(&mut writer, &builder.block(&everybody(nonce), &[])).unwrap();
    }
    writer.commit().unwrap();
    let next = builder.block(&everybody(4), &[]);
    (store, next)
}

/// The rows of the table that belong to `block`.
fn rows(tx: &RwTxUnsync, block: u64) -> Vec<Row> {
    let table = tx.open_db(Some("Undo")).unwrap();
    let mut cursor = tx.cursor(table).unwrap();
    let mut rows = Vec::new();
    let mut row: Option<Row> = cursor.set_range(&block.to_be_bytes()).unwrap();
    while let Some(found) = row.filter(|(key, _)| key.starts_with(&block.to_be_bytes())) {
        rows.push(found);
        row = cursor.next().unwrap();
    }
    rows
}

/// Applies `damage` to the parts of block 3 of a new chain, then expects `read` to fail and to name
/// the row that `damage` returned.
fn named(
    damage: impl FnOnce(&RwTxUnsync, &[Row]) -> Vec<u8>,
    read: impl Fn(&Store, &CommittedBlock) -> Result<(), StorageError>,
    context: &str,
) {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = chain(dir.path());
    drop(store);
    let mut expected = Vec::new();
    with_mdbx(dir.path(), |tx| {
        let rows = rows(tx, 3);
        assert!(rows.len() > 4);
        expected = damage(tx, &rows);
    });
    let store = Store::open(dir.path(), &config()).unwrap();
    let next = chain(tempfile::tempdir().unwrap().path()).1;
    let error = read(&store, &next).expect_err(context);
    assert!(error.is_damage());
    match error {
        StorageError::Decode { table, key, .. } => {
            assert_eq!((table, &key[..]), ("Undo", &expected[..]), "{context}");
        }
        error => panic!("unexpected error {error}"),
    }
}

fn remove(tx: &RwTxUnsync, key: &[u8]) {
    let table = tx.open_db(Some("Undo")).unwrap();
    assert!(tx.del(table, key, None).unwrap());
}

fn write(tx: &RwTxUnsync, key: &[u8], value: &[u8]) {
    let table = tx.open_db(Some("Undo")).unwrap();
    tx.put(table, key, value, WriteFlags::UPSERT).unwrap();
}

/// `block ‖ key`, which names a part that is missing.
fn wanted(key: &[u8]) -> Vec<u8> {
    [&3u64.to_be_bytes()[..], key].concat()
}

/// Somebody whose record is in the part.
fn owner(value: &[u8]) -> u8 {
    let key = B256::from_slice(&value[32..64]);
    let mut everybody = 0..=255;
    everybody
        .find(|index| hashed_account_key(who(*index)) == key)
        .unwrap()
}

#[test]
fn the_chain_is_whole() {
    for (name, read) in SCANS {
        let dir = tempfile::tempdir().unwrap();
        let (store, next) = chain(dir.path());
        assert!(read(&store, &next).is_ok(), "{name}");
    }
}

#[test]
fn a_missing_part() {
    for nth in [0, 2, 99] {
        let part = |rows: &[Row]| rows[nth.min(rows.len() - 1)].clone();
        for (name, read) in SCANS {
            let damage = |tx: &RwTxUnsync, rows: &[Row]| {
                let (key, value) = part(rows);
                remove(tx, &key);
                // Named by the first key that is missed.
                wanted(&value[..32])
            };
            named(damage, read, name);
        }
        let somebody = std::cell::Cell::new(0);
        let damage = |tx: &RwTxUnsync, rows: &[Row]| {
            let (key, value) = part(rows);
            remove(tx, &key);
            somebody.set(owner(&value));
            wanted(hashed_account_key(who(somebody.get())).as_slice())
        };
        let read = |store: &Store, _: &CommittedBlock| {
            let address = who(somebody.get());
            store.reader()?.account_at(address, 2).map(drop)
        };
        named(damage, read, "account");
    }
}

#[test]
fn a_missing_list() {
    for (name, read) in SCANS {
        let damage = |tx: &RwTxUnsync, rows: &[Row]| {
            rows.iter().for_each(|(key, _)| remove(tx, key));
            wanted(&[0; 32])
        };
        named(damage, read, name);
    }
}

#[test]
fn a_part_with_a_wrong_width_order_or_range() {
    // A record follows a key and its length.
    let damages: [fn(&mut Vec<u8>); 7] = [
        |value| value.truncate(value.len() - 1),
        |value| value.truncate(31),
        |value| value.push(0),
        |value| value[32..64].fill(0xff),
        |value| value[0] = 0xff,
        |value| value[64] = 96,
        |value| value.truncate(65 + usize::from(value[64])),
    ];
    for (nth, edit) in damages.into_iter().enumerate() {
        let mut uses = SCANS.to_vec();
        uses.push(("account", |store, _| {
            (0..=255).try_for_each(|index| store.reader()?.account_at(who(index), 2).map(drop))
        }));
        for (name, read) in uses {
            let damage = |tx: &RwTxUnsync, rows: &[Row]| {
                let (key, mut value) = rows[1].clone();
                edit(&mut value);
                write(tx, &key, &value);
                key
            };
            named(damage, read, &format!("{name} {nth}"));
        }
    }
}

#[test]
fn a_part_that_does_not_follow_the_one_before() {
    for (name, read) in SCANS {
        let damage = |tx: &RwTxUnsync, rows: &[Row]| {
            let (key, mut value) = rows[1].clone();
            let first = value[..32].to_vec();
            // Still in order, but a key in between would be missed.
            let later = value[32..64].to_vec();
            assert_ne!(first, later);
            value[..32].copy_from_slice(&later);
            write(tx, &key, &value);
            wanted(&first)
        };
        named(damage, read, name);
    }
}

#[test]
fn a_record_that_does_not_decode() {
    let uses: [(&str, Use); 3] = [
        SCANS[0],
        SCANS[2],
        ("account", |store, _| {
            (0..=255).try_for_each(|index| store.reader()?.account_at(who(index), 2).map(drop))
        }),
    ];
    for (name, read) in uses {
        let damage = |tx: &RwTxUnsync, rows: &[Row]| {
            let (key, mut value) = rows[1].clone();
            value[65] = 9;
            write(tx, &key, &value);
            key
        };
        named(damage, read, name);
    }
}

#[test]
fn the_row_that_says_what_is_folded() {
    for (name, read) in SCANS {
        for len in [None, Some(7), Some(9)] {
            let dir = tempfile::tempdir().unwrap();
            let next = chain(dir.path()).1;
            with_mdbx(dir.path(), |tx| {
                let meta = tx.open_db(Some("Meta")).unwrap();
                match len {
                    None => assert!(tx.del(meta, b"folded", None).unwrap()),
                    Some(len) => {
                        let value = vec![0; len];
                        tx.put(meta, b"folded", value, WriteFlags::UPSERT).unwrap();
                    }
                }
            });
            let store = Store::open(dir.path(), &config()).unwrap();
            match read(&store, &next).expect_err(name) {
                StorageError::Decode {
                    table: "Meta", key, ..
                } => assert_eq!(&key[..], b"folded"),
                error => panic!("unexpected error {error}"),
            }
        }
    }
}
