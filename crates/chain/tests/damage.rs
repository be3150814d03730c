//! Damaged data is found at start or on use, named, and ends the writer; nothing is repaired.

mod common;

use std::{collections::HashSet, path::Path};

use alloy_primitives::B256;
use aura_chain::ChainError;
use aura_primitives::HeadLabel;
use aura_storage::StorageError;
use common::{INTERVAL, Key, Model, Running, random_block};
use rand::{SeedableRng, rngs::StdRng};
use signet_libmdbx::{Environment, tx::aliases::RwTxUnsync};

/// A chain of four intervals and a half, closed.
fn chain(path: &Path) {
    let mut rng = StdRng::seed_from_u64(1);
    let running = Running::open(path);
    let mut model = Model::default();
    for number in 1..=4 * INTERVAL + INTERVAL / 2 {
        let changes = if number == 1 { 3_000 } else { 40 };
        let block = random_block(&running.chain, &mut rng, &mut model, changes);
        running.chain.seal(block).unwrap();
    }
    running.settle();
    running.stop().unwrap();
}

/// Changes the database behind the node's back.
fn tamper(path: &Path, change: impl FnOnce(&RwTxUnsync)) {
    let env = Environment::builder().set_max_dbs(64).open(path).unwrap();
    let tx = env.begin_rw_unsync().unwrap();
    change(&tx);
    tx.commit().unwrap();
}

/// Removes every row of `table` whose place `chosen` likes.
fn remove(path: &Path, table: &str, chosen: impl Fn(usize) -> bool) {
    tamper(path, |tx| {
        let db = tx.open_db(Some(table)).unwrap();
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut cursor = tx.cursor(db).unwrap();
        let mut row: Option<(Vec<u8>, Vec<u8>)> = cursor.first().unwrap();
        while let Some((key, _)) = row {
            keys.push(key);
            row = cursor.next().unwrap();
        }
        drop(cursor);
        assert!(!keys.is_empty(), "{table} is empty");
        for (_, key) in keys.iter().enumerate().filter(|(place, _)| chosen(*place)) {
            assert!(tx.del(db, key, None).unwrap());
        }
    });
}

/// Asks for proofs at `block` until one fails; the writer must then have ended.
fn first_failure(path: &Path, block: u64) -> ChainError {
    let mut rng = StdRng::seed_from_u64(2);
    let running = Running::open(path);
    let failure = (0..300).find_map(|_| {
        let key = Key::random(&mut rng).hashed();
        running.chain.prove(block, &[key]).err()
    });
    let failure = failure.expect("the damage shows");
    assert!(matches!(running.stop(), Err(ChainError::Damaged)));
    failure
}

#[test]
fn a_changed_or_missing_leaf_is_found_at_start() {
    let folder = tempfile::tempdir().unwrap();
    chain(folder.path());
    remove(folder.path(), "Flat", |place| place == 1_000);
    let error = Running::try_open(folder.path()).map(drop).unwrap_err();
    let ChainError::StateRootMismatch {
        number,
        expected,
        computed,
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(number, 4 * INTERVAL + INTERVAL / 2);
    assert_ne!(expected, computed);
}

#[test]
fn a_wrong_stored_root_is_found_at_start() {
    let folder = tempfile::tempdir().unwrap();
    chain(folder.path());
    tamper(folder.path(), |tx| {
        let db = tx.open_db(Some("Headers")).unwrap();
        let key = (4 * INTERVAL + INTERVAL / 2).to_be_bytes();
        let mut header: Vec<u8> = tx.get(db.dbi(), &key).unwrap().unwrap();
        // Hash 32, RLP list header 3, three hashes of 33 and the address of 21 come before it.
        let root = 32 + 3 + 33 + 33 + 21 + 1;
        header[root + 7] ^= 1;
        tx.put(db, key, header, signet_libmdbx::WriteFlags::UPSERT)
            .unwrap();
    });
    let error = Running::try_open(folder.path()).map(drop).unwrap_err();
    assert!(
        matches!(error, ChainError::StateRootMismatch { .. }),
        "{error}"
    );
}

#[test]
fn missing_node_history_is_found_on_use() {
    let folder = tempfile::tempdir().unwrap();
    chain(folder.path());
    // All nodes have a row for each of the four boundaries: these are the second ones.
    remove(folder.path(), "NodeHistory", |place| place % 4 == 1);
    let error = first_failure(folder.path(), INTERVAL);
    let ChainError::ProofMismatch { block, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(block, INTERVAL);
}

#[test]
fn a_missing_node_diff_is_found_on_use() {
    let folder = tempfile::tempdir().unwrap();
    chain(folder.path());
    remove(folder.path(), "NodeDiffs", |place| place % 2 == 0);
    // Found already at start where the open interval is read, else with the proof.
    let error = match Running::try_open(folder.path()) {
        Err(error) => error,
        Ok(running) => {
            running.stop().unwrap();
            first_failure(folder.path(), INTERVAL + 1)
        }
    };
    let ChainError::Storage(StorageError::Decode { table, .. }) = error else {
        panic!("{error}");
    };
    assert_eq!(table, "NodeDiffs");
}

#[test]
fn a_missing_undo_entry_is_found_on_use() {
    let folder = tempfile::tempdir().unwrap();
    chain(folder.path());
    remove(folder.path(), "History", |place| place % 2 == 0);
    let error = first_failure(folder.path(), INTERVAL);
    assert!(
        matches!(
            error,
            ChainError::ProofMismatch {
                block: INTERVAL,
                ..
            }
        ),
        "{error}"
    );
    // An unwind into it is refused and changes nothing.
    let running = Running::open(folder.path());
    let head = running.chain.tip();
    let error = running.chain.unwind(INTERVAL).unwrap_err();
    let ChainError::Storage(StorageError::Decode { table, .. }) = error else {
        panic!("{error}");
    };
    assert_eq!(table, "History");
    let reader = running.chain.store().reader().unwrap();
    assert_eq!(reader.head(HeadLabel::Unsafe).unwrap().hash, head.seal());
    drop(reader);
    running.stop().ok();
}

#[test]
fn every_key_of_the_tests_is_a_key_of_the_model() {
    // Otherwise the damage could hide behind keys that nobody asks for.
    let mut rng = StdRng::seed_from_u64(3);
    let keys: HashSet<B256> = (0..20_000)
        .map(|_| Key::random(&mut rng).hashed())
        .collect();
    assert!(keys.len() > 3_000);
}
