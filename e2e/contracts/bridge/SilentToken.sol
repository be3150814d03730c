// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A token from before the standard was settled: its functions return nothing, its name and symbol
///         are 32 bytes.
contract SilentToken {
    mapping(address holder => uint256) public balanceOf;
    mapping(address holder => mapping(address spender => uint256)) public allowance;
    uint256 public totalSupply;
    bytes32 public constant name = "Silent";
    bytes32 public constant symbol = "SIL";
    uint8 public constant decimals = 6;

    error SilentToken_TooMuch();

    constructor(uint256 supply) {
        totalSupply = supply;
        balanceOf[msg.sender] = supply;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        if (allowance[from][msg.sender] < amount) revert SilentToken_TooMuch();
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        if (balanceOf[from] < amount) revert SilentToken_TooMuch();
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
