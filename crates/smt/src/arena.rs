//! Where nodes live: two vectors, addressed by 31-bit numbers, with lists of free places.

use alloy_primitives::B256;

use crate::hash;

/// A leaf: 64 bytes. Its hash is not kept; that would cost half as much again, and only the sibling
/// of a changed node needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf {
    pub(crate) key: B256,
    pub(crate) value: B256,
}

/// A node with two children: 44 bytes. All leaves below share the first `depth` bits of their key
/// and part at bit `depth`, zero to the left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch {
    pub(crate) hash: B256,
    pub(crate) left: NodeId,
    pub(crate) right: NodeId,
    pub(crate) depth: u8,
}

impl Branch {
    /// Content of a place that is not in use.
    pub(crate) const VACANT: Self = Self {
        hash: B256::ZERO,
        left: NodeId(0),
        right: NodeId(0),
        depth: 0,
    };
}

/// Number of a leaf (top bit set) or a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

/// A [`NodeId`] taken apart: index into one of the two vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    Leaf(usize),
    Branch(usize),
}

impl NodeId {
    const LEAF: u32 = 1 << 31;

    /// Id of the leaf at `index`, which is below 2^31.
    pub(crate) const fn leaf(index: usize) -> Self {
        Self(Self::LEAF | index as u32)
    }

    /// Id of the branch at `index`, which is below 2^31.
    pub(crate) const fn branch(index: usize) -> Self {
        Self(index as u32)
    }

    pub(crate) const fn node(self) -> Node {
        if self.0 & Self::LEAF == 0 {
            Node::Branch(self.0 as usize)
        } else {
            Node::Leaf((self.0 & !Self::LEAF) as usize)
        }
    }
}

/// A subtree as its parent sees it: where it is, and its hash.
pub(crate) type Subtree = (NodeId, B256);

/// All nodes of a tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arena {
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) branches: Vec<Branch>,
    free_leaves: Vec<u32>,
    free_branches: Vec<u32>,
}

impl Arena {
    pub(crate) const fn new(leaves: Vec<Leaf>, branches: Vec<Branch>) -> Self {
        Self {
            leaves,
            branches,
            free_leaves: Vec::new(),
            free_branches: Vec::new(),
        }
    }

    /// Leaves in use.
    pub(crate) const fn leaf_count(&self) -> usize {
        self.leaves.len() - self.free_leaves.len()
    }

    /// Branches in use.
    #[cfg(test)]
    pub(crate) const fn branch_count(&self) -> usize {
        self.branches.len() - self.free_branches.len()
    }

    /// Bytes of heap, reserved room included.
    pub(crate) const fn memory_bytes(&self) -> usize {
        self.leaves.capacity() * size_of::<Leaf>()
            + self.branches.capacity() * size_of::<Branch>()
            + (self.free_leaves.capacity() + self.free_branches.capacity()) * size_of::<u32>()
    }

    /// Hash of a node: read for a branch, computed for a leaf.
    pub(crate) fn hash(&self, id: NodeId) -> B256 {
        match id.node() {
            Node::Branch(index) => self.branches[index].hash,
            Node::Leaf(index) => {
                let leaf = &self.leaves[index];
                hash::leaf(leaf.key, leaf.value)
            }
        }
    }

    /// Key of the leftmost leaf below a node.
    pub(crate) fn leftmost_key(&self, mut id: NodeId) -> B256 {
        loop {
            match id.node() {
                Node::Branch(index) => id = self.branches[index].left,
                Node::Leaf(index) => return self.leaves[index].key,
            }
        }
    }

    /// Adds a leaf.
    pub(crate) fn add_leaf(&mut self, leaf: Leaf) -> Subtree {
        let index = place(&mut self.leaves, &mut self.free_leaves, leaf);
        (NodeId::leaf(index), hash::leaf(leaf.key, leaf.value))
    }

    /// Adds a branch above two subtrees.
    pub(crate) fn add_branch(&mut self, depth: u8, left: Subtree, right: Subtree) -> Subtree {
        let branch = Branch {
            hash: hash::node(left.1, right.1, depth),
            left: left.0,
            right: right.0,
            depth,
        };
        let index = place(&mut self.branches, &mut self.free_branches, branch);
        (NodeId::branch(index), branch.hash)
    }

    /// Gives a leaf's place back; nothing may refer to it any more.
    pub(crate) fn remove_leaf(&mut self, index: usize) {
        self.free_leaves.push(index as u32);
    }

    /// Gives a branch's place back; nothing may refer to it any more.
    pub(crate) fn remove_branch(&mut self, index: usize) {
        self.free_branches.push(index as u32);
    }
}

/// Puts a node into a free place, or at the end. Room grows by an eighth, not by doubling: memory
/// must follow the number of leaves closely.
fn place<T>(nodes: &mut Vec<T>, free: &mut Vec<u32>, node: T) -> usize {
    if let Some(index) = free.pop() {
        let index = index as usize;
        nodes[index] = node;
        return index;
    }
    if nodes.len() == nodes.capacity() {
        nodes.reserve_exact((nodes.len() / 8).max(64));
    }
    nodes.push(node);
    nodes.len() - 1
}
