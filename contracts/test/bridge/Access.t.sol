// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";

import {IAuraConfig} from "../../src/interfaces/IAuraConfig.sol";
import {IAuraPortal} from "../../src/interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../../src/interfaces/IAuraRollup.sol";
import {AuraPortal} from "../../src/l1/AuraPortal.sol";
import {AuraRollup} from "../../src/l1/AuraRollup.sol";
import {AuraTimelock} from "../../src/l1/AuraTimelock.sol";
import {MessageQueue} from "../../src/libraries/MessageQueue.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {Output} from "../../src/libraries/Types.sol";
import {BridgeTest} from "./BridgeTest.sol";

contract AccessTest is BridgeTest {
    function _refused(address account, bytes32 role) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, account, role);
    }

    /// @dev Attack 34.
    function test_initialize_onlyOnce_andNeverTheImplementation() external {
        Output memory genesis = _genesis();
        VM.expectRevert(Initializable.InvalidInitialization.selector);
        portal.initialize(ALICE, ALICE, ALICE, 0);
        VM.expectRevert(Initializable.InvalidInitialization.selector);
        rollup.initialize(ALICE, ALICE, genesis);
        AuraPortal portalCode = new AuraPortal(rollup, L2_CHAIN_ID, _limits());
        VM.expectRevert(Initializable.InvalidInitialization.selector);
        portalCode.initialize(ALICE, ALICE, ALICE, 0);
        AuraRollup rollupCode = new AuraRollup(portal, _timing());
        VM.expectRevert(Initializable.InvalidInitialization.selector);
        rollupCode.initialize(ALICE, ALICE, genesis);
    }

    /// @dev ERC-7201; `layout/` lists what is at these places.
    function test_storage_isWhereItsNameSays() external {
        portal.depositTo{value: 1 ether}(ALICE);
        bytes32 tip = VM.load(address(portal), _namespace("aura.portal"));
        _assertEq(tip, MessageQueue.pack(portal.queueSlot(0), 1), "tip");
        _append(_header());
        uint256 word = uint256(VM.load(address(rollup), _namespace("aura.rollup")));
        _assertTrue(word % 2 ** 128 == 2 + 2 ** 64, "batches, and what they consumed");
    }

    function _namespace(string memory id) internal pure returns (bytes32) {
        bytes32 inner = bytes32(uint256(keccak256(bytes(id))) - 1);
        return keccak256(abi.encode(inner)) & ~bytes32(uint256(0xff));
    }

    /// @dev Attack 24.
    function test_upgrade_timelockAndCouncilOnly() external {
        address portalCode = address(new AuraPortal(rollup, L2_CHAIN_ID, _limits()));
        address rollupCode = address(new AuraRollup(portal, _timing()));
        address[6] memory others = [ALICE, GUARDIAN, SEQUENCER, PROPOSER, CHALLENGER, address(this)];
        for (uint256 i = 0; i < others.length; ++i) {
            VM.startPrank(others[i], others[i]);
            VM.expectRevert(_refused(others[i], 0));
            portal.upgradeToAndCall(portalCode, "");
            VM.expectRevert(_refused(others[i], 0));
            rollup.upgradeToAndCall(rollupCode, "");
            VM.stopPrank();
        }
        portal.depositTo{value: 1 ether}(ALICE);
        VM.startPrank(COUNCIL, COUNCIL);
        portal.upgradeToAndCall(portalCode, "");
        rollup.upgradeToAndCall(rollupCode, "");
        VM.stopPrank();
        _assertTrue(portal.messageCount() == 1 && address(portal).balance == 1 ether, "state is kept");
        // The timelock takes the council's power away.
        VM.startPrank(TIMELOCK, TIMELOCK);
        portal.revokeRole(portal.COUNCIL(), COUNCIL);
        portal.upgradeToAndCall(portalCode, "");
        VM.stopPrank();
        VM.prank(COUNCIL, COUNCIL);
        VM.expectRevert(_refused(COUNCIL, 0));
        portal.upgradeToAndCall(portalCode, "");
    }

    /// @dev Attack 24: whatever anybody with a role calls besides {withdraw}, exits, {reclaim} and upgrades,
    ///      the escrow stays.
    function test_noRole_movesEscrow() external {
        portal.depositTo{value: 5 ether}(ALICE);
        bytes[12] memory calls = [
            abi.encodeCall(IAuraPortal.pause, ()),
            abi.encodeCall(IAuraPortal.unpause, ()),
            abi.encodeCall(IAuraPortal.setMaxEscrow, (address(0), 0)),
            abi.encodeCall(IAuraPortal.setDefaultMaxEscrow, (0)),
            abi.encodeCall(IAuraPortal.setOutflowFloor, (address(0), 1)),
            abi.encodeCall(IAuraPortal.configure, (0, 30_000_000)),
            abi.encodeCall(IAuraRollup.challenge, (0)),
            abi.encodeCall(IAuraRollup.resolve, (0, false)),
            abi.encodeCall(IAuraRollup.expireDispute, (0)),
            abi.encodeCall(IAuraRollup.freeze, ()),
            abi.encodeCall(IAuraRollup.claimBonds, ()),
            abi.encodeCall(IAuraRollup.setVerifier, (1, ALICE))
        ];
        address[6] memory callers = [TIMELOCK, COUNCIL, GUARDIAN, SEQUENCER, PROPOSER, CHALLENGER];
        uint256 taken = 0;
        for (uint256 i = 0; i < callers.length; ++i) {
            for (uint256 j = 0; j < calls.length; ++j) {
                address target = j < 6 ? address(portal) : address(rollup);
                VM.prank(callers[i], callers[i]);
                (bool ok,) = target.call(calls[j]);
                if (ok) ++taken;
                _assertTrue(address(portal).balance == 5 ether, "escrow");
            }
        }
        _assertTrue(taken >= 8, "some calls are taken");
    }

    function test_caps_councilLowers_timelockRaises() external {
        VM.startPrank(COUNCIL, COUNCIL);
        portal.setMaxEscrow(address(0), 10 ether);
        VM.expectRevert(_refused(COUNCIL, 0));
        portal.setMaxEscrow(address(0), 11 ether);
        portal.setDefaultMaxEscrow(7);
        VM.expectRevert(_refused(COUNCIL, 0));
        portal.setDefaultMaxEscrow(8);
        VM.stopPrank();
        VM.startPrank(TIMELOCK, TIMELOCK);
        portal.setMaxEscrow(address(0), 11 ether);
        portal.setMaxEscrow(address(0), 0);
        VM.stopPrank();
        _assertTrue(portal.maxEscrow(address(0)) == 7 && portal.defaultMaxEscrow() == 7, "default");
        VM.prank(ALICE, ALICE);
        VM.expectRevert(_refused(ALICE, 0));
        portal.setMaxEscrow(address(0), 1);
    }

    function test_configure_timelockOnly_knownParameters() external {
        VM.prank(COUNCIL, COUNCIL);
        VM.expectRevert(_refused(COUNCIL, 0));
        portal.configure(0, 30_000_000);
        VM.startPrank(TIMELOCK, TIMELOCK);
        VM.expectRevert(abi.encodeWithSelector(IAuraPortal.UnknownParameter.selector, uint8(4)));
        portal.configure(4, 1);
        VM.expectRevert(abi.encodeWithSelector(IAuraPortal.BadValue.selector, uint8(0), 9_999_999));
        portal.configure(0, 9_999_999);
        VM.expectEmit();
        emit IAuraPortal.MessageEnqueued(
            0,
            MessageQueue.CONFIGURATION,
            Predeploys.SYSTEM,
            TIMELOCK,
            Predeploys.CONFIG,
            0,
            0,
            portal.CONFIGURATION_GAS(),
            abi.encodeCall(IAuraConfig.set, (0, 30_000_000)),
            uint64(block.timestamp)
        );
        portal.configure(0, 30_000_000);
        VM.stopPrank();
    }

    /// @dev Attack 24.
    function test_timelock_actsOnlyAfterItsDelay() external {
        address[] memory proposers = new address[](1);
        proposers[0] = ALICE;
        address[] memory executors = new address[](1);
        AuraTimelock timelock = new AuraTimelock(30 days, proposers, executors);
        VM.startPrank(TIMELOCK, TIMELOCK);
        portal.grantRole(0, address(timelock));
        portal.renounceRole(0, TIMELOCK);
        VM.stopPrank();
        bytes memory call = abi.encodeCall(IAuraPortal.setOutflowFloor, (address(0), 42));
        VM.prank(ALICE, ALICE);
        timelock.schedule(address(portal), 0, call, 0, 0, 30 days);
        VM.warp(block.timestamp + 30 days - 1);
        VM.expectRevert();
        timelock.execute(address(portal), 0, call, 0, 0);
        VM.warp(block.timestamp + 1);
        timelock.execute(address(portal), 0, call, 0, 0);
        _assertTrue(portal.outflowFloor(address(0)) == 42, "executed");
    }
}
