//! Batches of messages, cut into groups as wide as the backend.

use crate::{Backend, LengthError, constants::RATE, scalar};

/// Length of the longest message in bytes: it and its padding fill the one block that is absorbed.
pub const MAX_LEN: usize = RATE - 1;

/// Messages shorter than this, and the first byte of their padding, lie in [`SHORT_PAIRS`].
///
/// Loading no more than that is worth a second copy of the vector code for the messages of a tree.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) const SHORT: usize = 16 * SHORT_PAIRS;

/// Pairs of words that are loaded of a short message.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) const SHORT_PAIRS: usize = 5;

/// Pairs of words that are loaded of any other message: all, and a word of zeros.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) const LONG_PAIRS: usize = (RATE / 8).div_ceil(2);

/// One padded block, and eight zeros so that it can be read 16 bytes at a time.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct Lane {
    pub(crate) block: [u8; RATE],
    zeros: [u8; 8],
}

impl Lane {
    /// A block of `len` zeros with its padding (the bits 1, 0…0, 1 of keccak before FIPS 202).
    #[inline]
    fn padded(len: usize) -> Self {
        let mut block = [0; RATE];
        block[len] = 0x01;
        block[RATE - 1] |= 0x80;
        Self {
            block,
            zeros: [0; 8],
        }
    }
}

/// Hashes `count` messages of `LEN` bytes, as many at a time as this CPU can.
///
/// `fill(i, message)` writes message `i` and `emit(i, digest)` takes its digest. Each is called once
/// for every `i` below `count`, in ascending order; `fill` is called for a whole group of at most
/// eight messages before `emit` is called for the group. What a message holds before it is filled is
/// not specified. Nothing is allocated. A last group of a single message is hashed by scalar code.
///
/// Does not compile if `LEN` is above [`MAX_LEN`].
///
/// ```
/// // The hashes of pairs of hashes: one level of a Merkle tree.
/// let children = [[7u8; 32]; 32];
/// let mut parents = [[0u8; 32]; 16];
/// aura_keccak::hash_with::<64>(
///     parents.len(),
///     |i, message| {
///         message[..32].copy_from_slice(&children[2 * i]);
///         message[32..].copy_from_slice(&children[2 * i + 1]);
///     },
///     |i, digest| parents[i] = *digest,
/// );
/// assert_eq!(parents[15], aura_keccak::keccak256(&[7; 64]));
/// ```
#[inline]
pub fn hash_with<const LEN: usize>(
    count: usize,
    fill: impl FnMut(usize, &mut [u8; LEN]),
    emit: impl FnMut(usize, &[u8; 32]),
) {
    hash_with_backend(Backend::detect(), count, fill, emit);
}

/// Like [`hash_with`], with the backend given: for tests and benches.
///
/// # Panics
/// If this CPU cannot run the backend.
#[inline]
pub fn hash_with_backend<const LEN: usize>(
    backend: Backend,
    count: usize,
    mut fill: impl FnMut(usize, &mut [u8; LEN]),
    emit: impl FnMut(usize, &[u8; 32]),
) {
    const { assert!(LEN <= MAX_LEN, "a message must fit one block") };
    let fill = |i, lane: &mut Lane| {
        fill(
            i,
            lane.block
                .first_chunk_mut()
                .expect("LEN is at most MAX_LEN"),
        );
    };
    dispatch(backend, LEN, count, fill, emit);
}

/// Hashes messages of equal length that lie one after the other.
///
/// # Panics
/// If there are not as many places in `out` as messages.
#[inline]
pub fn keccak256_arrays<const LEN: usize>(messages: &[[u8; LEN]], out: &mut [[u8; 32]]) {
    assert_eq!(messages.len(), out.len(), "one place for each digest");
    hash_with(
        messages.len(),
        |i, message| *message = messages[i],
        |i, digest| out[i] = *digest,
    );
}

/// Hashes messages of equal length that lie anywhere.
///
/// ```
/// let text = b"abcdefgh";
/// let messages = [&text[..3], &text[1..4], &text[5..]];
/// let mut digests = [[0; 32]; 3];
/// aura_keccak::keccak256_slices(&messages, &mut digests)?;
/// assert_eq!(digests[1], aura_keccak::keccak256(b"bcd"));
/// # Ok::<(), aura_keccak::LengthError>(())
/// ```
///
/// # Errors
/// [`LengthError`] if the messages differ in length or are longer than [`MAX_LEN`], or if there are
/// not as many places in `out` as messages. Then `out` is as it was.
pub fn keccak256_slices(messages: &[&[u8]], out: &mut [[u8; 32]]) -> Result<(), LengthError> {
    if messages.len() != out.len() {
        return Err(LengthError::Outputs {
            messages: messages.len(),
            outputs: out.len(),
        });
    }
    let Some(expected) = messages.first().map(|message| message.len()) else {
        return Ok(());
    };
    if expected > MAX_LEN {
        return Err(LengthError::TooLong { length: expected });
    }
    if let Some(index) = messages
        .iter()
        .position(|message| message.len() != expected)
    {
        return Err(LengthError::Unequal {
            index,
            length: messages[index].len(),
            expected,
        });
    }
    dispatch(
        Backend::detect(),
        expected,
        messages.len(),
        |i, lane| lane.block[..expected].copy_from_slice(messages[i]),
        |i, digest| out[i] = *digest,
    );
    Ok(())
}

/// Hashes messages of `len` bytes, at most [`MAX_LEN`]. `fill` leaves the padding alone.
#[inline]
fn dispatch(
    backend: Backend,
    len: usize,
    count: usize,
    fill: impl FnMut(usize, &mut Lane),
    emit: impl FnMut(usize, &[u8; 32]),
) {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    match backend {
        Backend::Scalar => {}
        Backend::Avx2 => {
            let token = crate::avx2::Token::new().expect("the CPU has AVX2");
            return grouped(len, count, fill, emit, |lanes, out| {
                if len < SHORT {
                    token.hash_short(lanes, out)
                } else {
                    token.hash_long(lanes, out)
                }
            });
        }
        Backend::Avx512 => {
            let token = crate::avx512::Token::new().expect("the CPU has AVX-512F");
            return grouped(len, count, fill, emit, |lanes, out| {
                if len < SHORT {
                    token.hash_short(lanes, out)
                } else {
                    token.hash_long(lanes, out)
                }
            });
        }
    }
    #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
    assert!(
        backend.is_available(),
        "the backend needs x86-64 and the feature std"
    );
    one_by_one(len, 0..count, fill, emit);
}

/// Hashes groups of `N` messages with `hash`. The last group may have empty lanes.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[inline]
fn grouped<const N: usize>(
    len: usize,
    count: usize,
    mut fill: impl FnMut(usize, &mut Lane),
    mut emit: impl FnMut(usize, &[u8; 32]),
    hash: impl Fn(&[Lane; N], &mut [[u8; 32]; N]),
) {
    let mut first = 0;
    if count > 1 {
        let mut lanes = [Lane::padded(len); N];
        let mut digests = [[0; 32]; N];
        while count - first > 1 {
            let used = N.min(count - first);
            for (i, lane) in (first..).zip(&mut lanes[..used]) {
                fill(i, lane);
            }
            hash(&lanes, &mut digests);
            for (i, digest) in (first..).zip(&digests[..used]) {
                emit(i, digest);
            }
            first += used;
        }
    }
    one_by_one(len, first..count, fill, emit);
}

#[inline]
fn one_by_one(
    len: usize,
    indices: core::ops::Range<usize>,
    mut fill: impl FnMut(usize, &mut Lane),
    mut emit: impl FnMut(usize, &[u8; 32]),
) {
    let mut lane = Lane::padded(len);
    for i in indices {
        fill(i, &mut lane);
        emit(i, &scalar::hash_block(&lane.block));
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngCore, SeedableRng, rngs::StdRng};

    use super::{Lane, MAX_LEN, dispatch};
    use crate::Backend;

    /// Every length with every count and every backend, which the public functions reach only for
    /// lengths known when compiled.
    #[test]
    fn every_backend_agrees_for_every_length_and_count() {
        let mut rng = StdRng::seed_from_u64(4);
        let mut messages = [[0; MAX_LEN]; 33];
        messages
            .iter_mut()
            .for_each(|message| rng.fill_bytes(message));
        for len in 0..=MAX_LEN {
            let expected = messages.map(|message| alloy_primitives::keccak256(&message[..len]).0);
            for backend in Backend::ALL
                .into_iter()
                .filter(|backend| backend.is_available())
            {
                for count in 0..=messages.len() {
                    let mut digests = [[0; 32]; 33];
                    let fill = |i: usize, lane: &mut Lane| {
                        lane.block[..len].copy_from_slice(&messages[i][..len]);
                    };
                    dispatch(backend, len, count, fill, |i, digest| digests[i] = *digest);
                    assert_eq!(
                        digests[..count],
                        expected[..count],
                        "{len}, {backend:?}, {count}"
                    );
                    assert!(digests[count..].iter().all(|digest| *digest == [0; 32]));
                }
            }
        }
    }

    #[test]
    #[cfg(not(feature = "std"))]
    #[should_panic(expected = "the backend needs x86-64")]
    fn refuses_a_backend_that_is_not_there() {
        dispatch(Backend::Avx2, 64, 1, |_, _| {}, |_, _| {});
    }
}
