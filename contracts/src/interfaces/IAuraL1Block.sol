// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The L1 block that an L2 block refers to
interface IAuraL1Block {
    /// @notice Only the node itself calls this.
    error NotSystem();

    /// @notice Written before the transactions of a block (as in EIP-4788) when something has changed.
    function set(
        uint64 number_,
        uint64 timestamp_,
        bytes32 hash_,
        uint256 baseFee_,
        uint256 blobBaseFee_,
        uint64 consumed_,
        bytes32 queueAcc_
    ) external;

    /// @notice Its number.
    function number() external view returns (uint64);

    /// @notice Its time, seconds.
    function timestamp() external view returns (uint64);

    /// @notice Entries of the L1 queue that L2 has consumed.
    function consumed() external view returns (uint64);

    /// @notice Its hash.
    function hash() external view returns (bytes32);

    /// @notice Its base fee, wei.
    function baseFee() external view returns (uint256);

    /// @notice Its blob base fee, wei.
    function blobBaseFee() external view returns (uint256);

    /// @notice Trimmed accumulator of the last entry consumed.
    function queueAcc() external view returns (bytes32);
}
