// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ProofChecker} from "./ProofChecker.sol";
import {Leaf, NaiveTree, Proof} from "./utils/NaiveTree.sol";
import {PlainMerkle} from "./utils/PlainMerkle.sol";
import {Test} from "./utils/Test.sol";

/// @notice Proofs that hold are accepted, and every path folds as the plain rules say.
contract SparseMerkleAcceptsTest is Test {
    uint256 internal constant MAX_LEAVES = 12;

    ProofChecker internal _checker;

    function setUp() public {
        _checker = new ProofChecker();
    }

    function testFuzz_verifyInclusion_everyLeafOfATree_succeeds(uint256 seed) public view {
        Leaf[] memory leaves = NaiveTree.random(seed, MAX_LEAVES);
        bytes32 root = NaiveTree.root(leaves);
        for (uint256 i = 0; i < leaves.length; ++i) {
            Proof memory proof = NaiveTree.prove(leaves, leaves[i].key);
            bool included =
                _checker.inclusion(root, leaves[i].key, leaves[i].value, proof.depths, proof.siblings);
            _assertTrue(included, "a leaf of the tree is included");
        }
    }

    /// @dev Keys that lie near a leaf and far from any.
    function testFuzz_verifyAbsence_keysOutsideATree_succeeds(uint256 seed, bytes32 key) public view {
        Leaf[] memory leaves = NaiveTree.random(seed, MAX_LEAVES);
        bytes32 root = NaiveTree.root(leaves);
        _assertAbsent(leaves, root, key);
        for (uint256 i = 0; i < leaves.length; ++i) {
            _assertAbsent(leaves, root, NaiveTree.neighbour(leaves[i].key, uint256(key) ^ i));
            _assertAbsent(leaves, root, leaves[i].key ^ bytes32(uint256(1)));
            _assertAbsent(leaves, root, leaves[i].key ^ bytes32(uint256(1) << 255));
        }
    }

    function test_verifyAbsence_emptyTree_succeeds() public view {
        bool absent = _checker.absence(0, keccak256("key"), 0, 0, "", new bytes32[](0));
        _assertTrue(absent, "the empty tree holds nothing");
    }

    /// @dev Every set of depths, from none to all 256.
    function testFuzz_rootOf_anySetOfDepths_agreesWithPlainRules(
        uint256 set,
        bytes32 key,
        bytes32 value,
        bytes32 seed
    ) public view {
        _assertFolds(set, key, value, seed);
        _assertFolds(set & uint256(seed), key, value, seed);
        _assertFolds(set | uint256(seed), key, value, seed);
    }

    function test_rootOf_everyDepth_agreesWithPlainRules() public view {
        _assertFolds(type(uint256).max, keccak256("key"), keccak256("value"), keccak256("seed"));
        for (uint256 depth = 0; depth < 256; ++depth) {
            _assertFolds(2 ** depth, keccak256("key"), keccak256("value"), keccak256("seed"));
        }
    }

    /// @dev The lists may lie anywhere in the calldata: at odd offsets, and with other bytes where others
    ///      put padding.
    function testFuzz_verifyInclusion_tightlyPackedCalldata_succeeds(uint256 set, bytes calldata gap)
        public
        view
    {
        (bytes memory depths, bytes32[] memory siblings) = _path(set, keccak256("seed"));
        bytes32 key = keccak256("key");
        bytes32 value = keccak256("value");
        bytes32 root = PlainMerkle.fold(key, value, depths, siblings);
        uint256 depthsAt = 5 * 32 + gap.length;
        bytes memory head = abi.encode(root, key, value, depthsAt, depthsAt + 32 + depths.length);
        bytes memory lists = abi.encodePacked(gap, depths.length, depths, siblings.length, siblings);
        bytes memory call = abi.encodePacked(ProofChecker.inclusion.selector, head, lists);
        (bool success, bytes memory result) = address(_checker).staticcall(call);
        _assertTrue(success && abi.decode(result, (bool)), "the same proof, packed");
    }

    /// @dev Attack 9.
    function testFuzz_accounts_provenUnderTheirKeys_succeeds(
        uint256 seed,
        address account,
        uint64 nonce,
        uint256 balance,
        bytes32 codeHash
    ) public view {
        Leaf[] memory leaves = NaiveTree.random(seed, MAX_LEAVES);
        bytes32 key = keccak256(abi.encodePacked(account));
        Proof memory proof = NaiveTree.prove(leaves, key);
        bool holds = _checker.accountAbsence(
            NaiveTree.root(leaves), account, proof.leaf.key, proof.leaf.value, proof.depths, proof.siblings
        );
        _assertTrue(holds, "the account is absent");

        leaves = NaiveTree.set(leaves, key, keccak256(abi.encodePacked(nonce, balance, codeHash)));
        proof = NaiveTree.prove(leaves, key);
        holds = _checker.accountInclusion(
            NaiveTree.root(leaves), account, nonce, balance, codeHash, proof.depths, proof.siblings
        );
        _assertTrue(holds, "the account is included");
    }

    function testFuzz_slots_provenUnderTheirKeys_succeeds(
        uint256 seed,
        address account,
        bytes32 slot,
        bytes32 word
    ) public view {
        if (word == 0) word = bytes32(uint256(1));
        Leaf[] memory leaves = NaiveTree.random(seed, MAX_LEAVES);
        bytes32 key = keccak256(abi.encodePacked(account, slot));
        Proof memory proof = NaiveTree.prove(leaves, key);
        bool holds = _checker.slotAbsence(
            NaiveTree.root(leaves),
            account,
            slot,
            proof.leaf.key,
            proof.leaf.value,
            proof.depths,
            proof.siblings
        );
        _assertTrue(holds, "the slot is absent");

        leaves = NaiveTree.set(leaves, key, word);
        proof = NaiveTree.prove(leaves, key);
        bytes32 root = NaiveTree.root(leaves);
        holds = _checker.slotInclusion(root, account, slot, word, proof.depths, proof.siblings);
        _assertTrue(holds, "the slot is included");
    }

    function _assertAbsent(Leaf[] memory leaves, bytes32 root, bytes32 key) private view {
        if (NaiveTree.get(leaves, key) != 0) return;
        Proof memory proof = NaiveTree.prove(leaves, key);
        bool absent =
            _checker.absence(root, key, proof.leaf.key, proof.leaf.value, proof.depths, proof.siblings);
        _assertTrue(absent, "a key outside the tree is absent");
    }

    function _assertFolds(uint256 set, bytes32 key, bytes32 value, bytes32 seed) private view {
        if (value == 0) value = seed | bytes32(uint256(1));
        (bytes memory depths, bytes32[] memory siblings) = _path(set, seed);
        bytes32 root = PlainMerkle.fold(key, value, depths, siblings);
        _assertEq(_checker.rootOf(key, value, depths, siblings), root, "root of a path");
        _assertTrue(_checker.inclusion(root, key, value, depths, siblings), "inclusion by a path");
    }

    /// @dev A path with a sibling at each depth whose bit is in `set`.
    function _path(uint256 set, bytes32 seed)
        private
        pure
        returns (bytes memory depths, bytes32[] memory siblings)
    {
        uint256 count;
        for (uint256 rest = set; rest != 0; rest &= rest - 1) {
            ++count;
        }
        depths = new bytes(count);
        siblings = new bytes32[](count);
        uint256 next;
        for (uint256 i = 0; i < 256; ++i) {
            uint256 depth = 255 - i;
            if (set >> depth & 1 == 0) continue;
            depths[next] = bytes32(depth)[31];
            siblings[next++] = keccak256(abi.encode(seed, depth));
        }
    }
}
