// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {Deploy, Deployment} from "../script/Deploy.s.sol";
import {Profile, Profiles, Roles} from "../script/Profiles.sol";
import {AuraTimelock} from "../src/l1/AuraTimelock.sol";
import {PortalBase} from "../src/l1/PortalBase.sol";
import {RollupRoots} from "../src/l1/RollupRoots.sol";
import {Output} from "../src/libraries/Types.sol";
import {WithdrawalTree} from "../src/libraries/WithdrawalTree.sol";
import {Test} from "./utils/Test.sol";

contract DeployTest is Test {
    address internal constant DEPLOYER = address(0xDE);
    uint256 internal constant L2_CHAIN_ID = 13371;

    Deploy internal _script;

    function setUp() public {
        VM.warp(1_800_000_000);
        _script = new Deploy();
    }

    function _profile(string memory name) internal view returns (Profile memory) {
        return Profiles.profile(VM.readFile(string.concat("profiles/", name, ".json")));
    }

    function _devRoles() internal view returns (Roles memory) {
        return Profiles.roles(VM.readFile("profiles/dev-roles.json"));
    }

    /// @dev Each role is another's; five verifiers and five challengers, as the design asks for.
    function _mainnetRoles() internal pure returns (Roles memory roles) {
        roles.admin = address(0xAD);
        roles.council = address(0xC0);
        roles.guardian = address(0x60);
        roles.sequencer = address(0x5E);
        roles.proposer = address(0x90);
        roles.verifiers = new address[](5);
        roles.challengers = new address[](5);
        for (uint160 i = 0; i < 5; ++i) {
            roles.verifiers[i] = address(0xE00 + i);
            roles.challengers[i] = address(0xC100 + i);
        }
    }

    function _genesis() internal pure returns (Output memory o) {
        o.stateRoot = "state";
        o.withdrawalRoot = WithdrawalTree.emptyRoot();
        o.l2BlockHash = "block";
    }

    function _deployMainnet() internal returns (Deployment memory made, Roles memory roles) {
        roles = _mainnetRoles();
        made = _script.deploy(_profile("mainnet"), roles, L2_CHAIN_ID, _genesis(), DEPLOYER);
    }

    function _has(IAccessControl target, bytes32 role, address account) internal view returns (bool) {
        return target.hasRole(role, account);
    }

    /// @dev Attack 24: who holds what, over everybody and every role.
    function test_mainnet_rolesAreThoseOfTheTable_andTheDeployerHasNone() external {
        (Deployment memory made, Roles memory roles) = _deployMainnet();
        AuraTimelock timelock = made.timelock;
        address[17] memory accounts = [
            address(timelock),
            roles.council,
            roles.guardian,
            roles.sequencer,
            roles.proposer,
            roles.challengers[0],
            roles.challengers[1],
            roles.challengers[2],
            roles.challengers[3],
            roles.challengers[4],
            roles.admin,
            roles.verifiers[0],
            roles.verifiers[4],
            DEPLOYER,
            address(made.portal),
            address(made.rollup),
            address(this)
        ];
        for (uint256 i = 0; i < accounts.length; ++i) {
            address who = accounts[i];
            bool isCouncil = i == 1;
            bool isChallenger = i >= 5 && i < 10;
            _assertTrue(_has(made.rollup, 0, who) == (i == 0), "rollup admin");
            _assertTrue(_has(made.portal, 0, who) == (i == 0), "portal admin");
            _assertTrue(_has(made.rollup, made.rollup.COUNCIL(), who) == isCouncil, "rollup council");
            _assertTrue(_has(made.portal, made.portal.COUNCIL(), who) == isCouncil, "portal council");
            _assertTrue(_has(made.portal, made.portal.GUARDIAN(), who) == (i == 2), "guardian");
            _assertTrue(_has(made.rollup, made.rollup.SEQUENCER(), who) == (i == 3), "sequencer");
            _assertTrue(_has(made.rollup, made.rollup.PROPOSER(), who) == (i == 4), "proposer");
            _assertTrue(_has(made.rollup, made.rollup.CHALLENGER(), who) == isChallenger, "challenger");
            _assertTrue(_has(timelock, 0, who) == (i == 0), "timelock admin");
            _assertTrue(_has(timelock, timelock.PROPOSER_ROLE(), who) == (i == 10), "who schedules");
            _assertTrue(_has(timelock, timelock.CANCELLER_ROLE(), who) == (i == 10), "who cancels");
            _assertTrue(_has(timelock, timelock.EXECUTOR_ROLE(), who) == (i == 10), "who executes");
        }
        _assertTrue(timelock.getMinDelay() == 30 days, "delay");
        for (uint8 i = 0; i < 64; ++i) {
            address expected = i < 5 ? roles.verifiers[i] : address(0);
            _assertTrue(made.rollup.verifier(i) == expected, "verifier");
        }
    }

    /// @dev Attack 24.
    function test_mainnet_deployerIsRefused() external {
        (Deployment memory made,) = _deployMainnet();
        bytes memory refusal = abi.encodeWithSelector(
            IAccessControl.AccessControlUnauthorizedAccount.selector, DEPLOYER, bytes32(0)
        );
        VM.startPrank(DEPLOYER, DEPLOYER);
        VM.expectRevert(refusal);
        made.portal.setOutflowFloor(address(0), 1);
        VM.expectRevert(refusal);
        made.rollup.setVerifier(7, DEPLOYER);
        VM.expectRevert(refusal);
        made.portal.upgradeToAndCall(made.rollupImplementation, "");
        VM.expectRevert(refusal);
        made.rollup.upgradeToAndCall(made.portalImplementation, "");
        VM.stopPrank();
    }

    function test_mainnet_parametersAreThoseOfTheTable() external {
        (Deployment memory made, Roles memory roles) = _deployMainnet();
        _assertTrue(made.rollup.FORCE_DELAY() == 12 hours, "force delay");
        _assertTrue(made.rollup.WINDOW() == 7 days && made.rollup.FAST() == 1 hours, "window and fast");
        _assertTrue(made.rollup.K_SLOW() == 1 && made.rollup.K_FAST() == 3, "signatures");
        _assertTrue(made.rollup.DISPUTE_TIMEOUT() == 7 days, "dispute");
        _assertTrue(made.rollup.FREEZE_DELAY() == 7 days, "freeze");
        _assertTrue(made.rollup.MAX_BATCH_AGE() == 24 hours, "age of a batch");
        _assertTrue(made.rollup.ANCHOR_DEPTH() == 255, "anchor");
        _assertTrue(made.portal.FORCED_GAS_MAX() == 5_000_000, "forced gas");
        _assertTrue(made.portal.FORCED_DATA_MAX() == 32 * 1024, "forced data");
        _assertTrue(made.portal.PAUSE_MAX() == 7 days && made.portal.PAUSE_COOLDOWN() == 30 days, "pause");
        _assertTrue(made.portal.SETTLE_DELAY() == 1 days, "settle");
        _checkCommon(made, _profile("mainnet"), roles);
    }

    function test_dev_onePersonIsAdmin_withoutATimelock() external {
        Profile memory profile = _profile("dev");
        Roles memory roles = _devRoles();
        Deployment memory made = _script.deploy(profile, roles, L2_CHAIN_ID, _genesis(), roles.admin);
        _assertTrue(address(made.timelock) == address(0), "no timelock");
        _assertTrue(_has(made.rollup, 0, roles.admin) && _has(made.portal, 0, roles.admin), "admin");
        _assertTrue(_has(made.portal, made.portal.COUNCIL(), roles.council), "council");
        _assertTrue(_has(made.portal, made.portal.GUARDIAN(), roles.guardian), "guardian");
        _assertTrue(_has(made.rollup, made.rollup.SEQUENCER(), roles.sequencer), "sequencer");
        _assertTrue(_has(made.rollup, made.rollup.PROPOSER(), roles.proposer), "proposer");
        _assertTrue(_has(made.rollup, made.rollup.CHALLENGER(), roles.challengers[0]), "challenger");
        _assertTrue(made.rollup.verifier(0) == roles.verifiers[0], "verifier");
        _assertTrue(made.rollup.WINDOW() == 60 && made.rollup.K_SLOW() == 0, "dev's parameters");
        _checkCommon(made, profile, roles);
    }

    /// @dev What the script was given is what the contracts say.
    function _checkCommon(Deployment memory made, Profile memory profile, Roles memory roles) internal {
        RollupRoots.Timing memory timing = profile.timing;
        PortalBase.Limits memory limits = profile.limits;
        _assertTrue(made.rollup.BOND() == timing.bond, "bond");
        _assertTrue(made.rollup.FREEZE_DELAY() == timing.freezeDelay, "freeze delay");
        _assertTrue(made.portal.SETTLE_DELAY() == limits.settleDelay, "settle delay");
        _assertTrue(made.portal.L2_CHAIN_ID() == L2_CHAIN_ID, "chain id of L2");
        _assertTrue(address(made.portal.ROLLUP()) == address(made.rollup), "rollup of the portal");
        _assertTrue(address(made.rollup.PORTAL()) == address(made.portal), "portal of the rollup");
        _assertTrue(made.portal.defaultMaxEscrow() == profile.maxEscrow, "cap");
        _assertTrue(made.portal.outflowFloor(address(0)) == profile.outflowFloor, "floor");
        _assertEq(made.rollup.roots(0).output, made.rollup.outputHash(_genesis()), "genesis");
        string memory json = _script.toJson(made, profile, roles, L2_CHAIN_ID, _genesis());
        _assertTrue(VM.parseJsonAddress(json, ".portal") == address(made.portal), "file: portal");
        _assertTrue(VM.parseJsonAddress(json, ".rollup") == address(made.rollup), "file: rollup");
        _assertTrue(VM.parseJsonAddress(json, ".timelock") == address(made.timelock), "file: timelock");
        _assertTrue(VM.parseJsonUint(json, ".l1ChainId") == block.chainid, "file: chain id of L1");
        _assertEq(VM.parseJsonBytes32(json, ".genesisOutput.stateRoot"), "state", "file: genesis");
        address[] memory verifiers = VM.parseJsonAddressArray(json, ".roles.verifiers");
        _assertTrue(verifiers.length == roles.verifiers.length, "file: verifiers");
    }

    /// @dev The addresses of `profiles/README.md`.
    function test_addresses_followFromTheDeployersNonce() external {
        (Deployment memory made,) = _deployMainnet();
        _assertTrue(address(made.timelock) == VM.computeCreateAddress(DEPLOYER, 0), "timelock");
        _assertTrue(made.rollupImplementation == VM.computeCreateAddress(DEPLOYER, 1), "rollup's code");
        _assertTrue(made.portalImplementation == VM.computeCreateAddress(DEPLOYER, 2), "portal's code");
        _assertTrue(address(made.rollup) == VM.computeCreateAddress(DEPLOYER, 3), "rollup");
        _assertTrue(address(made.portal) == VM.computeCreateAddress(DEPLOYER, 4), "portal");
    }

    function test_mainnet_deployerWithARole_orNobody_isRefused() external {
        Profile memory profile = _profile("mainnet");
        Roles memory roles = _mainnetRoles();
        roles.admin = DEPLOYER;
        _refused(profile, roles, abi.encodeWithSelector(Deploy.Deploy_DeployerHasRole.selector, "admin"));
        roles = _mainnetRoles();
        roles.challengers[3] = DEPLOYER;
        _refused(
            profile, roles, abi.encodeWithSelector(Deploy.Deploy_DeployerHasRole.selector, "challengers")
        );
        roles = _mainnetRoles();
        roles.guardian = address(0);
        _refused(profile, roles, abi.encodeWithSelector(Deploy.Deploy_RoleMissing.selector, "guardian"));
        roles = _mainnetRoles();
        roles.verifiers = new address[](0);
        _refused(profile, roles, abi.encodeWithSelector(Deploy.Deploy_TooFewVerifiers.selector, 0, 1));
    }

    function _refused(Profile memory profile, Roles memory roles, bytes memory refusal) internal {
        VM.expectRevert(refusal);
        _script.deploy(profile, roles, L2_CHAIN_ID, _genesis(), DEPLOYER);
    }
}
