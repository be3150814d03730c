// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAuraConfig} from "../interfaces/IAuraConfig.sol";
import {IAuraFeeVault} from "../interfaces/IAuraFeeVault.sol";
import {Parameters} from "../libraries/Parameters.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title Parameters of L2 that L1 sets
/// @dev   A parameter is in the slot of its number, where the node reads it; the fee recipient is the fee
///        vault's alone, and slot 1 stays empty.
contract AuraConfig is IAuraConfig {
    uint256[4] private _values;

    /// @inheritdoc IAuraConfig
    function set(uint8 parameter, uint256 value) external {
        if (msg.sender != Predeploys.SYSTEM) revert NotSystem();
        if (parameter >= Parameters.COUNT) revert UnknownParameter(parameter);
        if (!Parameters.isValid(parameter, value)) revert BadValue(parameter, value);
        emit ParameterSet(parameter, value);
        if (parameter == Parameters.FEE_RECIPIENT) {
            // A valid one is an address.
            // forge-lint: disable-next-line(unsafe-typecast)
            IAuraFeeVault(Predeploys.FEE_VAULT).setRecipient(address(uint160(value)));
        } else {
            _values[parameter] = value;
        }
    }

    /// @inheritdoc IAuraConfig
    function get(uint8 parameter) external view returns (uint256) {
        if (parameter >= Parameters.COUNT) revert UnknownParameter(parameter);
        if (parameter == Parameters.FEE_RECIPIENT) {
            return uint160(IAuraFeeVault(Predeploys.FEE_VAULT).recipient());
        }
        return _values[parameter];
    }
}
