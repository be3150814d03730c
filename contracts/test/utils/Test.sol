// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @notice What tests share: the runner and claims. A claim that does not hold reverts, which fails the test.
abstract contract Test {
    event log_named_uint(string name, uint256 value);

    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error Test_NotEqual(string what, bytes32 left, bytes32 right);
    error Test_NotTrue(string what);

    function _assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert Test_NotTrue(what);
    }

    function _assertFalse(bool condition, string memory what) internal pure {
        if (condition) revert Test_NotTrue(string.concat("not: ", what));
    }

    function _assertEq(bytes32 left, bytes32 right, string memory what) internal pure {
        if (left != right) revert Test_NotEqual(what, left, right);
    }
}
