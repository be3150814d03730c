// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The fees of L2
interface IAuraFeeVault {
    /// @notice Fees leave for L1.
    event FeesWithdrawn(address indexed recipient, uint256 amount);
    /// @notice Fees go to another account on L1.
    event RecipientSet(address indexed recipient);

    /// @notice Only {IAuraConfig} calls this.
    error NotConfig();

    /// @notice Sends all fees to the recipient on L1; anybody may call.
    function withdraw() external;

    /// @notice Changes the recipient: a configuration from L1.
    function setRecipient(address recipient_) external;

    /// @notice The recipient on L1.
    function recipient() external view returns (address);
}
