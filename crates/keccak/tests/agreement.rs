//! The public functions agree with two other implementations, whatever the backend.

use alloy_primitives::keccak256 as alloy;
use aura_keccak::{
    Backend, LengthError, MAX_LEN, hash_with, hash_with_backend, keccak256, keccak256_arrays,
    keccak256_slices,
};
use p3_symmetric::CryptographicHasher;
use proptest::prelude::{any, prop_assert_eq, proptest};
use rand::{RngCore, SeedableRng, rngs::StdRng};

/// Hashes `count` messages of `LEN` bytes in every way that takes arrays, and checks order of calls.
fn arrays_agree<const LEN: usize>(rng: &mut StdRng, count: usize) {
    let mut messages = vec![[0; LEN]; count];
    messages
        .iter_mut()
        .for_each(|message| rng.fill_bytes(message));
    let expected: Vec<_> = messages.iter().map(|message| alloy(message).0).collect();

    for backend in Backend::ALL
        .into_iter()
        .filter(|backend| backend.is_available())
    {
        let filled = std::cell::Cell::new(0);
        let mut digests = Vec::new();
        hash_with_backend::<LEN>(
            backend,
            count,
            |i, message| {
                assert_eq!(i, filled.replace(i + 1));
                *message = messages[i];
            },
            |i, digest| {
                assert_eq!(i, digests.len());
                assert!(i < filled.get() && filled.get() <= i + backend.lanes());
                digests.push(*digest);
            },
        );
        assert_eq!(
            digests, expected,
            "{count} messages of {LEN} bytes with {backend:?}"
        );
    }

    let mut digests = vec![[0; 32]; count];
    keccak256_arrays(&messages, &mut digests);
    assert_eq!(digests, expected);
    let mut digests = vec![[0; 32]; count];
    p3_keccak::Keccak256Hash.hash_many(messages.as_flattened(), &mut digests);
    assert_eq!(
        digests, expected,
        "p3-keccak, {count} messages of {LEN} bytes"
    );
}

macro_rules! lengths_agree {
    ($rng:expr, $count:expr, $($len:literal)+) => {
        $(arrays_agree::<$len>($rng, $count);)+
    };
}

#[test]
fn arrays_of_any_count_agree() {
    let mut rng = StdRng::seed_from_u64(1);
    for count in (0..=33).chain([127, 1000]) {
        // Lengths in use (20, 52, 64, 65, 72) and those around words, pairs of words and the block.
        lengths_agree!(&mut rng, count,
            0 1 7 8 9 15 16 17 20 31 32 33 52 63 64 65 71 72 73 79 80 81 127 128 129 134 135);
    }
}

#[test]
fn slices_of_any_length_and_alignment_agree() {
    let mut rng = StdRng::seed_from_u64(2);
    let mut bytes = vec![0; 64 + 33 * (MAX_LEN + 1)];
    rng.fill_bytes(&mut bytes);
    for len in 0..=MAX_LEN {
        for alignment in 0..64 {
            // One byte between the messages: in a batch they lie at all alignments, too.
            let count = 1 + (len + alignment) % 33;
            let messages: Vec<_> = (0..count)
                .map(|i| &bytes[alignment + i * (len + 1)..][..len])
                .collect();
            let mut digests = vec![[0; 32]; count];
            keccak256_slices(&messages, &mut digests).unwrap();
            for (message, digest) in messages.iter().zip(&digests) {
                assert_eq!(
                    alloy(message).0,
                    *digest,
                    "{len} bytes, alignment {alignment}"
                );
            }
        }
    }
}

#[test]
fn long_messages_agree() {
    let mut rng = StdRng::seed_from_u64(3);
    let mut bytes = vec![0; 1100];
    rng.fill_bytes(&mut bytes);
    for len in 0..bytes.len() {
        let digest = keccak256(&bytes[..len]);
        assert_eq!(digest, alloy(&bytes[..len]).0, "{len} bytes");
        assert_eq!(
            digest,
            p3_keccak::Keccak256Hash.hash_slice(&bytes[..len]),
            "{len} bytes"
        );
    }
}

#[test]
fn empty_batch_calls_nothing() {
    hash_with::<64>(
        0,
        |_, _| panic!("no message to fill"),
        |_, _| panic!("no digest to take"),
    );
    for backend in Backend::ALL
        .into_iter()
        .filter(|backend| backend.is_available())
    {
        hash_with_backend::<0>(backend, 0, |_, _| panic!("fill"), |_, _| panic!("emit"));
    }
    keccak256_arrays::<64>(&[], &mut []);
    assert_eq!(keccak256_slices(&[], &mut []), Ok(()));
}

#[test]
fn refuses_what_does_not_fit_and_leaves_the_output_alone() {
    let bytes = [0u8; MAX_LEN + 1];
    let mut out = [[7; 32]; 3];
    let refused =
        |messages: &[&[u8]], out: &mut [[u8; 32]]| keccak256_slices(messages, out).unwrap_err();
    assert_eq!(
        refused(&[&bytes[..64], &bytes[..64], &bytes[..65]], &mut out),
        LengthError::Unequal {
            index: 2,
            length: 65,
            expected: 64
        }
    );
    assert_eq!(
        refused(&[&bytes[..64], &bytes, &bytes[..63]], &mut out),
        LengthError::Unequal {
            index: 1,
            length: 136,
            expected: 64
        }
    );
    assert_eq!(
        refused(&[&bytes, &bytes, &bytes], &mut out),
        LengthError::TooLong { length: 136 }
    );
    assert_eq!(
        refused(&[&bytes[..1], &bytes[..1]], &mut out),
        LengthError::Outputs {
            messages: 2,
            outputs: 3
        }
    );
    assert_eq!(
        refused(&[], &mut out),
        LengthError::Outputs {
            messages: 0,
            outputs: 3
        }
    );
    assert_eq!(out, [[7; 32]; 3]);
}

#[test]
#[should_panic(expected = "one place for each digest")]
fn arrays_need_one_place_for_each_digest() {
    keccak256_arrays(&[[0; 64]; 3], &mut [[0; 32]; 2]);
}

proptest! {
    // 256 cases, or as many as PROPTEST_CASES says.

    #[test]
    fn any_batch_agrees(len in 0..=MAX_LEN, count in 1..100usize, seed in any::<u64>()) {
        let mut bytes = vec![0; len * count];
        StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
        let messages: Vec<_> = (0..count).map(|i| &bytes[i * len..][..len]).collect();
        let mut digests = vec![[0; 32]; count];
        keccak256_slices(&messages, &mut digests).unwrap();
        let mut second = vec![[0; 32]; count];
        p3_keccak::Keccak256Hash.hash_many(&bytes, &mut second);
        for (message, digest) in messages.iter().zip(&digests) {
            prop_assert_eq!(*digest, alloy(message).0);
        }
        prop_assert_eq!(digests, second);
    }
}
