// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Output} from "./Types.sol";

/// @title Hash of an output of one rollup
library Outputs {
    bytes32 private constant DOMAIN = "AuraOutputV0";

    /// @notice keccak256(abi.encode("AuraOutputV0", l1ChainId, rollup, output)); never zero.
    /// @dev    The words are hashed as they are, with one copy. One that its type does not hold gives the hash of
    ///         no output: what stores a hash has to have read all members.
    function hash(address rollup, Output calldata o) internal view returns (bytes32 digest) {
        (bytes32 domain, uint256 rollupWord) = (DOMAIN, uint256(uint160(rollup)));
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, domain)
            mstore(add(start, 0x20), chainid())
            mstore(add(start, 0x40), rollupWord)
            calldatacopy(add(start, 0x60), o, 0xc0)
            digest := keccak256(start, 0x120)
        }
    }
}
