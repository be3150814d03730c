//! Building a whole tree from sorted leaves, on all cores.

use alloy_primitives::B256;

use crate::{
    Smt, SmtError,
    arena::{Branch, Leaf, NodeId, Subtree},
    hash::{bit, first_difference, leaf, node},
};

/// Below this many leaves a subtree is built on one core; about a millisecond of work.
const PARALLEL_LEAVES: usize = 2_048;

/// Collects leaves and checks that keys strictly increase and values are not zero.
pub(crate) fn collect_sorted(
    leaves: impl Iterator<Item = (B256, B256)>,
) -> Result<Vec<Leaf>, SmtError> {
    let mut collected: Vec<Leaf> = Vec::with_capacity(leaves.size_hint().0.min(Smt::MAX_LEAVES));
    for (position, (key, value)) in leaves.enumerate() {
        if collected.last().is_some_and(|last| last.key >= key) {
            return Err(SmtError::NotSorted { position, key });
        }
        if value.is_zero() {
            return Err(SmtError::ZeroValue { position, key });
        }
        if position == Smt::MAX_LEAVES {
            return Err(SmtError::TooManyLeaves {
                leaves: position + 1,
                limit: Smt::MAX_LEAVES,
            });
        }
        collected.push(Leaf { key, value });
    }
    collected.shrink_to_fit();
    Ok(collected)
}

/// Fills `branches`, one less than there are leaves, and returns the root of at least one leaf.
///
/// A subtree of `m` leaves takes `m - 1` consecutive branches: its root, then the left, then the
/// right subtree. So both sides can be built at the same time, and lie close together.
/// `first_leaf` and `first_branch` are the numbers of the first elements of the slices.
pub(crate) fn build(
    leaves: &[Leaf],
    first_leaf: usize,
    branches: &mut [Branch],
    first_branch: usize,
) -> Subtree {
    let (first, last) = (&leaves[0], &leaves[leaves.len() - 1]);
    let Some(depth) = first_difference(&first.key, &last.key) else {
        return (NodeId::leaf(first_leaf), leaf(first.key, first.value));
    };
    let middle = leaves.partition_point(|leaf| !bit(&leaf.key, depth));
    let (left_leaves, right_leaves) = leaves.split_at(middle);
    let (own, below) = branches.split_at_mut(1);
    let (left_branches, right_branches) = below.split_at_mut(middle - 1);
    let (left_first, right_first) = (first_branch + 1, first_branch + middle);

    let mut build_left = || build(left_leaves, first_leaf, left_branches, left_first);
    let mut build_right = || {
        build(
            right_leaves,
            first_leaf + middle,
            right_branches,
            right_first,
        )
    };
    let (left, right) = if leaves.len() < PARALLEL_LEAVES {
        (build_left(), build_right())
    } else {
        rayon::join(build_left, build_right)
    };
    own[0] = Branch {
        hash: node(left.1, right.1, depth),
        left: left.0,
        right: right.0,
        depth,
    };
    (NodeId::branch(first_branch), own[0].hash)
}
