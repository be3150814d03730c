// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAuraFeeVault} from "../interfaces/IAuraFeeVault.sol";
import {IAuraMessagePasser} from "../interfaces/IAuraMessagePasser.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title The fees of L2
/// @dev   Slot 0: the recipient on L1, which the genesis sets.
contract AuraFeeVault is IAuraFeeVault {
    /// @inheritdoc IAuraFeeVault
    address public recipient;

    receive() external payable {}

    /// @inheritdoc IAuraFeeVault
    function withdraw() external {
        uint256 amount = address(this).balance;
        emit FeesWithdrawn(recipient, amount);
        IAuraMessagePasser(Predeploys.MESSAGE_PASSER).withdrawETH{value: amount}(recipient);
    }

    /// @inheritdoc IAuraFeeVault
    function setRecipient(address recipient_) external {
        if (msg.sender != Predeploys.CONFIG) revert NotConfig();
        recipient = recipient_;
        emit RecipientSet(recipient_);
    }
}
