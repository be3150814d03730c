// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

import {IAuraERC20} from "../interfaces/IAuraERC20.sol";
import {IAuraMessagePasser} from "../interfaces/IAuraMessagePasser.sol";
import {IAuraTokenBridge} from "../interfaces/IAuraTokenBridge.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title Tokens of L1 on L2
/// @dev   No storage: the address of a token follows from its L1 token.
contract AuraTokenBridge is IAuraTokenBridge {
    modifier onlySystem() {
        if (msg.sender != Predeploys.SYSTEM) revert NotSystem();
        _;
    }

    /// @inheritdoc IAuraTokenBridge
    function register(address l1Token, string calldata name, string calldata symbol, uint8 decimals)
        external
        onlySystem
    {
        if (l2Token(l1Token).code.length != 0) return;
        address token = Clones.cloneDeterministic(Predeploys.ERC20, _salt(l1Token));
        IAuraERC20(token).initialize(l1Token, name, symbol, decimals);
        emit TokenCreated(l1Token, token);
    }

    /// @inheritdoc IAuraTokenBridge
    function finalizeDeposit(address l1Token, address to, uint256 amount) external onlySystem {
        _existing(l1Token).mint(to, amount);
        emit DepositFinalized(l1Token, to, amount);
    }

    /// @inheritdoc IAuraTokenBridge
    function withdraw(address l1Token, address to, uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroAddress();
        _existing(l1Token).burn(msg.sender, amount);
        IAuraMessagePasser(Predeploys.MESSAGE_PASSER).initiate(msg.sender, to, l1Token, amount);
        emit WithdrawalInitiated(l1Token, msg.sender, to, amount);
    }

    /// @inheritdoc IAuraTokenBridge
    function l2Token(address l1Token) public view returns (address) {
        return Clones.predictDeterministicAddress(Predeploys.ERC20, _salt(l1Token), address(this));
    }

    function _existing(address l1Token) private view returns (IAuraERC20) {
        address token = l2Token(l1Token);
        if (token.code.length == 0) revert NotRegistered();
        return IAuraERC20(token);
    }

    function _salt(address l1Token) private pure returns (bytes32) {
        return keccak256(abi.encode(l1Token));
    }
}
