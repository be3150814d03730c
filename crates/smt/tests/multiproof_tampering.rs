//! No change to a multiproof makes it prove anything else, and none makes the verifier panic.

use alloy_primitives::B256;
use aura_smt::{DecodeError, MultiProof, Proof, ProvenLeaf, Sibling, VerifyError};
use common::prover::{any_key, some_keys, tree};
use proptest::prelude::*;

mod common;

fn is_refused(root: B256, keys: &[B256], bytes: &[u8]) -> bool {
    match MultiProof::from_bytes(bytes) {
        Ok(proof) => proof.verify(root, keys).is_err(),
        Err(_) => true,
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_panic(
        root in any::<[u8; 32]>(),
        key in any::<[u8; 32]>(),
        count in 0u32..4,
        bytes in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..600),
    ) {
        let bytes = [&count.to_be_bytes()[..], &bytes].concat();
        prop_assert!(is_refused(root.into(), &[key.into()], &bytes));
    }

    #[test]
    fn arbitrary_proofs_are_refused_without_panic(
        root in any::<[u8; 32]>(),
        leaves in prop::collection::vec(
            (any_key(), any::<u8>(), prop::collection::vec((any::<u8>(), any::<u8>()), 0..300)),
            1..6,
        ),
        is_sorted in any::<bool>(),
    ) {
        let mut leaves: Vec<_> = leaves
            .into_iter()
            .map(|(key, value, siblings)| {
                let mut siblings: Vec<_> = siblings
                    .into_iter()
                    .map(|(depth, hash)| Sibling { depth, hash: B256::repeat_byte(hash) })
                    .collect();
                if is_sorted {
                    siblings.sort_by_key(|sibling| std::cmp::Reverse(sibling.depth));
                    siblings.dedup_by_key(|sibling| sibling.depth);
                }
                ProvenLeaf { key, value: B256::repeat_byte(value), siblings }
            })
            .collect();
        if is_sorted {
            leaves.sort_by_key(|leaf| leaf.key);
        }
        let keys: Vec<_> = leaves.iter().map(|leaf| leaf.key).collect();
        let proof = MultiProof { leaves };
        prop_assert!(proof.verify(root.into(), &keys).is_err());
        prop_assert!(is_refused(root.into(), &keys, &proof.to_bytes()));
        // Proofs of single keys made of the same leaves.
        let items = proof.leaves.iter().map(|leaf| {
            let proof = Proof {
                leaf: Some((leaf.key, leaf.value)),
                siblings: leaf.siblings.clone(),
            };
            (leaf.key, proof)
        });
        if let Ok(proof) = MultiProof::from_proofs(items) {
            prop_assert!(proof.verify(root.into(), &keys).is_err());
        }
    }
}

#[test]
fn any_flipped_bit_invalidates_a_multiproof() {
    let (tree, keys) = (tree(), some_keys());
    let bytes = tree.prove_all(&keys).to_bytes();
    assert!(!is_refused(tree.root(), &keys, &bytes));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(is_refused(tree.root(), &keys, &flipped), "bit {bit}");
    }
    for bit in 0..256 {
        let mut root = tree.root();
        root[bit / 8] ^= 1 << (bit % 8);
        assert!(is_refused(root, &keys, &bytes), "bit {bit} of the root");
    }
}

#[test]
fn truncated_and_extended_bytes_are_refused() {
    let (tree, keys) = (tree(), some_keys());
    let bytes = tree.prove_all(&keys).to_bytes();
    for length in 0..bytes.len() {
        let result = MultiProof::from_bytes(&bytes[..length]);
        assert_eq!(result, Err(DecodeError::Truncated), "length {length}");
    }
    let extended = [&bytes[..], &[0]].concat();
    assert_eq!(
        MultiProof::from_bytes(&extended),
        Err(DecodeError::TrailingBytes(1))
    );
    // A count that nothing backs takes no room.
    assert_eq!(
        MultiProof::from_bytes(&[0xff; 4]),
        Err(DecodeError::Truncated)
    );
    let mut many = bytes;
    many[4 + 64..4 + 66].copy_from_slice(&257u16.to_be_bytes());
    assert_eq!(
        MultiProof::from_bytes(&many),
        Err(DecodeError::TooManySiblings(257))
    );
}

/// Everything that can be done to a list: take out, double, swap.
fn rearrangements<T: Clone + PartialEq>(list: &[T]) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    for first in 0..list.len() {
        let mut removed = list.to_vec();
        removed.remove(first);
        all.push(removed);
        all.push(list[..first].to_vec());
        for second in 0..list.len() {
            let mut repeated = list.to_vec();
            repeated.insert(second, list[first].clone());
            all.push(repeated);
            let mut swapped = list.to_vec();
            swapped.swap(first, second);
            all.push(swapped);
        }
    }
    all.retain(|other| other != list);
    all
}

#[test]
fn rearranged_leaves_and_siblings_are_refused() {
    let (tree, keys) = (tree(), some_keys());
    let proof = tree.prove_all(&keys);
    let check = |proof: MultiProof| {
        assert!(proof.verify(tree.root(), &keys).is_err(), "{proof:?}");
        assert!(is_refused(tree.root(), &keys, &proof.to_bytes()));
    };
    for leaves in rearrangements(&proof.leaves) {
        check(MultiProof { leaves });
    }
    for (at, leaf) in proof.leaves.iter().enumerate() {
        for siblings in rearrangements(&leaf.siblings) {
            let mut changed = proof.clone();
            changed.leaves[at].siblings = siblings;
            check(changed);
        }
        // A sibling that hangs at another leaf's path.
        for (other, _) in proof
            .leaves
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
        {
            for position in 0..leaf.siblings.len() {
                let mut changed = proof.clone();
                let sibling = changed.leaves[at].siblings.remove(position);
                let siblings = &mut changed.leaves[other].siblings;
                let place = siblings.partition_point(|before| before.depth > sibling.depth);
                siblings.insert(place, sibling);
                check(changed);
            }
        }
    }
}

#[test]
fn a_sibling_that_leaves_account_for_is_refused() {
    let (tree, keys) = (tree(), some_keys());
    let proof = tree.prove_all(&keys);
    for (at, leaf) in proof.leaves.iter().enumerate() {
        for sibling in tree.prove(&leaf.key).siblings {
            if leaf.siblings.contains(&sibling) {
                continue;
            }
            let mut changed = proof.clone();
            let siblings = &mut changed.leaves[at].siblings;
            let place = siblings.partition_point(|before| before.depth > sibling.depth);
            siblings.insert(place, sibling);
            assert_eq!(
                changed.verify(tree.root(), &keys),
                Err(VerifyError::MisplacedSibling {
                    leaf: at,
                    position: place,
                    depth: sibling.depth
                })
            );
        }
    }
}

/// Any change to one of the proofs is noticed when they are put together, unless it is alone.
#[test]
fn a_changed_proof_does_not_go_with_the_others() {
    let (tree, keys) = (tree(), some_keys());
    let items: Vec<_> = keys.iter().map(|key| (*key, tree.prove(key))).collect();
    assert!(MultiProof::from_proofs(items.clone()).is_ok());
    for at in 0..items.len() {
        let refuse = |change: &dyn Fn(&mut (B256, Proof))| {
            let mut items = items.clone();
            change(&mut items[at]);
            assert!(MultiProof::from_proofs(items).is_err());
        };
        refuse(&|item| item.1.leaf = None);
        refuse(&|item| item.1.leaf.as_mut().unwrap().0[31] ^= 1);
        refuse(&|item| item.1.leaf.as_mut().unwrap().1[0] ^= 1);
        refuse(&|item| item.0[0] ^= 0x80);
        for position in 0..items[at].1.siblings.len() {
            refuse(&|item| item.1.siblings[position].hash[5] ^= 1);
            refuse(&|item| item.1.siblings[position].hash = B256::ZERO);
            refuse(&|item| item.1.siblings[position].depth ^= 1);
            refuse(&|item| _ = item.1.siblings.remove(position));
            refuse(&|item| item.1.siblings.insert(0, item.1.siblings[position]));
            refuse(&|item| item.1.siblings.truncate(position));
        }
    }
}

#[test]
fn malformed_multiproofs_have_their_own_errors() {
    let hash = B256::repeat_byte(3);
    let leaf = |key: u8, siblings: &[(u8, B256)]| ProvenLeaf {
        key: B256::repeat_byte(key),
        value: hash,
        siblings: siblings
            .iter()
            .map(|&(depth, hash)| Sibling { depth, hash })
            .collect(),
    };
    let check = |leaves: Vec<ProvenLeaf>| {
        let proof = MultiProof { leaves };
        proof.verify(hash, &[B256::repeat_byte(1)]).unwrap_err()
    };
    let misplaced = |leaf, position, depth| VerifyError::MisplacedSibling {
        leaf,
        position,
        depth,
    };
    for second in [1, 0] {
        assert_eq!(
            check(vec![leaf(1, &[]), leaf(second, &[])]),
            VerifyError::NotAscending {
                position: 1,
                key: B256::repeat_byte(second)
            }
        );
    }
    let mut zero = leaf(1, &[]);
    zero.value = B256::ZERO;
    assert_eq!(check(vec![zero]), VerifyError::ZeroValue);
    assert_eq!(
        check(vec![leaf(1, &[(9, hash), (8, B256::ZERO)])]),
        VerifyError::ZeroSibling { position: 1 }
    );
    assert_eq!(
        check(vec![leaf(1, &[(9, hash), (9, hash)])]),
        misplaced(0, 1, 9)
    );
    assert_eq!(
        check(vec![leaf(1, &[(9, hash), (10, hash)])]),
        misplaced(0, 1, 10)
    );
    // 0x01… and 0x03… part at bit 6.
    assert_eq!(
        check(vec![leaf(1, &[(6, hash)]), leaf(3, &[])]),
        misplaced(0, 0, 6)
    );
    assert_eq!(
        check(vec![leaf(1, &[]), leaf(3, &[(6, hash)])]),
        misplaced(1, 0, 6)
    );
    assert_eq!(
        check(vec![leaf(1, &[]), leaf(3, &[(2, hash)])]),
        misplaced(1, 0, 2)
    );
    assert!(matches!(
        check(vec![
            leaf(1, &[(7, hash), (2, hash)]),
            leaf(3, &[(7, hash)])
        ]),
        VerifyError::RootMismatch { .. }
    ));
}
