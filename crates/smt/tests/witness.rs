//! A witness of the touched keys gives every root that the whole tree gives.

use alloy_primitives::{B256, keccak256};
use aura_smt::{BlockWitness, MultiProof, PartialTree, VerifyError, WitnessError};
use common::{
    Model, change,
    prover::{Prover, any_key, any_model, any_value, present, some_keys, tree},
};
use proptest::prelude::*;

mod common;

type Change = (B256, Option<B256>);

/// Applies a batch to the model.
fn after(model: &Model, batch: &[Change]) -> Model {
    let mut model = model.clone();
    for (key, value) in batch {
        change(&mut model, *key, *value);
    }
    model
}

/// A tree, and keys of which about half are in it.
fn any_state() -> impl Strategy<Value = (Model, Vec<B256>)> {
    let absent = prop::collection::btree_set(any_key(), 0..10);
    let picks = prop::collection::vec(any::<prop::sample::Index>(), 0..10);
    (any_model(40), absent, picks).prop_map(|(model, mut keys, picks)| {
        let present: Vec<_> = model.keys().copied().collect();
        if !present.is_empty() {
            keys.extend(picks.iter().map(|pick| *pick.get(&present)));
        }
        (model, keys.into_iter().collect())
    })
}

/// New values of some of the keys, many of them deleted.
fn any_batch(keys: Vec<B256>) -> impl Strategy<Value = Vec<Change>> {
    let values = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Some(B256::ZERO))),
        3 => Just(Some(None)),
        6 => any_value().prop_map(|value| Some(Some(value))),
    ];
    prop::collection::vec(values, keys.len()).prop_map(move |values| {
        let changes = keys.iter().zip(values);
        changes
            .filter_map(|(key, value)| value.map(|value| (*key, value)))
            .collect()
    })
}

/// A tree, keys, and batches of changes of those keys.
fn any_history() -> impl Strategy<Value = (Model, Vec<B256>, Vec<Vec<Change>>)> {
    any_state().prop_flat_map(|(model, keys)| {
        let batches = prop::collection::vec(any_batch(keys.clone()), 1..5);
        (Just(model), Just(keys), batches)
    })
}

proptest! {
    #[test]
    fn the_touched_keys_suffice_for_any_batches(
        (mut model, keys, batches) in any_history(),
        others in prop::collection::vec(any_key(), 0..10),
    ) {
        let prover = Prover::new(&model);
        let mut tree = PartialTree::from_proof(prover.root(), &prover.prove_all(&keys)).unwrap();
        for batch in batches {
            model = after(&model, &batch);
            let prover = Prover::new(&model);
            prop_assert_eq!(tree.update(&batch), Ok(prover.root()));
            prop_assert_eq!(tree.root(), prover.root());
            for key in &keys {
                prop_assert_eq!(tree.get(*key), Ok(prover.value(key)));
            }
            for key in keys.iter().chain(&others) {
                // Beyond the keys it may know nothing, but never anything else.
                match tree.get(*key) {
                    Ok(value) => prop_assert_eq!(value, prover.value(key)),
                    Err(error) => prop_assert_eq!(error, WitnessError::NotCovered { key: *key }),
                }
                match tree.prove(*key) {
                    Ok(proof) => prop_assert_eq!(proof, prover.prove(key)),
                    Err(error) => prop_assert_eq!(error, WitnessError::NotCovered { key: *key }),
                }
            }
        }
    }

    #[test]
    fn a_batch_beyond_the_witness_fails_or_is_right(
        (model, keys) in any_state(),
        batch in prop::collection::btree_map(any_key(), prop::option::of(any_value()), 0..4),
    ) {
        let prover = Prover::new(&model);
        let mut tree = PartialTree::from_proof(prover.root(), &prover.prove_all(&keys)).unwrap();
        let batch: Vec<_> = batch.into_iter().collect();
        let unknown = batch.iter().find(|(key, _)| tree.get(*key).is_err());
        match tree.update(&batch) {
            Ok(root) => {
                prop_assert_eq!(unknown, None);
                prop_assert_eq!(root, Prover::new(&after(&model, &batch)).root());
            }
            Err(error) => {
                let key = unknown.unwrap().0;
                prop_assert_eq!(error, WitnessError::NotCovered { key });
                prop_assert_eq!(tree.root(), prover.root());
                for key in keys {
                    prop_assert_eq!(tree.get(key), Ok(prover.value(&key)));
                }
            }
        }
    }

    #[test]
    fn one_batch_equals_its_changes_one_by_one(
        (model, keys, batches) in any_history(),
        is_reversed in any::<bool>(),
    ) {
        let prover = Prover::new(&model);
        let whole = PartialTree::from_proof(prover.root(), &prover.prove_all(&keys)).unwrap();
        let mut batch = batches[0].clone();
        let root = whole.clone().update(&batch);
        if is_reversed {
            batch.reverse();
        }
        let mut single = whole;
        for change in batch {
            single.update(&[change]).unwrap();
        }
        prop_assert_eq!(Ok(single.root()), root);
    }
}

/// Five keys in a bush of branches next to each other, one at a time and at the far ends.
const BITS: [u8; 5] = [
    0b0000_0000,
    0b0000_0001,
    0b0000_0100,
    0b0000_0110,
    0b1000_0000,
];

fn small(set: usize, generation: u8) -> impl Iterator<Item = Change> {
    (0..5).filter(move |at| set >> at & 1 == 1).map(move |at| {
        let mut key = B256::ZERO;
        key[7] = BITS[at];
        (key, Some(B256::with_last_byte(generation)))
    })
}

/// Subsets of a set, itself included.
fn subsets(set: usize) -> impl Iterator<Item = usize> {
    (0..32).filter(move |subset| subset & !set == 0)
}

/// All trees of five keys, all sets of proven keys, and all pairs of batches that insert, overwrite
/// or delete each of them.
#[test]
fn every_small_case_is_right() {
    let model = |set: usize, generation| -> Model {
        small(set, generation)
            .map(|(key, value)| (key, value.unwrap()))
            .collect()
    };
    let batch = |touched: usize, set: usize, generation| -> Vec<Change> {
        small(touched, generation)
            .zip(small(touched, 0))
            .map(|(change, (key, _))| {
                let is_set = model(set, generation).contains_key(&key);
                if is_set { change } else { (key, None) }
            })
            .collect()
    };
    let mut cases = 0;
    for (before, touched) in (0..32).flat_map(|before| (0..32).map(move |keys| (before, keys))) {
        let state = model(before, 1);
        let prover = Prover::new(&state);
        let keys: Vec<_> = small(touched, 0).map(|(key, _)| key).collect();
        let tree = PartialTree::from_proof(prover.root(), &prover.prove_all(&keys)).unwrap();
        for first in subsets(touched) {
            let mut tree = tree.clone();
            let changes = batch(touched, first, 2);
            let state = after(&state, &changes);
            assert_eq!(tree.update(&changes), Ok(Prover::new(&state).root()));
            for second in subsets(touched) {
                let mut tree = tree.clone();
                let changes = batch(touched, second, 3);
                let root = Prover::new(&after(&state, &changes)).root();
                assert_eq!(tree.update(&changes), Ok(root));
                cases += 1;
            }
        }
    }
    // Sum of 4^|touched| over all sets.
    assert_eq!(cases, 32 * 5usize.pow(5));
}

/// The case that needs deleted leaves to be remembered: after the deletion, the walk of the key
/// inserted next would end at a subtree of unknown depth.
#[test]
fn a_key_goes_in_where_a_deletion_left_a_bare_hash() {
    let [a, b, c, new] = [0b0100_0000, 0b0000_0001, 0b0000_0000, 0b0000_1000].map(|byte| {
        let mut key = B256::ZERO;
        key[0] = byte;
        key
    });
    let value = B256::repeat_byte(1);
    let mut model = Model::from([(a, value), (b, value), (c, value)]);
    let prover = Prover::new(&model);
    // Only `a` is proven; `b` and `c` are the hash beside it. A key near `a` is covered too.
    let mut near = a;
    near[31] = 1;
    let mut tree = PartialTree::from_proof(prover.root(), &prover.prove_all([&a])).unwrap();
    assert_eq!(
        tree.update(&[(new, Some(value))]),
        Err(WitnessError::NotCovered { key: new })
    );
    tree.update(&[(a, None)]).unwrap();
    change(&mut model, a, None);
    assert_eq!(tree.root(), Prover::new(&model).root());
    assert_eq!(tree.get(a), Ok(None));
    assert_eq!(tree.prove(a), Err(WitnessError::NotCovered { key: a }));
    assert_eq!(tree.get(new), Err(WitnessError::NotCovered { key: new }));
    tree.update(&[(near, Some(value))]).unwrap();
    change(&mut model, near, Some(value));
    assert_eq!(tree.root(), Prover::new(&model).root());
    assert_eq!(tree.prove(a), Ok(Prover::new(&model).prove(&a)));
}

#[test]
fn a_tree_can_be_emptied_and_filled_again() {
    let keys: Vec<_> = (0..60).map(present).collect();
    let full = tree();
    let mut partial = PartialTree::from_proof(full.root(), &full.prove_all(&keys)).unwrap();
    let values: Vec<_> = keys.iter().map(|key| full.value(key)).collect();
    let mut filling: Vec<_> = keys.iter().copied().zip(values).collect();
    filling.sort();
    let emptying: Vec<_> = filling.iter().map(|(key, _)| (*key, None)).collect();
    for _ in 0..2 {
        assert_eq!(partial.update(&emptying), Ok(B256::ZERO));
        let proof = partial.prove(keys[0]).unwrap();
        assert_eq!((proof.leaf, proof.siblings), (None, vec![]));
        assert_eq!(partial.update(&filling), Ok(full.root()));
    }
    let mut fresh = PartialTree::from_proof(B256::ZERO, &MultiProof::default()).unwrap();
    assert_eq!(fresh.update(&emptying), Ok(B256::ZERO));
    assert_eq!(fresh.update(&filling), Ok(full.root()));
}

#[test]
fn a_batch_out_of_order_is_refused() {
    let (full, keys) = (tree(), some_keys());
    let mut tree = PartialTree::from_proof(full.root(), &full.prove_all(&keys)).unwrap();
    let (low, high) = (keys[0].min(keys[1]), keys[0].max(keys[1]));
    for second in [low, high] {
        assert_eq!(
            tree.update(&[(high, None), (second, None)]),
            Err(WitnessError::NotSorted {
                position: 1,
                key: second
            })
        );
    }
    assert_eq!(tree.root(), full.root());
}

/// A block that inserts, overwrites, deletes and reads.
fn block() -> (BlockWitness, Vec<Change>) {
    let (tree, keys) = (tree(), some_keys());
    let mut changes: Vec<_> = keys
        .iter()
        .zip(0u8..)
        .skip(1)
        .map(|(key, at)| (*key, (at % 2 == 1).then(|| keccak256([at, 9]))))
        .collect();
    changes.sort();
    let model: Model = (0..60)
        .map(present)
        .map(|key| (key, tree.value(&key).unwrap()))
        .collect();
    let witness = BlockWitness {
        parent_root: tree.root(),
        root: Prover::new(&after(&model, &changes)).root(),
        proof: tree.prove_all(&keys),
    };
    (witness, changes)
}

#[test]
fn a_block_witness_leads_from_root_to_root() {
    let (witness, changes) = block();
    assert_eq!(witness.verify_update(&changes), Ok(()));
    for key in some_keys() {
        assert_eq!(witness.tree().unwrap().get(key), Ok(tree().value(&key)));
    }
    let bytes = witness.to_bytes();
    assert_eq!(BlockWitness::from_bytes(&bytes), Ok(witness.clone()));
    let json = serde_json::to_string(&witness).unwrap();
    assert_eq!(
        serde_json::from_str::<BlockWitness>(&json).unwrap(),
        witness
    );
    for length in 0..bytes.len() {
        assert!(BlockWitness::from_bytes(&bytes[..length]).is_err());
    }
    assert!(BlockWitness::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_block_without_changes_keeps_its_root() {
    let root = tree().root();
    let mut witness = BlockWitness {
        parent_root: root,
        root,
        proof: MultiProof::default(),
    };
    assert_eq!(witness.verify_update(&[]), Ok(()));
    let key = present(0);
    assert_eq!(
        witness.verify_update(&[(key, None)]),
        Err(WitnessError::NotCovered { key })
    );
    witness.root = B256::ZERO;
    assert_eq!(
        witness.verify_update(&[]),
        Err(WitnessError::RootMismatch {
            computed: root,
            expected: B256::ZERO
        })
    );
}

#[test]
fn other_changes_do_not_lead_to_the_root() {
    let (witness, changes) = block();
    let refuse = |changes: &[Change]| {
        let error = witness.verify_update(changes).unwrap_err();
        assert!(
            matches!(error, WitnessError::RootMismatch { .. }),
            "{error}"
        );
    };
    let present_before = |key: &B256| tree().value(key).is_some();
    for at in 0..changes.len() {
        let (key, value) = changes[at];
        let mut other = changes.clone();
        other[at].1 = Some(B256::repeat_byte(5));
        refuse(&other);
        if value.is_some() || present_before(&key) {
            other.remove(at);
            refuse(&other);
        }
    }
    refuse(&[]);
    let mut unproven = changes;
    unproven.push((B256::repeat_byte(0xff), None));
    assert_eq!(
        witness.verify_update(&unproven),
        Err(WitnessError::NotCovered {
            key: B256::repeat_byte(0xff)
        })
    );
}

#[test]
fn any_flipped_bit_invalidates_a_block_witness() {
    let (witness, changes) = block();
    let bytes = witness.to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(witness) = BlockWitness::from_bytes(&flipped) {
            let error = witness.verify_update(&changes).unwrap_err();
            let is_root = (256..512).contains(&bit);
            let is_proof = matches!(error, WitnessError::Proof(_));
            assert_eq!(is_proof, !is_root, "bit {bit}: {error}");
        }
    }
}

#[test]
fn a_witness_of_another_root_is_refused() {
    let (mut witness, changes) = block();
    let expected = witness.root;
    let computed = witness.parent_root;
    witness.parent_root = expected;
    assert_eq!(
        witness.verify_update(&changes),
        Err(WitnessError::Proof(VerifyError::RootMismatch {
            computed,
            expected
        }))
    );
}
