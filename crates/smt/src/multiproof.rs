//! Proof of many keys under one root, with everything that their paths share written once.

use alloc::{vec, vec::Vec};

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{DecodeError, PartialTree, Proof, Sibling, VerifyError, hash::first_difference};

/// Most siblings of a leaf: one for each bit of its key.
const MAX_SIBLINGS: u16 = 256;

/// A leaf that the walk of some proven key reaches, with the part of its path that is its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenLeaf {
    /// Key of the leaf.
    pub key: B256,
    /// Value of the leaf; not zero.
    pub value: B256,
    /// Subtrees without proven leaves beside the path, from the leaf upwards to the branch where
    /// the path meets that of the proven leaf before this one; for the first leaf up to the root.
    pub siblings: Vec<Sibling>,
}

/// Values or absence of many keys under one root.
///
/// Two neighbouring leaves part at the first bit in which their keys differ, so that the branches
/// between proven leaves need not be written: each leaf brings its [`Proof`] without the siblings
/// that other proven leaves account for. With one leaf it is that [`Proof`].
///
/// # Canonical form
/// For a root and a set of keys there is exactly one multiproof that [`verify`](Self::verify)
/// accepts: leaves ascend by key and each is reached by one of the keys; depths of siblings strictly
/// decrease, are below the branch to the leaf before, and are none of the branches to leaves behind.
/// A tree without leaves, and a proof of no keys at all, have no leaves: under the root zero that
/// shows every key absent, under any other root it shows nothing.
///
/// # Bytes
/// Integers are big-endian.
/// ```text
/// leaves 4 ‖ leaf …
/// leaf     = key 32 ‖ value 32 ‖ siblings 2 ‖ sibling …     siblings <= 256
/// sibling  = depth 1 ‖ hash 32
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiProof {
    /// The leaves, ascending by key.
    pub leaves: Vec<ProvenLeaf>,
}

impl MultiProof {
    /// Puts together proofs of single keys under one root, in any order and with repetitions.
    ///
    /// The root itself is not asked for. Cost: one hash per leaf and sibling of the result, and
    /// one comparison per sibling of the proofs.
    ///
    /// # Errors
    /// [`VerifyError`]: a proof that is none for its key or not of the same tree as the others
    /// ([`VerifyError::Contradiction`]), or with a zero in the place of a value or hash.
    pub fn from_proofs(
        items: impl IntoIterator<Item = (B256, Proof)>,
    ) -> Result<Self, VerifyError> {
        let items: Vec<_> = items.into_iter().collect();
        let mut paths: Vec<(B256, B256, &[Sibling])> = items
            .iter()
            .filter_map(|(_, proof)| {
                proof
                    .leaf
                    .map(|(key, value)| (key, value, &*proof.siblings))
            })
            .collect();
        paths.sort_unstable_by_key(|(key, ..)| *key);
        paths.dedup_by_key(|(key, ..)| *key);
        let proof = Self {
            leaves: without_shared(&paths),
        };
        // Whatever was wrong or different in a proof is missing from what it turns into here.
        let tree = PartialTree::fold(&proof)?;
        for (key, given) in &items {
            if tree.prove(*key).ok().as_ref() != Some(given) {
                return Err(VerifyError::Contradiction { key: *key });
            }
        }
        Ok(proof)
    }

    /// Checks the proof for exactly `keys`, in any order: `Some(value)` for each that is present,
    /// `None` for each that is absent.
    ///
    /// Cost: one hash per leaf and sibling, and a walk of at most 256 steps per key. Never panics,
    /// whatever the proof holds.
    ///
    /// # Errors
    /// Any [`VerifyError`]: the proof is malformed, belongs to another root, says nothing about one
    /// of the keys, or holds leaves that none of them needs.
    pub fn verify(&self, root: B256, keys: &[B256]) -> Result<Vec<Option<B256>>, VerifyError> {
        let tree = PartialTree::from_proof(root, self)?;
        let mut is_reached = vec![false; self.leaves.len()];
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            let leaf = tree
                .leaf_reached(key)
                .map_err(|_| VerifyError::NotCovered { key: *key })?;
            values.push(leaf.and_then(|(found, value)| (found == *key).then_some(value)));
            let position = leaf
                .and_then(|(found, _)| self.leaves.binary_search_by_key(&found, |l| l.key).ok());
            if let Some(is_reached) = position.and_then(|position| is_reached.get_mut(position)) {
                *is_reached = true;
            }
        }
        match self
            .leaves
            .iter()
            .zip(is_reached)
            .find(|(_, reached)| !reached)
        {
            Some((leaf, _)) => Err(VerifyError::SuperfluousLeaf { key: leaf.key }),
            None => Ok(values),
        }
    }

    /// The proof as [bytes](Self#bytes).
    ///
    /// A proof that no tree can have, with more siblings than a key has bits, gives bytes that
    /// [`from_bytes`](Self::from_bytes) refuses.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + self.leaves.len() * 66);
        self.write(&mut bytes);
        bytes
    }

    /// Reads [bytes](Self#bytes). Whether they prove anything is for [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`DecodeError`] for everything but the bytes that [`to_bytes`](Self::to_bytes) gives for the
    /// result.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader { rest: bytes };
        let proof = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(proof)
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        // A count that does not fit becomes one that the bytes behind it contradict.
        let count = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&count.to_be_bytes());
        for leaf in &self.leaves {
            bytes.extend_from_slice(leaf.key.as_slice());
            bytes.extend_from_slice(leaf.value.as_slice());
            let count = u16::try_from(leaf.siblings.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&count.to_be_bytes());
            for sibling in &leaf.siblings {
                bytes.push(sibling.depth);
                bytes.extend_from_slice(sibling.hash.as_slice());
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u32::from_be_bytes(reader.take()?);
        // Room grows with what is there, not with what is announced.
        let mut leaves = Vec::new();
        for _ in 0..count {
            leaves.push(ProvenLeaf {
                key: B256::new(reader.take()?),
                value: B256::new(reader.take()?),
                siblings: read_siblings(reader)?,
            });
        }
        Ok(Self { leaves })
    }
}

fn read_siblings(reader: &mut Reader<'_>) -> Result<Vec<Sibling>, DecodeError> {
    let count = u16::from_be_bytes(reader.take()?);
    if count > MAX_SIBLINGS {
        return Err(DecodeError::TooManySiblings(count));
    }
    (0..count)
        .map(|_| {
            let [depth] = reader.take()?;
            let hash = B256::new(reader.take()?);
            Ok(Sibling { depth, hash })
        })
        .collect()
}

/// Leaves with paths of their own, from leaves with whole paths in ascending order.
fn without_shared(paths: &[(B256, B256, &[Sibling])]) -> Vec<ProvenLeaf> {
    // Depths of the branches between a leaf and those behind it, lowest branch last.
    let mut branches: Vec<u8> = Vec::new();
    let mut leaves = Vec::with_capacity(paths.len());
    let mut before = paths.iter().rev().skip(1);
    for (key, value, siblings) in paths.iter().rev() {
        let end = before
            .next()
            .and_then(|(before, ..)| first_difference(before, key));
        leaves.push(ProvenLeaf {
            key: *key,
            value: *value,
            siblings: siblings
                .iter()
                .filter(|sibling| Some(sibling.depth) > end && !branches.contains(&sibling.depth))
                .copied()
                .collect(),
        });
        while branches.last().is_some_and(|depth| Some(*depth) > end) {
            branches.pop();
        }
        branches.extend(end);
    }
    leaves.reverse();
    leaves
}

/// The bytes that are still to be read.
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
}

impl Reader<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }
}
