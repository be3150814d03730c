//! Eight messages at a time with AVX-512F.
#![allow(unsafe_code)] // Reason: vector loads and stores, and calls that need a CPU feature.

use core::arch::x86_64::{
    __m512i, _mm_load_si128, _mm_storeu_si128, _mm512_castsi128_si512, _mm512_extracti32x4_epi32,
    _mm512_inserti32x4, _mm512_rol_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_ternarylogic_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64, _mm512_xor_si512,
};

use crate::batch::{LONG_PAIRS, Lane, SHORT_PAIRS};
use crate::constants::{RATE, ROUND_CONSTANTS, WORDS};
use crate::round::{last_round, round};

type V = __m512i;

/// Proof that the CPU has AVX-512F: there is no other way to make one than [`Token::new`].
#[derive(Clone, Copy)]
pub(crate) struct Token(());

// The functions that hash are not inlined: one copy of them is enough, optimized as this crate is.
impl Token {
    /// Returns a token if the CPU has AVX-512F and the system saves its registers.
    #[inline]
    pub(crate) fn new() -> Option<Self> {
        std::arch::is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    /// Hashes eight padded blocks of messages shorter than [`SHORT`](crate::batch::SHORT) bytes.
    pub(crate) fn hash_short(self, lanes: &[Lane; 8], out: &mut [[u8; 32]; 8]) {
        // SAFETY: the function needs AVX-512F, and `self` exists only if the CPU has it.
        unsafe { hash::<SHORT_PAIRS>(lanes, out) }
    }

    /// Hashes eight padded blocks.
    pub(crate) fn hash_long(self, lanes: &[Lane; 8], out: &mut [[u8; 32]; 8]) {
        // SAFETY: the function needs AVX-512F, and `self` exists only if the CPU has it.
        unsafe { hash::<LONG_PAIRS>(lanes, out) }
    }
}

/// Hashes blocks of which all but the first `PAIRS` pairs of words are zero, apart from the bit that
/// ends the padding. The permutation is inlined: it begins in registers, with known zeros.
#[target_feature(enable = "avx512f")]
fn hash<const PAIRS: usize>(lanes: &[Lane; 8], out: &mut [[u8; 32]; 8]) {
    let mut a = [_mm512_setzero_si512(); WORDS];
    load::<PAIRS>(lanes, &mut a);
    if PAIRS < LONG_PAIRS {
        a[RATE / 8 - 1] = _mm512_set1_epi64(i64::MIN);
    }
    let [rounds @ .., last] = ROUND_CONSTANTS;
    for rc in rounds {
        a = round!(a, _mm512_set1_epi64(rc.cast_signed()));
    }
    store(last_round!(a, _mm512_set1_epi64(last.cast_signed())), out);
}

/// Loads `PAIRS` pairs of words of all lanes; in each vector, lane `i` is a word of message `i`.
#[inline]
#[target_feature(enable = "avx512f")]
fn load<const PAIRS: usize>(lanes: &[Lane; 8], state: &mut [V; WORDS]) {
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
            let row = _mm512_castsi128_si512(word(first));
            let row = _mm512_inserti32x4::<1>(row, word(first + 2));
            let row = _mm512_inserti32x4::<2>(row, word(first + 4));
            _mm512_inserti32x4::<3>(row, word(first + 6))
        };
        let (even, odd) = (row(0), row(1));
        state[2 * pair] = _mm512_unpacklo_epi64(even, odd);
        state[2 * pair + 1] = _mm512_unpackhi_epi64(even, odd);
    }
}

/// Stores the digests, whose words are in the lanes of `words`.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(words: [V; 4], out: &mut [[u8; 32]; 8]) {
    for half in 0..2 {
        let even = _mm512_unpacklo_epi64(words[2 * half], words[2 * half + 1]);
        let odd = _mm512_unpackhi_epi64(words[2 * half], words[2 * half + 1]);
        let parts = [
            _mm512_extracti32x4_epi32::<0>(even),
            _mm512_extracti32x4_epi32::<0>(odd),
            _mm512_extracti32x4_epi32::<1>(even),
            _mm512_extracti32x4_epi32::<1>(odd),
            _mm512_extracti32x4_epi32::<2>(even),
            _mm512_extracti32x4_epi32::<2>(odd),
            _mm512_extracti32x4_epi32::<3>(even),
            _mm512_extracti32x4_epi32::<3>(odd),
        ];
        for (digest, part) in out.iter_mut().zip(parts) {
            let place = &mut digest[16 * half..16 * half + 16];
            // SAFETY: `place` is 16 bytes that we may write; the store needs no alignment.
            unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), part) }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(a: V, b: V) -> V {
    _mm512_xor_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn chi(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi64::<0xd2>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn rol<const N: i32>(a: V) -> V {
    _mm512_rol_epi64::<N>(a)
}
