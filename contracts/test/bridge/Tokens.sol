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

/// @notice Calls the portal from within its transfers, as tokens with hooks let their holders do, to have what
///         arrives counted twice. Keeps why the portal refused.
contract HookToken is ERC20 {
    IAuraPortal private immutable _PORTAL;
    bool private _isInside;
    bytes public refusal;

    constructor(IAuraPortal portal) ERC20("Hook", "HK") {
        _PORTAL = portal;
        _mint(address(this), 1);
        _approve(address(this), address(portal), 1);
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (to != address(_PORTAL) || _isInside) return;
        _isInside = true;
        try _PORTAL.depositERC20(address(this), from, 1) {}
        catch (bytes memory reason) {
            refusal = reason;
        }
        _isInside = false;
    }
}

/// @notice Everybody's balance can shrink.
contract RebasingToken is PlainToken {
    uint256 public divisor = 1;

    constructor() PlainToken("Rebase", "RB", 18) {}

    function shrink(uint256 divisor_) external {
        divisor = divisor_;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) / divisor;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount * divisor);
    }
}

/// @notice Says that it did not transfer, and does not.
contract FalseToken {
    function transfer(address, uint256) external pure returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) external pure returns (bool) {
        return false;
    }

    function balanceOf(address) external pure returns (uint256) {
        return 100;
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
