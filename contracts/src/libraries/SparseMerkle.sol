// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title  Proofs of what Aura's state tree holds and does not hold
/// @notice One tree commits every account and every storage slot:
///
///         leaf(k, v)      = keccak256(k ‖ v)               64 bytes
///         node at depth d = 0                              both children empty
///                         = the non-empty child            exactly one child non-empty
///                         = keccak256(l ‖ r ‖ uint8(d))    otherwise, 65 bytes
///         root of the empty tree = 0
///
///         `d` is the index of the bit by which the children part; bit 0 is the top bit of the key, and a
///         key whose bit is 0 lies to the left. A value of zero means that the key is absent.
///
///         A path leads from a leaf up to the root: `siblings[i]` is the hash of the subtree that parts from
///         the path at bit `uint8(depths[i])`. Depths strictly decrease, so there are at most 256.
/// @dev    Why a proof cannot be forged: leaves and nodes are hashed at different lengths, so neither can
///         stand for the other; the leaf commits its whole key; a node commits the bit at which it branches.
///         Only one path shows a given fact under a given root, because what could vary without changing a
///         hash is refused: zero values, zero siblings, depths out of order, lengths that differ.
///         Cost: about 240 gas for each sibling.
library SparseMerkle {
    /// @notice The path has not the form of any path: see {rootOf}.
    error SparseMerkle_MalformedPath();

    /// @notice Key of an account.
    function accountKey(address account) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(account));
    }

    /// @notice Key of a storage slot of an account. Its value is the word in the slot.
    function slotKey(address account, bytes32 slot) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(account, slot));
    }

    /// @notice Value of an account.
    function accountValue(uint64 nonce, uint256 balance, bytes32 codeHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(nonce, balance, codeHash));
    }

    /// @notice Returns whether the tree with `root` holds `value` under `key`.
    /// @dev    Never reverts. A value of zero is never included: see {verifyAbsence}.
    /// @param  depths   One byte for each sibling, strictly decreasing from the leaf upwards.
    /// @param  siblings Hashes beside the path, from the leaf upwards.
    function verifyInclusion(
        bytes32 root,
        bytes32 key,
        bytes32 value,
        bytes calldata depths,
        bytes32[] calldata siblings
    ) internal pure returns (bool) {
        if (value == 0) return false;
        (bytes32 computed, bool wellFormed) = _fold(key, value, depths, siblings);
        return wellFormed && computed == root;
    }

    /// @notice Returns whether the tree with `root` holds nothing under `key`.
    /// @dev    Shown by the leaf of another key, which a walk along the bits of `key` ends at. In the empty
    ///         tree there is no such leaf: then `leafKey`, `leafValue` and the path are zero and empty.
    ///         Never reverts.
    /// @param  leafKey   Key of the leaf that the walk ends at.
    /// @param  leafValue Value of that leaf.
    /// @param  depths    As in {verifyInclusion}, of the path from that leaf.
    /// @param  siblings  As in {verifyInclusion}, of the path from that leaf.
    function verifyAbsence(
        bytes32 root,
        bytes32 key,
        bytes32 leafKey,
        bytes32 leafValue,
        bytes calldata depths,
        bytes32[] calldata siblings
    ) internal pure returns (bool) {
        if (leafValue == 0) {
            return root == 0 && leafKey == 0 && depths.length == 0 && siblings.length == 0;
        }
        if (leafKey == key) return false;
        (bytes32 computed, bool wellFormed) = _fold(leafKey, leafValue, depths, siblings);
        return wellFormed && computed == root && _sameSides(key ^ leafKey, depths);
    }

    /// @notice Returns the root of every tree that has this leaf and this path.
    /// @dev    Reverts if no tree has them: a zero value or sibling, depths that do not strictly decrease,
    ///         not as many depths as siblings, more than 256.
    function rootOf(bytes32 key, bytes32 value, bytes calldata depths, bytes32[] calldata siblings)
        internal
        pure
        returns (bytes32)
    {
        (bytes32 computed, bool wellFormed) = _fold(key, value, depths, siblings);
        if (value == 0 || !wellFormed) revert SparseMerkle_MalformedPath();
        return computed;
    }

    /// @dev Hashes the leaf, then folds in the siblings. `node` means nothing unless `wellFormed`.
    function _fold(bytes32 key, bytes32 value, bytes calldata depths, bytes32[] calldata siblings)
        private
        pure
        returns (bytes32 node, bool wellFormed)
    {
        // Strict decrease bounds the length as well; this ends the work before it begins.
        if (siblings.length > 256 || depths.length != siblings.length) return (0, false);
        // Memory: the leaf's 64 bytes fill the scratch space. A node's 65 bytes do not fit there (the last
        // would be the top byte of the free memory pointer), so they lie above the free memory pointer,
        // which is only read: nothing that Solidity has allocated is touched, and it never assumes that free
        // memory is zero. `left` is a multiple of 64, so setting bit 5 gives the right child's place.
        // Calldata: each list is as long as its length says (the caller's ABI decoder has checked it), and
        // both have the same length, so no read leaves them; of a word that reaches past `depths`, only the
        // first byte is used. The lists' offsets are copies on the stack and serve as cursors.
        assembly ("memory-safe") {
            mstore(0x00, key)
            mstore(0x20, value)
            node := keccak256(0x00, 0x40)
            wellFormed := 1
            if siblings.length {
                let left := and(add(mload(0x40), 0x3f), not(0x3f))
                let depthTo := add(left, 0x40)
                let end := add(siblings.offset, shl(5, siblings.length))
                let below := 256
                // Testing at the end saves a jump for each sibling.
                for {} 1 {} {
                    let depth := byte(0, calldataload(depths.offset))
                    let sibling := calldataload(siblings.offset)
                    // Only 0 < 1 holds: the sibling is not zero and the depth has decreased.
                    wellFormed := and(wellFormed, lt(iszero(sibling), lt(depth, below)))
                    below := depth
                    // Bit `depth` of the key, brought to bit 5: where the path's own side is written.
                    let own := or(left, and(shr(250, shl(depth, key)), 0x20))
                    mstore(own, node)
                    mstore(xor(own, 0x20), sibling)
                    mstore8(depthTo, depth)
                    node := keccak256(left, 0x41)
                    depths.offset := add(depths.offset, 1)
                    siblings.offset := add(siblings.offset, 0x20)
                    if iszero(lt(siblings.offset, end)) { break }
                }
            }
        }
    }

    /// @dev Returns whether two keys that differ in the bits `difference` take the same side at each depth.
    function _sameSides(bytes32 difference, bytes calldata depths) private pure returns (bool same) {
        // Reads calldata within `depths` only (see {_fold}) and no memory.
        assembly ("memory-safe") {
            let parted := 0
            let end := add(depths.offset, depths.length)
            for { let cursor := depths.offset } lt(cursor, end) { cursor := add(cursor, 1) } {
                // Brings bit `depth` to the top; what lies below it does not count.
                parted := or(parted, shl(byte(0, calldataload(cursor)), difference))
            }
            same := iszero(shr(255, parted))
        }
    }
}
