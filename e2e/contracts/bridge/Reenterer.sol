// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A recipient that calls the portal again from within each payment, and remembers how that ended.
contract Reenterer {
    address private immutable _PORTAL;
    bytes[] private _calls;
    bytes[] private _answers;
    uint256 private _paid;

    constructor(address portal) {
        _PORTAL = portal;
    }

    receive() external payable {
        _paid += 1;
        for (uint256 i = 0; i < _calls.length; ++i) {
            (bool ok, bytes memory answer) = _PORTAL.call(_calls[i]);
            _answers.push(ok ? bytes("succeeded") : answer);
        }
    }

    /// @notice One more call to make when ether comes.
    function prepare(bytes calldata call) external {
        _calls.push(call);
    }

    /// @notice How they ended: `succeeded`, or the data of the revert.
    function answers() external view returns (bytes[] memory) {
        return _answers;
    }

    /// @notice How often ether came.
    function paid() external view returns (uint256) {
        return _paid;
    }
}
