// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Addresses of Aura's own contracts on L2
library Predeploys {
    address internal constant L1_BLOCK = 0xAA00000000000000000000000000000000000001;
    address internal constant MESSAGE_PASSER = 0xAa00000000000000000000000000000000000002;
    address internal constant TOKEN_BRIDGE = 0xaA00000000000000000000000000000000000003;
    address internal constant ERC20 = 0xaa00000000000000000000000000000000000004;
    address internal constant FEE_VAULT = 0xAa00000000000000000000000000000000000005;
    address internal constant CONFIG = 0xaA00000000000000000000000000000000000006;
    /// @notice Sender of what the node itself calls; it has no key.
    address internal constant SYSTEM = 0xAA000000000000000000000000000000000000Ff;
}
