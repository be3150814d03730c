// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SparseMerkle} from "../src/libraries/SparseMerkle.sol";

/// @notice The library's functions as calls, for tests here and against a running node.
contract ProofChecker {
    function inclusion(
        bytes32 root,
        bytes32 key,
        bytes32 value,
        bytes calldata depths,
        bytes32[] calldata siblings
    ) external pure returns (bool) {
        return SparseMerkle.verifyInclusion(root, key, value, depths, siblings);
    }

    function absence(
        bytes32 root,
        bytes32 key,
        bytes32 leafKey,
        bytes32 leafValue,
        bytes calldata depths,
        bytes32[] calldata siblings
    ) external pure returns (bool) {
        return SparseMerkle.verifyAbsence(root, key, leafKey, leafValue, depths, siblings);
    }

    function rootOf(bytes32 key, bytes32 value, bytes calldata depths, bytes32[] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return SparseMerkle.rootOf(key, value, depths, siblings);
    }

    function accountInclusion(
        bytes32 root,
        address account,
        uint64 nonce,
        uint256 balance,
        bytes32 codeHash,
        bytes calldata depths,
        bytes32[] calldata siblings
    ) external pure returns (bool) {
        bytes32 value = SparseMerkle.accountValue(nonce, balance, codeHash);
        return SparseMerkle.verifyInclusion(root, SparseMerkle.accountKey(account), value, depths, siblings);
    }

    function slotInclusion(
        bytes32 root,
        address account,
        bytes32 slot,
        bytes32 value,
        bytes calldata depths,
        bytes32[] calldata siblings
    ) external pure returns (bool) {
        return SparseMerkle.verifyInclusion(
            root, SparseMerkle.slotKey(account, slot), value, depths, siblings
        );
    }

    function accountAbsence(
        bytes32 root,
        address account,
        bytes32 leafKey,
        bytes32 leafValue,
        bytes calldata depths,
        bytes32[] calldata siblings
    ) external pure returns (bool) {
        bytes32 key = SparseMerkle.accountKey(account);
        return SparseMerkle.verifyAbsence(root, key, leafKey, leafValue, depths, siblings);
    }

    function slotAbsence(
        bytes32 root,
        address account,
        bytes32 slot,
        bytes32 leafKey,
        bytes32 leafValue,
        bytes calldata depths,
        bytes32[] calldata siblings
    ) external pure returns (bool) {
        bytes32 key = SparseMerkle.slotKey(account, slot);
        return SparseMerkle.verifyAbsence(root, key, leafKey, leafValue, depths, siblings);
    }
}
