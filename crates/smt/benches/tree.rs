//! Tree of a million random leaves: building, updating ten thousand of them, proving, verifying.
//!
//! `cargo bench -p aura-smt`; warm, in RAM, building on all cores and the rest on one.

use std::hint::black_box;

use alloy_primitives::{B256, keccak256};
use aura_smt::{Smt, verify};
use criterion::{BatchSize, Criterion, Throughput};

const LEAVES: u64 = 1_000_000;
const CHANGES: u64 = 10_000;

fn leaf(index: u64) -> (B256, B256) {
    let key = keccak256(index.to_be_bytes());
    (key, keccak256(key))
}

/// Nine of ten changes overwrite a leaf, one adds one.
fn changes(round: u64) -> Vec<(B256, Option<B256>)> {
    let mut changes: Vec<_> = (0..CHANGES)
        .map(|index| {
            let place = (round * CHANGES + index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let index = if index % 10 == 0 {
                LEAVES + place % (LEAVES * 100)
            } else {
                place % LEAVES
            };
            (leaf(index).0, Some(keccak256(place.to_be_bytes())))
        })
        .collect();
    changes.sort();
    changes.dedup_by_key(|(key, _)| *key);
    changes
}

fn main() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut leaves: Vec<_> = (0..LEAVES).map(leaf).collect();
    leaves.sort();
    let mut tree = Smt::from_sorted(leaves.iter().copied()).expect("keys are sorted and distinct");
    println!(
        "{} leaves, {} bytes each",
        tree.len(),
        tree.memory_bytes() / tree.len()
    );

    let mut group = criterion.benchmark_group("smt");
    group.throughput(Throughput::Elements(LEAVES));
    group.bench_function("from_sorted_1m", |bencher| {
        bencher.iter(|| Smt::from_sorted(leaves.iter().copied()).map(|tree| tree.root()));
    });

    let mut round = 0;
    group.throughput(Throughput::Elements(CHANGES));
    group.bench_function("update_10k_of_1m", |bencher| {
        bencher.iter_batched(
            || {
                round += 1;
                changes(round)
            },
            |changes| tree.update(&changes),
            BatchSize::PerIteration,
        );
    });
    println!(
        "{} leaves, {} bytes each",
        tree.len(),
        tree.memory_bytes() / tree.len()
    );

    let mut index = 0;
    let mut next_key = || {
        index += 7_919;
        leaf(index % LEAVES).0
    };
    group.throughput(Throughput::Elements(1));
    group.bench_function("prove_of_1m", |bencher| {
        bencher.iter_batched(&mut next_key, |key| tree.prove(key), BatchSize::SmallInput);
    });
    let key = leaf(5).0;
    let proof = tree.prove(key);
    group.bench_function("verify_of_1m", |bencher| {
        bencher.iter(|| verify(tree.root(), black_box(key), black_box(&proof)));
    });
    group.finish();
    criterion.final_summary();
}
