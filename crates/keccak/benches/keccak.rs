//! Time of one hash of a short message, in batches, for every way to compute it.
//!
//! `taskset -c 1 cargo bench -p aura-keccak`; one thread, warm, 1,024 messages (the inputs and the
//! outputs fit the second-level cache). The time shown is the CPU time of a batch, the throughput
//! hashes per second; figures of one run are comparable, those of two runs only if the machine was
//! idle: another program on the second thread of the same core slows all of them down, and those
//! that use many registers the least.
//!
//! - `alloy_default`: crate `sha3` in the version that alloy-primitives uses unless its feature
//!   `asm-keccak` is on. It is measured by itself because this workspace turns that feature on.
//! - `alloy_asm`: `alloy_primitives::keccak256` with `asm-keccak`.
//! - `p3_keccak`: `hash_many` of p3-keccak, which chooses the instructions itself.
//! - `scalar`, `avx2`, `avx512`: this crate.

use std::{hint::black_box, time::Duration};

use aura_keccak::{Backend, hash_with_backend};
use criterion::{BenchmarkId, Criterion, Throughput};
use p3_symmetric::CryptographicHasher;
use sha3::Digest;

const COUNT: usize = 1024;

/// Hashes the messages of a batch.
type Hash<'a, const LEN: usize> = &'a dyn Fn(&[[u8; LEN]], &mut [[u8; 32]]);

/// Messages that differ in every byte.
fn messages<const LEN: usize>() -> Vec<[u8; LEN]> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..COUNT)
        .map(|_| std::array::from_fn(|_| next()))
        .collect()
}

/// CPU time of this thread: not affected by other programs that take the core in between.
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(now).expect("CPU time is not negative")
}

fn bench<const LEN: usize>(criterion: &mut Criterion) {
    let messages = messages::<LEN>();
    let expected: Vec<[u8; 32]> = messages
        .iter()
        .map(|message| sha3::Keccak256::digest(message).into())
        .collect();
    let mut group = criterion.benchmark_group("keccak256");
    group.throughput(Throughput::Elements(COUNT as u64));
    let mut run = |name: &str, hash: Hash<'_, LEN>| {
        let mut out = vec![[0; 32]; COUNT];
        hash(&messages, &mut out);
        assert_eq!(out, expected, "{name}");
        group.bench_function(BenchmarkId::new(name, LEN), |bencher| {
            bencher.iter_custom(|rounds| {
                let start = cpu_time();
                for _ in 0..rounds {
                    hash(black_box(&messages), black_box(&mut out));
                }
                cpu_time() - start
            });
        });
    };
    run("alloy_default", &|messages, out| {
        for (message, out) in messages.iter().zip(out) {
            *out = sha3::Keccak256::digest(message).into();
        }
    });
    run("alloy_asm", &|messages, out| {
        for (message, out) in messages.iter().zip(out) {
            *out = alloy_primitives::keccak256(message).0;
        }
    });
    run("p3_keccak", &|messages, out| {
        p3_keccak::Keccak256Hash.hash_many(messages.as_flattened(), out);
    });
    let own = [
        (Backend::Scalar, "scalar"),
        (Backend::Avx2, "avx2"),
        (Backend::Avx512, "avx512"),
    ];
    for (backend, name) in own {
        if !backend.is_available() {
            eprintln!("this CPU cannot run {name}: not measured");
            continue;
        }
        run(name, &|messages, out| {
            hash_with_backend::<LEN>(
                backend,
                messages.len(),
                |i, message| *message = messages[i],
                |i, digest| out[i] = *digest,
            );
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    bench::<64>(&mut criterion);
    bench::<65>(&mut criterion);
    bench::<20>(&mut criterion);
    bench::<52>(&mut criterion);
    bench::<72>(&mut criterion);
    criterion.final_summary();
}
