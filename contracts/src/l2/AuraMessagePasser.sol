// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAuraMessagePasser} from "../interfaces/IAuraMessagePasser.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {Withdrawal} from "../libraries/Types.sol";
import {WithdrawalTree} from "../libraries/WithdrawalTree.sol";

/// @title The way out of L2
/// @dev   Slots 0 to 31 the tree's waiting left siblings, 32 its number of leaves, 33 its root, 34 the chain id
///        of L1, 35 the portal. The genesis sets the last three; the node reads the root.
contract AuraMessagePasser is IAuraMessagePasser {
    bytes32[32] internal _branch;
    /// @inheritdoc IAuraMessagePasser
    uint64 public count;
    /// @inheritdoc IAuraMessagePasser
    bytes32 public root;
    /// @notice Chain id of L1.
    uint256 public l1ChainId;
    /// @notice The portal on L1.
    address public portal;

    /// @inheritdoc IAuraMessagePasser
    function withdrawETH(address to) external payable {
        if (msg.value == 0) revert ZeroAmount();
        _pass(msg.sender, to, address(0), msg.value, 0, "");
    }

    /// @inheritdoc IAuraMessagePasser
    function sendMessage(address to, bytes calldata data) external {
        _pass(msg.sender, to, address(0), 0, keccak256(data), data);
    }

    /// @inheritdoc IAuraMessagePasser
    function initiate(address sender, address to, address token, uint256 amount) external {
        if (msg.sender != Predeploys.TOKEN_BRIDGE) revert NotTokenBridge();
        if (amount == 0) revert ZeroAmount();
        _pass(sender, to, token, amount, 0, "");
    }

    function _pass(
        address sender,
        address to,
        address token,
        uint256 amount,
        bytes32 dataHash,
        bytes memory data
    ) internal {
        // Nobody could be paid there.
        if (to == address(0)) revert ZeroAddress();
        uint64 index = count;
        Withdrawal memory w = Withdrawal({
            index: index, sender: sender, recipient: to, token: token, amount: amount, dataHash: dataHash
        });
        bytes32 leaf = WithdrawalTree.leaf(l1ChainId, portal, block.chainid, w);
        root = WithdrawalTree.append(_branch, index, leaf);
        count = index + 1;
        emit MessagePassed(index, sender, to, token, amount, data, leaf);
    }
}
