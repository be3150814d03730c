// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {PortalBase} from "../src/l1/PortalBase.sol";
import {RollupRoots} from "../src/l1/RollupRoots.sol";
import {Output} from "../src/libraries/Types.sol";
import {Vm} from "../test/utils/Vm.sol";

/// @notice A file of `profiles/`.
struct Profile {
    string name;
    uint256 timelockDelay;
    RollupRoots.Timing timing;
    PortalBase.Limits limits;
    uint256 maxEscrow;
    uint256 outflowFloor;
}

/// @notice A file of roles.
struct Roles {
    address admin;
    address council;
    address guardian;
    address sequencer;
    address proposer;
    address[] verifiers;
    address[] challengers;
}

/// @title What a deployment reads: see `profiles/README.md`
library Profiles {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice A number is beyond its type.
    error Profiles_TooLarge(string name, uint256 value);

    function profile(string memory json) internal pure returns (Profile memory p) {
        p.name = VM.parseJsonString(json, ".name");
        p.timelockDelay = _number(json, "timelockDelay");
        p.timing = RollupRoots.Timing({
            forceDelay: _small(json, "forceDelay"),
            window: _small(json, "window"),
            fast: _small(json, "fast"),
            disputeTimeout: _small(json, "disputeTimeout"),
            freezeDelay: _small(json, "freezeDelay"),
            maxBatchAge: _small(json, "maxBatchAge"),
            anchorDepth: _small(json, "anchorDepth"),
            kSlow: _byte(json, "kSlow"),
            kFast: _byte(json, "kFast"),
            bond: _number(json, "bond")
        });
        p.limits = PortalBase.Limits({
            forcedGasMax: _small(json, "forcedGasMax"),
            forcedDataMax: _small(json, "forcedDataMax"),
            pauseMax: _small(json, "pauseMax"),
            pauseCooldown: _small(json, "pauseCooldown"),
            settleDelay: _small(json, "settleDelay")
        });
        p.maxEscrow = _number(json, "maxEscrow");
        p.outflowFloor = _number(json, "outflowFloor");
    }

    function roles(string memory json) internal pure returns (Roles memory) {
        return Roles({
            admin: VM.parseJsonAddress(json, ".admin"),
            council: VM.parseJsonAddress(json, ".council"),
            guardian: VM.parseJsonAddress(json, ".guardian"),
            sequencer: VM.parseJsonAddress(json, ".sequencer"),
            proposer: VM.parseJsonAddress(json, ".proposer"),
            verifiers: VM.parseJsonAddressArray(json, ".verifiers"),
            challengers: VM.parseJsonAddressArray(json, ".challengers")
        });
    }

    function output(string memory json) internal pure returns (Output memory) {
        return Output({
            stateRoot: VM.parseJsonBytes32(json, ".stateRoot"),
            withdrawalRoot: VM.parseJsonBytes32(json, ".withdrawalRoot"),
            l2BlockHash: VM.parseJsonBytes32(json, ".l2BlockHash"),
            l2Block: _small(json, "l2Block"),
            batchIndex: _small(json, "batchIndex"),
            batchHash: VM.parseJsonBytes32(json, ".batchHash")
        });
    }

    function _number(string memory json, string memory name) private pure returns (uint256) {
        return VM.parseJsonUint(json, string.concat(".", name));
    }

    function _small(string memory json, string memory name) private pure returns (uint64) {
        uint256 value = _number(json, name);
        if (value > type(uint64).max) revert Profiles_TooLarge(name, value);
        // Just compared.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(value);
    }

    function _byte(string memory json, string memory name) private pure returns (uint8) {
        uint256 value = _number(json, name);
        if (value > type(uint8).max) revert Profiles_TooLarge(name, value);
        // Just compared.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint8(value);
    }
}
