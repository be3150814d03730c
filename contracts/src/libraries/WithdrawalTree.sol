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

    /// @notice {leaf} of a withdrawal in the calldata, with one copy of its words.
    /// @dev    They are hashed as they are. One that its type does not hold gives a leaf that no tree of L2 has.
    function leafOf(uint256 l1ChainId, address portal, uint256 l2ChainId, Withdrawal calldata w)
        internal
        pure
        returns (bytes32 node)
    {
        (bytes32 domain, uint256 portalWord) = (DOMAIN, uint256(uint160(portal)));
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, domain)
            mstore(add(start, 0x20), l1ChainId)
            mstore(add(start, 0x40), portalWord)
            mstore(add(start, 0x60), l2ChainId)
            calldatacopy(add(start, 0x80), w, 0xc0)
            mstore(0x00, keccak256(start, 0x140))
            node := keccak256(0x00, 0x20)
        }
    }

    /// @notice Root of the tree that has `node` as leaf number `index` beside `siblings`, leaf side first.
    /// @dev    `index` must be below 2^32: higher bits would name no other place.
    function rootOf(bytes32 node, uint256 index, bytes32[32] calldata siblings)
        internal
        pure
        returns (bytes32)
    {
        // Only the scratch space is written. Bit `level` of the index, brought to bit 5, is where the node's
        // own side stands; the sibling stands on the other. Four levels a round, for a round costs as much as a
        // hash.
        assembly ("memory-safe") {
            index := shl(5, index)
            let end := add(siblings, 0x400)
            for { let cursor := siblings } lt(cursor, end) { cursor := add(cursor, 0x80) } {
                let own := and(index, 0x20)
                mstore(own, node)
                mstore(xor(own, 0x20), calldataload(cursor))
                own := and(shr(1, index), 0x20)
                mstore(own, keccak256(0x00, 0x40))
                mstore(xor(own, 0x20), calldataload(add(cursor, 0x20)))
                own := and(shr(2, index), 0x20)
                mstore(own, keccak256(0x00, 0x40))
                mstore(xor(own, 0x20), calldataload(add(cursor, 0x40)))
                own := and(shr(3, index), 0x20)
                mstore(own, keccak256(0x00, 0x40))
                mstore(xor(own, 0x20), calldataload(add(cursor, 0x60)))
                node := keccak256(0x00, 0x40)
                index := shr(4, index)
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
