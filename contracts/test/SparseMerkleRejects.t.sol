// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SparseMerkle} from "../src/libraries/SparseMerkle.sol";
import {ProofChecker} from "./ProofChecker.sol";
import {Lists} from "./utils/Lists.sol";
import {Leaf, NaiveTree, Proof} from "./utils/NaiveTree.sol";
import {PlainMerkle} from "./utils/PlainMerkle.sol";
import {Test} from "./utils/Test.sol";

/// @notice Proofs that do not hold are refused, also where the hashes would fit.
contract SparseMerkleRejectsTest is Test {
    uint256 internal constant MAX_LEAVES = 8;
    bytes32 internal constant KEY = keccak256("key");
    bytes32 internal constant VALUE = keccak256("value");

    ProofChecker internal _checker;

    function setUp() public {
        _checker = new ProofChecker();
    }

    // Changed proofs.

    /// @dev Flips each bit of the root, the key, the value, both lengths, every depth and every sibling.
    function testFuzz_verifyInclusion_anyBitFlipped_rejects(uint256 seed) public view {
        (Leaf[] memory leaves, bytes32 root) = _tree(seed);
        Leaf memory leaf = leaves[seed / 256 % leaves.length];
        Proof memory proof = NaiveTree.prove(leaves, leaf.key);
        bytes memory call = abi.encodeCall(
            ProofChecker.inclusion, (root, leaf.key, leaf.value, proof.depths, proof.siblings)
        );
        _assertTrue(_holds(call), "the proof holds before it is changed");
        _assertFlipsRejected(call, 4, 4 + 3 * 32);
        _assertFlipsInListsRejected(call, 5, proof);
    }

    /// @dev As above, and a flip in the key is refused unless it shows another key's absence.
    function testFuzz_verifyAbsence_anyBitFlipped_rejects(uint256 seed, bytes32 key) public view {
        (Leaf[] memory leaves, bytes32 root) = _tree(seed);
        if (uint256(key) % 2 == 0) key = NaiveTree.neighbour(leaves[0].key, uint256(key) / 2);
        if (NaiveTree.get(leaves, key) != 0) return;
        Proof memory proof = NaiveTree.prove(leaves, key);
        bytes memory call = abi.encodeCall(
            ProofChecker.absence, (root, key, proof.leaf.key, proof.leaf.value, proof.depths, proof.siblings)
        );
        _assertTrue(_holds(call), "the proof holds before it is changed");
        _assertFlipsRejected(call, 4, 4 + 32);
        _assertFlipsRejected(call, 4 + 2 * 32, 4 + 4 * 32);
        _assertFlipsInListsRejected(call, 6, proof);
        for (uint256 bit = 0; bit < 256; ++bit) {
            bytes32 other = key ^ bytes32(2 ** bit);
            bool absent =
                _checker.absence(root, other, proof.leaf.key, proof.leaf.value, proof.depths, proof.siblings);
            bool expected = other != proof.leaf.key && PlainMerkle.sameSides(other, key, proof.depths);
            _assertTrue(absent == expected, "absence of a key beside the key");
            _assertFalse(absent && NaiveTree.get(leaves, other) != 0, "absence of a leaf");
        }
    }

    /// @dev Attack 8: leaves out, repeats, moves or adds siblings, with their depths, without them, or only
    ///      the depths.
    function testFuzz_verify_pathChanged_rejects(uint256 seed, bytes32 absentKey, bytes32 extra) public view {
        (Leaf[] memory leaves, bytes32 root) = _tree(seed);
        _assertChangedPathsRejected(root, leaves[0].key, NaiveTree.prove(leaves, leaves[0].key), extra);
        if (NaiveTree.get(leaves, absentKey) != 0) return;
        _assertChangedPathsRejected(root, absentKey, NaiveTree.prove(leaves, absentKey), extra);
    }

    function testFuzz_verify_otherTreesRoot_rejects(uint256 seed, bytes32 key, bytes32 value) public view {
        (Leaf[] memory leaves,) = _tree(seed);
        Leaf memory leaf = leaves[0];
        // Any change of another leaf changes the root.
        if (key == leaf.key || value == 0 || NaiveTree.get(leaves, key) == value) return;
        Proof memory proof = NaiveTree.prove(leaves, leaf.key);
        bytes32 other = NaiveTree.root(NaiveTree.set(leaves, key, value));
        _assertRefused(other, leaf.key, leaf, proof.depths, proof.siblings);
        _assertRefused(0, leaf.key, leaf, proof.depths, proof.siblings);
        if (NaiveTree.get(leaves, key) != 0) return;
        proof = NaiveTree.prove(leaves, key);
        _assertRefused(other, key, proof.leaf, proof.depths, proof.siblings);
        _assertRefused(0, key, proof.leaf, proof.depths, proof.siblings);
    }

    /// @dev No leaf of the tree shows the absence of a key in it, whichever path is used.
    function testFuzz_verifyAbsence_presentKey_rejects(uint256 seed) public view {
        (Leaf[] memory leaves, bytes32 root) = _tree(seed);
        for (uint256 i = 0; i < leaves.length; ++i) {
            Proof memory proof = NaiveTree.prove(leaves, leaves[i].key);
            for (uint256 j = 0; j < leaves.length; ++j) {
                bool absent = _checker.absence(
                    root, leaves[j].key, proof.leaf.key, proof.leaf.value, proof.depths, proof.siblings
                );
                _assertFalse(absent, "absence of a key in the tree");
            }
        }
    }

    // Paths that no tree has, under the root to which they would fold.

    /// @dev Attack 9: any depths at all, mostly out of order.
    function testFuzz_verify_anyDepths_agreesWithPlainRules(
        bytes32 key,
        bytes32 other,
        bytes32 value,
        bytes calldata depths,
        uint256 zeroAt
    ) public view {
        bytes memory list = depths;
        if (list.length > 256) return;
        bytes32[] memory siblings = _siblings(list.length);
        if (zeroAt < siblings.length) siblings[zeroAt] = 0;
        _assertAgrees(key, other, value, list, siblings);
        Lists.sortDecreasing(list); // what repeats still does
        _assertAgrees(key, other, value, list, siblings);
        _assertAgrees(key, NaiveTree.neighbour(key, uint256(other)), value, list, siblings);
    }

    /// @dev Attack 8.
    function test_verifyInclusion_depthRepeats_rejects() public {
        _assertMalformed(hex"0500", _siblings(2), false);
        _assertMalformed(hex"0505", _siblings(2), true);
        _assertMalformed(hex"0000", _siblings(2), true);
        _assertMalformed(hex"ffff", _siblings(2), true);
    }

    /// @dev Attack 7: a slot whose value is the hash of a leaf that is not there. Its own leaf would be that
    ///      leaf's parent if nodes were hashed without their depth.
    function testFuzz_verifyInclusion_valueThatIsAForgedNode_rejects(uint256 seed, bytes32 own) public view {
        (Leaf[] memory leaves,) = _tree(seed);
        leaves = NaiveTree.set(leaves, own, 0);
        Proof memory path = NaiveTree.prove(NaiveTree.set(leaves, own, VALUE), own);
        uint256 deepest = path.depths.length == 0 ? 0 : 1 + uint256(uint8(path.depths[0]));
        if (deepest == 256) return;
        uint256 depth = deepest + seed % (256 - deepest);
        // What the attacker claims to be there, beside the own key as a sibling.
        bytes32 wanted = own ^ bytes32(uint256(1) << (255 - depth));
        bytes32 forged = PlainMerkle.leaf(wanted, VALUE);
        bytes32 root = NaiveTree.root(NaiveTree.set(leaves, own, forged));
        bytes memory depths = abi.encodePacked(bytes32(depth)[31], path.depths);
        bytes32[] memory siblings = new bytes32[](path.siblings.length + 1);
        siblings[0] = own;
        for (uint256 i = 0; i < path.siblings.length; ++i) {
            siblings[i + 1] = path.siblings[i];
        }
        _assertTrue(
            _checker.inclusion(root, own, forged, path.depths, path.siblings), "the attacker's leaf is there"
        );
        _assertFalse(_checker.inclusion(root, wanted, VALUE, depths, siblings), "the forged leaf");
    }

    /// @dev Attack 8.
    function test_verifyInclusion_depthIncreases_rejects() public {
        _assertMalformed(hex"0506", _siblings(2), true);
        _assertMalformed(hex"00ff", _siblings(2), true);
        _assertMalformed(hex"090807060507", _siblings(6), true);
        _assertMalformed(hex"090807060504", _siblings(6), false);
    }

    function test_verifyInclusion_siblingIsZero_rejects() public {
        for (uint256 i = 0; i < 4; ++i) {
            bytes32[] memory siblings = _siblings(4);
            siblings[i] = 0;
            _assertMalformed(hex"c8640a00", siblings, true);
        }
    }

    function test_verifyInclusion_lengthsDiffer_rejects() public {
        bytes memory depths = hex"c8640a00";
        bytes32[] memory siblings = _siblings(4);
        bytes32 root = PlainMerkle.fold(KEY, VALUE, depths, siblings);
        _assertTrue(_checker.inclusion(root, KEY, VALUE, depths, siblings), "the path holds");
        _assertFalse(_checker.inclusion(root, KEY, VALUE, hex"c8640a0000", siblings), "a depth too many");
        _assertFalse(_checker.inclusion(root, KEY, VALUE, hex"c8640a", siblings), "a depth too few");
        _assertFalse(_checker.inclusion(root, KEY, VALUE, "", siblings), "no depths");
        bytes32 leaf = PlainMerkle.leaf(KEY, VALUE);
        _assertFalse(_checker.inclusion(leaf, KEY, VALUE, depths, new bytes32[](0)), "no siblings");
        _assertFalse(_checker.absence(leaf, ~KEY, KEY, VALUE, depths, new bytes32[](0)), "no siblings");
        VM.expectRevert(SparseMerkle.SparseMerkle_MalformedPath.selector);
        _checker.rootOf(KEY, VALUE, hex"c8640a", siblings);
    }

    function test_verifyInclusion_257Siblings_rejects() public {
        bytes memory depths = new bytes(257);
        for (uint256 i = 0; i < 256; ++i) {
            depths[i] = bytes32(255 - i)[31];
        }
        _assertMalformed(depths, _siblings(257), true);
    }

    function test_verifyInclusion_valueIsZero_rejects() public {
        bytes32 root = PlainMerkle.fold(KEY, 0, hex"0500", _siblings(2));
        _assertFalse(_checker.inclusion(root, KEY, 0, hex"0500", _siblings(2)), "a leaf of zero");
        _assertFalse(_checker.absence(root, ~KEY, KEY, 0, hex"0500", _siblings(2)), "a leaf of zero");
        _assertFalse(_checker.inclusion(0, KEY, 0, "", new bytes32[](0)), "zero in the empty tree");
        VM.expectRevert(SparseMerkle.SparseMerkle_MalformedPath.selector);
        _checker.rootOf(KEY, 0, hex"0500", _siblings(2));
    }

    function test_verifyAbsence_walkPartsFromLeaf_rejects() public view {
        bytes memory depths = hex"c8640a00";
        bytes32[] memory siblings = _siblings(4);
        bytes32 root = PlainMerkle.fold(KEY, VALUE, depths, siblings);
        for (uint256 depth = 0; depth < 256; ++depth) {
            bool listed = depth == 200 || depth == 100 || depth == 10 || depth == 0;
            bytes32 key = KEY ^ bytes32(2 ** (255 - depth));
            bool absent = _checker.absence(root, key, KEY, VALUE, depths, siblings);
            _assertTrue(absent == !listed, "absent if the walk ends at the leaf");
        }
        _assertFalse(_checker.absence(root, ~KEY, KEY, VALUE, depths, siblings), "all sides differ");
        _assertFalse(_checker.absence(root, KEY, KEY, VALUE, depths, siblings), "the leaf's own key");
    }

    function test_verifyAbsence_emptyTreeWithMore_rejects() public view {
        bytes32[] memory none = new bytes32[](0);
        _assertTrue(_checker.absence(0, KEY, 0, 0, "", none), "the empty tree");
        _assertFalse(_checker.absence(bytes32(uint256(1)), KEY, 0, 0, "", none), "a root");
        _assertFalse(_checker.absence(PlainMerkle.leaf(0, 0), KEY, 0, 0, "", none), "a root of a zero leaf");
        _assertFalse(_checker.absence(0, KEY, ~KEY, 0, "", none), "a leaf's key");
        _assertFalse(_checker.absence(0, KEY, 0, VALUE, "", none), "a leaf's value");
        _assertFalse(_checker.absence(0, KEY, ~KEY, VALUE, "", none), "a leaf");
        _assertFalse(_checker.absence(0, KEY, 0, 0, hex"00", none), "a depth");
        _assertFalse(_checker.absence(0, KEY, 0, 0, "", _siblings(1)), "a sibling");
        _assertFalse(_checker.absence(0, KEY, 0, 0, hex"00", _siblings(1)), "a path");
    }

    // Helpers.

    function _tree(uint256 seed) private pure returns (Leaf[] memory leaves, bytes32 root) {
        leaves = NaiveTree.random(seed, MAX_LEAVES);
        if (leaves.length == 0) leaves = NaiveTree.set(leaves, KEY, VALUE);
        root = NaiveTree.root(leaves);
    }

    function _siblings(uint256 count) private pure returns (bytes32[] memory siblings) {
        siblings = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            siblings[i] = keccak256(abi.encode("sibling", i));
        }
    }

    /// @dev True if the call returns true; false if it returns false or reverts.
    function _holds(bytes memory call) private view returns (bool) {
        (bool success, bytes memory result) = address(_checker).staticcall(call);
        return success && abi.decode(result, (bool));
    }

    /// @dev Flips each bit of the bytes `from` to `to` of a call.
    function _assertFlipsRejected(bytes memory call, uint256 from, uint256 to) private view {
        for (uint256 i = from; i < to; ++i) {
            for (uint256 bit = 0; bit < 8; ++bit) {
                bytes1 flip = bytes1(bytes32(2 ** (248 + bit)));
                call[i] ^= flip;
                if (_holds(call)) revert Test_NotEqual("bit flipped", bytes32(i), bytes32(bit));
                call[i] ^= flip;
            }
        }
    }

    /// @dev Flips what a call holds after `words` words, except the padding of the depths.
    function _assertFlipsInListsRejected(bytes memory call, uint256 words, Proof memory proof) private view {
        uint256 depthsAt = 4 + words * 32;
        uint256 count = proof.siblings.length;
        uint256 siblingsAt = depthsAt + 32 + (count + 31) / 32 * 32;
        _assertTrue(call.length == siblingsAt + 32 + count * 32, "layout of the call");
        _assertFlipsRejected(call, depthsAt, depthsAt + 32 + count);
        _assertFlipsRejected(call, siblingsAt, call.length);
    }

    /// @dev Neither inclusion of the leaf nor, if it is of another key, absence of the key is shown.
    function _assertRefused(
        bytes32 root,
        bytes32 key,
        Leaf memory leaf,
        bytes memory depths,
        bytes32[] memory siblings
    ) private view {
        bool included = _checker.inclusion(root, leaf.key, leaf.value, depths, siblings);
        _assertFalse(included, "inclusion by a changed proof");
        bool absent = _checker.absence(root, key, leaf.key, leaf.value, depths, siblings);
        _assertFalse(absent, "absence by a changed proof");
    }

    function _assertChangedPathsRejected(bytes32 root, bytes32 key, Proof memory proof, bytes32 extra)
        private
        view
    {
        (bytes memory depths, bytes32[] memory siblings) = (proof.depths, proof.siblings);
        if (extra == 0) extra = VALUE;
        uint256 count = siblings.length;
        for (uint256 i = 0; i < count; ++i) {
            _assertRefused(root, key, proof.leaf, Lists.without(depths, i), Lists.without(siblings, i));
            _assertRefused(root, key, proof.leaf, Lists.without(depths, i), siblings);
            _assertRefused(root, key, proof.leaf, depths, Lists.without(siblings, i));
            _assertRefused(root, key, proof.leaf, Lists.cut(depths, i), Lists.cut(siblings, i));
            for (uint256 j = 0; j < i; ++j) {
                _assertRefused(
                    root, key, proof.leaf, Lists.swapped(depths, i, j), Lists.swapped(siblings, i, j)
                );
                _assertRefused(root, key, proof.leaf, Lists.swapped(depths, i, j), siblings);
                _assertRefused(root, key, proof.leaf, depths, Lists.swapped(siblings, i, j));
            }
        }
        for (uint256 i = 0; i <= count; ++i) {
            bytes1 depth = extra[i % 32];
            bytes32[] memory longer = Lists.with(siblings, i, extra);
            _assertRefused(root, key, proof.leaf, Lists.with(depths, i, depth), longer);
            _assertRefused(root, key, proof.leaf, depths, longer);
            _assertRefused(root, key, proof.leaf, Lists.with(depths, i, depth), siblings);
            // In order: just above what follows, or at the top.
            uint256 next = i < count ? uint8(depths[i]) + 1 : 0;
            if (next < 256) {
                _assertRefused(root, key, proof.leaf, Lists.with(depths, i, bytes32(next)[31]), longer);
            }
            if (i == count) continue;
            // Twice the same.
            _assertRefused(
                root, key, proof.leaf, Lists.with(depths, i, depths[i]), Lists.with(siblings, i, siblings[i])
            );
        }
    }

    function _assertAgrees(
        bytes32 key,
        bytes32 other,
        bytes32 value,
        bytes memory depths,
        bytes32[] memory siblings
    ) private view {
        bytes32 root = PlainMerkle.fold(key, value, depths, siblings);
        bool expected = PlainMerkle.verifyInclusion(root, key, value, depths, siblings);
        bool verdict = _checker.inclusion(root, key, value, depths, siblings);
        _assertTrue(verdict == expected, "inclusion as by the plain rules");
        expected = PlainMerkle.verifyAbsence(root, other, key, value, depths, siblings);
        verdict = _checker.absence(root, other, key, value, depths, siblings);
        _assertTrue(verdict == expected, "absence as by the plain rules");
    }

    /// @dev Checks a path under the root that its hashes give.
    function _assertMalformed(bytes memory depths, bytes32[] memory siblings, bool malformed) private {
        bytes32 root = PlainMerkle.fold(KEY, VALUE, depths, siblings);
        bool verdict = _checker.inclusion(root, KEY, VALUE, depths, siblings);
        _assertTrue(verdict == !malformed, "inclusion");
        bytes32 absent = KEY ^ bytes32(uint256(1) << 254); // the bit at depth 1, which is not listed
        if (depths.length < 256) {
            verdict = _checker.absence(root, absent, KEY, VALUE, depths, siblings);
            _assertTrue(verdict == !malformed, "absence");
        }
        if (malformed) VM.expectRevert(SparseMerkle.SparseMerkle_MalformedPath.selector);
        _checker.rootOf(KEY, VALUE, depths, siblings);
    }
}
