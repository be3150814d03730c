// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The withdrawal tree by its definition: all leaves in memory, every node from its two children.
library LeafTree {
    uint256 private constant DEPTH = 32;

    function root(bytes32[] memory leaves) internal pure returns (bytes32 node) {
        (node,) = _walk(leaves, 0);
    }

    function proof(bytes32[] memory leaves, uint256 index)
        internal
        pure
        returns (bytes32[32] memory siblings)
    {
        (, siblings) = _walk(leaves, index);
    }

    function _walk(bytes32[] memory leaves, uint256 index)
        private
        pure
        returns (bytes32, bytes32[32] memory siblings)
    {
        bytes32[] memory level = leaves;
        bytes32 zero = 0;
        for (uint256 depth = 0; depth < DEPTH; ++depth) {
            siblings[depth] = (index ^ 1) < level.length ? level[index ^ 1] : zero;
            bytes32[] memory above = new bytes32[]((level.length + 1) / 2);
            for (uint256 i = 0; i < above.length; ++i) {
                bytes32 right = 2 * i + 1 < level.length ? level[2 * i + 1] : zero;
                above[i] = keccak256(abi.encodePacked(level[2 * i], right));
            }
            zero = keccak256(abi.encodePacked(zero, zero));
            (level, index) = (above, index / 2);
        }
        return (level.length == 0 ? zero : level[0], siblings);
    }
}
