// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Parameters of L2 that L1 sets
interface IAuraConfig {
    /// @notice A parameter has another value.
    event ParameterSet(uint8 indexed parameter, uint256 value);

    /// @notice Only the node itself calls this.
    error NotSystem();
    /// @notice There is no such parameter.
    error UnknownParameter(uint8 parameter);
    /// @notice The parameter cannot have this value.
    error BadValue(uint8 parameter, uint256 value);

    /// @notice Sets a parameter: see {Parameters}.
    function set(uint8 parameter, uint256 value) external;

    /// @notice Value of a parameter; zero if it was never set.
    function get(uint8 parameter) external view returns (uint256);
}
