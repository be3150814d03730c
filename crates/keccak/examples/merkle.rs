//! Root of a binary Merkle tree, one level at a time, with every backend that the CPU has.
//!
//! `cargo run --release -p aura-keccak --example merkle -- 20` hashes 2^20 leaves.

use std::time::Instant;

use aura_keccak::{Backend, hash_with_backend};

/// Hashes pairs until one is left; the length of `level` is a power of two.
fn root(backend: Backend, mut level: Vec<[u8; 32]>) -> [u8; 32] {
    while level.len() > 1 {
        let mut parents = vec![[0; 32]; level.len() / 2];
        hash_with_backend::<64>(
            backend,
            parents.len(),
            |i, message| message.copy_from_slice(level[2 * i..2 * i + 2].as_flattened()),
            |i, digest| parents[i] = *digest,
        );
        level = parents;
    }
    level[0]
}

fn main() {
    let height = std::env::args().nth(1).map_or(16, |arg| {
        arg.parse::<u32>()
            .expect("the argument is the height of the tree")
    });
    assert!(height <= 24, "a tree of at most 2^24 leaves");
    let leaves: Vec<_> = (0..1u64 << height)
        .map(|i| {
            let mut leaf = [0; 32];
            leaf[..8].copy_from_slice(&i.to_le_bytes());
            leaf
        })
        .collect();
    for backend in Backend::ALL
        .into_iter()
        .filter(|backend| backend.is_available())
    {
        let leaves = leaves.clone();
        let start = Instant::now();
        let root = root(backend, leaves);
        let elapsed = start.elapsed();
        println!("{backend:?}: root {:02x?}… in {elapsed:?}", &root[..4]);
    }
}
