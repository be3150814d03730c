// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The test runner's functions that these tests call.
interface Vm {
    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    struct DirEntry {
        string errorMessage;
        string path;
        uint64 depth;
        bool isDir;
        bool isSymlink;
    }

    function addr(uint256 key) external pure returns (address);
    function assume(bool condition) external pure;
    function blobhashes(bytes32[] calldata hashes) external;
    function chainId(uint256 id) external;
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function deal(address account, uint256 balance) external;
    function etch(address account, bytes calldata code) external;
    function expectEmit() external;
    function expectRevert() external;
    function expectRevert(bytes calldata data) external;
    function getNonce(address account) external view returns (uint64);
    function prank(address sender) external;
    function prank(address sender, address origin) external;
    function roll(uint256 number) external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function startPrank(address sender, address origin) external;
    function stopPrank() external;
    function store(address account, bytes32 slot, bytes32 value) external;
    function lastCallGas() external view returns (Gas memory);
    function load(address account, bytes32 slot) external view returns (bytes32);
    function warp(uint256 time) external;
    function readDir(string calldata path) external view returns (DirEntry[] memory);
    function expectRevert(bytes4 selector) external;
    function readFile(string calldata path) external view returns (string memory);
    function keyExistsJson(string calldata json, string calldata path) external pure returns (bool);
    function envString(string calldata name) external view returns (string memory);
    function envUint(string calldata name) external view returns (uint256);
    function parseJsonBytes(string calldata json, string calldata path) external pure returns (bytes memory);
    function parseJsonString(string calldata json, string calldata path) external pure returns (string memory);
    function parseJsonAddressArray(string calldata json, string calldata path)
        external
        pure
        returns (address[] memory);
    function serializeAddress(string calldata object, string calldata name, address value)
        external
        returns (string memory);
    function serializeAddress(string calldata object, string calldata name, address[] calldata values)
        external
        returns (string memory);
    function serializeBytes32(string calldata object, string calldata name, bytes32 value)
        external
        returns (string memory);
    function serializeString(string calldata object, string calldata name, string calldata value)
        external
        returns (string memory);
    function serializeUint(string calldata object, string calldata name, uint256 value)
        external
        returns (string memory);
    function startBroadcast(address sender) external;
    function stopBroadcast() external;
    function writeFile(string calldata path, string calldata data) external;
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
