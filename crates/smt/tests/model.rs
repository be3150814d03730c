//! The tree agrees with its definition after any sequence of batches.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use aura_smt::{Proof, Smt, SmtError, verify};
use common::Model;
use proptest::prelude::*;

mod common;

type Batch = BTreeMap<B256, Option<B256>>;

/// Keys from a small world of clusters: equal, differing in the last bits, differing in any one bit,
/// and unrelated ones.
fn key() -> impl Strategy<Value = B256> {
    let base = prop_oneof![
        Just(B256::ZERO),
        Just(B256::repeat_byte(0xff)),
        Just(B256::repeat_byte(0xa5)),
    ];
    prop_oneof![
        3 => (base.clone(), 0u8..16).prop_map(|(base, tail)| {
            let mut key = base;
            key[31] ^= tail;
            key
        }),
        3 => (base, any::<u8>(), any::<u8>()).prop_map(|(base, first, second)| {
            let mut key = base;
            for bit in [first, second] {
                key[usize::from(bit / 8)] ^= 1 << (bit % 8);
            }
            key
        }),
        2 => (0u8..=255).prop_map(|first| {
            let mut key = B256::repeat_byte(0x11);
            key[0] = first;
            key
        }),
        2 => any::<[u8; 32]>().prop_map(B256::from),
    ]
}

/// `None` and zero both delete.
fn value() -> impl Strategy<Value = Option<B256>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(B256::ZERO)),
        5 => any::<[u8; 32]>().prop_map(|bytes| Some(B256::from(bytes))),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    prop::collection::vec(prop::collection::btree_map(key(), value(), 0..40), 1..8)
}

/// Changes of a batch, extended by deletions of some present keys: random keys seldom hit.
fn changes(batch: &Batch, model: &Model, delete_every: usize) -> Vec<(B256, Option<B256>)> {
    let mut all = batch.clone();
    for key in model.keys().step_by(delete_every) {
        all.entry(*key).or_insert(None);
    }
    all.into_iter().collect()
}

fn naive_proof(model: &Model, key: &B256) -> Proof {
    let (leaf, siblings) = common::path(model, key);
    let siblings = siblings
        .into_iter()
        .map(|(depth, hash)| aura_smt::Sibling { depth, hash })
        .collect();
    Proof { leaf, siblings }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: common::cases(96), ..ProptestConfig::default() })]

    #[test]
    fn batches_give_the_root_and_proofs_of_the_definition(
        batches in batches(),
        probes in prop::collection::vec(key(), 8),
        delete_every in 2usize..9,
    ) {
        let mut model = Model::new();
        let mut tree = Smt::new();
        for batch in &batches {
            let changes = changes(batch, &model, delete_every);
            let root = tree.update(&changes).unwrap();
            for (key, value) in &changes {
                common::change(&mut model, *key, *value);
            }
            prop_assert_eq!(root, common::root(&model));
            prop_assert_eq!(root, tree.root());
            prop_assert_eq!(tree.len(), model.len());
            prop_assert_eq!(tree.is_empty(), model.is_empty());
        }
        for key in probes.iter().chain(model.keys()) {
            let proof = tree.prove(*key);
            prop_assert_eq!(&proof, &naive_proof(&model, key));
            prop_assert_eq!(verify(tree.root(), *key, &proof), Ok(model.get(key).copied()));
        }
    }

    #[test]
    fn batch_equals_one_by_one_equals_building_anew(batches in batches()) {
        let (mut batched, mut single) = (Smt::new(), Smt::new());
        let mut model = Model::new();
        for batch in &batches {
            let changes = changes(batch, &model, 3);
            batched.update(&changes).unwrap();
            for change in &changes {
                single.update(std::slice::from_ref(change)).unwrap();
                common::change(&mut model, change.0, change.1);
            }
            prop_assert_eq!(batched.root(), single.root());
        }
        prop_assert_eq!(Smt::from_sorted(model).unwrap().root(), batched.root());
    }

    #[test]
    fn undoing_a_batch_restores_the_root(first in batches(), second in batches()) {
        let mut tree = Smt::new();
        let mut model = Model::new();
        for batch in &first {
            let changes: Vec<_> = batch.clone().into_iter().collect();
            tree.update(&changes).unwrap();
            for (key, value) in changes {
                common::change(&mut model, key, value);
            }
        }
        let before = tree.root();
        for batch in second {
            let undo: Vec<_> = batch.keys().map(|key| (*key, model.get(key).copied())).collect();
            let changes: Vec<_> = batch.into_iter().collect();
            tree.update(&changes).unwrap();
            prop_assert_eq!(tree.update(&undo), Ok(before));
        }
    }

    #[test]
    fn refused_batches_leave_the_tree_unchanged(
        batch in prop::collection::btree_map(key(), value(), 2..40),
        swap in any::<prop::sample::Index>(),
        repeat in any::<bool>(),
    ) {
        let leaves = (1u8..50).map(|byte| (B256::repeat_byte(byte), B256::repeat_byte(1)));
        let mut tree = Smt::from_sorted(leaves).unwrap();
        let root = tree.root();
        let mut changes: Vec<_> = batch.into_iter().collect();
        let position = 1 + swap.index(changes.len() - 1);
        if repeat {
            changes[position].0 = changes[position - 1].0;
        } else {
            changes.swap(position - 1, position);
        }
        let key = changes[position].0;
        prop_assert_eq!(tree.update(&changes), Err(SmtError::NotSorted { position, key }));
        prop_assert_eq!(tree.root(), root);
        for byte in 1..50 {
            let key = B256::repeat_byte(byte);
            let proof = tree.prove(key);
            prop_assert_eq!(verify(root, key, &proof), Ok(Some(B256::repeat_byte(1))));
        }
    }
}

#[test]
fn building_refuses_disorder_and_zero_values() {
    let [low, high] = [B256::repeat_byte(1), B256::repeat_byte(2)];
    let not_sorted = |key| Err(SmtError::NotSorted { position: 1, key });
    let build = |leaves: [(B256, B256); 2]| Smt::from_sorted(leaves).map(|tree| tree.root());
    assert_eq!(build([(high, low), (low, low)]), not_sorted(low));
    assert_eq!(build([(high, low), (high, low)]), not_sorted(high));
    assert_eq!(
        build([(low, low), (high, B256::ZERO)]),
        Err(SmtError::ZeroValue {
            position: 1,
            key: high
        })
    );
    assert_eq!(Smt::from_sorted([]).unwrap().root(), B256::ZERO);
}

#[test]
fn large_tree_built_in_parallel_has_the_root_of_the_definition() {
    let model: Model = (0u64..20_000)
        .map(|index| {
            let hash = alloy_primitives::keccak256(index.to_be_bytes());
            (hash, alloy_primitives::keccak256(hash))
        })
        .collect();
    let built = Smt::from_sorted(model.clone()).unwrap();
    assert_eq!(built.root(), common::root(&model));

    let half: Vec<_> = model
        .iter()
        .step_by(2)
        .map(|(key, value)| (*key, Some(*value)))
        .collect();
    let rest: Vec<_> = model
        .iter()
        .skip(1)
        .step_by(2)
        .map(|(key, value)| (*key, Some(*value)))
        .collect();
    let mut updated = Smt::new();
    updated.update(&half).unwrap();
    updated.update(&rest).unwrap();
    assert_eq!(updated.root(), built.root());
}
