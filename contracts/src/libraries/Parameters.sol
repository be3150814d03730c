// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title  Parameters of L2 that L1 sets
/// @notice A bad value is refused on L1, where somebody sees it; L2 asks again.
library Parameters {
    /// @notice Gas limit of a block.
    uint8 internal constant GAS_LIMIT = 0;
    /// @notice Account on L1 that fees leave for.
    uint8 internal constant FEE_RECIPIENT = 1;
    /// @notice Scalar of L1's base fee.
    uint8 internal constant BASE_FEE_SCALAR = 2;
    /// @notice Scalar of L1's blob base fee.
    uint8 internal constant BLOB_BASE_FEE_SCALAR = 3;
    /// @notice Number of parameters.
    uint8 internal constant COUNT = 4;

    /// @notice Every entry of the queue has to fit a block, beside others.
    uint256 internal constant MIN_GAS_LIMIT = 10_000_000;
    uint256 internal constant MAX_GAS_LIMIT = 10_000_000_000;

    /// @notice Returns whether a known parameter can have the value.
    function isValid(uint8 parameter, uint256 value) internal pure returns (bool) {
        if (parameter == GAS_LIMIT) return value >= MIN_GAS_LIMIT && value <= MAX_GAS_LIMIT;
        if (parameter == FEE_RECIPIENT) return value != 0 && value <= type(uint160).max;
        return value <= type(uint32).max;
    }
}
