// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Withdrawal} from "./Types.sol";

/// @title  Tree of everything that leaves L2
/// @notice Append-only, 32 levels, filled from the left: node = keccak256(left ‖ right), an empty leaf is
///         zero. A leaf is hashed twice, so it cannot stand for a node:
///
///         leaf = keccak256(keccak256(abi.encode("AuraWithdrawalV0", l1ChainId, portal, l2ChainId, withdrawal)))
library WithdrawalTree {
    uint256 internal constant DEPTH = 32;
    /// @notice Places for leaves.
    uint256 internal constant LEAVES = 2 ** DEPTH;
    bytes32 private constant DOMAIN = "AuraWithdrawalV0";

    /// @notice The tree is full.
    error WithdrawalTree_Full();

    /// @notice Leaf of a withdrawal from one chain to one portal.
    function leaf(uint256 l1ChainId, address portal, uint256 l2ChainId, Withdrawal memory w)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(bytes.concat(keccak256(abi.encode(DOMAIN, l1ChainId, portal, l2ChainId, w))));
    }

    /// @notice Root of the tree that has `node` as leaf number `index` beside `siblings`, leaf side first.
    /// @dev    `index` must be below 2^32: higher bits would name no other place.
    function rootOf(bytes32 node, uint256 index, bytes32[32] calldata siblings)
        internal
        pure
        returns (bytes32)
    {
        // Only the scratch space is written. Bit `level` of the index, brought to bit 5, is where the node's
        // own side stands; the sibling stands on the other.
        assembly ("memory-safe") {
            let end := add(siblings, 0x400)
            for { let cursor := siblings } lt(cursor, end) { cursor := add(cursor, 0x20) } {
                let own := shl(5, and(index, 1))
                mstore(own, node)
                mstore(xor(own, 0x20), calldataload(cursor))
                node := keccak256(0x00, 0x40)
                index := shr(1, index)
            }
        }
        return node;
    }

    /// @notice Appends a leaf to a tree of `count` leaves and returns the new root.
    /// @dev    `branch[l]` holds the left sibling at level `l` for as long as it waits for its right one.
    function append(bytes32[32] storage branch, uint256 count, bytes32 node) internal returns (bytes32) {
        if (count >= LEAVES - 1) revert WithdrawalTree_Full();
        bool isStored = false;
        bytes32 zero = 0;
        for (uint256 level = 0; level < DEPTH; ++level) {
            if ((count >> level) & 1 == 0) {
                if (!isStored) {
                    branch[level] = node;
                    isStored = true;
                }
                node = _pair(node, zero);
            } else {
                node = _pair(branch[level], node);
            }
            zero = _pair(zero, zero);
        }
        return node;
    }

    /// @notice Root of the empty tree.
    function emptyRoot() internal pure returns (bytes32 node) {
        for (uint256 level = 0; level < DEPTH; ++level) {
            node = _pair(node, node);
        }
    }

    function _pair(bytes32 left, bytes32 right) private pure returns (bytes32 node) {
        // The scratch space is 64 bytes long.
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            node := keccak256(0x00, 0x40)
        }
    }
}
