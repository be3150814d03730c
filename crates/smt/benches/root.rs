//! The root of a batch in memory, as a multiple of the time of the hashes that it needs.
//!
//! `cargo bench -p aura-smt --bench root -- [leaves [batches]]`. Random keys and values; each batch
//! is 10,000 changes, nine of ten to leaves that exist. All leaves are in the cache, one thread,
//! pinned to one core, CPU time; medians. The hashes needed are 80,700 at a million leaves and
//! 113,900 at ten million: one for each changed leaf and each branch above one.

use std::hint::black_box;

use alloy_primitives::B256;
use aura_smt::{Change, MemoryLeaves, TreeBuilder, WarmBuckets};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rustix::{
    thread::{CpuSet, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

const CHANGES: usize = 10_000;

/// CPU time of this thread in milliseconds.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn took<T>(work: impl FnOnce() -> T) -> f64 {
    let started = cpu_ms();
    black_box(work());
    cpu_ms() - started
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn word(rng: &mut StdRng) -> B256 {
    B256::from(rng.random::<[u8; 32]>())
}

fn batch(rng: &mut StdRng, keys: &mut Vec<B256>) -> Vec<Change> {
    let known = keys.len();
    let mut changes: Vec<Change> = (0..CHANGES)
        .map(|index| {
            let key = if index % 10 == 9 {
                keys.push(word(rng));
                keys[keys.len() - 1]
            } else {
                keys[rng.random_range(0..known)]
            };
            (key, Some(word(rng)))
        })
        .collect();
    changes.sort_unstable();
    changes.dedup_by_key(|(key, _)| *key);
    changes
}

/// Nanoseconds for one hash of 65 bytes among many, in the processor's cache.
fn hash_ns() -> f64 {
    let mut out = vec![[0; 32]; 2_048];
    let messages = vec![[7; 65]; 2_048];
    median(
        (0..31)
            .map(|_| took(|| aura_keccak::keccak256_arrays(&messages, &mut out)))
            .collect(),
    ) * 1e6
        / 2_048.0
}

fn main() {
    let mut core = CpuSet::new();
    core.set(0);
    sched_setaffinity(None, &core).expect("this thread may be pinned");
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok());
    let count = numbers.next().unwrap_or(1_000_000);
    let batches = numbers.next().unwrap_or(20);
    let needed = if count >= 10_000_000 {
        113_900.0
    } else {
        80_700.0
    };

    let mut rng = StdRng::seed_from_u64(42);
    let mut keys: Vec<B256> = (0..count).map(|_| word(&mut rng)).collect();
    let mut leaves: Vec<_> = keys.iter().map(|key| (*key, word(&mut rng))).collect();
    leaves.sort_unstable();
    let mut builder = TreeBuilder::new(count as u64, 0, 2 * count);
    let built = took(|| builder.extend(&leaves));
    let mut tree = builder.finish();
    let mut memory = MemoryLeaves::default();
    memory.apply(
        &leaves
            .iter()
            .map(|(key, value)| (*key, Some(*value)))
            .collect::<Vec<_>>(),
    );
    let sorted: Vec<B256> = leaves.iter().map(|(key, _)| *key).collect();
    let buckets = WarmBuckets::read(tree.missing(&sorted), &mut &memory);
    tree.warm(buckets.unwrap_or_else(|never| match never {}));

    let mut times = Vec::new();
    for _ in 0..batches {
        let changes = batch(&mut rng, &mut keys);
        times.push(took(|| {
            tree.update(&changes, &mut &memory)
                .map(|update| update.root)
        }));
        memory.apply(&changes);
    }
    let (time, hash) = (median(times), hash_ns());
    println!("{:?}", tree.stats());
    println!(
        "{count} leaves: built in {built:.0} ms; {CHANGES} changes in {time:.2} ms CPU, {:.0} changes/s; \
         {hash:.1} ns a hash, {needed} hashes need {:.2} ms: ratio {:.2}",
        CHANGES as f64 / time * 1e3,
        hash * needed / 1e6,
        time / (hash * needed / 1e6),
    );
}
