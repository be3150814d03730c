// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice Keeps one part in a hundred of each transfer for somebody else.
contract FeeToken is ERC20 {
    address public constant COLLECTOR = address(0xFEE);

    constructor(uint256 supply) ERC20("Toll", "TOLL") {
        _mint(msg.sender, supply);
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) ? 0 : amount / 100;
        super._update(from, to, amount - fee);
        if (fee != 0) super._update(from, COLLECTOR, fee);
    }
}
