// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the token bridge does with a token of L2
interface IAuraERC20 {
    /// @notice Only the token bridge calls this.
    error NotTokenBridge();
    /// @notice The token has its name already.
    error AlreadyInitialized();
    /// @notice The permission has expired.
    error ERC2612ExpiredSignature(uint256 deadline);
    /// @notice The permission is not signed by the owner.
    error ERC2612InvalidSigner(address signer, address owner);

    /// @notice Names a new token.
    function initialize(address l1Token_, string calldata name_, string calldata symbol_, uint8 decimals_)
        external;

    /// @notice Creates tokens.
    function mint(address to, uint256 amount) external;

    /// @notice Destroys tokens.
    function burn(address from, uint256 amount) external;

    /// @notice The token on L1.
    function l1Token() external view returns (address);
}
