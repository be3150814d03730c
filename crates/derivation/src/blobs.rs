//! A payload in blobs.
//!
//! ```text
//! field element 0     0x00 ‖ length of the payload 8 ‖ zeros
//! each further one    0x00 ‖ 31 bytes of the payload
//! ```
//!
//! Elements go on through the blobs in the order of the transaction. There are as many blobs as are
//! needed, and what is not used is zero: a payload has one form.

use alloc::vec::Vec;

pub use alloy_eips::eip4844::Blob;
use alloy_eips::eip4844::{BYTES_PER_BLOB, FIELD_ELEMENT_BYTES_USIZE, FIELD_ELEMENTS_PER_BLOB};

use crate::{BatchFault, MAX_PAYLOAD_BYTES};

/// Bytes of the payload in one field element; its first byte is zero, so that it is below the modulus.
const USABLE: usize = FIELD_ELEMENT_BYTES_USIZE - 1;
/// Most blobs that a payload takes.
pub const MAX_BLOBS: usize = blobs_for(MAX_PAYLOAD_BYTES);

/// Blobs that a payload of `len` bytes takes.
const fn blobs_for(len: usize) -> usize {
    (len.div_ceil(USABLE) + 1).div_ceil(FIELD_ELEMENTS_PER_BLOB as usize)
}

/// Longest payload that fits `blobs` blobs.
pub const fn payload_bytes_in(blobs: usize) -> usize {
    (blobs * FIELD_ELEMENTS_PER_BLOB as usize).saturating_sub(1) * USABLE
}

/// The blobs of a payload; at least one.
pub fn encode_blobs(payload: &[u8]) -> Vec<Blob> {
    let mut blobs = alloc::vec![Blob::ZERO; blobs_for(payload.len())];
    let length = (payload.len() as u64).to_be_bytes();
    let parts = core::iter::once(&length[..]).chain(payload.chunks(USABLE));
    let elements = blobs
        .iter_mut()
        .flat_map(|blob| blob.chunks_exact_mut(FIELD_ELEMENT_BYTES_USIZE));
    for (element, part) in elements.zip(parts) {
        element[1..=part.len()].copy_from_slice(part);
    }
    blobs
}

/// The payload that these blobs are the form of.
///
/// # Errors
/// [`BatchFault::Blobs`] if they are not; [`BatchFault::PayloadLength`].
pub fn decode_blobs(blobs: &[Blob]) -> Result<Vec<u8>, BatchFault> {
    let mut elements = blobs
        .iter()
        .flat_map(|blob| blob.chunks_exact(FIELD_ELEMENT_BYTES_USIZE));
    let first = elements.next().ok_or(BatchFault::Blobs("there are none"))?;
    let mut length = [0; 8];
    length.copy_from_slice(&first[1..9]);
    let length = usize::try_from(u64::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_PAYLOAD_BYTES {
        return Err(BatchFault::PayloadLength(length));
    }
    if blobs.len() != blobs_for(length) {
        return Err(BatchFault::Blobs("their number does not fit the length"));
    }
    let mut payload = Vec::with_capacity(blobs.len() * BYTES_PER_BLOB);
    let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    if first[0] != 0 || !is_zero(&first[9..]) {
        return Err(BatchFault::Blobs("the first element is not a length"));
    }
    for element in elements {
        let (zero, usable) = element.split_at(1);
        if !is_zero(zero) {
            return Err(BatchFault::Blobs("an element does not begin with zero"));
        }
        payload.extend_from_slice(usable);
    }
    if !is_zero(&payload[length..]) {
        return Err(BatchFault::Blobs("bytes follow the payload"));
    }
    payload.truncate(length);
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use alloy_eips::eip4844::builder::{SidecarBuilder, SidecarCoder, SimpleCoder};
    use proptest::prelude::*;

    use super::*;

    /// Lengths around the ends of elements and blobs.
    fn payload() -> impl Strategy<Value = Vec<u8>> {
        let near = prop_oneof![
            0_usize..100,
            (1_usize..4).prop_map(payload_bytes_in),
            (1_usize..4).prop_map(|blobs| payload_bytes_in(blobs) + 1),
            0_usize..400_000,
        ];
        (near, any::<u8>()).prop_map(|(len, seed)| {
            let byte = |i: usize| (i as u8).wrapping_mul(31).wrapping_add(seed);
            (0..len).map(byte).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn decode_after_encode_is_identity(payload in payload()) {
            let blobs = encode_blobs(&payload);
            prop_assert_eq!(decode_blobs(&blobs).unwrap(), payload);
        }

        #[test]
        fn form_is_that_of_alloys_simple_coder(payload in payload()) {
            let blobs = encode_blobs(&payload);
            let theirs = SidecarBuilder::<SimpleCoder>::from_slice(&payload).take();
            prop_assert!(blobs == theirs);
            let read = SimpleCoder::default().decode_all(&blobs).unwrap();
            prop_assert!(payload.is_empty() || read == [payload]);
        }

        #[test]
        fn any_changed_byte_outside_the_payload_is_refused(
            payload in payload(), at in any::<prop::sample::Index>(), to in 1_u8..
        ) {
            let mut blobs = encode_blobs(&payload);
            let at = at.index(blobs.len() * BYTES_PER_BLOB);
            blobs[at / BYTES_PER_BLOB][at % BYTES_PER_BLOB] ^= to;
            match decode_blobs(&blobs) {
                // A byte of the payload, or its length by a few zeros: another payload, of one form.
                Ok(other) => {
                    prop_assert_ne!(&other, &payload);
                    prop_assert!(encode_blobs(&other) == blobs);
                }
                Err(BatchFault::Blobs(_) | BatchFault::PayloadLength(_)) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }

    #[test]
    fn numbers_of_blobs_are_exact() {
        assert_eq!(payload_bytes_in(1), 126_945);
        assert_eq!(payload_bytes_in(0), 0);
        for blobs in 1..=MAX_BLOBS {
            let longest = payload_bytes_in(blobs).min(MAX_PAYLOAD_BYTES);
            assert_eq!(encode_blobs(&alloc::vec![1; longest]).len(), blobs);
        }
        assert_eq!(decode_blobs(&[]), Err(BatchFault::Blobs("there are none")));
        let mut blobs = encode_blobs(b"one");
        blobs.push(Blob::ZERO);
        assert!(decode_blobs(&blobs).is_err());
    }
}
