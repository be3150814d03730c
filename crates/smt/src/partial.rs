//! The part of a tree that a proof shows, and updates of it.

use alloc::vec::Vec;

use alloy_primitives::B256;

use crate::{
    MultiProof, Proof, ProvenLeaf, Sibling, VerifyError, WitnessError,
    hash::{bit, combine, first_difference, leaf},
};

/// A subtree.
#[derive(Debug, Clone, Copy)]
enum Subtree {
    /// Only the hash is known. Zero, which stands for the empty tree, occurs at the root only.
    Hash(B256),
    /// Position among the leaves.
    Leaf(usize),
    /// Position among the branches.
    Branch(usize),
}

#[derive(Debug, Clone)]
struct Leaf {
    key: B256,
    /// Zero once deleted.
    value: B256,
    /// Zero once deleted.
    hash: B256,
}

#[derive(Debug, Clone)]
struct Branch {
    depth: u8,
    children: [Subtree; 2],
    /// Zero if all leaves below are deleted; that of the other child if one is empty.
    hash: B256,
    /// The hash is older than one of the children.
    is_stale: bool,
}

/// What has to be hashed again.
#[derive(Debug, Default)]
struct Stale {
    leaves: Vec<usize>,
    /// Depth and position.
    branches: Vec<(u8, usize)>,
}

/// The part of a tree that a [`MultiProof`] shows: reads and updates of the keys it covers.
///
/// Covered is every key whose walk ends at a leaf of the proof; [`BlockWitness`](crate::BlockWitness)
/// argues that this stays so through all updates. Deterministic; steps are bounded by 256 per key,
/// and nothing recurses.
#[derive(Debug, Clone)]
pub struct PartialTree {
    leaves: Vec<Leaf>,
    branches: Vec<Branch>,
    root: Subtree,
}

impl PartialTree {
    /// Checks `proof` against `root` and takes it for the known part of the tree.
    ///
    /// # Errors
    /// Any [`VerifyError`]: the proof is malformed or belongs to another root.
    pub fn from_proof(root: B256, proof: &MultiProof) -> Result<Self, VerifyError> {
        if proof.leaves.is_empty() {
            // Under the root zero there is nothing to know; under any other, nothing is known.
            return Ok(Self::unknown(root));
        }
        let tree = Self::fold(proof)?;
        let (computed, expected) = (tree.root(), root);
        if computed != expected {
            return Err(VerifyError::RootMismatch { computed, expected });
        }
        Ok(tree)
    }

    /// The tree that `proof` describes, whatever its root is.
    pub(crate) fn fold(proof: &MultiProof) -> Result<Self, VerifyError> {
        let mut tree = Self::unknown(B256::ZERO);
        let mut stale = Stale::default();
        // Subtrees to the right with the depth of the branch above them, lowest branch last. Depths
        // strictly increase towards the last, so there are at most 256.
        let mut right: Vec<(u8, Subtree)> = Vec::new();
        for (position, leaf) in proof.leaves.iter().enumerate().rev() {
            let before = position.checked_sub(1).and_then(|at| proof.leaves.get(at));
            if before.is_some_and(|before| before.key >= leaf.key) {
                let key = leaf.key;
                return Err(VerifyError::NotAscending { position, key });
            }
            let end = before.and_then(|before| first_difference(&before.key, &leaf.key));
            let subtree = tree.fold_leaf((position, leaf), end, &mut right, &mut stale)?;
            match end {
                Some(depth) => right.push((depth, subtree)),
                None => tree.root = subtree,
            }
        }
        tree.rehash(stale);
        Ok(tree)
    }

    /// The subtree around a leaf up to below depth `end`: its siblings, and what is to the right.
    fn fold_leaf(
        &mut self,
        (position, leaf): (usize, &ProvenLeaf),
        end: Option<u8>,
        right: &mut Vec<(u8, Subtree)>,
        stale: &mut Stale,
    ) -> Result<Subtree, VerifyError> {
        if leaf.value.is_zero() {
            return Err(VerifyError::ZeroValue);
        }
        let mut subtree = self.push_leaf(leaf.key, leaf.value, stale);
        let mut below: Option<u8> = None;
        for (index, sibling) in leaf.siblings.iter().enumerate() {
            let depth = sibling.depth;
            while let Some((branch, other)) = right.pop_if(|(branch, _)| *branch >= depth) {
                subtree = self.push_branch(branch, [subtree, other], stale);
                below = Some(branch);
            }
            if Some(depth) <= end || below.is_some_and(|below| depth >= below) {
                return Err(VerifyError::MisplacedSibling {
                    leaf: position,
                    position: index,
                    depth,
                });
            }
            if sibling.hash.is_zero() {
                return Err(VerifyError::ZeroSibling { position: index });
            }
            let other = Subtree::Hash(sibling.hash);
            let children = in_order(bit(&leaf.key, depth), subtree, other);
            subtree = self.push_branch(depth, children, stale);
            below = Some(depth);
        }
        // A leaf is left of those behind it.
        while let Some((branch, other)) = right.pop_if(|(branch, _)| Some(*branch) > end) {
            subtree = self.push_branch(branch, [subtree, other], stale);
        }
        Ok(subtree)
    }

    const fn unknown(root: B256) -> Self {
        Self {
            leaves: Vec::new(),
            branches: Vec::new(),
            root: Subtree::Hash(root),
        }
    }

    /// Root of the tree as it is now.
    pub fn root(&self) -> B256 {
        self.hash(self.root)
    }

    /// Value of `key` as of now; `None` if it is absent.
    ///
    /// # Errors
    /// [`WitnessError::NotCovered`]: the proof says nothing about the key.
    pub fn get(&self, key: B256) -> Result<Option<B256>, WitnessError> {
        let leaf = self.leaf_reached(&key)?;
        Ok(leaf.and_then(|(found, value)| (found == key && !value.is_zero()).then_some(value)))
    }

    /// Proof of `key` in the tree as it is now.
    ///
    /// # Errors
    /// [`WitnessError::NotCovered`]: the proof says nothing about the key, or too little, because
    /// the leaf that its walk reached is deleted and the one that it reaches now is not known.
    pub fn prove(&self, key: B256) -> Result<Proof, WitnessError> {
        let mut siblings = Vec::new();
        let mut place = self.root;
        while let Subtree::Branch(at) = place {
            let Branch {
                depth, children, ..
            } = &self.branches[at];
            let [near, far] = in_order(bit(&key, *depth), children[0], children[1]);
            let hash = self.hash(far);
            if self.hash(near).is_zero() {
                place = far;
                continue;
            }
            if !hash.is_zero() {
                let depth = *depth;
                siblings.push(Sibling { depth, hash });
            }
            place = near;
        }
        siblings.reverse();
        let leaf = match place {
            Subtree::Leaf(at) if !self.leaves[at].value.is_zero() => {
                Some((self.leaves[at].key, self.leaves[at].value))
            }
            Subtree::Hash(hash) if !hash.is_zero() => return Err(WitnessError::NotCovered { key }),
            // The tree is empty, from the start or by now.
            _ => None,
        };
        Ok(Proof { leaf, siblings })
    }

    /// Applies a batch and returns the new root.
    ///
    /// Keys strictly increase. A value of `None` or zero deletes the key; deleting an absent key
    /// changes nothing. Cost: one hash per changed leaf and per branch above one, level by level
    /// from below.
    ///
    /// # Errors
    /// [`WitnessError::NotSorted`] and [`WitnessError::NotCovered`]; the tree is then as before.
    pub fn update(&mut self, changes: &[(B256, Option<B256>)]) -> Result<B256, WitnessError> {
        let pairs = changes.iter().zip(changes.iter().skip(1));
        if let Some((at, (_, (key, _)))) = pairs.enumerate().find(|(_, (a, b))| a.0 >= b.0) {
            let (position, key) = (at + 1, *key);
            return Err(WitnessError::NotSorted { position, key });
        }
        for (key, _) in changes {
            self.leaf_reached(key)?;
        }
        let mut stale = Stale::default();
        for (key, value) in changes {
            self.set(*key, value.unwrap_or_default(), &mut stale)?;
        }
        self.rehash(stale);
        Ok(self.root())
    }

    fn set(&mut self, key: B256, value: B256, stale: &mut Stale) -> Result<(), WitnessError> {
        let Some((reached, former)) = self.leaf_reached(&key)? else {
            if !value.is_zero() {
                self.root = self.push_leaf(key, value, stale);
            }
            return Ok(());
        };
        match first_difference(&key, &reached) {
            None if value != former => {
                if let Subtree::Leaf(at) = *self.mark(&key, None, stale) {
                    self.leaves[at].value = value;
                    stale.leaves.push(at);
                }
            }
            Some(depth) if !value.is_zero() => {
                let leaf = self.push_leaf(key, value, stale);
                let other = *self.mark(&key, Some(depth), stale);
                let children = in_order(bit(&key, depth), leaf, other);
                let branch = self.push_branch(depth, children, stale);
                // Everything above is marked already: this finds the place again.
                *self.mark(&key, Some(depth), stale) = branch;
            }
            _ => {}
        }
        Ok(())
    }

    /// Marks the branches on the walk of `key` above depth `end` as stale. Returns the place below
    /// them.
    fn mark(&mut self, key: &B256, end: Option<u8>, stale: &mut Stale) -> &mut Subtree {
        let mut above = None;
        let mut place = self.root;
        while let Subtree::Branch(at) = place {
            let branch = &mut self.branches[at];
            if end.is_some_and(|end| branch.depth >= end) {
                break;
            }
            if !branch.is_stale {
                branch.is_stale = true;
                stale.branches.push((branch.depth, at));
            }
            let side = usize::from(bit(key, branch.depth));
            place = branch.children[side];
            above = Some((at, side));
        }
        match above {
            Some((at, side)) => &mut self.branches[at].children[side],
            None => &mut self.root,
        }
    }

    /// Key and value (zero if deleted) of the leaf where the walk of `key` ends; `None` in the empty
    /// tree.
    pub(crate) fn leaf_reached(&self, key: &B256) -> Result<Option<(B256, B256)>, WitnessError> {
        let mut place = self.root;
        loop {
            match place {
                Subtree::Branch(at) => {
                    let branch = &self.branches[at];
                    place = branch.children[usize::from(bit(key, branch.depth))];
                }
                Subtree::Leaf(at) => {
                    return Ok(Some((self.leaves[at].key, self.leaves[at].value)));
                }
                Subtree::Hash(hash) if hash.is_zero() => return Ok(None),
                Subtree::Hash(_) => return Err(WitnessError::NotCovered { key: *key }),
            }
        }
    }

    fn hash(&self, subtree: Subtree) -> B256 {
        match subtree {
            Subtree::Hash(hash) => hash,
            Subtree::Leaf(at) => self.leaves[at].hash,
            Subtree::Branch(at) => self.branches[at].hash,
        }
    }

    fn push_leaf(&mut self, key: B256, value: B256, stale: &mut Stale) -> Subtree {
        let at = self.leaves.len();
        stale.leaves.push(at);
        let hash = B256::ZERO;
        self.leaves.push(Leaf { key, value, hash });
        Subtree::Leaf(at)
    }

    fn push_branch(&mut self, depth: u8, children: [Subtree; 2], stale: &mut Stale) -> Subtree {
        let at = self.branches.len();
        stale.branches.push((depth, at));
        self.branches.push(Branch {
            depth,
            children,
            hash: B256::ZERO,
            is_stale: true,
        });
        Subtree::Branch(at)
    }

    /// Hashes what is stale: leaves, then branches from the deepest level up.
    fn rehash(&mut self, mut stale: Stale) {
        for at in stale.leaves {
            let Leaf { key, value, hash } = &mut self.leaves[at];
            *hash = if value.is_zero() {
                B256::ZERO
            } else {
                leaf(*key, *value)
            };
        }
        stale.branches.sort_unstable_by(|a, b| b.cmp(a));
        for (depth, at) in stale.branches {
            let [left, right] = self.branches[at].children.map(|child| self.hash(child));
            let branch = &mut self.branches[at];
            branch.hash = combine(left, right, depth);
            branch.is_stale = false;
        }
    }
}

/// `near` and `far` as left and right child, where `near` is on the side of a key's bit; and, the
/// other way round, left and right as near and far.
const fn in_order(is_right: bool, near: Subtree, far: Subtree) -> [Subtree; 2] {
    if is_right { [far, near] } else { [near, far] }
}
