// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SparseMerkle} from "../src/libraries/SparseMerkle.sol";
import {ProofChecker} from "./ProofChecker.sol";
import {Leaf, NaiveTree, Proof} from "./utils/NaiveTree.sol";
import {Test} from "./utils/Test.sol";
import {Vm} from "./utils/Vm.sol";

/// @notice The golden vectors that the Rust tests read too; their form is told in the directory's README.
contract SparseMerkleVectorsTest is Test {
    string internal constant DIRECTORY = "../testdata/smt";

    ProofChecker internal _checker;
    uint256 internal _presences;
    uint256 internal _absences;
    uint256 internal _inEmptyTree;
    uint256 internal _longest;

    function setUp() public {
        _checker = new ProofChecker();
    }

    /// @dev Every proof of every file in the directory holds, and shows nothing else.
    function test_verify_goldenProofs_succeeds() public {
        Vm.DirEntry[] memory entries = VM.readDir(DIRECTORY);
        for (uint256 i = 0; i < entries.length; ++i) {
            if (_endsWith(entries[i].path, ".json")) {
                _checkFile(entries[i].path, VM.readFile(entries[i].path));
            }
        }
        emit log_named_uint("proofs of presence", _presences);
        emit log_named_uint("proofs of absence", _absences);
        emit log_named_uint("proofs in the empty tree", _inEmptyTree);
        _assertTrue(_presences > 0 && _absences > 0 && _inEmptyTree > 0, "each kind of proof was read");
        _assertTrue(_longest == 256, "a path with 256 siblings was read");
    }

    /// @dev Ties the trees that the fuzz tests build to the vectors.
    function test_naiveTree_goldenRoots_succeeds() public {
        Vm.DirEntry[] memory entries = VM.readDir(DIRECTORY);
        uint256 roots;
        for (uint256 i = 0; i < entries.length; ++i) {
            if (_endsWith(entries[i].path, ".json")) {
                roots += _checkRoots(entries[i].path, VM.readFile(entries[i].path));
            }
        }
        emit log_named_uint("roots", roots);
        _assertTrue(roots > 0, "roots were read");
    }

    function test_stateLeaves_goldenKeysAndValues_succeeds() public view {
        string memory json = VM.readFile(string.concat(DIRECTORY, "/state_leaves.json"));
        uint256 accounts;
        for (; VM.keyExistsJson(json, _at(".accounts", accounts)); ++accounts) {
            string memory path = _at(".accounts", accounts);
            address account = VM.parseJsonAddress(json, string.concat(path, ".address"));
            uint256 nonce = VM.parseJsonUint(json, string.concat(path, ".nonce"));
            uint256 balance = VM.parseJsonUint(json, string.concat(path, ".balance"));
            bytes32 codeHash = VM.parseJsonBytes32(json, string.concat(path, ".codeHash"));
            bytes32 key = VM.parseJsonBytes32(json, string.concat(path, ".key"));
            bytes32 value = VM.parseJsonBytes32(json, string.concat(path, ".value"));
            _assertTrue(nonce <= type(uint64).max, "a nonce has 64 bits");
            // casting to uint64 is safe because the nonce was compared just now
            // forge-lint: disable-next-line(unsafe-typecast)
            _assertEq(SparseMerkle.accountValue(uint64(nonce), balance, codeHash), value, path);
            _assertEq(SparseMerkle.accountKey(account), key, path);
        }
        uint256 slots;
        for (; VM.keyExistsJson(json, _at(".slots", slots)); ++slots) {
            string memory path = _at(".slots", slots);
            address account = VM.parseJsonAddress(json, string.concat(path, ".address"));
            uint256 slot = VM.parseJsonUint(json, string.concat(path, ".slot"));
            bytes32 key = VM.parseJsonBytes32(json, string.concat(path, ".key"));
            _assertEq(SparseMerkle.slotKey(account, bytes32(slot)), key, path);
        }
        _assertTrue(accounts > 0 && slots > 0, "accounts and slots were read");
    }

    function _checkFile(string memory file, string memory json) private {
        bytes32 before = keccak256("no root yet");
        for (uint256 step = 0; VM.keyExistsJson(json, _at(".steps", step)); ++step) {
            string memory path = _at(".steps", step);
            bytes32 root = VM.parseJsonBytes32(json, string.concat(path, ".root"));
            for (uint256 i = 0; VM.keyExistsJson(json, _at(string.concat(path, ".proofs"), i)); ++i) {
                string memory proof = _at(string.concat(path, ".proofs"), i);
                _checkProof(
                    root,
                    before,
                    VM.parseJsonBytes32(json, string.concat(proof, ".key")),
                    VM.parseJsonBytes32(json, string.concat(proof, ".value")),
                    _proof(json, proof),
                    string.concat(file, " ", proof)
                );
            }
            before = root;
        }
    }

    /// @dev Leaves out the trees of 10,000 random leaves, and of a branch at every bit: it nests too deep for
    ///      recursion on the EVM's stack.
    function _checkRoots(string memory file, string memory json) private pure returns (uint256 roots) {
        Leaf[] memory leaves = new Leaf[](0);
        for (; VM.keyExistsJson(json, _at(".steps", roots)); ++roots) {
            string memory path = _at(".steps", roots);
            if (VM.keyExistsJson(json, string.concat(path, ".random"))) break;
            bytes32[] memory keys = VM.parseJsonBytes32Array(json, string.concat(path, ".keys"));
            bytes32[] memory values = VM.parseJsonBytes32Array(json, string.concat(path, ".values"));
            if (keys.length > 64) break;
            for (uint256 i = 0; i < keys.length; ++i) {
                leaves = NaiveTree.set(leaves, keys[i], values[i]);
            }
            bytes32 root = VM.parseJsonBytes32(json, string.concat(path, ".root"));
            _assertEq(NaiveTree.root(leaves), root, string.concat(file, " ", path));
        }
    }

    function _checkProof(
        bytes32 root,
        bytes32 before,
        bytes32 key,
        bytes32 value,
        Proof memory proof,
        string memory what
    ) private {
        bool present = value != 0;
        if (present) {
            ++_presences;
            _assertEq(proof.leaf.key, key, what);
            _assertEq(proof.leaf.value, value, what);
        } else if (proof.leaf.value != 0) {
            ++_absences;
        } else {
            ++_inEmptyTree;
        }
        if (proof.siblings.length > _longest) _longest = proof.siblings.length;

        (bool included, bool absent) = _verdicts(root, key, value, proof);
        _assertTrue(included == present, string.concat("inclusion: ", what));
        _assertTrue(absent == !present, string.concat("absence: ", what));
        if (proof.leaf.value != 0) {
            bytes32 computed = _checker.rootOf(proof.leaf.key, proof.leaf.value, proof.depths, proof.siblings);
            _assertEq(computed, root, what);
        }
        if (before == root) return;
        (included, absent) = _verdicts(before, key, value, proof);
        _assertFalse(included || absent, string.concat("holds under the root before: ", what));
    }

    function _verdicts(bytes32 root, bytes32 key, bytes32 value, Proof memory proof)
        private
        view
        returns (bool included, bool absent)
    {
        included = _checker.inclusion(root, key, value, proof.depths, proof.siblings);
        absent = _checker.absence(root, key, proof.leaf.key, proof.leaf.value, proof.depths, proof.siblings);
    }

    function _proof(string memory json, string memory path) private pure returns (Proof memory proof) {
        bytes32[] memory leaf = VM.parseJsonBytes32Array(json, string.concat(path, ".leaf"));
        uint256[] memory depths = VM.parseJsonUintArray(json, string.concat(path, ".depths"));
        if (leaf.length > 0) proof.leaf = Leaf(leaf[0], leaf[1]);
        proof.siblings = VM.parseJsonBytes32Array(json, string.concat(path, ".siblings"));
        proof.depths = new bytes(depths.length);
        for (uint256 i = 0; i < depths.length; ++i) {
            _assertTrue(depths[i] < 256, "a depth has 8 bits");
            proof.depths[i] = bytes32(depths[i])[31];
        }
    }

    function _at(string memory path, uint256 index) private pure returns (string memory) {
        return string.concat(path, "[", VM.toString(index), "]");
    }

    function _endsWith(string memory text, string memory end) private pure returns (bool) {
        bytes memory tail = bytes(end);
        if (bytes(text).length < tail.length) return false;
        uint256 from = bytes(text).length - tail.length;
        for (uint256 i = 0; i < tail.length; ++i) {
            if (bytes(text)[from + i] != tail[i]) return false;
        }
        return true;
    }
}
