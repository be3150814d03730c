// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ProofChecker} from "./ProofChecker.sol";
import {PlainMerkle} from "./utils/PlainMerkle.sol";
import {Test} from "./utils/Test.sol";

/// @notice Execution gas of a call to a warm contract that verifies a proof. The figures are kept in
///         `snapshots/`, and the runner fails if they change.
contract SparseMerkleGasTest is Test {
    bytes32 internal constant KEY = keccak256("key");
    bytes32 internal constant VALUE = keccak256("value");

    ProofChecker internal _checker;

    function setUp() public {
        _checker = new ProofChecker();
    }

    /// @dev A tree of one million leaves.
    function test_gas_20Siblings_succeeds() public {
        _measure(20);
    }

    /// @dev Ten million leaves.
    function test_gas_24Siblings_succeeds() public {
        _assertTrue(_measure(24) <= 7_500, "at most 7,500 gas");
    }

    /// @dev Two hundred million leaves.
    function test_gas_28Siblings_succeeds() public {
        _measure(28);
    }

    function test_gas_32Siblings_succeeds() public {
        _assertTrue(_measure(32) <= 9_500, "at most 9,500 gas");
    }

    /// @dev The longest path that shows an absence: the keys part in the one bit without a branch.
    function test_gas_255Siblings_succeeds() public {
        _measure(255);
    }

    /// @dev Branches at the topmost `count` bits, as in a tree of random keys. Returns gas of inclusion.
    function _measure(uint256 count) private returns (uint256 inclusion) {
        bytes memory depths = new bytes(count);
        bytes32[] memory siblings = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            depths[i] = bytes32(count - 1 - i)[31];
            siblings[i] = keccak256(abi.encode("sibling", i));
        }
        bytes32 root = PlainMerkle.fold(KEY, VALUE, depths, siblings);
        inclusion = _gasOf(abi.encodeCall(ProofChecker.inclusion, (root, KEY, VALUE, depths, siblings)));
        _record("inclusion", count, inclusion);

        // Differs in the last bit only, so it shares every branch of the path.
        bytes32 absent = KEY ^ bytes32(uint256(1));
        bytes memory call = abi.encodeCall(ProofChecker.absence, (root, absent, KEY, VALUE, depths, siblings));
        _record("absence", count, _gasOf(call));
    }

    function _record(string memory what, uint256 count, uint256 used) private {
        string memory name = string.concat(what, ", ", VM.toString(count), " siblings");
        emit log_named_uint(name, used);
        VM.snapshotValue(name, used);
    }

    /// @dev Gas of a call that returns true, with what the `STATICCALL` itself costs.
    function _gasOf(bytes memory call) private view returns (uint256 used) {
        address checker = address(_checker);
        (bool success, bytes memory result) = checker.staticcall(call); // warms the address
        used = gasleft();
        (success, result) = checker.staticcall(call);
        used -= gasleft();
        _assertTrue(success && abi.decode(result, (bool)), "the proof holds");
    }
}
