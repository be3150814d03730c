//! Proofs of presence and absence, and how they are checked.

use alloc::vec::Vec;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{
    VerifyError,
    hash::{bit, leaf, node},
};

/// A subtree beside the path from a leaf to the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sibling {
    /// Bit at which the path and the subtree part.
    pub depth: u8,
    /// Hash of the subtree.
    pub hash: B256,
}

/// Path from the leaf that a walk along the key's bits reaches, up to the root.
///
/// If that leaf has the key, the proof shows the key's value; if it has another key, it shows that
/// the key is absent. In a tree of `n` random keys a path has about `log2(n) + 0.33` siblings, at
/// most 256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Key and value of the leaf reached; `None` in the empty tree.
    pub leaf: Option<(B256, B256)>,
    /// Siblings from the leaf upwards, of strictly decreasing depth.
    pub siblings: Vec<Sibling>,
}

/// Checks `proof` for `key` against `root`: `Some(value)` if the key is present, `None` if absent.
///
/// Cost: one hash per sibling and one for the leaf. Never panics, whatever the proof holds.
///
/// # Errors
/// Any [`VerifyError`]: the proof shows neither presence nor absence.
pub fn verify(root: B256, key: B256, proof: &Proof) -> Result<Option<B256>, VerifyError> {
    if proof.siblings.len() > 256 {
        return Err(VerifyError::TooManySiblings(proof.siblings.len()));
    }
    let Some((leaf_key, value)) = proof.leaf else {
        return verify_empty(root, proof);
    };
    if value.is_zero() {
        return Err(VerifyError::ZeroValue);
    }
    let mut hash = leaf(leaf_key, value);
    let mut below: Option<u8> = None;
    for (position, sibling) in proof.siblings.iter().enumerate() {
        let depth = sibling.depth;
        if below.is_some_and(|below| depth >= below) {
            return Err(VerifyError::DepthNotDecreasing { position, depth });
        }
        below = Some(depth);
        if sibling.hash.is_zero() {
            return Err(VerifyError::ZeroSibling { position });
        }
        // The walk for `key` reaches the leaf only if both take the same side at every branch.
        if bit(&key, depth) != bit(&leaf_key, depth) {
            return Err(VerifyError::WrongBranch { depth });
        }
        hash = if bit(&key, depth) {
            node(sibling.hash, hash, depth)
        } else {
            node(hash, sibling.hash, depth)
        };
    }
    check_root(hash, root)?;
    Ok((leaf_key == key).then_some(value))
}

/// A proof without a leaf holds only for the empty tree.
fn verify_empty(root: B256, proof: &Proof) -> Result<Option<B256>, VerifyError> {
    if !proof.siblings.is_empty() {
        return Err(VerifyError::SiblingsWithoutLeaf);
    }
    check_root(B256::ZERO, root)?;
    Ok(None)
}

fn check_root(computed: B256, expected: B256) -> Result<(), VerifyError> {
    if computed == expected {
        Ok(())
    } else {
        Err(VerifyError::RootMismatch { computed, expected })
    }
}
