// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Tokens of L1 on L2
interface IAuraTokenBridge {
    /// @notice An L1 token has a token on L2.
    event TokenCreated(address indexed l1Token, address indexed l2Token);
    /// @notice A deposit has arrived.
    event DepositFinalized(address indexed l1Token, address indexed to, uint256 amount);
    /// @notice Tokens leave L2.
    event WithdrawalInitiated(
        address indexed l1Token, address indexed from, address indexed to, uint256 amount
    );

    /// @notice Only the node itself calls this.
    error NotSystem();
    /// @notice The token has no token on L2.
    error NotRegistered();
    /// @notice Nothing to move.
    error ZeroAmount();
    /// @notice Nothing can be sent to the zero address.
    error ZeroAddress();

    /// @notice Creates the token of an L1 token; nothing happens if there is one.
    function register(address l1Token, string calldata name, string calldata symbol, uint8 decimals) external;

    /// @notice Mints what was deposited on L1.
    function finalizeDeposit(address l1Token, address to, uint256 amount) external;

    /// @notice Burns the caller's tokens and sends them to `to` on L1.
    function withdraw(address l1Token, address to, uint256 amount) external;

    /// @notice Address of an L1 token's token, whether it exists or not.
    function l2Token(address l1Token) external view returns (address);
}
