//! Hashing many small subtrees at once, level by level.

use alloc::vec::Vec;
use core::cell::Cell;

use alloy_primitives::B256;

use crate::{
    Sibling,
    hash::{bit, first_difference, node_batch},
};

/// A node with two children, by the places of their hashes.
#[derive(Debug, Clone, Copy)]
struct Branch {
    left: u32,
    right: u32,
    own: u32,
    depth: u8,
}

/// Hash of a subtree: known, or where a plan has it.
pub(crate) enum Outcome {
    Known(B256),
    Planned(Option<u32>),
}

impl Outcome {
    /// The hash, after the plan was run.
    pub(crate) fn hash(&self, plan: &Plan) -> B256 {
        match self {
            Self::Known(hash) => *hash,
            Self::Planned(place) => plan.hash(*place),
        }
    }
}

/// Subtrees that wait for their hashes.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Hashes of leaves, and places for those of the branches above them.
    hashes: Vec<B256>,
    /// Branches by height: all children of a branch are in lower lists.
    heights: Vec<Vec<Branch>>,
    /// Subtrees of the current run of leaves that have no parent yet: place and height.
    open: Vec<(u32, usize)>,
    /// Depths at which they part.
    partings: Vec<u8>,
}

impl Plan {
    pub(crate) fn clear(&mut self) {
        self.hashes.clear();
        for height in &mut self.heights {
            height.clear();
        }
    }

    /// Adds the subtree of `leaves`, keys with leaf hashes in ascending order; returns where its
    /// hash will be, `None` without leaves.
    pub(crate) fn add<'a>(
        &mut self,
        leaves: impl Iterator<Item = (&'a B256, B256)> + Clone,
    ) -> Option<u32> {
        let first = self.hashes.len() as u32;
        self.hashes.extend(leaves.clone().map(|(_, hash)| hash));
        let mut previous: Option<&B256> = None;
        for (place, (key, _)) in (first..).zip(leaves) {
            // Equal keys cannot be: the caller's order is strict.
            if let Some(depth) = previous.and_then(|previous| first_difference(previous, key)) {
                while self.partings.last().is_some_and(|last| *last > depth) {
                    self.close();
                }
                self.partings.push(depth);
            }
            self.open.push((place, 0));
            previous = Some(key);
        }
        while !self.partings.is_empty() {
            self.close();
        }
        self.open.pop().map(|(place, _)| place)
    }

    /// Joins the last two open subtrees.
    fn close(&mut self) {
        let (Some(depth), Some((right, right_height)), Some((left, left_height))) =
            (self.partings.pop(), self.open.pop(), self.open.pop())
        else {
            return;
        };
        let height = left_height.max(right_height);
        if self.heights.len() <= height {
            self.heights.resize_with(height + 1, Vec::new);
        }
        let own = self.hashes.len() as u32;
        self.hashes.push(B256::ZERO);
        self.heights[height].push(Branch {
            left,
            right,
            own,
            depth,
        });
        self.open.push((own, height + 1));
    }

    /// Computes all hashes.
    pub(crate) fn run(&mut self) {
        let hashes = Cell::from_mut(&mut self.hashes[..]).as_slice_of_cells();
        for height in self.heights.iter().filter(|height| !height.is_empty()) {
            node_batch(
                height.len(),
                |position| {
                    let branch = &height[position];
                    let (left, right) = (branch.left as usize, branch.right as usize);
                    (hashes[left].get(), hashes[right].get(), branch.depth)
                },
                |position, hash| hashes[height[position].own as usize].set(hash),
            );
        }
    }

    /// A computed hash; zero for `None`, the subtree without leaves.
    pub(crate) fn hash(&self, place: Option<u32>) -> B256 {
        place.map_or(B256::ZERO, |place| self.hashes[place as usize])
    }

    /// Walks from `place`, the subtree that was added first and alone, along the bits of `key`.
    /// Returns the position of the leaf reached; siblings go to `siblings`, topmost first.
    pub(crate) fn walk(&self, place: u32, key: &B256, siblings: &mut Vec<Sibling>) -> usize {
        let mut branches: Vec<&Branch> = self.heights.iter().flatten().collect();
        branches.sort_unstable_by_key(|branch| branch.own);
        let mut place = place;
        while let Ok(found) = branches.binary_search_by_key(&place, |branch| branch.own) {
            let branch = branches[found];
            let (next, beside) = if bit(key, branch.depth) {
                (branch.right, branch.left)
            } else {
                (branch.left, branch.right)
            };
            siblings.push(Sibling {
                depth: branch.depth,
                hash: self.hashes[beside as usize],
            });
            place = next;
        }
        place as usize
    }
}
