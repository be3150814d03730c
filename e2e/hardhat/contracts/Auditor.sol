// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ledger} from "./Ledger.sol";

/// @notice Is deployed with the address of a ledger and what its event said.
contract Auditor {
    Ledger public immutable LEDGER;
    uint256 public immutable SEEN;

    constructor(Ledger ledger, uint256 seen) {
        LEDGER = ledger;
        SEEN = seen;
    }

    function difference() external view returns (uint256) {
        return LEDGER.total() - SEEN;
    }
}
