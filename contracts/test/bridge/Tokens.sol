// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {IAuraPortal} from "../../src/interfaces/IAuraPortal.sol";

/// @notice A token as one expects it.
contract PlainToken is ERC20 {
    uint8 private immutable _DIGITS;

    constructor(string memory name, string memory symbol, uint8 digits) ERC20(name, symbol) {
        _DIGITS = digits;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public view override returns (uint8) {
        return _DIGITS;
    }
}

/// @notice Keeps one part in a hundred of each transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0)) {
            super._update(from, to, amount);
            return;
        }
        super._update(from, to, amount - amount / 100);
        super._update(from, address(0xFEE), amount / 100);
    }
}

/// @notice Calls the portal from within its transfers, as tokens with hooks let their holders do.
contract HookToken is ERC20 {
    IAuraPortal private immutable _PORTAL;

    constructor(IAuraPortal portal) ERC20("Hook", "HK") {
        _PORTAL = portal;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (to == address(_PORTAL)) _PORTAL.depositERC20(address(this), from, 0);
    }
}

/// @notice Transfers return nothing; the name is 32 bytes, there is no symbol, and decimals are too many.
contract SilentToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    bytes32 public constant name = "Old";

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }

    function decimals() external pure returns (uint256) {
        return 256;
    }
}
