//! Records of the flat state.
//!
//! ```text
//! account  0x00 ‖ address 20 ‖ shape 1 ‖ balance length 1 ‖ nonce ‖ balance [‖ code hash 32]
//!          shape: bits 0-3 length of the nonce (0-8), bit 4 set if a code hash follows
//! slot     0x01 ‖ word (1-32 bytes)
//! ```
//! Nonce, balance and word are big-endian without leading zero bytes. A plain account takes about
//! 32 bytes. The address is there so that the state can be dumped, and shows a misplaced record.

use alloy_primitives::{Address, KECCAK256_EMPTY, U256};
use aura_primitives::Account;

use super::Input;
use crate::{DecodeError, Leaf};

const ACCOUNT: u8 = 0x00;
const SLOT: u8 = 0x01;
const HAS_CODE: u8 = 0x10;

/// Length of the longest record.
pub(crate) const MAX_LEAF_BYTES: usize = 1 + 20 + 2 + 8 + 32 + 32;

/// A record on the stack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeafBytes {
    bytes: [u8; MAX_LEAF_BYTES],
    len: usize,
}

impl LeafBytes {
    const fn new(tag: u8) -> Self {
        let mut bytes = [0; MAX_LEAF_BYTES];
        bytes[0] = tag;
        Self { bytes, len: 1 }
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes[self.len..self.len + part.len()].copy_from_slice(part);
        self.len += part.len();
    }

    /// The encoded record.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// Encodes the account at `address`.
pub(crate) fn encode_account(address: Address, account: &Account) -> LeafBytes {
    let nonce = account.nonce.to_be_bytes();
    let nonce = trimmed(&nonce);
    let balance = account.balance.to_be_bytes::<32>();
    let balance = trimmed(&balance);
    let code = if account.has_code() { HAS_CODE } else { 0 };
    let mut out = LeafBytes::new(ACCOUNT);
    out.push(address.as_slice());
    // Lengths are at most 8 and 32.
    out.push(&[nonce.len() as u8 | code, balance.len() as u8]);
    out.push(nonce);
    out.push(balance);
    if account.has_code() {
        out.push(account.code_hash.as_slice());
    }
    out
}

/// Encodes a storage word, which must not be zero.
pub(crate) fn encode_slot(word: U256) -> LeafBytes {
    debug_assert!(!word.is_zero(), "a zero word is an absent record");
    let mut out = LeafBytes::new(SLOT);
    out.push(trimmed(&word.to_be_bytes::<32>()));
    out
}

fn number(input: &mut Input<'_>, len: usize, field: &'static str) -> Result<U256, DecodeError> {
    let bytes = input.take(len)?;
    if bytes.first() == Some(&0) {
        return Err(DecodeError::NotCanonical(field));
    }
    U256::try_from_be_slice(bytes).ok_or(DecodeError::NotCanonical(field))
}

fn account(mut input: Input<'_>) -> Result<(Address, Account), DecodeError> {
    let address = input.address()?;
    let shape = input.u8()?;
    let balance_len = usize::from(input.u8()?);
    let nonce_len = usize::from(shape & 0x0f);
    if shape & !(HAS_CODE | 0x0f) != 0 || nonce_len > 8 {
        return Err(DecodeError::NotCanonical("account shape"));
    }
    let nonce = number(&mut input, nonce_len, "nonce")?.saturating_to();
    let balance = number(&mut input, balance_len, "balance")?;
    let mut code_hash = KECCAK256_EMPTY;
    if shape & HAS_CODE != 0 {
        code_hash = input.b256()?;
        if code_hash == KECCAK256_EMPTY {
            return Err(DecodeError::NotCanonical("code hash"));
        }
    }
    input.finish()?;
    let account = Account {
        nonce,
        balance,
        code_hash,
    };
    Ok((address, account))
}

fn slot(mut input: Input<'_>) -> Result<U256, DecodeError> {
    let len = input.rest().len();
    if len == 0 {
        return Err(DecodeError::TooShort);
    }
    number(&mut input, len, "word")
}

/// Decodes either kind of record; the address of an account comes along.
pub(crate) fn decode_leaf(bytes: &[u8]) -> Result<(Leaf, Option<Address>), DecodeError> {
    let mut input = Input::new(bytes);
    match input.u8()? {
        ACCOUNT => account(input).map(|(address, value)| (Leaf::Account(value), Some(address))),
        SLOT => slot(input).map(|word| (Leaf::Slot(word), None)),
        tag => Err(DecodeError::UnknownTag(tag)),
    }
}

/// Decodes the account of `address`.
pub(crate) fn decode_account_of(address: Address, bytes: &[u8]) -> Result<Account, DecodeError> {
    match decode_leaf(bytes)? {
        (Leaf::Account(account), Some(owner)) if owner == address => Ok(account),
        _ => Err(DecodeError::WrongOwner),
    }
}

/// Decodes a storage word.
pub(crate) fn decode_slot(bytes: &[u8]) -> Result<U256, DecodeError> {
    match decode_leaf(bytes)? {
        (Leaf::Slot(word), _) => Ok(word),
        (Leaf::Account(_), _) => Err(DecodeError::WrongOwner),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn account_round_trips(
            address: [u8; 20], nonce: u64, nonce_shift in 0u32..64, limbs: [u64; 4],
            balance_shift in 0usize..256, code: Option<[u8; 32]>,
        ) {
            let account = Account {
                nonce: nonce >> nonce_shift,
                balance: U256::from_limbs(limbs) >> balance_shift,
                code_hash: code.map_or(KECCAK256_EMPTY, B256::new),
            };
            let address = Address::new(address);
            let bytes = encode_account(address, &account);
            prop_assert_eq!(
                decode_leaf(bytes.as_slice()).unwrap(),
                (Leaf::Account(account), Some(address))
            );
            prop_assert_eq!(decode_account_of(address, bytes.as_slice()).unwrap(), account);
        }

        #[test]
        fn slot_round_trips(limbs: [u64; 4], shift in 0usize..256) {
            let word = (U256::from_limbs(limbs) >> shift).max(U256::from(1));
            let bytes = encode_slot(word);
            prop_assert_eq!(decode_slot(bytes.as_slice()).unwrap(), word);
        }

        #[test]
        fn accepted_bytes_are_the_ones_that_are_written(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..100), tag in 0u8..3,
            shape in 0u8..32, balance in 0u8..34,
        ) {
            // Steer towards records that nearly decode.
            if let Some(first) = bytes.first_mut() { *first = tag; }
            if let Some(at) = bytes.get_mut(21) { *at = shape; }
            if let Some(at) = bytes.get_mut(22) { *at = balance; }
            bytes.truncate(match tag {
                0 => 23 + usize::from(shape & 15) + usize::from(balance)
                    + if shape & 16 == 0 { 0 } else { 32 },
                _ => 33,
            });
            match decode_leaf(&bytes) {
                Ok((Leaf::Account(account), Some(address))) => {
                    let again = encode_account(address, &account);
                    prop_assert_eq!(again.as_slice(), &bytes[..]);
                }
                Ok((Leaf::Slot(word), _)) => {
                    let again = encode_slot(word);
                    prop_assert_eq!(again.as_slice(), &bytes[..]);
                }
                Ok((Leaf::Account(_), None)) => prop_assert!(false, "account without address"),
                Err(_) => {}
            }
        }
    }

    #[test]
    fn a_record_of_another_owner_is_refused() {
        let bytes = encode_account(Address::ZERO, &Account::default());
        let other = Address::with_last_byte(1);
        assert_eq!(
            decode_account_of(other, bytes.as_slice()),
            Err(DecodeError::WrongOwner)
        );
        assert_eq!(decode_slot(bytes.as_slice()), Err(DecodeError::WrongOwner));
    }
}
