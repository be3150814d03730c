//! Constants of keccak-f\[1600\], computed from their definitions in FIPS 202.

/// Rounds of the permutation.
pub(crate) const ROUNDS: usize = 24;

/// Bytes that one permutation absorbs for a digest of 256 bits.
pub(crate) const RATE: usize = 136;

/// Words of the state.
pub(crate) const WORDS: usize = 25;

/// Round constants (FIPS 202, 3.2.5): bit `2^j - 1` of constant `i` is output `j + 7 i` of the shift
/// register with the polynomial `x^8 + x^6 + x^5 + x^4 + 1`.
pub(crate) const ROUND_CONSTANTS: [u64; ROUNDS] = round_constants();

/// Rotation of the word at `x + 5 y` in step rho (FIPS 202, 3.2.2).
pub(crate) const RHO: [u32; WORDS] = rho();

const fn round_constants() -> [u64; ROUNDS] {
    let mut constants = [0; ROUNDS];
    let mut register: u8 = 1;
    let mut round = 0;
    while round < ROUNDS {
        let mut bit = 0;
        while bit < 7 {
            if register & 1 == 1 {
                constants[round] |= 1 << ((1u32 << bit) - 1);
            }
            // x^8 = x^6 + x^5 + x^4 + 1, written without the leading term.
            let reduction = if register & 0x80 == 0 { 0 } else { 0x71 };
            register = (register << 1) ^ reduction;
            bit += 1;
        }
        round += 1;
    }
    constants
}

const fn rho() -> [u32; WORDS] {
    let mut offsets = [0; WORDS];
    let (mut x, mut y) = (1, 0);
    let mut t = 0;
    while t < 24 {
        offsets[x + 5 * y] = (t + 1) * (t + 2) / 2 % 64;
        (x, y) = (y, (2 * x + 3 * y) % 5);
        t += 1;
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::{RHO, ROUND_CONSTANTS};

    #[test]
    fn constants_match_the_standard() {
        assert_eq!(ROUND_CONSTANTS[0], 1);
        assert_eq!(ROUND_CONSTANTS[1], 0x8082);
        assert_eq!(ROUND_CONSTANTS[2], 0x8000_0000_0000_808a);
        assert_eq!(ROUND_CONSTANTS[23], 0x8000_0000_8000_8008);
        assert_eq!(RHO[..5], [0, 1, 62, 28, 27]);
        assert_eq!(RHO[20..], [18, 2, 61, 56, 14]);
    }
}
