//! The log index against a look at every block.

mod common;

use alloy_primitives::Log;
use aura_primitives::CommittedBlock;
use aura_storage::{LogQuery, Store};
use common::{log, new_chain, put, topic, who};
use proptest::{collection::vec, prelude::*};

fn any_log() -> impl Strategy<Value = Log> {
    (0u8..5, vec(0u8..4, 0..4)).prop_map(|(emitter, topics)| log(emitter, &topics))
}

fn any_query() -> impl Strategy<Value = LogQuery> {
    let position = || vec((0u8..5).prop_map(topic), 0..3);
    (
        vec((0u8..6).prop_map(who), 0..3),
        [position(), position(), position(), position()],
        0u64..14,
        0u64..14,
    )
        .prop_map(|(addresses, topics, from, to)| LogQuery {
            addresses,
            topics,
            range: from..=to,
        })
}

/// Whether the block has, for every criterion on its own, a log that meets it.
fn can_match(block: &CommittedBlock, query: &LogQuery) -> bool {
    let logs: Vec<&Log> = block.receipts.iter().flat_map(|r| &r.logs).collect();
    let emitter = query.addresses.is_empty()
        || logs
            .iter()
            .any(|log| query.addresses.contains(&log.address));
    let topics = query.topics.iter().enumerate().all(|(position, wanted)| {
        wanted.is_empty()
            || logs.iter().any(|log| {
                log.topics()
                    .get(position)
                    .is_some_and(|t| wanted.contains(t))
            })
    });
    !logs.is_empty() && emitter && topics
}

fn expected(blocks: &[CommittedBlock], query: &LogQuery) -> Vec<u64> {
    let candidates = blocks
        .iter()
        .filter(|block| query.range.contains(&block.block.number()) && can_match(block, query));
    candidates.map(|block| block.block.number()).collect()
}

fn found(store: &Store, query: &LogQuery) -> Vec<u64> {
    let blocks = store.reader().unwrap().log_blocks(query).unwrap();
    let count = blocks.remaining();
    let blocks: Vec<u64> = blocks.collect();
    assert_eq!(blocks.len() as u64, count);
    blocks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn candidates_equal_brute_force_and_survive_unwinds(
        logs in vec(vec(vec(any_log(), 0..3), 0..3), 1..12),
        queries in vec(any_query(), 12), unwind in 0usize..4,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (store, mut builder) = new_chain(dir.path());
        let mut blocks = Vec::new();
        let mut writer = store.writer().unwrap();
        for logs in &logs {
            let block = builder.block(&[], logs);
            put(&mut writer, &block).unwrap();
            blocks.push(block);
        }
        writer.commit().unwrap();
        for query in &queries {
            prop_assert_eq!(found(&store, query), expected(&blocks, query));
        }
        let mut writer = store.writer().unwrap();
        for _ in 0..unwind.min(blocks.len()) {
            writer.unwind_block().unwrap();
            blocks.pop();
        }
        writer.commit().unwrap();
        for query in &queries {
            prop_assert_eq!(found(&store, query), expected(&blocks, query));
        }
    }
}

#[test]
fn long_lists_are_split_into_shards_and_found_at_every_offset() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut builder) = new_chain(dir.path());
    let mut writer = store.writer().unwrap();
    let mut blocks = Vec::new();
    for n in 0u64..3000 {
        // A fixed pattern without long runs for one emitter, every block for another.
        let mut logs = vec![log(1, &[1])];
        if (n * n / 7) % 3 != 0 {
            logs.push(log(2, &[]));
        }
        let block = builder.block(&[], &[logs]);
        put(&mut writer, &block).unwrap();
        blocks.push(block);
    }
    writer.commit().unwrap();
    let address_rows = common::row_counts(&store)["LogAddress"];
    assert!((3..10).contains(&address_rows), "{address_rows} shards");
    for emitter in [1, 2, 3] {
        for (from, to) in [
            (0, 9999),
            (1, 1),
            (997, 1003),
            (1500, 2600),
            (2999, 3001),
            (5, 4),
        ] {
            let query = LogQuery {
                addresses: vec![who(emitter)],
                topics: Default::default(),
                range: from..=to,
            };
            assert_eq!(
                found(&store, &query),
                expected(&blocks, &query),
                "{query:?}"
            );
        }
    }
}
