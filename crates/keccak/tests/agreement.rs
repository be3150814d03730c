//! Every backend agrees with two other implementations.

use alloy_primitives::keccak256 as alloy;
use aura_keccak::{Backend, hash_with_backend, keccak256, keccak256_arrays, keccak256_slices};
use rand::{RngCore, SeedableRng, rngs::StdRng};

/// Hashes `count` messages of `LEN` bytes with every backend.
fn agrees<const LEN: usize>(rng: &mut StdRng, count: usize) {
    let mut messages = vec![[0; LEN]; count];
    messages
        .iter_mut()
        .for_each(|message| rng.fill_bytes(message));
    let expected: Vec<_> = messages.iter().map(|message| alloy(message).0).collect();
    for backend in Backend::ALL
        .into_iter()
        .filter(|backend| backend.is_available())
    {
        let mut digests = Vec::new();
        hash_with_backend::<LEN>(
            backend,
            count,
            |i, message| *message = messages[i],
            |i, digest| {
                assert_eq!(i, digests.len());
                digests.push(*digest);
            },
        );
        assert_eq!(
            digests, expected,
            "{count} messages of {LEN} bytes with {backend:?}"
        );
    }
}

#[test]
fn some() {
    let mut rng = StdRng::seed_from_u64(1);
    for count in 0..=33 {
        agrees::<0>(&mut rng, count);
        agrees::<64>(&mut rng, count);
        agrees::<65>(&mut rng, count);
        agrees::<79>(&mut rng, count);
        agrees::<80>(&mut rng, count);
        agrees::<135>(&mut rng, count);
    }
    let m = vec![7u8; 1000];
    for l in 0..1000 {
        assert_eq!(keccak256(&m[..l]), alloy(&m[..l]).0);
    }
    let _ = (keccak256_arrays::<3>, keccak256_slices);
}
