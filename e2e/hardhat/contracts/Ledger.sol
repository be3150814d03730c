// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Counts what it is told, for the deployment by Ignition.
contract Ledger {
    uint256 public total;
    mapping(address account => uint256 amount) public entries;

    event Entered(address indexed account, uint256 amount, uint256 total);

    error Ledger_Empty();

    constructor(uint256 opening) {
        total = opening;
    }

    function enter(uint256 amount) external payable {
        if (amount == 0) revert Ledger_Empty();
        entries[msg.sender] += amount;
        total += amount;
        emit Entered(msg.sender, amount, total);
    }

    receive() external payable {}
}
