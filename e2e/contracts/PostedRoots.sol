// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SparseMerkle} from "@aura/libraries/SparseMerkle.sol";

/// @notice Stands on L1 for a contract that is told the state roots of some blocks. Its structs have the
///         members of `aura_getProof`, so that clients pass an answer on as it is.
contract PostedRoots {
    struct Path {
        bytes depths;
        bytes32[] siblings;
    }

    struct Leaf {
        bytes32 key;
        bytes32 value;
    }

    struct AbsencePath {
        bytes depths;
        bytes32[] siblings;
        Leaf leaf;
    }

    mapping(uint64 blockNumber => bytes32 stateRoot) public roots;

    error PostedRoots_Unknown(uint64 blockNumber);

    function post(uint64 blockNumber, bytes32 stateRoot) external {
        roots[blockNumber] = stateRoot;
    }

    function hasAccount(
        uint64 blockNumber,
        address account,
        uint64 nonce,
        uint256 balance,
        bytes32 codeHash,
        Path calldata path
    ) external view returns (bool) {
        bytes32 value = SparseMerkle.accountValue(nonce, balance, codeHash);
        bytes32 key = SparseMerkle.accountKey(account);
        return SparseMerkle.verifyInclusion(_root(blockNumber), key, value, path.depths, path.siblings);
    }

    function hasSlot(uint64 blockNumber, address account, bytes32 slot, bytes32 value, Path calldata path)
        external
        view
        returns (bool)
    {
        bytes32 key = SparseMerkle.slotKey(account, slot);
        return SparseMerkle.verifyInclusion(_root(blockNumber), key, value, path.depths, path.siblings);
    }

    function lacksAccount(uint64 blockNumber, address account, AbsencePath calldata path)
        external
        view
        returns (bool)
    {
        return _lacks(blockNumber, SparseMerkle.accountKey(account), path);
    }

    function lacksSlot(uint64 blockNumber, address account, bytes32 slot, AbsencePath calldata path)
        external
        view
        returns (bool)
    {
        return _lacks(blockNumber, SparseMerkle.slotKey(account, slot), path);
    }

    function _lacks(uint64 blockNumber, bytes32 key, AbsencePath calldata path) private view returns (bool) {
        bytes32 root = _root(blockNumber);
        return SparseMerkle.verifyAbsence(
            root, key, path.leaf.key, path.leaf.value, path.depths, path.siblings
        );
    }

    function _root(uint64 blockNumber) private view returns (bytes32 root) {
        root = roots[blockNumber];
        if (root == 0) revert PostedRoots_Unknown(blockNumber);
    }
}
