//! What a batch stands for.

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip4844, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use aura_derivation::{
    BatchBlock, BatchFault, CREDIT_GAS, Inputs, PlanError, PlannedBlock, Previous, check,
    encode_batch, fallback, origins,
};
use aura_primitives::bridge::{BatchHeader, MessageKind, QueueEntry, QueueMessage, QueueSlot};
use proptest::{collection::vec, prelude::*};

const CHAIN: u64 = 13_371;
const LIMIT: u64 = 100_000;
/// L1 block `n` is of second `10 n`.
const TIMES: &dyn Fn(u64) -> Option<u64> = &|number| (number < 1_000).then_some(number * 10);

fn entry(id: u64, kind: MessageKind, gas_limit: u64) -> QueueEntry {
    QueueEntry {
        message: QueueMessage {
            id,
            kind,
            l1_sender: Address::ZERO,
            from: Address::ZERO,
            to: Address::ZERO,
            mint: U256::ZERO,
            value: U256::ZERO,
            gas_limit,
            data: Bytes::new(),
        },
        slot: QueueSlot::default(),
        l1_block: 1,
        l1_tx: B256::ZERO,
    }
}

fn transaction(chain_id: u64) -> Bytes {
    let tx = TxEip1559 {
        chain_id,
        ..Default::default()
    };
    let signed = tx.into_signed(Signature::test_signature());
    EthereumTxEnvelope::<TxEip4844>::from(signed)
        .encoded_2718()
        .into()
}

/// Three blocks: credit and forced transaction in the second, a transaction in the third.
fn batch() -> (Vec<BatchBlock>, BatchHeader, Vec<QueueEntry>) {
    let block = |time_delta, origin_delta, consume, transactions| BatchBlock {
        time_delta,
        origin_delta,
        consume,
        transactions,
    };
    let blocks = vec![
        block(0, 1, 0, vec![]),
        block(5, 0, 2, vec![]),
        block(7, 2, 0, vec![transaction(CHAIN)]),
    ];
    let header = BatchHeader {
        first_time: 1_000,
        last_time: 1_012,
        consumed: 6,
        anchor_number: 93,
        ..Default::default()
    };
    let entries = vec![
        entry(4, MessageKind::Credit, 0),
        entry(5, MessageKind::Forced, LIMIT - CREDIT_GAS),
    ];
    (blocks, header, entries)
}

fn inputs(entries: &[QueueEntry]) -> Inputs<'_> {
    Inputs {
        chain_id: CHAIN,
        block_gas_limit: LIMIT,
        previous: Previous {
            time: 1_000,
            origin_number: 90,
            consumed: 4,
        },
        entries,
        origin_time: TIMES,
    }
}

fn fault(blocks: &[BatchBlock], header: &BatchHeader, entries: &[QueueEntry]) -> BatchFault {
    match check(&encode_batch(blocks).unwrap(), header, &inputs(entries)) {
        Err(PlanError::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_batch_is_its_blocks() {
    let (blocks, header, entries) = batch();
    let plan = check(&encode_batch(&blocks).unwrap(), &header, &inputs(&entries)).unwrap();
    let summary: Vec<_> = plan
        .iter()
        .map(|block| {
            (
                block.time,
                block.origin_number,
                block.consume,
                block.transactions.len(),
            )
        })
        .collect();
    assert_eq!(
        summary,
        [(1_000, 91, 0, 0), (1_005, 91, 2, 0), (1_012, 93, 0, 1)]
    );
    let previous = inputs(&entries).previous;
    assert_eq!(origins(&blocks, &header, &previous).unwrap(), [91, 93]);
}

#[test]
fn times_are_those_of_the_header_and_never_before_the_origin() {
    let (blocks, header, entries) = batch();
    let mut late = blocks.clone();
    late[0].time_delta = 1;
    assert!(matches!(
        fault(&late, &header, &entries),
        BatchFault::FirstTime { .. }
    ));
    let mut long = blocks.clone();
    long[2].time_delta += 1;
    assert!(matches!(
        fault(&long, &header, &entries),
        BatchFault::LastTime { .. }
    ));
    let early = BatchHeader {
        first_time: 999,
        ..header
    };
    assert!(matches!(
        fault(&blocks, &early, &entries),
        BatchFault::FirstTime { .. }
    ));
    let mut over = blocks.clone();
    over[1].time_delta = u64::MAX;
    assert_eq!(
        fault(&over, &header, &entries),
        BatchFault::Overflow { block: 1 }
    );
    // L1 block 101 is of second 1,010, the first block of second 1,000.
    let mut young = blocks;
    young[0].origin_delta = 11;
    young[2].origin_delta = 0;
    let anchored = BatchHeader {
        anchor_number: 101,
        ..header
    };
    assert_eq!(
        fault(&young, &anchored, &entries),
        BatchFault::BeforeOrigin { block: 0 }
    );
}

#[test]
fn origins_end_at_the_anchor() {
    let (blocks, header, entries) = batch();
    for (anchor, want) in [
        (92, BatchFault::AboveAnchor { block: 2 }),
        (94, BatchFault::Anchor { have: 93, want: 94 }),
        // Below the origin of the block before.
        (80, BatchFault::AboveAnchor { block: 0 }),
    ] {
        let header = BatchHeader {
            anchor_number: anchor,
            ..header
        };
        assert_eq!(fault(&blocks, &header, &entries), want);
    }
    let mut over = blocks;
    over[2].origin_delta = u64::MAX;
    assert_eq!(
        fault(&over, &header, &entries),
        BatchFault::Overflow { block: 2 }
    );
}

#[test]
fn blocks_consume_what_the_header_says_within_their_gas() {
    let (blocks, header, mut entries) = batch();
    for consume in [0, 1, 3, u64::MAX] {
        let mut other = blocks.clone();
        other[1].consume = consume;
        assert_eq!(
            fault(&other, &header, &entries),
            BatchFault::Consumed { want: 2 }
        );
    }
    entries[1].message.gas_limit += 1;
    assert_eq!(
        fault(&blocks, &header, &entries),
        BatchFault::QueueRoom { block: 1 }
    );
    // What exceeds the limit alone must still be possible.
    let mut apart = blocks;
    apart[1].consume = 1;
    apart[2].consume = 1;
    entries[1].message.gas_limit = LIMIT * 2;
    check(&encode_batch(&apart).unwrap(), &header, &inputs(&entries)).unwrap();
}

#[test]
fn transactions_are_of_this_chain_and_of_known_types() {
    let (blocks, header, entries) = batch();
    let with = |transaction: Bytes| {
        let mut blocks = blocks.clone();
        blocks[2].transactions.push(transaction);
        blocks
    };
    let unprotected = TxLegacy::default().into_signed(Signature::test_signature());
    let unprotected = EthereumTxEnvelope::<TxEip4844>::from(unprotected).encoded_2718();
    let good = with(unprotected.into());
    check(&encode_batch(&good).unwrap(), &header, &inputs(&entries)).unwrap();

    let own = transaction(CHAIN);
    let with_first = |first: u8| {
        let mut bytes = own.to_vec();
        bytes[0] = first;
        Bytes::from(bytes)
    };
    let bad = [
        transaction(CHAIN + 1),
        with_first(3),
        with_first(0x7e),
        with_first(0),
        [&own[..], &[0]].concat().into(),
        own.slice(..own.len() - 1),
        vec![2; (128 << 10) + 1].into(),
    ];
    for transaction in bad {
        let fault = fault(&with(transaction), &header, &entries);
        assert!(
            matches!(
                fault,
                BatchFault::Transaction {
                    block: 2,
                    index: 1,
                    ..
                }
            ),
            "{fault:?}"
        );
    }
}

#[test]
fn missing_inputs_say_nothing_about_the_batch() {
    let (mut blocks, mut header, entries) = batch();
    let payload = encode_batch(&blocks).unwrap();
    let few = check(&payload, &header, &inputs(&entries[..1]));
    assert_eq!(few, Err(PlanError::Entries { have: 1, want: 2 }));
    blocks[2].origin_delta = 5_000;
    header.anchor_number = 5_091;
    let payload = encode_batch(&blocks).unwrap();
    let unknown = check(&payload, &header, &inputs(&entries));
    assert_eq!(unknown, Err(PlanError::UnknownOrigin(5_091)));
    assert_eq!(
        fallback(&header, &inputs(&entries)),
        Err(PlanError::UnknownOrigin(5_091))
    );
}

#[test]
fn fallback_is_one_empty_block_if_nothing_is_consumed() {
    let (_, header, _) = batch();
    let header = BatchHeader {
        consumed: 4,
        ..header
    };
    let plan = fallback(&header, &inputs(&[])).unwrap();
    let want = PlannedBlock {
        time: 1_012,
        origin_number: 93,
        consume: 0,
        transactions: vec![],
    };
    assert_eq!(plan, [want]);
}

#[test]
fn a_gas_limit_that_the_queue_sets_holds_from_the_next_block_on() {
    let mut raised = entry(4, MessageKind::Configuration, 10_000);
    let words = [U256::ZERO, U256::from(3 * LIMIT)].map(|word| word.to_be_bytes::<32>());
    raised.message.data = [&[0x48, 0xab, 0x5e, 0x6c][..], &words[0], &words[1]]
        .concat()
        .into();
    let forced = |id| entry(id, MessageKind::Forced, LIMIT);
    let entries = [raised, forced(5), forced(6), forced(7), forced(8)];
    let header = BatchHeader {
        first_time: 1_000,
        last_time: 1_000,
        consumed: 9,
        anchor_number: 90,
        ..Default::default()
    };
    let consumes =
        |plan: Vec<PlannedBlock>| -> Vec<u64> { plan.iter().map(|block| block.consume).collect() };
    assert_eq!(
        consumes(fallback(&header, &inputs(&entries)).unwrap()),
        [1, 3, 1]
    );

    let blocks = |counts: &[u64]| -> Vec<BatchBlock> {
        let block = |consume: &u64| BatchBlock {
            time_delta: 0,
            origin_delta: 0,
            consume: *consume,
            transactions: vec![],
        };
        counts.iter().map(block).collect()
    };
    let payload = encode_batch(&blocks(&[1, 3, 1])).unwrap();
    let plan = check(&payload, &header, &inputs(&entries)).unwrap();
    assert_eq!(consumes(plan), [1, 3, 1]);
    // Not in the block that sets it, and no further.
    for (counts, block) in [(&[2, 3][..], 0), (&[1, 4], 1)] {
        assert_eq!(
            fault(&blocks(counts), &header, &entries),
            BatchFault::QueueRoom { block }
        );
    }
}

proptest! {
    #[test]
    fn fallback_is_total_and_in_order(
        gas in vec(0_u64..LIMIT * 2, 0..60), last_time in 0_u64..3_000, anchor in 0_u64..200
    ) {
        let entries: Vec<_> = gas
            .iter()
            .enumerate()
            .map(|(i, gas)| match gas % 2 {
                0 => entry(i as u64, MessageKind::Credit, 0),
                _ => entry(i as u64, MessageKind::Forced, *gas),
            })
            .collect();
        let header = BatchHeader {
            last_time,
            anchor_number: anchor,
            consumed: 4 + entries.len() as u64,
            ..Default::default()
        };
        let inputs = inputs(&entries);
        let plan = fallback(&header, &inputs).unwrap();
        let sum: u64 = plan.iter().map(|block| block.consume).sum();
        prop_assert_eq!(sum, entries.len() as u64);
        let mut rest = &entries[..];
        for (i, block) in plan.iter().enumerate() {
            prop_assert!(block.time >= inputs.previous.time.max(last_time));
            prop_assert!(block.time >= TIMES(block.origin_number).unwrap());
            prop_assert_eq!(block.origin_number, anchor.max(90));
            prop_assert!(block.transactions.is_empty());
            let (own, later) = rest.split_at(block.consume as usize);
            let total: u64 = own.iter().map(|e| aura_derivation::queue_gas(&e.message)).sum();
            prop_assert!(own.len() == 1 || total <= LIMIT);
            // As few blocks as possible: the next entry did not fit.
            if let Some(next) = later.first() {
                prop_assert!(total + aura_derivation::queue_gas(&next.message) > LIMIT);
            }
            prop_assert!(!own.is_empty() || (i == 0 && entries.is_empty()));
            rest = later;
        }
    }

    #[test]
    fn check_of_arbitrary_bytes_never_panics(bytes in vec(any::<u8>(), 0..500)) {
        let (_, header, entries) = batch();
        let payload = [&[0][..], &bytes].concat();
        prop_assert!(check(&payload, &header, &inputs(&entries)).is_err());
    }
}
