// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Every way in which a call can end, for the client tests.
contract Probe {
    uint256 public value;
    mapping(address => uint256) public pings;

    event Ping(address indexed from, uint256 indexed id, string text);

    error Probe_Refused(address who, uint256 code);

    function set(uint256 newValue) external {
        value = newValue;
    }

    function ping(uint256 id, string calldata text) external payable {
        pings[msg.sender] += 1;
        emit Ping(msg.sender, id, text);
    }

    /// @dev Reads the same slot as `set`, so that a bare transfer to a delegated account shows it.
    receive() external payable {
        value += 1;
    }

    function failReason(uint256) external {
        value += 1;
        revert("no entry");
    }

    function failCustom(uint256 code) external {
        value += 1;
        revert Probe_Refused(msg.sender, code);
    }

    function failPanic(uint256 index) external returns (uint256) {
        uint256[] memory one = new uint256[](1);
        value += 1;
        return one[index + 1];
    }

    function failEmpty() external pure {
        assembly ("memory-safe") {
            revert(0, 0)
        }
    }

    function caller() external view returns (address) {
        return msg.sender;
    }

    function spin() external view returns (uint256 i) {
        while (gasleft() > 0) ++i;
    }
}
