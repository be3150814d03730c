// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The test runner's functions that these tests call.
interface Vm {
    struct DirEntry {
        string errorMessage;
        string path;
        uint64 depth;
        bool isDir;
        bool isSymlink;
    }

    function readDir(string calldata path) external view returns (DirEntry[] memory);
    function expectRevert(bytes4 selector) external;
    function readFile(string calldata path) external view returns (string memory);
    function keyExistsJson(string calldata json, string calldata path) external pure returns (bool);
    function parseJsonAddress(string calldata json, string calldata path) external pure returns (address);
    function parseJsonBytes32(string calldata json, string calldata path) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata path)
        external
        pure
        returns (bytes32[] memory);
    function parseJsonUint(string calldata json, string calldata path) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata path)
        external
        pure
        returns (uint256[] memory);
    function snapshotValue(string calldata name, uint256 value) external;
    function toString(uint256 value) external pure returns (string memory);
}
