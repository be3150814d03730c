//! Batches of ours: every form is remembered until L1 has one.

mod common;

use alloy_primitives::B256;
use aura_primitives::bridge::BatchHeader;
use aura_storage::BatchRecord;
use common::new_chain;

fn batch(index: u64, form: u8) -> BatchRecord {
    BatchRecord {
        index,
        first_block: index * 10,
        last_block: index * 10 + 9,
        last_hash: B256::repeat_byte(index as u8),
        consumed: index,
        da_kind: 0,
        da_hash: B256::repeat_byte(form),
        header: BatchHeader {
            anchor_number: u64::from(form),
            ..Default::default()
        },
        l1_tx: B256::ZERO,
    }
}

#[test]
fn forms_are_remembered_until_one_is_on_l1() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = new_chain(dir.path());
    let write = |batch: BatchRecord, payload: &[u8]| {
        let mut writer = store.writer().unwrap();
        writer.put_batch(&batch, payload).unwrap();
        writer.commit().unwrap();
    };
    assert_eq!(store.reader().unwrap().last_batch().unwrap(), None);
    write(batch(1, 1), b"one");
    write(batch(2, 1), b"two");
    write(batch(2, 2), b"two again");
    // The same form again is no other form, but the newest.
    write(batch(2, 1), b"two");
    let reader = store.reader().unwrap();
    assert_eq!(reader.batch_forms(2).unwrap(), [batch(2, 1), batch(2, 2)]);
    assert_eq!(reader.batch_payload(2).unwrap().unwrap()[..], b"two"[..]);
    assert_eq!(reader.last_batch().unwrap(), Some(batch(2, 1)));

    let mut writer = store.writer().unwrap();
    let tx = B256::repeat_byte(7);
    writer
        .confirm_batch(&batch(2, 2), tx, Some(b"two again"))
        .unwrap();
    writer.commit().unwrap();
    let reader = store.reader().unwrap();
    let on_l1 = BatchRecord {
        l1_tx: tx,
        ..batch(2, 2)
    };
    assert_eq!(reader.batch_forms(2).unwrap(), [on_l1]);
    assert_eq!(
        reader.batch_payload(2).unwrap().unwrap()[..],
        b"two again"[..]
    );
}

#[test]
fn a_batch_takes_the_place_of_all_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = new_chain(dir.path());
    let mut writer = store.writer().unwrap();
    for index in 1..=4 {
        writer.put_batch(&batch(index, 1), b"payload").unwrap();
    }
    writer.put_batch(&batch(2, 9), b"other").unwrap();
    writer.commit().unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.last_batch().unwrap(), Some(batch(2, 9)));
    assert_eq!(reader.batch(1).unwrap(), Some(batch(1, 1)));
    for index in [0, 3, 4] {
        assert_eq!(reader.batch(index).unwrap(), None);
        assert_eq!(reader.batch_payload(index).unwrap(), None);
    }
}
