// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The rules of `SparseMerkle` written down plainly, without assembly, as what it must agree with.
library PlainMerkle {
    function leaf(bytes32 key, bytes32 value) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(key, value));
    }

    function node(bytes32 left, bytes32 right, uint256 depth) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(left, right, bytes32(depth)[31]));
    }

    /// @notice Returns whether `key` lies to the right at `depth`.
    function isRight(bytes32 key, uint256 depth) internal pure returns (bool) {
        return (uint256(key) / 2 ** (255 - depth)) % 2 == 1;
    }

    /// @notice Returns the root above a leaf, whatever the path looks like.
    function fold(bytes32 key, bytes32 value, bytes memory depths, bytes32[] memory siblings)
        internal
        pure
        returns (bytes32 hash)
    {
        hash = leaf(key, value);
        for (uint256 i = 0; i < siblings.length; ++i) {
            uint256 depth = uint8(depths[i]);
            hash = isRight(key, depth) ? node(siblings[i], hash, depth) : node(hash, siblings[i], depth);
        }
    }

    /// @notice Returns whether a tree can have a path of this form.
    function isWellFormed(bytes memory depths, bytes32[] memory siblings) internal pure returns (bool) {
        if (depths.length != siblings.length || siblings.length > 256) return false;
        for (uint256 i = 0; i < siblings.length; ++i) {
            if (siblings[i] == 0) return false;
            if (i > 0 && uint8(depths[i]) >= uint8(depths[i - 1])) return false;
        }
        return true;
    }

    /// @notice Returns whether a walk for `key` takes the same side as one for `other` at each depth.
    function sameSides(bytes32 key, bytes32 other, bytes memory depths) internal pure returns (bool) {
        for (uint256 i = 0; i < depths.length; ++i) {
            if (isRight(key, uint8(depths[i])) != isRight(other, uint8(depths[i]))) return false;
        }
        return true;
    }

    function verifyInclusion(
        bytes32 root,
        bytes32 key,
        bytes32 value,
        bytes memory depths,
        bytes32[] memory siblings
    ) internal pure returns (bool) {
        return value != 0 && isWellFormed(depths, siblings) && fold(key, value, depths, siblings) == root;
    }

    function verifyAbsence(
        bytes32 root,
        bytes32 key,
        bytes32 leafKey,
        bytes32 leafValue,
        bytes memory depths,
        bytes32[] memory siblings
    ) internal pure returns (bool) {
        if (root == 0) {
            return leafKey == 0 && leafValue == 0 && depths.length == 0 && siblings.length == 0;
        }
        return key != leafKey && sameSides(key, leafKey, depths)
            && verifyInclusion(root, leafKey, leafValue, depths, siblings);
    }
}
