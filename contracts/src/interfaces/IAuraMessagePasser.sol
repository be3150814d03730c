// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The way out of L2
interface IAuraMessagePasser {
    /// @notice Value or a message leaves L2; `leaf` was appended to the withdrawal tree at `index`.
    event MessagePassed(
        uint64 indexed index,
        address indexed sender,
        address indexed recipient,
        address token,
        uint256 amount,
        bytes data,
        bytes32 leaf
    );

    /// @notice Nothing to move.
    error ZeroAmount();
    /// @notice Nothing can be sent to the zero address.
    error ZeroAddress();
    /// @notice Only the token bridge calls this.
    error NotTokenBridge();

    /// @notice Sends the ether to `to` on L1. It stays locked here for ever.
    function withdrawETH(address to) external payable;

    /// @notice Leaves a message for `to`, a contract on L1 that takes it from the portal.
    function sendMessage(address to, bytes calldata data) external;

    /// @notice Sends tokens, which the bridge has burnt, to `to` on L1.
    function initiate(address sender, address to, address token, uint256 amount) external;

    /// @notice Root of the withdrawal tree.
    function root() external view returns (bytes32);

    /// @notice Number of its leaves.
    function count() external view returns (uint64);
}
