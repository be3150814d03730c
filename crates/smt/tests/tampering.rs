//! No change to a proof makes it prove anything else, and none makes the verifier panic.

mod common;

use alloy_primitives::{B256, keccak256};
use aura_smt::{Proof, Sibling, Smt, VerifyError, verify};
use proptest::prelude::*;

/// Present keys: random ones, and a cluster that differs in the last bits only.
fn present(index: usize) -> B256 {
    if index < 200 {
        keccak256(index.to_be_bytes())
    } else {
        let mut key = B256::repeat_byte(0x77);
        key[31] = (index - 200) as u8;
        key
    }
}

fn tree() -> Smt {
    let mut leaves: Vec<_> = (0..240)
        .map(|index| (present(index), keccak256(present(index))))
        .collect();
    leaves.sort();
    Smt::from_sorted(leaves).unwrap()
}

/// Flips one bit of what is counted as: root, leaf key, leaf value, then per sibling depth and hash.
fn flip(root: &mut B256, proof: &mut Proof, at: usize) {
    let mut rest = at;
    let (key, value) = proof.leaf.as_mut().unwrap();
    for word in [root, key, value] {
        if rest < 256 {
            word[rest / 8] ^= 1 << (rest % 8);
            return;
        }
        rest -= 256;
    }
    let sibling = &mut proof.siblings[rest / 264];
    match rest % 264 {
        bit @ 0..8 => sibling.depth ^= 1 << bit,
        bit => sibling.hash[(bit - 8) / 8] ^= 1 << (bit % 8),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: common::cases(512), ..ProptestConfig::default() })]

    #[test]
    fn one_flipped_bit_invalidates_a_proof(
        index in 0usize..240,
        absent in any::<bool>(),
        place in any::<prop::sample::Index>(),
    ) {
        let tree = tree();
        let mut root = tree.root();
        let mut key = present(index);
        if absent {
            key[30] ^= 0x10;
        }
        let mut proof = tree.prove(key);
        let expected = (!absent).then(|| keccak256(key));
        prop_assert_eq!(verify(root, key, &proof), Ok(expected));
        let bits = 3 * 256 + proof.siblings.len() * 264;
        flip(&mut root, &mut proof, place.index(bits));
        prop_assert!(verify(root, key, &proof).is_err());
    }

    #[test]
    fn rearranged_siblings_invalidate_a_proof(
        index in 0usize..240,
        first in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
    ) {
        let tree = tree();
        let key = present(index);
        let proof = tree.prove(key);
        let (first, second) = (first.index(proof.siblings.len()), second.index(proof.siblings.len()));

        let mut removed = proof.clone();
        removed.siblings.remove(first);
        prop_assert!(verify(tree.root(), key, &removed).is_err());

        let mut truncated = proof.clone();
        truncated.siblings.truncate(first);
        prop_assert!(verify(tree.root(), key, &truncated).is_err());

        let mut repeated = proof.clone();
        repeated.siblings.insert(first, proof.siblings[first]);
        prop_assert!(verify(tree.root(), key, &repeated).is_err());

        if first != second {
            let mut swapped = proof.clone();
            swapped.siblings.swap(first, second);
            prop_assert!(verify(tree.root(), key, &swapped).is_err());
            let mut hashes_swapped = proof;
            hashes_swapped.siblings[first].depth = swapped.siblings[second].depth;
            hashes_swapped.siblings[first].hash = swapped.siblings[first].hash;
            prop_assert!(verify(tree.root(), key, &hashes_swapped).is_err());
        }
    }

    #[test]
    fn a_proof_never_says_anything_false_about_another_key(
        index in 0usize..240,
        other in 0usize..240,
        bit in 0usize..256,
    ) {
        let tree = tree();
        let proof = tree.prove(present(index));
        let mut near = present(other);
        near[bit / 8] ^= 1 << (bit % 8);
        for key in [present(other), near] {
            if let Ok(value) = verify(tree.root(), key, &proof) {
                let truth = verify(tree.root(), key, &tree.prove(key));
                prop_assert_eq!(Ok(value), truth);
            }
        }
    }

    #[test]
    fn arbitrary_proofs_are_refused_without_panic(
        root in any::<[u8; 32]>(),
        key in any::<[u8; 32]>(),
        leaf in any::<Option<([u8; 32], [u8; 32])>>(),
        siblings in prop::collection::vec((any::<u8>(), any::<[u8; 32]>()), 0..300),
    ) {
        let proof = Proof {
            leaf: leaf.map(|(key, value)| (key.into(), value.into())),
            siblings: siblings
                .into_iter()
                .map(|(depth, hash)| Sibling { depth, hash: hash.into() })
                .collect(),
        };
        prop_assert!(verify(root.into(), key.into(), &proof).is_err());
    }
}

/// A prover who may choose depths freely could hide a present key behind another branch. The hash
/// covers the depth, so that the branch is where the proof says.
#[test]
fn a_present_key_cannot_be_proven_absent_with_another_depth() {
    let (mut low, mut high) = (B256::ZERO, B256::ZERO);
    low[31] = 1;
    high[0] = 0x80;
    let value = B256::repeat_byte(9);
    let tree = Smt::from_sorted([(low, value), (high, value)]).unwrap();
    let honest = tree.prove(low);
    for depth in 0..=255 {
        for key in [low, high] {
            let mut forged = honest.clone();
            forged.siblings[0].depth = depth;
            let result = verify(tree.root(), key, &forged);
            let is_honest = depth == 0 && key == low;
            assert_eq!(result.is_ok(), is_honest, "depth {depth}, key {key}");
        }
    }
    assert_eq!(
        verify(tree.root(), high, &honest),
        Err(VerifyError::WrongBranch { depth: 0 })
    );
}

#[test]
fn malformed_proofs_have_their_own_errors() {
    let hash = B256::repeat_byte(3);
    let key = B256::repeat_byte(4);
    let leaf = Some((key, B256::repeat_byte(5)));
    let siblings = |depths: &[u8]| {
        depths
            .iter()
            .map(|depth| Sibling {
                depth: *depth,
                hash,
            })
            .collect()
    };
    let check = |proof: Proof| verify(hash, key, &proof).unwrap_err();

    assert_eq!(
        check(Proof {
            leaf,
            siblings: vec![Sibling { depth: 0, hash }; 257]
        }),
        VerifyError::TooManySiblings(257)
    );
    assert_eq!(
        check(Proof {
            leaf,
            siblings: siblings(&[9, 9])
        }),
        VerifyError::DepthNotDecreasing {
            position: 1,
            depth: 9
        }
    );
    assert_eq!(
        check(Proof {
            leaf,
            siblings: siblings(&[9, 8, 10])
        }),
        VerifyError::DepthNotDecreasing {
            position: 2,
            depth: 10
        }
    );
    assert_eq!(
        check(Proof {
            leaf,
            siblings: vec![Sibling {
                depth: 1,
                hash: B256::ZERO
            }]
        }),
        VerifyError::ZeroSibling { position: 0 }
    );
    assert_eq!(
        check(Proof {
            leaf: None,
            siblings: siblings(&[1])
        }),
        VerifyError::SiblingsWithoutLeaf
    );
    assert_eq!(
        check(Proof {
            leaf: Some((key, B256::ZERO)),
            siblings: siblings(&[1])
        }),
        VerifyError::ZeroValue
    );
    assert_eq!(
        check(Proof {
            leaf: None,
            siblings: vec![]
        }),
        VerifyError::RootMismatch {
            computed: B256::ZERO,
            expected: hash
        }
    );
}

#[test]
fn the_empty_tree_proves_absence_of_everything() {
    let tree = Smt::new();
    let key = B256::repeat_byte(4);
    assert_eq!(verify(B256::ZERO, key, &tree.prove(key)), Ok(None));
}
