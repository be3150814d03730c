// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Output} from "./Types.sol";

/// @title Hash of an output of one rollup
library Outputs {
    bytes32 private constant DOMAIN = "AuraOutputV0";

    /// @notice keccak256(abi.encode("AuraOutputV0", l1ChainId, rollup, output)); never zero.
    function hash(address rollup, Output calldata o) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN, block.chainid, rollup, o));
    }
}
