// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Writes once per second, as Uniswap's pairs do: what a call costs depends on when it comes.
contract Clock {
    uint256 public last;
    mapping(uint256 second => uint256) public ticks;

    function tick() external {
        if (block.timestamp != last) {
            last = block.timestamp;
            ticks[block.timestamp] = 1;
        }
    }
}
