//! Four messages at a time with AVX2.
#![allow(unsafe_code)] // Reason: vector loads and stores, and calls that need a CPU feature.

use core::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm_load_si128, _mm256_andnot_si256, _mm256_castsi128_si256,
    _mm256_inserti128_si256, _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_sll_epi64, _mm256_srl_epi64, _mm256_storeu_si256,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use crate::batch::{LONG_PAIRS, Lane, SHORT_PAIRS};
use crate::constants::{RATE, ROUND_CONSTANTS, WORDS};
use crate::round::{last_round, round};

type V = __m256i;

/// Proof that the CPU has AVX2: there is no other way to make one than [`Token::new`].
#[derive(Clone, Copy)]
pub(crate) struct Token(());

// The functions that hash are not inlined: one copy of them is enough, optimized as this crate is.
impl Token {
    /// Returns a token if the CPU has AVX2 and the system saves its registers.
    #[inline]
    pub(crate) fn new() -> Option<Self> {
        std::arch::is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Hashes four padded blocks of messages shorter than [`SHORT`](crate::batch::SHORT) bytes.
    pub(crate) fn hash_short(self, lanes: &[Lane; 4], out: &mut [[u8; 32]; 4]) {
        // SAFETY: the function needs AVX2, and `self` exists only if the CPU has it.
        unsafe { hash::<SHORT_PAIRS>(lanes, out) }
    }

    /// Hashes four padded blocks.
    pub(crate) fn hash_long(self, lanes: &[Lane; 4], out: &mut [[u8; 32]; 4]) {
        // SAFETY: the function needs AVX2, and `self` exists only if the CPU has it.
        unsafe { hash::<LONG_PAIRS>(lanes, out) }
    }
}

/// Hashes blocks of which all but the first `PAIRS` pairs of words are zero, apart from the bit that
/// ends the padding. The permutation is inlined: it begins in registers, with known zeros.
#[target_feature(enable = "avx2")]
fn hash<const PAIRS: usize>(lanes: &[Lane; 4], out: &mut [[u8; 32]; 4]) {
    let mut a = [_mm256_setzero_si256(); WORDS];
    load::<PAIRS>(lanes, &mut a);
    if PAIRS < LONG_PAIRS {
        a[RATE / 8 - 1] = _mm256_set1_epi64x(i64::MIN);
    }
    let [rounds @ .., last] = ROUND_CONSTANTS;
    for rc in rounds {
        a = round!(a, _mm256_set1_epi64x(rc.cast_signed()));
    }
    store(last_round!(a, _mm256_set1_epi64x(last.cast_signed())), out);
}

/// Loads `PAIRS` pairs of words of all lanes; in each vector, lane `i` is a word of message `i`.
#[inline]
#[target_feature(enable = "avx2")]
fn load<const PAIRS: usize>(lanes: &[Lane; 4], state: &mut [V; WORDS]) {
    const { assert!(PAIRS * 16 <= size_of::<Lane>()) };
    for pair in 0..PAIRS {
        let word = |lane: usize| {
            let start = (&raw const lanes[lane])
                .cast::<u8>()
                .wrapping_add(pair * 16);
            // SAFETY: `start` is 16 * `pair` bytes into a lane, which is aligned to 16 bytes and, by
            // the assertion above, has 16 more bytes there, all of them initialised.
            unsafe { _mm_load_si128(start.cast()) }
        };
        let row = |first: usize| {
            _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(word(first)), word(first + 2))
        };
        let (even, odd) = (row(0), row(1));
        state[2 * pair] = _mm256_unpacklo_epi64(even, odd);
        state[2 * pair + 1] = _mm256_unpackhi_epi64(even, odd);
    }
}

/// Stores the digests, whose words are in the lanes of `words`.
#[inline]
#[target_feature(enable = "avx2")]
fn store(words: [V; 4], out: &mut [[u8; 32]; 4]) {
    let [a, b, c, d] = words;
    let (even_ab, odd_ab) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    let (even_cd, odd_cd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
    let digests = [
        _mm256_permute2x128_si256::<0x20>(even_ab, even_cd),
        _mm256_permute2x128_si256::<0x20>(odd_ab, odd_cd),
        _mm256_permute2x128_si256::<0x31>(even_ab, even_cd),
        _mm256_permute2x128_si256::<0x31>(odd_ab, odd_cd),
    ];
    for (place, digest) in out.iter_mut().zip(digests) {
        // SAFETY: `place` is 32 bytes that we may write; the store needs no alignment.
        unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), digest) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(a: V, b: V) -> V {
    _mm256_xor_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor3(a: V, b: V, c: V) -> V {
    _mm256_xor_si256(_mm256_xor_si256(a, b), c)
}

#[inline]
#[target_feature(enable = "avx2")]
fn chi(a: V, b: V, c: V) -> V {
    _mm256_xor_si256(a, _mm256_andnot_si256(b, c))
}

#[inline]
#[target_feature(enable = "avx2")]
fn rol<const N: i32>(a: V) -> V {
    _mm256_or_si256(
        _mm256_sll_epi64(a, _mm_cvtsi32_si128(N)),
        _mm256_srl_epi64(a, _mm_cvtsi32_si128(64 - N)),
    )
}
