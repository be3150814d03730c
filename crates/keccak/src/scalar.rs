//! The hash of one message at a time, in safe code.

use crate::constants::{RATE, ROUND_CONSTANTS, ROUNDS, WORDS};
use crate::round::{last_round, round};

/// Hashes one message of any length.
///
/// Cost: one permutation for each 136 bytes begun, and one for an empty message.
///
/// ```
/// let digest = aura_keccak::keccak256(b"");
/// assert_eq!(digest[..4], [0xc5, 0xd2, 0x46, 0x01]);
/// ```
pub fn keccak256(message: &[u8]) -> [u8; 32] {
    let mut state = [0; WORDS];
    let mut blocks = message.chunks_exact(RATE);
    for block in &mut blocks {
        absorb(&mut state, block);
        state = permute(state);
    }
    let rest = blocks.remainder();
    let mut block = [0; RATE];
    block[..rest.len()].copy_from_slice(rest);
    block[rest.len()] = 0x01;
    block[RATE - 1] |= 0x80;
    absorb(&mut state, &block);
    digest(state)
}

/// Hashes one block that is padded already.
#[inline]
pub(crate) fn hash_block(block: &[u8; RATE]) -> [u8; 32] {
    let mut state = [0; WORDS];
    absorb(&mut state, block);
    digest(state)
}

#[inline]
fn absorb(state: &mut [u64; WORDS], block: &[u8]) {
    let (words, _) = block.as_chunks();
    for (word, bytes) in state.iter_mut().zip(words) {
        *word ^= u64::from_le_bytes(*bytes);
    }
}

fn permute(mut a: [u64; WORDS]) -> [u64; WORDS] {
    for rc in ROUND_CONSTANTS {
        a = round!(a, rc);
    }
    a
}

fn digest(mut a: [u64; WORDS]) -> [u8; 32] {
    for rc in &ROUND_CONSTANTS[..ROUNDS - 1] {
        a = round!(a, *rc);
    }
    let words = last_round!(a, ROUND_CONSTANTS[ROUNDS - 1]);
    let mut out = [0; 32];
    let (places, _) = out.as_chunks_mut();
    for (place, word) in places.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    out
}

#[inline(always)]
const fn xor(a: u64, b: u64) -> u64 {
    a ^ b
}

#[inline(always)]
const fn xor3(a: u64, b: u64, c: u64) -> u64 {
    a ^ b ^ c
}

#[inline(always)]
const fn chi(a: u64, b: u64, c: u64) -> u64 {
    a ^ (!b & c)
}

#[inline(always)]
const fn rol<const N: u32>(a: u64) -> u64 {
    a.rotate_left(N)
}
