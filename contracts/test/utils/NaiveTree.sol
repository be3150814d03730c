// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {PlainMerkle} from "./PlainMerkle.sol";

/// @notice Leaf of a tree.
struct Leaf {
    bytes32 key;
    bytes32 value;
}

/// @notice Path from the leaf that a walk along a key's bits ends at; all zero and empty in the empty tree.
struct Proof {
    Leaf leaf;
    bytes depths;
    bytes32[] siblings;
}

/// @notice The state tree by its definition, recomputed from the leaves for every question.
library NaiveTree {
    function root(Leaf[] memory leaves) internal pure returns (bytes32) {
        return _node(leaves, 0);
    }

    /// @notice Returns the path that shows what the tree holds under `key`, or that it holds nothing.
    function prove(Leaf[] memory leaves, bytes32 key) internal pure returns (Proof memory proof) {
        if (leaves.length == 0) return proof;
        bytes memory depths = new bytes(256);
        bytes32[] memory siblings = new bytes32[](256);
        uint256 count;
        for (uint256 depth = 0; leaves.length > 1; ++depth) {
            (Leaf[] memory own, Leaf[] memory other) = _split(leaves, key, depth);
            if (own.length > 0 && other.length > 0) {
                depths[count] = bytes32(depth)[31];
                siblings[count++] = _node(other, depth + 1);
            }
            leaves = own.length > 0 ? own : other;
        }
        proof.leaf = leaves[0];
        proof.depths = new bytes(count);
        proof.siblings = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            proof.depths[i] = depths[count - 1 - i];
            proof.siblings[i] = siblings[count - 1 - i];
        }
    }

    /// @notice Returns the value under `key`, or zero.
    function get(Leaf[] memory leaves, bytes32 key) internal pure returns (bytes32) {
        for (uint256 i = 0; i < leaves.length; ++i) {
            if (leaves[i].key == key) return leaves[i].value;
        }
        return 0;
    }

    /// @notice Returns the leaves after a change; a value of zero deletes.
    function set(Leaf[] memory leaves, bytes32 key, bytes32 value)
        internal
        pure
        returns (Leaf[] memory changed)
    {
        uint256 count = leaves.length;
        if (get(leaves, key) != 0) --count;
        if (value != 0) ++count;
        changed = new Leaf[](count);
        uint256 next;
        for (uint256 i = 0; i < leaves.length; ++i) {
            if (leaves[i].key != key) changed[next++] = leaves[i];
        }
        if (value != 0) changed[next] = Leaf(key, value);
    }

    /// @notice Returns a tree made from a seed, of at most `limit` leaves. Half of the keys part from another
    ///         one at a bit anywhere in the key, so that paths are long and their depths high.
    function random(uint256 seed, uint256 limit) internal pure returns (Leaf[] memory leaves) {
        uint256 count = seed % (limit + 1);
        for (uint256 i = 0; i < count; ++i) {
            bytes32 word = keccak256(abi.encode(seed, i));
            bytes32 key = word;
            if (i > 0 && uint256(word) % 2 == 0) {
                key = neighbour(leaves[uint256(word) / 2 % i].key, uint256(word) / 256);
            }
            leaves = set(leaves, key, keccak256(abi.encode(word)));
        }
    }

    /// @notice Returns a key that parts from `key` at a bit chosen by `seed` and has any bits after it.
    function neighbour(bytes32 key, uint256 seed) internal pure returns (bytes32) {
        uint256 depth = seed % 256;
        uint256 tail = 2 ** (255 - depth); // the bit at `depth`
        uint256 noise = uint256(keccak256(abi.encode(seed))) % tail;
        return bytes32((uint256(key) ^ tail) / tail * tail + noise);
    }

    function _node(Leaf[] memory leaves, uint256 depth) private pure returns (bytes32) {
        if (leaves.length == 0) return 0;
        // A node with one child that is not empty is that child: calls nest only where the tree branches.
        for (; leaves.length > 1; ++depth) {
            (Leaf[] memory left, Leaf[] memory right) = _split(leaves, 0, depth);
            if (left.length > 0 && right.length > 0) {
                return PlainMerkle.node(_node(left, depth + 1), _node(right, depth + 1), depth);
            }
        }
        return PlainMerkle.leaf(leaves[0].key, leaves[0].value);
    }

    /// @dev Leaves on the side of `key` at `depth`, and those on the other.
    function _split(Leaf[] memory leaves, bytes32 key, uint256 depth)
        private
        pure
        returns (Leaf[] memory own, Leaf[] memory other)
    {
        bool side = PlainMerkle.isRight(key, depth);
        uint256 count;
        for (uint256 i = 0; i < leaves.length; ++i) {
            if (PlainMerkle.isRight(leaves[i].key, depth) == side) ++count;
        }
        if (count == leaves.length) return (leaves, other);
        own = new Leaf[](count);
        other = new Leaf[](leaves.length - count);
        uint256 nextOther;
        count = 0;
        for (uint256 i = 0; i < leaves.length; ++i) {
            if (PlainMerkle.isRight(leaves[i].key, depth) == side) own[count++] = leaves[i];
            else other[nextOther++] = leaves[i];
        }
    }
}
