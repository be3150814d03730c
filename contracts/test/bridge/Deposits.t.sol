// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IAuraPortal} from "../../src/interfaces/IAuraPortal.sol";
import {IAuraTokenBridge} from "../../src/interfaces/IAuraTokenBridge.sol";
import {Callers} from "../../src/libraries/Callers.sol";
import {MessageQueue} from "../../src/libraries/MessageQueue.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {BridgeTest} from "./BridgeTest.sol";
import {FalseToken, FeeToken, HookToken, PlainToken, SilentToken} from "./Tokens.sol";

/// @notice A contract that calls the portal.
contract Caller {
    function forward(address portal, bytes calldata data) external payable returns (bytes memory) {
        (bool ok, bytes memory answer) = portal.call{value: msg.value}(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        return answer;
    }
}

contract DepositsTest is BridgeTest {
    function _expectMessage(
        uint64 id,
        uint8 kind,
        address from,
        address l1Sender,
        address to,
        uint256 mint,
        uint256 value,
        uint64 gasLimit,
        bytes memory data
    ) internal {
        VM.expectEmit();
        emit IAuraPortal.MessageEnqueued(
            id, kind, from, l1Sender, to, mint, value, gasLimit, data, uint64(block.timestamp)
        );
    }

    function _slot(uint64 id) internal view returns (bytes32 acc, uint64 time) {
        (, acc,) = portal.queueView(id + 1);
        (,, time) = portal.queueView(id);
    }

    /// @dev The portal's first slot: see `layout/`.
    bytes32 private constant TIP = 0xb57a43a17b68e0bf6686936b17defed0b65b572336f71c0ee7184a5cdc38d400;

    /// @dev Every kind of entry is linked to the one before, whatever kind that is.
    function test_queue_tipIsTheLastEntry_ofAnyKind() external {
        _assertEq(VM.load(address(portal), TIP), 0, "an empty queue");
        PlainToken token = new PlainToken("Gold", "AU", 6);
        token.mint(address(this), 1);
        token.approve(address(portal), 1);
        for (uint64 id = 0; id < 5; ++id) {
            bytes32 before = id == 0 ? bytes32(0) : MessageQueue.trim(portal.queueSlot(id - 1));
            if (id == 0) portal.registerToken(address(token));
            else if (id == 1) portal.depositERC20(address(token), BOB, 1);
            else if (id == 2) portal.depositTo{value: 1}(BOB);
            else if (id == 3) portal.forceTransaction(BOB, 0, 21_000, "");
            else _configure();
            bytes32 slot = portal.queueSlot(id);
            _assertEq(VM.load(address(portal), TIP), MessageQueue.pack(slot, id + 1), "tip");
            if (id != 2) continue;
            bytes32 m = MessageQueue.hash(
                id,
                MessageQueue.CREDIT,
                address(this),
                Callers.onL2(address(this)),
                BOB,
                1,
                0,
                0,
                keccak256("")
            );
            _assertEq(slot, MessageQueue.link(before, m, block.timestamp), "link");
        }
    }

    function _configure() internal {
        VM.prank(TIMELOCK, TIMELOCK);
        portal.configure(0, 30_000_000);
    }

    /// @dev The count does not wrap: old entries could be written over.
    function test_queue_full_takesNoMore() external {
        bytes32 last = MessageQueue.pack(keccak256("last"), type(uint32).max);
        VM.store(address(portal), TIP, MessageQueue.pack(last, type(uint32).max - 1));
        _assertTrue(portal.depositTo{value: 1}(BOB) == type(uint32).max - 1, "one more");
        VM.expectRevert(IAuraPortal.QueueFull.selector);
        portal.depositTo{value: 1}(BOB);
        _assertTrue(portal.messageCount() == type(uint32).max && portal.queueSlot(0) == 0, "unchanged");
    }

    function test_deposit_keyHolder_isQueuedForItself() external {
        VM.prank(ALICE, ALICE);
        _expectMessage(0, MessageQueue.CREDIT, ALICE, ALICE, ALICE, 1 ether, 0, 0, "");
        VM.expectEmit();
        emit IAuraPortal.Deposit(ALICE, 1 ether, 0);
        portal.deposit{value: 1 ether}();
        _assertTrue(address(portal).balance == 1 ether && portal.messageCount() == 1, "escrow and queue");
    }

    function test_receive_isADeposit() external {
        VM.prank(ALICE, ALICE);
        (bool ok,) = address(portal).call{value: 3 wei}("");
        _assertTrue(ok && portal.messageCount() == 1 && address(portal).balance == 3, "deposited");
    }

    /// @dev Attack 28.
    function test_deposit_contract_reverts() external {
        Caller caller = new Caller();
        VM.expectRevert(IAuraPortal.ContractCaller.selector);
        caller.forward{value: 1}(address(portal), abi.encodeCall(IAuraPortal.deposit, ()));
    }

    /// @dev Attack 27.
    function test_deposit_delegatedAccountThroughAContract_isItself() external {
        VM.etch(ALICE, abi.encodePacked(hex"ef0100", address(this)));
        // Not the origin: its delegated code calls.
        VM.prank(ALICE, BOB);
        _expectMessage(0, MessageQueue.CREDIT, ALICE, ALICE, ALICE, 1, 0, 0, "");
        portal.deposit{value: 1}();
    }

    /// @dev Attack 27.
    function test_depositTo_contract_isAliased() external {
        Caller caller = new Caller();
        address onL2 = address(uint160(address(caller)) + uint160(0x1111000000000000000000000000000000001111));
        _expectMessage(0, MessageQueue.CREDIT, onL2, address(caller), BOB, 5, 0, 0, "");
        caller.forward{value: 5}(address(portal), abi.encodeCall(IAuraPortal.depositTo, (BOB)));
        // As which it would act on L2.
        _expectMessage(1, MessageQueue.FORCED, onL2, address(caller), BOB, 0, 1, 21_000, "");
        caller.forward(address(portal), abi.encodeCall(IAuraPortal.forceTransaction, (BOB, 1, 21_000, "")));
    }

    function test_deposit_nothingOrToNobody_reverts() external {
        VM.prank(ALICE, ALICE);
        VM.expectRevert(IAuraPortal.ZeroAmount.selector);
        portal.deposit();
        VM.expectRevert(IAuraPortal.ZeroAddress.selector);
        portal.depositTo{value: 1}(address(0));
    }

    function test_queue_isTheChainOfItsMessages() external {
        bytes32 acc = 0;
        for (uint64 id = 0; id < 4; ++id) {
            VM.warp(block.timestamp + id);
            VM.prank(ALICE, ALICE);
            portal.forceTransaction{value: id}(BOB, 7, 21_000 + id, hex"01");
            bytes32 m = keccak256(
                abi.encode(id, uint8(2), ALICE, ALICE, BOB, uint256(id), 7, 21_000 + id, keccak256(hex"01"))
            );
            acc = keccak256(abi.encode(acc, m, block.timestamp)) & ~bytes32(uint256(type(uint32).max));
            (bytes32 stored, uint64 time) = _slot(id);
            _assertEq(stored, acc, "accumulator");
            _assertTrue(time == block.timestamp, "time");
        }
        (uint64 count, bytes32 before, uint64 next) = portal.queueView(4);
        _assertTrue(count == 4 && before == acc && next == 0, "end of the queue");
    }

    /// @dev Attack 16.
    function test_forceTransaction_limits() external {
        VM.expectRevert(IAuraPortal.BadGas.selector);
        portal.forceTransaction(BOB, 0, 20_999, "");
        VM.expectRevert(IAuraPortal.BadGas.selector);
        portal.forceTransaction(BOB, 0, 5_000_001, "");
        VM.expectRevert(IAuraPortal.DataTooLong.selector);
        portal.forceTransaction(BOB, 0, 21_000, new bytes(32 * 1024 + 1));
        portal.forceTransaction(BOB, 0, 5_000_000, new bytes(32 * 1024));
    }

    function test_maxEscrow_boundsEtherButNotForcedTransactionsWithoutValue() external {
        VM.prank(COUNCIL, COUNCIL);
        portal.setMaxEscrow(address(0), 2 ether);
        portal.depositTo{value: 2 ether}(ALICE);
        VM.expectRevert(abi.encodeWithSelector(IAuraPortal.OverCap.selector, 2 ether));
        portal.depositTo{value: 1}(ALICE);
        VM.expectRevert(abi.encodeWithSelector(IAuraPortal.OverCap.selector, 2 ether));
        portal.forceTransaction{value: 1}(BOB, 0, 21_000, "");
        portal.forceTransaction(BOB, 0, 21_000, "");
    }

    function test_registerToken_takesWhatTheTokenSays() external {
        PlainToken token = new PlainToken("Gold", "AU", 6);
        bytes memory data =
            abi.encodeCall(IAuraTokenBridge.register, (address(token), "Gold", "AU", uint8(6)));
        _expectMessage(
            0,
            MessageQueue.REGISTRATION,
            Predeploys.SYSTEM,
            address(this),
            Predeploys.TOKEN_BRIDGE,
            0,
            0,
            400_000,
            data
        );
        portal.registerToken(address(token));
        _assertTrue(portal.registered(address(token)), "registered");
        VM.expectRevert(IAuraPortal.AlreadyRegistered.selector);
        portal.registerToken(address(token));
        VM.expectRevert(IAuraPortal.NotAContract.selector);
        portal.registerToken(ALICE);
    }

    function test_registerToken_silentToken_hasDefaults() external {
        SilentToken token = new SilentToken();
        bytes memory data = abi.encodeCall(IAuraTokenBridge.register, (address(token), "Old", "", uint8(18)));
        _expectMessage(
            0,
            MessageQueue.REGISTRATION,
            Predeploys.SYSTEM,
            address(this),
            Predeploys.TOKEN_BRIDGE,
            0,
            0,
            400_000,
            data
        );
        portal.registerToken(address(token));
    }

    function _expectTokenDeposit(uint64 id, address token, uint256 amount) internal {
        _expectMessage(
            id,
            MessageQueue.TOKEN_DEPOSIT,
            Predeploys.SYSTEM,
            ALICE,
            Predeploys.TOKEN_BRIDGE,
            0,
            0,
            120_000,
            abi.encodeCall(IAuraTokenBridge.finalizeDeposit, (token, BOB, amount))
        );
    }

    /// @dev Attack 25.
    function test_depositERC20_creditsWhatArrives() external {
        PlainToken plain = new PlainToken("Gold", "AU", 6);
        FeeToken fee = new FeeToken();
        portal.registerToken(address(plain));
        portal.registerToken(address(fee));
        plain.mint(ALICE, 100);
        fee.mint(ALICE, 100);
        VM.startPrank(ALICE, ALICE);
        plain.approve(address(portal), 100);
        fee.approve(address(portal), 100);
        _expectTokenDeposit(2, address(plain), 100);
        portal.depositERC20(address(plain), BOB, 100);
        _expectTokenDeposit(3, address(fee), 99);
        portal.depositERC20(address(fee), BOB, 100);
        VM.expectRevert(IAuraPortal.ZeroAmount.selector);
        portal.depositERC20(address(plain), BOB, 0);
        VM.stopPrank();
    }

    function test_depositERC20_unregistered_reverts() external {
        PlainToken token = new PlainToken("Gold", "AU", 6);
        VM.expectRevert(IAuraPortal.NotRegistered.selector);
        portal.depositERC20(address(token), BOB, 1);
    }

    /// @dev Attack 26.
    function test_depositERC20_reentered_reverts() external {
        HookToken token = new HookToken(portal);
        portal.registerToken(address(token));
        token.mint(ALICE, 10);
        VM.startPrank(ALICE, ALICE);
        token.approve(address(portal), 10);
        // One message, of what arrived; the call from within is refused.
        portal.depositERC20(address(token), BOB, 10);
        VM.stopPrank();
        _assertTrue(portal.messageCount() == 2, "registration and one deposit");
        bytes memory reason =
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        _assertEq(keccak256(token.refusal()), keccak256(reason), "refused as reentered");
    }

    /// @dev Attack 25: a token that says no moves nothing into the queue.
    function test_depositERC20_falseReturningToken_reverts() external {
        FalseToken token = new FalseToken();
        portal.registerToken(address(token));
        VM.prank(ALICE, ALICE);
        VM.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        portal.depositERC20(address(token), BOB, 10);
    }
}
