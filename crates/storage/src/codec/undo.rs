//! Records that a block replaced, as parts of a list; `tables.rs` has the layout.

use std::borrow::Cow;

use alloy_primitives::{B256, U256};

use super::{Input, leaf::MAX_LEAF_BYTES};
use crate::DecodeError;

/// The last of all keys: end of the last part.
pub(crate) const LAST_KEY: B256 = B256::repeat_byte(0xff);

/// The key after `key`; `None` after the last.
pub(crate) fn successor(key: &B256) -> Option<B256> {
    let next = U256::from_be_bytes(key.0).checked_add(U256::ONE)?;
    Some(B256::from(next))
}

/// `block ‖ last key`, the key of a part.
pub(crate) fn undo_key(block: u64, last: &B256) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&block.to_be_bytes());
    bytes[8..].copy_from_slice(last.as_slice());
    bytes
}

/// Appends what stood under `key`; an empty record is an absent leaf.
pub(crate) fn push_former(out: &mut Vec<u8>, key: &B256, record: &[u8]) {
    debug_assert!(record.len() <= MAX_LEAF_BYTES, "a record of the flat state");
    out.extend_from_slice(key.as_slice());
    out.push(record.len() as u8);
    out.extend_from_slice(record);
}

/// Takes what [`push_former`] has written.
pub(crate) fn take_former<'a>(input: &mut Input<'a>) -> Result<(B256, &'a [u8]), DecodeError> {
    let key = input.b256()?;
    let len = usize::from(input.u8()?);
    if len > MAX_LEAF_BYTES {
        return Err(DecodeError::NotCanonical("length of a record"));
    }
    Ok((key, input.take(len)?))
}

/// Part of the list of one block: the former records of those keys from `first` to `last` that the
/// block changed.
#[derive(Debug, Clone)]
pub(crate) struct UndoPart<'a> {
    pub(crate) block: u64,
    pub(crate) first: B256,
    pub(crate) last: B256,
    /// The value of the row: `first`, then the records.
    value: Cow<'a, [u8]>,
}

impl<'a> UndoPart<'a> {
    /// Decodes a row and checks the order of its keys.
    pub(crate) fn decode(key: &[u8], value: Cow<'a, [u8]>) -> Result<Self, DecodeError> {
        let mut input = Input::new(key);
        let block = input.u64()?;
        let last = input.b256()?;
        input.finish()?;
        let mut input = Input::new(&value);
        let first = input.b256()?;
        let mut newest: Option<B256> = None;
        while !input.rest().is_empty() {
            let (key, _) = take_former(&mut input)?;
            if key < first || key > last || newest.is_some_and(|newest| newest >= key) {
                return Err(DecodeError::NotCanonical("order of keys"));
            }
            newest = Some(key);
        }
        if first > last || (last != LAST_KEY && newest != Some(last)) {
            return Err(DecodeError::NotCanonical("end of a part"));
        }
        Ok(Self {
            block,
            first,
            last,
            value,
        })
    }

    /// Key of the row.
    pub(crate) fn key(&self) -> [u8; 40] {
        undo_key(self.block, &self.last)
    }

    /// Whether the record of `key` would be in this part.
    pub(crate) fn covers(&self, key: &B256) -> bool {
        self.first <= *key && *key <= self.last
    }

    /// Keys with the records before the block, in the order of keys.
    pub(crate) fn formers(&self) -> impl Iterator<Item = (B256, &[u8])> {
        // `decode` has read all of it.
        let mut input = Input::new(self.value.get(32..).unwrap_or_default());
        std::iter::from_fn(move || take_former(&mut input).ok())
    }

    /// Record of `key` before the block; `None` if the block did not change it.
    pub(crate) fn find(&self, key: &B256) -> Option<&[u8]> {
        let mut formers = self.formers();
        formers.find(|(k, _)| k == key).map(|(_, record)| record)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    type Formers = BTreeMap<[u8; 32], Vec<u8>>;

    fn any_formers() -> impl Strategy<Value = Formers> {
        let record = vec(any::<u8>(), 0..=MAX_LEAF_BYTES);
        proptest::collection::btree_map(any::<[u8; 32]>(), record, 2..20)
    }

    fn encode<'a>(
        first: &B256,
        formers: impl IntoIterator<Item = (&'a B256, &'a [u8])>,
    ) -> Vec<u8> {
        let mut value = first.to_vec();
        for (key, record) in formers {
            push_former(&mut value, key, record);
        }
        value
    }

    proptest! {
        #[test]
        fn a_part_round_trips_and_finds_exactly_its_keys(
            formers in any_formers(), block: u64, other: [u8; 32],
        ) {
            let formers: Vec<_> = formers.iter().map(|(k, r)| (B256::new(*k), &r[..])).collect();
            let value = encode(&B256::ZERO, formers.iter().map(|(k, r)| (k, *r)));
            for last in [LAST_KEY, formers[formers.len() - 1].0] {
                let key = undo_key(block, &last);
                let part = UndoPart::decode(&key, Cow::Borrowed(&value)).unwrap();
                prop_assert_eq!((part.block, part.first, part.last), (block, B256::ZERO, last));
                prop_assert_eq!(part.key(), key);
                prop_assert_eq!(&part.formers().collect::<Vec<_>>(), &formers);
                for (key, record) in &formers {
                    prop_assert!(part.covers(key));
                    prop_assert_eq!(part.find(key), Some(*record));
                }
                let other = B256::new(other);
                prop_assert_eq!(part.covers(&other), other <= last);
                let expected = formers.iter().find(|(key, _)| *key == other).map(|(_, r)| *r);
                prop_assert_eq!(part.find(&other), expected);
            }
        }

        #[test]
        fn disordered_cut_or_misplaced_parts_are_refused(
            formers in any_formers(), cut in 1usize..33, at: Index,
        ) {
            let formers: Vec<_> = formers.iter().map(|(k, r)| (B256::new(*k), &r[..])).collect();
            let decode = |first: &B256, last: &B256, formers: &[(B256, &[u8])], cut: usize| {
                let mut value = encode(first, formers.iter().map(|(k, r)| (k, *r)));
                value.truncate(value.len() - cut);
                UndoPart::decode(&undo_key(1, last), Cow::Owned(value)).map(|part| part.block)
            };
            let (first, last) = (formers[0].0, formers[formers.len() - 1].0);
            prop_assert!(decode(&first, &last, &formers, 0).is_ok());
            prop_assert!(decode(&first, &LAST_KEY, &formers, cut).is_err());
            prop_assert!(decode(&formers[1].0, &LAST_KEY, &formers, 0).is_err());
            prop_assert!(decode(&B256::ZERO, &first, &formers, 0).is_err());
            prop_assert!(decode(&B256::ZERO, &last, &formers[..formers.len() - 1], 0).is_err());
            prop_assert!(decode(&B256::ZERO, &last, &[], 0).is_err());
            let at = at.index(formers.len() - 1);
            let mut swapped = formers.clone();
            swapped.swap(at, at + 1);
            prop_assert!(decode(&B256::ZERO, &LAST_KEY, &swapped, 0).is_err());
            let mut doubled = formers.clone();
            doubled[at + 1] = doubled[at];
            prop_assert!(decode(&B256::ZERO, &LAST_KEY, &doubled, 0).is_err());
        }

        #[test]
        fn accepted_parts_are_the_ones_that_are_written(
            mut bytes in vec(prop_oneof![Just(0u8), Just(1), any::<u8>()], 0..120), at in 60usize..70,
        ) {
            if let Some(len) = bytes.get_mut(at) { *len = 3; }
            bytes.iter_mut().take(32).for_each(|byte| *byte = 0);
            let key = undo_key(3, &LAST_KEY);
            if let Ok(part) = UndoPart::decode(&key, Cow::Borrowed(&bytes)) {
                let formers: Vec<_> = part.formers().collect();
                let again = encode(&part.first, formers.iter().map(|(k, r)| (k, *r)));
                prop_assert_eq!(&again, &bytes);
            }
        }
    }

    #[test]
    fn the_last_key_has_no_successor() {
        assert_eq!(successor(&LAST_KEY), None);
        let carry = B256::left_padding_from(&[0xff]);
        assert_eq!(successor(&carry), Some(B256::left_padding_from(&[1, 0])));
    }
}
