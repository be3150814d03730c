// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A recipient that takes ether only when it is open, and only for much gas.
contract Picky {
    bool private _isOpen;
    uint256[4] private _work;

    error Picky_Closed();

    receive() external payable {
        if (!_isOpen) revert Picky_Closed();
        // Four new slots: some 88,000 gas.
        for (uint256 i = 0; i < _work.length; ++i) {
            _work[i] = block.number + i;
        }
    }

    function open() external {
        _isOpen = true;
    }
}
