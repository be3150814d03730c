//! Databases that must be refused, each with its own error, and without a changed byte.

mod common;

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
    process::Command,
    time::Duration,
};

use alloy_primitives::{B256, Bytes, keccak256};
use aura_primitives::{CommittedBlock, HeadLabel, StateDiff};
use aura_storage::{ChainIdentity, SCHEMA_VERSION, StorageError, Store, StoreConfig};
use common::{Builder, Op, config, dump, genesis, identity, log, new_chain, put, with_mdbx};
use signet_libmdbx::{DatabaseFlags, WriteFlags};

fn data(dir: &Path) -> Vec<u8> {
    fs::read(dir.join("mdbx.dat")).unwrap()
}

/// Opens both ways, expects an error from each and an untouched data file.
fn refused(dir: &Path) -> StorageError {
    let before = data(dir);
    assert!(Store::open_read_only(dir, &config()).is_err());
    assert!(before == data(dir), "the data file was changed by reading");
    let error = Store::open(dir, &config()).unwrap_err();
    assert!(before == data(dir), "the data file was changed");
    assert!(!error.is_transient());
    error
}

fn some_blocks(dir: &Path) -> Builder {
    let (store, mut builder) = new_chain(dir);
    for n in 0..20 {
        let ops = [Op::Account {
            who: n,
            nonce: 1,
            balance: 5,
            code: n,
        }];
        let mut writer = store.writer().unwrap();
        put(&mut writer, &builder.block(&ops, &[vec![log(n, &[n])]])).unwrap();
        writer.commit().unwrap();
    }
    builder
}

#[test]
fn opening_and_closing_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    some_blocks(dir.path());
    let before = data(dir.path());
    let store = Store::open(dir.path(), &config()).unwrap();
    store.check_identity(&identity()).unwrap();
    drop(store);
    assert!(before == data(dir.path()));
}

#[test]
fn a_database_in_use_is_locked_but_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = new_chain(dir.path());
    let before = data(dir.path());
    let error = Store::open(dir.path(), &config()).unwrap_err();
    assert!(
        matches!(error, StorageError::Locked { ref path } if path == dir.path()),
        "{error}"
    );
    assert!(before == data(dir.path()));
    drop(store);
    assert!(Store::open(dir.path(), &config()).is_ok());
}

#[test]
fn a_database_open_for_reading_refuses_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    some_blocks(dir.path());
    let store = Store::open_read_only(dir.path(), &config()).unwrap();
    assert_eq!(
        store
            .reader()
            .unwrap()
            .head(HeadLabel::Unsafe)
            .unwrap()
            .number,
        20
    );
    assert!(matches!(
        store.writer().unwrap_err(),
        StorageError::ReadOnly
    ));
    let missing = tempfile::tempdir().unwrap();
    let error = Store::open_read_only(missing.path(), &config()).unwrap_err();
    assert!(matches!(error, StorageError::NotADatabase { .. }));
    assert_eq!(fs::read_dir(missing.path()).unwrap().count(), 0);
}

#[test]
fn another_chain_is_named_with_both_identities() {
    let dir = tempfile::tempdir().unwrap();
    some_blocks(dir.path());
    let store = Store::open(dir.path(), &config()).unwrap();
    let before = data(dir.path());
    let other = ChainIdentity {
        chain_id: 8,
        genesis_hash: B256::repeat_byte(1),
    };
    match store.check_identity(&other).unwrap_err() {
        StorageError::WrongChain { found, expected } => {
            assert_eq!((found, expected), (identity(), other));
        }
        error => panic!("unexpected error {error}"),
    }
    let (block, state, _) = genesis();
    let error = store.init(other, &block, &state, 0).unwrap_err();
    assert!(matches!(error, StorageError::AlreadyInitialized));
    drop(store);
    assert!(before == data(dir.path()));
}

#[test]
fn a_new_database_has_no_identity_and_no_head() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("deep/er"), &config()).unwrap();
    assert_eq!(store.identity().unwrap(), None);
    let error = store.check_identity(&identity()).unwrap_err();
    assert!(matches!(error, StorageError::NotInitialized));
    let error = store.reader().unwrap().head(HeadLabel::Unsafe).unwrap_err();
    assert!(matches!(error, StorageError::NotInitialized));
    let block = genesis().2.block(&[], &[]);
    let error = put(&mut store.writer().unwrap(), &block).unwrap_err();
    assert!(matches!(error, StorageError::NotInitialized));
}

#[test]
fn another_schema_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    some_blocks(dir.path());
    with_mdbx(dir.path(), |tx| {
        let meta = tx.open_db(Some("Meta")).unwrap();
        let newer = (SCHEMA_VERSION + 1).to_be_bytes();
        tx.put(meta, b"schema", newer, WriteFlags::UPSERT).unwrap();
    });
    let error = refused(dir.path());
    assert!(matches!(
        error,
        StorageError::SchemaMismatch { found, expected: SCHEMA_VERSION }
            if found == SCHEMA_VERSION + 1
    ));
}

#[test]
fn a_foreign_mdbx_file_and_other_files_are_not_ours() {
    let dir = tempfile::tempdir().unwrap();
    with_mdbx(dir.path(), |tx| {
        let table = tx
            .create_db(Some("Theirs"), DatabaseFlags::empty())
            .unwrap();
        tx.put(table, b"key", b"value", WriteFlags::UPSERT).unwrap();
    });
    assert!(matches!(
        refused(dir.path()),
        StorageError::NotADatabase { .. }
    ));

    let dir = tempfile::tempdir().unwrap();
    let text = b"This is not a database. ".repeat(5000);
    fs::write(dir.path().join("mdbx.dat"), text).unwrap();
    let error = refused(dir.path());
    assert!(
        matches!(
            error,
            StorageError::NotADatabase { .. } | StorageError::Corrupted { .. }
        ),
        "{error:?}"
    );
}

fn overwrite(dir: &Path, offset: u64, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(dir.join("mdbx.dat"))
        .unwrap();
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn damaged_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    some_blocks(dir.path());
    let good = data(dir.path());
    let is_damage = |error: &StorageError| {
        matches!(
            error,
            StorageError::NotADatabase { .. } | StorageError::Corrupted { .. }
        )
    };

    // All three meta pages.
    overwrite(dir.path(), 0, &[0xa5; 3 * 4096]);
    let error = refused(dir.path());
    assert!(is_damage(&error), "{error:?}");

    // The end is missing.
    for kept in [5 * 4096, 9 * 4096 + 7, 4096, 100] {
        fs::write(dir.path().join("mdbx.dat"), &good[..kept]).unwrap();
        let error = refused(dir.path());
        assert!(is_damage(&error), "{kept}: {error:?}");
    }

    // All pages but the meta pages.
    fs::write(dir.path().join("mdbx.dat"), &good).unwrap();
    overwrite(dir.path(), 3 * 4096, &vec![0xa5; good.len() - 3 * 4096]);
    let error = refused(dir.path());
    assert!(is_damage(&error), "{error:?}");

    // The file as it was opens.
    fs::write(dir.path().join("mdbx.dat"), &good).unwrap();
    let store = Store::open(dir.path(), &config()).unwrap();
    assert_eq!(
        store
            .reader()
            .unwrap()
            .head(HeadLabel::Unsafe)
            .unwrap()
            .number,
        20
    );
}

#[test]
fn a_damaged_record_is_named_with_table_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let builder = some_blocks(dir.path());
    let hash = builder.parent.hash();
    with_mdbx(dir.path(), |tx| {
        let flat = tx.open_db(Some("Flat")).unwrap();
        let key = keccak256(common::who(1));
        tx.put(flat, key, [0x07], WriteFlags::UPSERT).unwrap();
        let bodies = tx.open_db(Some("Bodies")).unwrap();
        tx.del(bodies, 20u64.to_be_bytes(), None).unwrap();
    });
    let store = Store::open(dir.path(), &config()).unwrap();
    let reader = store.reader().unwrap();
    let error = reader.account(common::who(1)).unwrap_err();
    assert!(error.is_damage());
    match error {
        StorageError::Decode { table, key, .. } => {
            assert_eq!((table, &key[..]), ("Flat", &keccak256(common::who(1))[..]));
        }
        error => panic!("unexpected error {error}"),
    }
    assert!(reader.leaves(|_, _| {}).unwrap_err().is_damage());
    let number = reader.block_number(hash).unwrap().unwrap();
    assert!(reader.block(number).unwrap_err().is_damage());
}

/// A block that needs several megabytes.
fn big_block(builder: &mut Builder) -> CommittedBlock {
    let mut block = builder.block(&[], &[]);
    let number = block.block.number() as u32;
    let mut diff = StateDiff::default();
    for n in 0..200u32 {
        let code = Bytes::from((number << 16 | n).to_be_bytes().repeat(6000));
        diff.code.insert(keccak256(&code), code);
    }
    block.diff = diff.into();
    block
}

/// Writes big blocks until one fails; checks that the database stays at its last commit.
/// Opens again what was closed. A process that another test is just starting has the lock until it runs
/// its own program.
fn reopen(dir: &Path, config: &StoreConfig) -> Store {
    for _ in 0..200 {
        match Store::open(dir, config) {
            Err(StorageError::Locked { .. }) => std::thread::sleep(Duration::from_millis(10)),
            opened => return opened.unwrap(),
        }
    }
    panic!("the database stays locked");
}

fn fill(dir: &Path, config: &StoreConfig) -> StorageError {
    let (block, state, mut builder) = genesis();
    let store = Store::open(dir, config).unwrap();
    store.init(identity(), &block, &state, 0).unwrap();
    let mut head = 0;
    let error = loop {
        let block = big_block(&mut builder);
        let mut writer = store.writer().unwrap();
        let written = put(&mut writer, &block);
        if let Err(error) = written {
            // The broken transaction refuses everything else.
            let again = put(&mut writer, &block).unwrap_err();
            assert!(matches!(again, StorageError::TransactionFailed));
            assert!(matches!(
                writer.commit().unwrap_err(),
                StorageError::TransactionFailed
            ));
            break error;
        }
        if let Err(error) = writer.commit() {
            break error;
        }
        head += 1;
        assert!(head < 100, "the limit must be reached");
    };
    let check = |store: &Store| {
        let reader = store.reader().unwrap();
        assert_eq!(reader.head(HeadLabel::Unsafe).unwrap().number, head);
        assert_eq!(reader.header(head + 1).unwrap(), None);
        assert!(reader.block(head).unwrap().is_some());
        assert_eq!(dump(&reader), builder.model.leaves());
    };
    check(&store);
    drop(store);
    check(&reopen(dir, config));
    error
}

#[test]
fn a_full_map_is_named_and_the_last_commit_stays() {
    let dir = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        max_size_bytes: 16 << 20,
        ..config()
    };
    let error = fill(dir.path(), &config);
    assert!(
        matches!(error, StorageError::MapFull { max_size_bytes } if max_size_bytes == 16 << 20),
        "{error:?}"
    );
}

#[test]
fn a_full_disk_is_named_and_the_last_commit_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
        .arg(dir.path())
        .output();
    if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: mounting a small file system needs root ({mounted:?})");
        return;
    }
    let config = StoreConfig {
        durable: true,
        ..config()
    };
    // In a thread, so that a failed assertion does not leave the mount behind.
    let result = std::thread::scope(|scope| scope.spawn(|| fill(dir.path(), &config)).join());
    let unmounted = Command::new("umount").arg(dir.path()).status().unwrap();
    let error = result.unwrap();
    assert!(unmounted.success());
    assert!(matches!(error, StorageError::DiskFull), "{error:?}");
}
