//! Past states of a chain against a naive model.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use aura_smt::Prefix;
use aura_storage::{Leaf, Reader};
use proptest::{collection::vec, prelude::*};

use super::{Model, Op, who};

pub const PEOPLE: u8 = 8;
pub const SLOTS: u8 = 3;

pub fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..PEOPLE, 0u64..4, any::<u64>(), 0u8..3)
            .prop_map(|(who, nonce, balance, code)| Op::Account { who, nonce, balance, code }),
        1 => (0..PEOPLE).prop_map(|who| Op::Delete { who }),
        3 => (0..PEOPLE, 0..SLOTS, 0u64..3)
            .prop_map(|(who, slot, word)| Op::Slot { who, slot, word }),
    ]
}

/// What a block does, and whether it is a boundary.
pub type Step = (Vec<Op>, bool);

pub fn any_steps(blocks: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let is_boundary = prop_oneof![3 => Just(false), 1 => Just(true)];
    vec((vec(any_op(), 0..12), is_boundary), blocks)
}

/// The list of `block` names exactly the leaves that it changed.
pub fn assert_touched(reader: &Reader, models: &[Model], first_history: u64) {
    for (number, states) in (1u64..).zip(models.windows(2)) {
        let changed = difference(&states[1], &states[0]).into_iter();
        let changed = (number > first_history).then(|| changed.map(|(key, _)| key).collect());
        assert_eq!(reader.touched_keys(number).unwrap(), changed);
    }
    assert_eq!(reader.touched_keys(0).unwrap(), None);
    assert_eq!(reader.touched_keys(models.len() as u64).unwrap(), None);
}

pub fn leaves_at(reader: &Reader, block: u64) -> BTreeMap<B256, Leaf> {
    let mut leaves = BTreeMap::new();
    let visit = |key, leaf| assert_eq!(leaves.insert(key, leaf), None);
    reader.leaves_in_at(&Prefix::ALL, block, visit).unwrap();
    leaves
}

pub fn assert_state(reader: &Reader, number: u64, model: &Model) {
    for index in 0..PEOPLE {
        let address = who(index);
        let account = model.accounts.get(&address).copied();
        assert_eq!(reader.account_at(address, number).unwrap(), account);
        for slot in 0..SLOTS {
            let slot = U256::from(slot);
            let word = model
                .slots
                .get(&(address, slot))
                .copied()
                .unwrap_or_default();
            assert_eq!(reader.slot_at(address, slot, number).unwrap(), word);
        }
    }
}

/// The leaves that differ between two states, with the older value.
pub fn difference(newer: &Model, older: &Model) -> Vec<(B256, Option<Leaf>)> {
    let (newer, older) = (newer.leaves(), older.leaves());
    let mut keys: Vec<B256> = newer.keys().chain(older.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| newer.get(key) != older.get(key));
    keys.into_iter()
        .map(|key| (key, older.get(&key).copied()))
        .collect()
}
