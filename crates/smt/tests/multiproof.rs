//! Proofs of many keys: they show what is true, nothing else, and in one form only.

use alloy_primitives::{B256, keccak256};
use aura_smt::{BlockWitness, MultiProof, Proof, Smt, VerifyError, verify};
use common::{
    Model,
    prover::{Prover, any_key, any_model, present, tree},
};
use proptest::prelude::*;

mod common;

proptest! {
    #[test]
    fn a_multiproof_shows_each_key_as_it_is(
        model in any_model(40),
        keys in prop::collection::vec(any_key(), 0..20),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let prover = Prover::new(&model);
        prop_assert_eq!(prover.root(), common::root(&model));
        let present: Vec<_> = model.keys().copied().collect();
        let mut keys = keys;
        keys.extend(picks.iter().filter(|_| !present.is_empty()).map(|pick| *pick.get(&present)));
        let proof = prover.prove_all(&keys);

        let truth: Vec<_> = keys.iter().map(|key| model.get(key).copied()).collect();
        prop_assert_eq!(proof.verify(prover.root(), &keys), Ok(truth));
        let distinct = |leaf: Option<(B256, B256)>| leaf.map(|leaf| leaf.0);
        let reached: std::collections::BTreeSet<_> =
            keys.iter().filter_map(|key| distinct(prover.prove(key).leaf)).collect();
        prop_assert!(reached.iter().eq(proof.leaves.iter().map(|leaf| &leaf.key)));

        // One form only, however it came about.
        prop_assert_eq!(&prover.prove_all(keys.iter().rev().chain(&keys)), &proof);
        let bytes = proof.to_bytes();
        prop_assert_eq!(MultiProof::from_bytes(&bytes), Ok(proof.clone()));
        let json = serde_json::to_string(&proof).unwrap();
        prop_assert_eq!(&serde_json::from_str::<MultiProof>(&json).unwrap(), &proof);
    }

    #[test]
    fn a_multiproof_says_nothing_false_about_other_keys(
        model in any_model(40),
        proven in prop::collection::vec(any_key(), 1..10),
        others in prop::collection::vec(any_key(), 1..20),
    ) {
        let prover = Prover::new(&model);
        let proof = prover.prove_all(&proven);
        for other in others {
            let mut keys = proven.clone();
            keys.push(other);
            match proof.verify(prover.root(), &keys) {
                Ok(values) => prop_assert_eq!(values.last(), Some(&model.get(&other).copied())),
                Err(error) => prop_assert_eq!(error, VerifyError::NotCovered { key: other }),
            }
        }
    }

    #[test]
    fn a_multiproof_of_one_key_is_its_proof(model in any_model(40), key in any_key()) {
        let prover = Prover::new(&model);
        let single = prover.prove(&key);
        let proof = prover.prove_all([&key]);
        prop_assert_eq!(verify(prover.root(), key, &single), Ok(model.get(&key).copied()));
        let leaf = proof.leaves.first().map(|leaf| (leaf.key, leaf.value));
        let siblings = proof.leaves.first().map_or(&[][..], |leaf| &leaf.siblings);
        prop_assert_eq!((leaf, siblings), (single.leaf, &single.siblings[..]));
    }

    #[test]
    fn a_multiproof_holds_for_one_set_of_leaves_only(
        model in any_model(40),
        keys in prop::collection::btree_set(any_key(), 2..10),
        out in any::<prop::sample::Index>(),
    ) {
        let prover = Prover::new(&model);
        let mut keys: Vec<_> = keys.into_iter().collect();
        let proof = prover.prove_all(&keys);
        keys.remove(out.index(keys.len()));
        let fewer = prover.prove_all(&keys);
        let result = proof.verify(prover.root(), &keys);
        // Another key may need the same leaf.
        prop_assert_eq!(result.is_ok(), fewer == proof);
        if let Err(error) = result {
            let is_superfluous = matches!(error, VerifyError::SuperfluousLeaf { .. });
            prop_assert!(is_superfluous, "{error}");
        }
    }

    #[test]
    fn proofs_of_different_trees_do_not_go_together(
        model in any_model(40),
        other in any_model(40),
        keys in prop::collection::btree_set(any_key(), 2..10),
        pick in any::<prop::sample::Index>(),
    ) {
        let (prover, other) = (Prover::new(&model), Prover::new(&other));
        let keys: Vec<_> = keys.into_iter().collect();
        let pick = *pick.get(&keys);
        let items = keys.iter().map(|key| {
            let prover = if *key == pick { &other } else { &prover };
            (*key, prover.prove(key))
        });
        let is_same = prover.root() == other.root();
        prop_assert_eq!(MultiProof::from_proofs(items).is_ok(), is_same);
    }
}

#[test]
fn without_leaves_a_proof_speaks_of_the_empty_tree_only() {
    let proof = MultiProof::default();
    let key = B256::repeat_byte(4);
    assert_eq!(Prover::new(&Model::new()).prove_all([&key]), proof);
    assert_eq!(proof.verify(B256::ZERO, &[key, key]), Ok(vec![None, None]));
    assert_eq!(proof.verify(B256::ZERO, &[]), Ok(vec![]));
    let root = tree().root();
    assert_eq!(
        proof.verify(root, &[key]),
        Err(VerifyError::NotCovered { key })
    );
    assert_eq!(proof.verify(root, &[]), Ok(vec![]));
    let empty = Proof {
        leaf: None,
        siblings: vec![],
    };
    assert_eq!(
        MultiProof::from_proofs([(key, empty), (present(3), tree().prove(&present(3)))]),
        Err(VerifyError::Contradiction { key })
    );
}

/// Every depth from 0 to 255 on one path, with leaves and with hashes beside it.
#[test]
fn the_longest_paths_are_proven() {
    let base = keccak256("base");
    let flipped = |bit: usize| {
        let mut key = base;
        key[bit / 8] ^= 0x80 >> (bit % 8);
        key
    };
    let mut model: Model = (0..256).map(|bit| (flipped(bit), base)).collect();
    model.insert(base, base);
    let prover = Prover::new(&model);
    assert_eq!(prover.prove(&base).siblings.len(), 256);
    let all: Vec<_> = (0..256).map(flipped).collect();
    for step in [1, 2, 3, 100, 256] {
        let mut keys: Vec<_> = all.iter().copied().step_by(step).collect();
        keys.push(base);
        let proof = prover.prove_all(&keys);
        let siblings: usize = proof.leaves.iter().map(|leaf| leaf.siblings.len()).sum();
        assert_eq!(siblings + keys.len(), 257);
        assert_eq!(
            proof.verify(prover.root(), &keys),
            Ok(vec![Some(base); keys.len()])
        );
    }
}

#[test]
fn shared_siblings_are_written_once() {
    let tree = tree();
    let keys: Vec<_> = (0..60).map(present).collect();
    let proof = tree.prove_all(&keys);
    assert!(proof.leaves.iter().all(|leaf| leaf.siblings.is_empty()));
    assert_eq!(proof.to_bytes().len(), 4 + 60 * 66);
}

/// The tree itself proves what the definition proves, and a witness of it leads to its next root.
#[test]
fn proofs_of_the_tree_make_a_witness() {
    let mut leaves: Vec<_> = (0u32..3000)
        .map(|at| (keccak256(at.to_be_bytes()), B256::repeat_byte(1)))
        .collect();
    leaves.sort();
    let mut smt = Smt::from_sorted(leaves).unwrap();
    // Present up to 3,000, absent above.
    for round in 0u32..5 {
        let mut changes: Vec<_> = (0u32..300)
            .map(|at| {
                let key = keccak256((at * 13 + round).to_be_bytes());
                let value = (at % 3 != 0).then(|| keccak256((at + round).to_be_bytes()));
                (key, value)
            })
            .collect();
        changes.sort();
        let items: Vec<_> = changes
            .iter()
            .map(|(key, _)| (*key, smt.prove(*key)))
            .collect();
        let witness = BlockWitness {
            parent_root: smt.root(),
            proof: MultiProof::from_proofs(items).unwrap(),
            root: smt.update(&changes).unwrap(),
        };
        assert_eq!(witness.verify_update(&changes), Ok(()));
    }
}
