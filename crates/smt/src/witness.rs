//! What the state tree must show so that a block can be executed, and its root computed, without it.

use alloc::vec::Vec;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{DecodeError, MultiProof, PartialTree, WitnessError, multiproof::Reader};

/// Everything about the state that a block's execution needs, and the roots around it.
///
/// It is checked against its own two roots only: comparing those with headers is up to the caller.
///
/// # Which keys a witness needs
/// **Exactly the keys that are read or changed, each proven (present or absent) in the parent's
/// state.** That is enough for every batch of changes to them and for any number of batches one
/// after the other, whatever their order; nothing beside them is needed.
///
/// Let T be the trie of the parent's leaves together with all leaves inserted since, deleted ones
/// left in place and marked empty. Its shape follows from its keys alone, and the current tree is T
/// with empty subtrees taken as zero: a branch of T with one empty side has the hash of the other
/// side by definition, and one with two sides is a branch of the current tree at the same depth. A
/// subtree of which only the hash is known keeps that hash wherever it moves, because the hash
/// covers the depth of its own branches but not where it hangs. So the current root follows from T
/// as far as T is known, and it remains to show that T stays known along the walk of each key of
/// the witness:
/// - *At the start* a proof names the leaf that the walk of its key reaches, and every branch on it.
/// - *Overwriting and deleting* set the value of a leaf in T. No branch changes.
/// - *Inserting* a key that is not in T: its walk ends at a known leaf, and all keys below a place of
///   that walk share with the leaf all bits above the place's own branch. So the first bit in which
///   key and leaf differ is where the new branch belongs: between two known branches, or below the
///   last. What hangs below it on the other side is on a known walk, so it is a known branch or
///   leaf, never a bare hash whose depth would have to be guessed. Walks of other keys pass the new
///   branch to where they went before, or to the new leaf, which is known.
///
/// Dropping deleted leaves at once would break the last step: after a deletion the walk of a key
/// could end at a bare hash, and a later insertion would not know where to branch. That is why
/// [`PartialTree`] keeps them.
///
/// Each key is needed as well: the value of a key, or its absence, is part of what the root commits
/// to, so that without a known end of its walk neither a read nor a change of it has a known result.
/// (One path may serve several absent keys.)
///
/// # Bytes
/// ```text
/// parent root 32 ‖ root 32 ‖ proof, as in MultiProof
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlockWitness {
    /// Root before the block.
    pub parent_root: B256,
    /// Root after the block.
    pub root: B256,
    /// Every key that the block reads or changes, in the parent's state.
    pub proof: MultiProof,
}

impl BlockWitness {
    /// The state before the block, as far as the block needs it.
    ///
    /// # Errors
    /// [`WitnessError::Proof`]: the proof is malformed or belongs to another root.
    pub fn tree(&self) -> Result<PartialTree, WitnessError> {
        Ok(PartialTree::from_proof(self.parent_root, &self.proof)?)
    }

    /// Checks that `changes`, as [`PartialTree::update`] takes them, lead from the root before the
    /// block to the root after it.
    ///
    /// # Errors
    /// Any [`WitnessError`]; [`WitnessError::RootMismatch`] if they lead to another root.
    pub fn verify_update(&self, changes: &[(B256, Option<B256>)]) -> Result<(), WitnessError> {
        let (computed, expected) = (self.tree()?.update(changes)?, self.root);
        if computed != expected {
            return Err(WitnessError::RootMismatch { computed, expected });
        }
        Ok(())
    }

    /// The witness as [bytes](Self#bytes).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [*self.parent_root, *self.root].concat();
        self.proof.write(&mut bytes);
        bytes
    }

    /// Reads [bytes](Self#bytes). Whether they prove anything is for [`tree`](Self::tree).
    ///
    /// # Errors
    /// [`DecodeError`] for everything but the bytes that [`to_bytes`](Self::to_bytes) gives for the
    /// result.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader { rest: bytes };
        let witness = Self {
            parent_root: B256::new(reader.take()?),
            root: B256::new(reader.take()?),
            proof: MultiProof::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(witness)
    }
}
