// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {IAuraPortal} from "../src/interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../src/interfaces/IAuraRollup.sol";
import {AuraPortal} from "../src/l1/AuraPortal.sol";
import {AuraRollup} from "../src/l1/AuraRollup.sol";
import {AuraTimelock} from "../src/l1/AuraTimelock.sol";
import {Output} from "../src/libraries/Types.sol";
import {Vm} from "../test/utils/Vm.sol";
import {Profile, Profiles, Roles} from "./Profiles.sol";

/// @notice What a deployment has made.
struct Deployment {
    AuraPortal portal;
    AuraRollup rollup;
    AuraTimelock timelock;
    address portalImplementation;
    address rollupImplementation;
    uint256 deployBlock;
}

/// @title  Creates the contracts of L1 and hands them over
/// @notice `deploy.sh` runs it; order and files are those of `profiles/README.md`.
contract Deploy {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bytes32 private constant ADMIN = 0;

    /// @notice A role would be nobody's.
    error Deploy_RoleMissing(string role);
    /// @notice With a timelock the deployer must be left with nothing.
    error Deploy_DeployerHasRole(string role);
    /// @notice There are fewer verifiers than signatures needed.
    error Deploy_TooFewVerifiers(uint256 verifiers, uint256 needed);
    /// @notice Something else used the deployer's nonce meanwhile.
    error Deploy_OtherAddress(address wanted, address made);

    /// @notice Deploys from the sender of the script what the environment names.
    function run() external {
        Profile memory profile = Profiles.profile(VM.readFile(VM.envString("PROFILE")));
        Roles memory roles = Profiles.roles(VM.readFile(VM.envString("ROLES")));
        Output memory genesis = Profiles.output(VM.readFile(VM.envString("GENESIS_OUTPUT")));
        uint256 l2ChainId = VM.envUint("L2_CHAIN_ID");
        Deployment memory made = deploy(profile, roles, l2ChainId, genesis, msg.sender);
        VM.writeFile(VM.envString("OUT"), toJson(made, profile, roles, l2ChainId, genesis));
    }

    /// @notice Deploys from `deployer`.
    function deploy(
        Profile memory profile,
        Roles memory roles,
        uint256 l2ChainId,
        Output memory genesis,
        address deployer
    ) public returns (Deployment memory made) {
        _check(profile, roles, deployer);
        bool hasTimelock = roles.admin != deployer;
        uint256 first = VM.getNonce(deployer) + (hasTimelock ? 1 : 0);
        IAuraRollup rollup = IAuraRollup(VM.computeCreateAddress(deployer, first + 2));
        IAuraPortal portal = IAuraPortal(VM.computeCreateAddress(deployer, first + 3));

        made.deployBlock = block.number;
        VM.startBroadcast(deployer);
        if (hasTimelock) made.timelock = _timelock(profile.timelockDelay, roles.admin);
        made.rollupImplementation = address(new AuraRollup(portal, profile.timing));
        made.portalImplementation = address(new AuraPortal(rollup, l2ChainId, profile.limits));
        bytes memory start = abi.encodeCall(AuraRollup.initialize, (deployer, roles.council, genesis));
        made.rollup = AuraRollup(address(new ERC1967Proxy(made.rollupImplementation, start)));
        start = abi.encodeCall(
            AuraPortal.initialize, (deployer, roles.council, roles.guardian, profile.maxEscrow)
        );
        made.portal = AuraPortal(payable(new ERC1967Proxy(made.portalImplementation, start)));
        _setUp(made, profile, roles);
        if (hasTimelock) _handOver(made, deployer);
        VM.stopBroadcast();

        // Each names the other.
        if (address(made.rollup) != address(rollup)) {
            revert Deploy_OtherAddress(address(rollup), address(made.rollup));
        }
        if (address(made.portal) != address(portal)) {
            revert Deploy_OtherAddress(address(portal), address(made.portal));
        }
    }

    /// @notice The deployment file.
    function toJson(
        Deployment memory made,
        Profile memory profile,
        Roles memory roles,
        uint256 l2ChainId,
        Output memory genesis
    ) public returns (string memory) {
        string memory file = "deployment";
        VM.serializeString(file, "profile", profile.name);
        VM.serializeUint(file, "l1ChainId", block.chainid);
        VM.serializeUint(file, "l2ChainId", l2ChainId);
        VM.serializeAddress(file, "portal", address(made.portal));
        VM.serializeAddress(file, "rollup", address(made.rollup));
        VM.serializeAddress(file, "timelock", address(made.timelock));
        VM.serializeAddress(file, "portalImplementation", made.portalImplementation);
        VM.serializeAddress(file, "rollupImplementation", made.rollupImplementation);
        VM.serializeUint(file, "deployBlock", made.deployBlock);
        VM.serializeBytes32(file, "genesisHash", genesis.l2BlockHash);
        VM.serializeString(file, "genesisOutput", _outputJson(genesis));
        return VM.serializeString(file, "roles", _rolesJson(roles));
    }

    function _timelock(uint256 delay, address admin) private returns (AuraTimelock) {
        address[] memory admins = new address[](1);
        admins[0] = admin;
        return new AuraTimelock(delay, admins, admins);
    }

    function _setUp(Deployment memory made, Profile memory profile, Roles memory roles) private {
        AuraRollup rollup = made.rollup;
        rollup.grantRole(rollup.SEQUENCER(), roles.sequencer);
        rollup.grantRole(rollup.PROPOSER(), roles.proposer);
        for (uint256 i = 0; i < roles.challengers.length; ++i) {
            rollup.grantRole(rollup.CHALLENGER(), roles.challengers[i]);
        }
        for (uint8 i = 0; i < roles.verifiers.length; ++i) {
            rollup.setVerifier(i, roles.verifiers[i]);
        }
        rollup.setBondRecipient(roles.proposer);
        made.portal.setOutflowFloor(address(0), profile.outflowFloor);
    }

    function _handOver(Deployment memory made, address deployer) private {
        made.rollup.grantRole(ADMIN, address(made.timelock));
        made.portal.grantRole(ADMIN, address(made.timelock));
        made.rollup.renounceRole(ADMIN, deployer);
        made.portal.renounceRole(ADMIN, deployer);
    }

    function _check(Profile memory profile, Roles memory roles, address deployer) private pure {
        address[5] memory accounts =
            [roles.admin, roles.council, roles.guardian, roles.sequencer, roles.proposer];
        string[5] memory names = ["admin", "council", "guardian", "sequencer", "proposer"];
        for (uint256 i = 0; i < accounts.length; ++i) {
            _checkOne(profile, accounts[i], names[i], deployer);
        }
        for (uint256 i = 0; i < roles.verifiers.length; ++i) {
            _checkOne(profile, roles.verifiers[i], "verifiers", deployer);
        }
        for (uint256 i = 0; i < roles.challengers.length; ++i) {
            _checkOne(profile, roles.challengers[i], "challengers", deployer);
        }
        uint256 count = roles.verifiers.length;
        if (count < profile.timing.kSlow) revert Deploy_TooFewVerifiers(count, profile.timing.kSlow);
    }

    function _checkOne(Profile memory profile, address account, string memory role, address deployer)
        private
        pure
    {
        if (account == address(0)) revert Deploy_RoleMissing(role);
        if (profile.timelockDelay != 0 && account == deployer) revert Deploy_DeployerHasRole(role);
    }

    function _outputJson(Output memory o) private returns (string memory) {
        string memory json = "output";
        VM.serializeBytes32(json, "stateRoot", o.stateRoot);
        VM.serializeBytes32(json, "withdrawalRoot", o.withdrawalRoot);
        VM.serializeBytes32(json, "l2BlockHash", o.l2BlockHash);
        VM.serializeUint(json, "l2Block", o.l2Block);
        VM.serializeUint(json, "batchIndex", o.batchIndex);
        return VM.serializeBytes32(json, "batchHash", o.batchHash);
    }

    function _rolesJson(Roles memory roles) private returns (string memory) {
        string memory json = "roles";
        VM.serializeAddress(json, "admin", roles.admin);
        VM.serializeAddress(json, "council", roles.council);
        VM.serializeAddress(json, "guardian", roles.guardian);
        VM.serializeAddress(json, "sequencer", roles.sequencer);
        VM.serializeAddress(json, "proposer", roles.proposer);
        VM.serializeAddress(json, "verifiers", roles.verifiers);
        return VM.serializeAddress(json, "challengers", roles.challengers);
    }
}
