// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {PortalBase} from "../../src/l1/PortalBase.sol";
import {RollupRoots} from "../../src/l1/RollupRoots.sol";

/// @notice Namespaced storage as variables, for the compiler to tell its layout: see `tools/artifacts.mjs`.
contract AuraPortalLayout {
    PortalBase.Portal internal $;
}

/// @notice As {AuraPortalLayout}.
contract AuraRollupLayout {
    RollupRoots.Rollup internal $;
}
