//! Keys of `Preimages`.
//!
//! ```text
//! account  address 20
//! slot     address 20 ‖ slot 32
//! ```
//! An account's key is followed by those of its slots, in the order of their numbers.

use alloy_primitives::{Address, U256};

use crate::DecodeError;

/// `address ‖ slot`.
pub(crate) fn slot_key(address: Address, slot: U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

/// The address in a key of either kind.
pub(crate) fn address_of(key: &[u8]) -> Result<Address, DecodeError> {
    match (key.len(), key.first_chunk::<20>()) {
        (20 | 52, Some(address)) => Ok(Address::new(*address)),
        _ => Err(DecodeError::NotCanonical("key")),
    }
}

/// The slot in a key; `None` in that of an account.
pub(crate) fn slot_of(key: &[u8]) -> Result<Option<U256>, DecodeError> {
    match key.get(20..) {
        Some([]) => Ok(None),
        Some(slot) if slot.len() == 32 => Ok(Some(U256::from_be_slice(slot))),
        _ => Err(DecodeError::NotCanonical("key")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_round_trip_and_other_lengths_fail(address: [u8; 20], limbs: [u64; 4], cut in 0usize..52) {
            let (address, slot) = (Address::new(address), U256::from_limbs(limbs));
            let key = slot_key(address, slot);
            prop_assert_eq!(address_of(&key).unwrap(), address);
            prop_assert_eq!(slot_of(&key).unwrap(), Some(slot));
            prop_assert_eq!(slot_of(&key[..20]).unwrap(), None);
            prop_assert_eq!(address_of(&key[..20]).unwrap(), address);
            prop_assert_eq!(slot_of(&key[..cut]).is_err(), cut != 20);
            prop_assert_eq!(address_of(&key[..cut]).is_err(), cut != 20);
        }
    }
}
