//! What is written is read back, after a restart too, and nothing else is.

mod common;

use std::time::Duration;

use alloy_primitives::{B256, Bytes, keccak256};
use aura_primitives::{CommittedBlock, HeadLabel};
use aura_storage::{Reader, StateView, StorageError, Store, StoreConfig};
use common::{Op, code, config, dump, log, new_chain, put, row_counts, who};

fn three_blocks(builder: &mut common::Builder) -> Vec<CommittedBlock> {
    let ops = |n: u8| {
        vec![
            Op::Account {
                who: n,
                nonce: 9,
                balance: 77,
                code: n,
            },
            Op::Account {
                who: 10 + n,
                nonce: 0,
                balance: 1,
                code: 0,
            },
            Op::Slot {
                who: 1,
                slot: n,
                word: 5,
            },
            Op::Delete { who: 3 },
        ]
    };
    vec![
        builder.block(
            &ops(1),
            &[
                vec![],
                vec![log(1, &[1, 2]), log(2, &[])],
                vec![log(1, &[3])],
            ],
        ),
        builder.block(&ops(2), &[]),
        builder.block(&ops(3), &[vec![log(5, &[1, 2, 3, 4])], vec![]]),
    ]
}

fn assert_reads_back(reader: &Reader, committed: &CommittedBlock) {
    let block = &committed.block;
    let number = block.number();
    assert_eq!(reader.header(number).unwrap().as_ref(), Some(&block.header));
    assert_eq!(reader.block_hash(number).unwrap(), Some(block.hash()));
    assert_eq!(reader.block_number(block.hash()).unwrap(), Some(number));
    let stored = reader.block(number).unwrap().unwrap();
    assert_eq!(stored.header, block.header);
    assert_eq!(stored.transactions, block.transactions);
    assert_eq!(stored.ommers, block.ommers);
    assert_eq!(stored.withdrawals, block.withdrawals);
    assert_eq!(
        reader.receipts(number).unwrap().as_ref(),
        Some(&committed.receipts)
    );
    let count = block.transactions.len() as u64;
    assert_eq!(reader.transaction_count(number).unwrap(), Some(count));
    let hashes: Vec<B256> = block.transactions.iter().map(|tx| tx.hash()).collect();
    assert_eq!(reader.transaction_hashes(number).unwrap(), Some(hashes));
    let (mut gas, mut logs) = (0, 0);
    for (index, tx) in (0u64..).zip(&block.transactions) {
        let location = reader.transaction_location(tx.hash()).unwrap().unwrap();
        assert_eq!((location.block_number, location.index), (number, index));
        assert_eq!(location.block_hash, block.hash());
        assert_eq!(reader.transaction(&location).unwrap().as_ref(), Some(&**tx));
        assert_eq!(
            reader.transaction_at(number, index).unwrap().as_ref(),
            Some(&**tx)
        );
        let record = reader.receipt(&location).unwrap().unwrap();
        assert_eq!(record.receipt, committed.receipts[index as usize]);
        assert_eq!(record.gas_used, record.receipt.cumulative_gas_used - gas);
        assert_eq!(record.first_log_index, logs);
        gas = record.receipt.cumulative_gas_used;
        logs += record.receipt.logs.len() as u64;
    }
    assert_eq!(reader.transaction_at(number, count).unwrap(), None);
}

#[test]
fn blocks_are_read_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder) = new_chain(dir.path());
    let blocks = three_blocks(&mut builder);
    // The first alone, the others as a group in one transaction.
    let mut writer = store.writer().unwrap();
    put(&mut writer, &blocks[0]).unwrap();
    writer.commit().unwrap();
    let mut writer = store.writer().unwrap();
    put(&mut writer, &blocks[1]).unwrap();
    put(&mut writer, &blocks[2]).unwrap();
    writer
        .set_head(HeadLabel::Safe, blocks[1].block.num_hash())
        .unwrap();
    assert_eq!(
        writer.head(HeadLabel::Unsafe).unwrap(),
        blocks[2].block.num_hash()
    );
    writer.commit().unwrap();
    drop(store);

    let store = Store::open(dir.path(), &config()).unwrap();
    assert_eq!(store.identity().unwrap(), Some(common::identity()));
    let reader = store.reader().unwrap();
    for block in &blocks {
        assert_reads_back(&reader, block);
    }
    assert_eq!(
        reader.head(HeadLabel::Unsafe).unwrap(),
        blocks[2].block.num_hash()
    );
    assert_eq!(
        reader.head(HeadLabel::Safe).unwrap(),
        blocks[1].block.num_hash()
    );
    assert_eq!(reader.head(HeadLabel::Finalized).unwrap().number, 0);
    assert_eq!(dump(&reader), builder.model.leaves());
    for n in [1, 2, 3, 9] {
        assert_eq!(reader.code(keccak256(code(n))).unwrap(), Some(code(n)));
    }
    assert_eq!(reader.code(B256::ZERO).unwrap(), None::<Bytes>);
    assert_eq!(reader.header(4).unwrap(), None);
    assert!(reader.block(4).unwrap().is_none());
    assert_eq!(reader.receipts(4).unwrap(), None);
    assert_eq!(reader.transaction_location(B256::ZERO).unwrap(), None);
    assert_eq!(reader.block_number(B256::ZERO).unwrap(), None);
    assert_eq!(reader.body(0).unwrap().unwrap().transaction_count, 0);
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder) = new_chain(dir.path());
    let (rows, leaves) = (row_counts(&store), dump(&store.reader().unwrap()));
    let blocks = three_blocks(&mut builder);
    let mut writer = store.writer().unwrap();
    put(&mut writer, &blocks[0]).unwrap();
    drop(writer);
    assert_eq!(row_counts(&store), rows);
    assert_eq!(dump(&store.reader().unwrap()), leaves);
}

#[test]
fn a_snapshot_does_not_see_later_commits() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder) = new_chain(dir.path());
    let before = store.reader().unwrap();
    let leaves = dump(&before);
    let block = three_blocks(&mut builder).remove(0);
    let mut writer = store.writer().unwrap();
    put(&mut writer, &block).unwrap();
    writer.commit().unwrap();
    assert_eq!(before.head(HeadLabel::Unsafe).unwrap().number, 0);
    assert_eq!(before.header(1).unwrap(), None);
    assert_eq!(dump(&before), leaves);
    assert_eq!(
        store
            .reader()
            .unwrap()
            .head(HeadLabel::Unsafe)
            .unwrap()
            .number,
        1
    );
}

#[test]
fn blocks_that_do_not_follow_the_head_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder) = new_chain(dir.path());
    let blocks = three_blocks(&mut builder);
    let mut writer = store.writer().unwrap();
    let error = put(&mut writer, &blocks[1]).unwrap_err();
    assert!(matches!(
        error,
        StorageError::NotNextBlock {
            number: 2,
            head_number: 0,
            ..
        }
    ));
    let mut uneven = blocks[0].clone();
    uneven.receipts.pop();
    let error = put(&mut writer, &uneven).unwrap_err();
    assert!(matches!(
        error,
        StorageError::ReceiptCount {
            transactions: 3,
            receipts: 2,
            ..
        }
    ));
    // Refusals change nothing: the transaction goes on.
    put(&mut writer, &blocks[0]).unwrap();
    let error = put(&mut writer, &blocks[0]).unwrap_err();
    assert!(matches!(
        error,
        StorageError::NotNextBlock {
            number: 1,
            head_number: 1,
            ..
        }
    ));
    let unknown = blocks[2].block.num_hash();
    let error = writer.set_head(HeadLabel::Safe, unknown).unwrap_err();
    assert!(matches!(error, StorageError::MissingBlock { number: 3 }));
    writer.commit().unwrap();
    assert_eq!(
        store
            .reader()
            .unwrap()
            .head(HeadLabel::Unsafe)
            .unwrap()
            .number,
        1
    );
}

#[test]
fn a_view_reads_snapshot_code_and_hashes_below_its_layers() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder) = new_chain(dir.path());
    let genesis = builder.clone();
    let block = three_blocks(&mut builder).remove(0);
    let mut writer = store.writer().unwrap();
    put(&mut writer, &block).unwrap();
    writer.commit().unwrap();
    let latest = StateView::latest(store.reader().unwrap());
    assert_eq!(latest.code(keccak256(code(1))).unwrap(), Some(code(1)));
    assert_eq!(latest.block_hash(1).unwrap(), Some(block.block.hash()));
    let past = StateView::at(store.reader().unwrap(), 0);
    for (address, account) in &genesis.model.accounts {
        assert_eq!(past.account(*address).unwrap(), Some(*account));
    }
    assert_eq!(past.account(who(11)).unwrap(), None);
    assert!(latest.account(who(11)).unwrap().is_some());
    let beyond = StateView::at(store.reader().unwrap(), 2);
    let error = beyond.account(who(0)).unwrap_err();
    assert!(matches!(error, StorageError::MissingBlock { number: 2 }));
}

#[test]
fn an_expired_snapshot_refuses_every_read_but_the_tree_scan() {
    let dir = tempfile::tempdir().unwrap();
    drop(new_chain(dir.path()));
    let config = StoreConfig {
        reader_deadline: Duration::ZERO,
        ..config()
    };
    let store = Store::open(dir.path(), &config).unwrap();
    assert_eq!(store.reader_stats().open, 0);
    let reader = store.reader().unwrap();
    let error = reader.account(who(0)).unwrap_err();
    assert!(matches!(error, StorageError::ReaderExpired { limit } if limit.is_zero()));
    assert!(error.is_transient());
    assert!(reader.head(HeadLabel::Unsafe).is_err());
    assert!(reader.block(0).is_err());
    assert!(!dump(&reader).is_empty());
    let stats = store.reader_stats();
    assert_eq!(stats.open, 1);
    assert!(stats.oldest.unwrap() > Duration::ZERO);
    drop(reader);
    assert_eq!(store.reader_stats().open, 0);
}

#[test]
fn snapshots_are_limited_and_can_move_between_threads() {
    let dir = tempfile::tempdir().unwrap();
    drop(new_chain(dir.path()));
    let config = StoreConfig {
        max_readers: 8,
        ..config()
    };
    let store = Store::open(dir.path(), &config).unwrap();
    let mut readers = Vec::new();
    let error = loop {
        match store.reader() {
            Ok(reader) => readers.push(reader),
            Err(error) => break error,
        }
        assert!(readers.len() < 10_000, "there must be a limit");
    };
    assert!(matches!(
        error,
        StorageError::TooManyReaders { max_readers: 8 }
    ));
    assert!(error.is_transient());
    let reader = readers.pop().unwrap();
    let number = std::thread::scope(|scope| {
        let thread = scope.spawn(move || reader.head(HeadLabel::Unsafe).unwrap().number);
        thread.join().unwrap()
    });
    assert_eq!(number, 0);
    assert!(store.reader().is_ok());
}
