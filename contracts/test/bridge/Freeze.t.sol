// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAuraPortal} from "../../src/interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../../src/interfaces/IAuraRollup.sol";
import {IAuraTokenBridge} from "../../src/interfaces/IAuraTokenBridge.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {SparseMerkle} from "../../src/libraries/SparseMerkle.sol";
import {Header, Message, Output, Proof} from "../../src/libraries/Types.sol";
import {FrozenBridge} from "./FrozenBridge.sol";
import {LeafTree} from "./LeafTree.sol";
import {PlainToken} from "./Tokens.sol";

/// @notice Everybody leaves without the operator.
contract FreezeTest is FrozenBridge {
    /// @dev Attack 32.
    function test_freeze_idleChain_reverts() external {
        _lastFinalState();
        VM.warp(block.timestamp + 365 days);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.freeze();
    }

    /// @dev Attack 32.
    function test_freeze_rootThatOnlyWaits_reverts() external {
        _append(_header());
        Output memory waiting = _output("state", 0);
        uint64 id = _post(waiting);
        _attest(id, waiting);
        VM.warp(block.timestamp + 30 days);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.freeze();
    }

    /// @dev Attack 32.
    function test_freeze_onlyAfterBothDelays() external {
        _append(_header());
        VM.warp(block.timestamp + 14 days);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.freeze();
        VM.warp(block.timestamp + 1);
        VM.prank(BOB, BOB);
        rollup.freeze();
        VM.expectRevert(IAuraRollup.Frozen.selector);
        rollup.freeze();
        Header memory next = _header();
        VM.expectRevert(IAuraRollup.Frozen.selector);
        _append(next);
        portal.depositTo{value: 1}(ALICE);
        Output memory last = _output("state", 0);
        VM.prank(PROPOSER, PROPOSER);
        VM.expectRevert(IAuraRollup.Frozen.selector);
        rollup.updateStateRoot(last);
    }

    function test_freeze_rootCanBecomeFinalUntilItIsSettled() external {
        _append(_header());
        Output memory late = _output("state", 0);
        uint64 id = _post(late);
        VM.warp(block.timestamp + 14 days + 1);
        rollup.freeze();
        _attest(id, late);
        rollup.finalize(id);
        _assertTrue(rollup.bestFinal() == id, "the escape root");
    }

    function test_settleEscape_onlyOnceAndWithTheRightPreimage() external {
        _freeze();
        VM.expectRevert(IAuraPortal.NotFrozen.selector);
        portal.settleEscape(o, 0, keccak256("payload"), h, l1Block, l1Time);
        VM.warp(block.timestamp + 1 days);
        Header memory wrong = h;
        wrong.consumed += 1;
        VM.expectRevert(IAuraPortal.WrongOutput.selector);
        portal.settleEscape(o, 0, keccak256("payload"), wrong, l1Block, l1Time);
        Output memory other = o;
        other.stateRoot = keccak256("mine");
        VM.expectRevert(IAuraPortal.WrongOutput.selector);
        portal.settleEscape(other, 0, keccak256("payload"), h, l1Block, l1Time);
        portal.settleEscape(o, 0, keccak256("payload"), h, l1Block, l1Time);
        _assertTrue(portal.escapeConsumed() == h.consumed, "consumed");
        VM.expectRevert(IAuraPortal.AlreadySettled.selector);
        portal.settleEscape(o, 0, keccak256("payload"), h, l1Block, l1Time);
    }

    function test_everybodyLeaves_exactly() external {
        _settle();
        uint256 held = address(portal).balance;
        uint256 before = ALICE.balance;
        VM.startPrank(ALICE, ALICE);
        _exitAlice();
        portal.exitToken(o, address(token), 60, _prove(_balanceKey(ALICE)), BOB, "", ALICE);
        VM.stopPrank();
        _assertTrue(ALICE.balance == before + 4 ether && token.balanceOf(BOB) == 60, "Alice");

        // Carol signs; somebody else pays the gas.
        bytes32 kind = keccak256("Exit(address user,address token,address payee)");
        bytes memory sig = _signTyped(
            CAROL_KEY,
            "AuraPortal",
            address(portal),
            keccak256(abi.encode(kind, carol, address(0), address(0xCAFE)))
        );
        Proof memory proof = _prove(SparseMerkle.accountKey(carol));
        VM.expectRevert(IAuraPortal.NotOwner.selector);
        portal.exitETH(o, _account(1, 3 ether), proof, BOB, sig, carol);
        portal.exitETH(o, _account(1, 3 ether), proof, address(0xCAFE), sig, carol);
        _assertTrue(address(0xCAFE).balance == 3 ether, "Carol");

        before = BOB.balance;
        portal.withdraw(_ether(0, BOB, 2 ether), escapeRoot, o, LeafTree.proof(leaves, 0));
        portal.reclaim(unconsumed.id, unconsumed);
        _assertTrue(BOB.balance == before + 3 ether, "Bob");
        _assertTrue(held - address(portal).balance == 10 ether, "all that L1 owed");
    }

    function test_exit_twice_reverts() external {
        _settle();
        VM.startPrank(ALICE, ALICE);
        _exitAlice();
        Proof memory proof = _prove(SparseMerkle.accountKey(ALICE));
        VM.expectRevert(IAuraPortal.AlreadyExited.selector);
        portal.exitETH(o, _account(7, 4 ether), proof, BOB, "", ALICE);
        VM.stopPrank();
    }

    /// @dev Attack 38.
    function test_exit_notTheKeyHolder_reverts() external {
        _settle();
        Proof memory proof = _prove(SparseMerkle.accountKey(ALICE));
        VM.prank(BOB, BOB);
        VM.expectRevert(IAuraPortal.NotOwner.selector);
        portal.exitETH(o, _account(7, 4 ether), proof, BOB, "", ALICE);
        // A contract at the same address.
        VM.etch(ALICE, hex"00");
        VM.prank(ALICE, BOB);
        VM.expectRevert(IAuraPortal.NotOwner.selector);
        portal.exitETH(o, _account(7, 4 ether), proof, BOB, "", ALICE);
        // A delegation, of whose account somebody holds the key.
        VM.etch(ALICE, abi.encodePacked(hex"ef0100", BOB));
        VM.prank(ALICE, BOB);
        portal.exitETH(o, _account(7, 4 ether), proof, BOB, "", ALICE);
    }

    /// @dev Attacks 9 and 29.
    function test_exit_wrongProofs_revert() external {
        _settle();
        Proof memory proof = _prove(SparseMerkle.accountKey(ALICE));
        VM.startPrank(ALICE, ALICE);
        VM.expectRevert(IAuraPortal.BadProof.selector);
        portal.exitETH(o, _account(7, 5 ether), proof, ALICE, "", ALICE);
        Output memory other = o;
        other.stateRoot = keccak256("mine");
        VM.expectRevert(IAuraPortal.WrongOutput.selector);
        portal.exitETH(other, _account(7, 4 ether), proof, ALICE, "", ALICE);
        Proof memory slot = _prove(_balanceKey(ALICE));
        VM.expectRevert(IAuraPortal.BadProof.selector);
        portal.exitToken(o, address(token), 61, slot, ALICE, "", ALICE);
        PlainToken worthless = new PlainToken("Gold", "AU", 6);
        VM.expectRevert(IAuraPortal.BadProof.selector);
        portal.exitToken(o, address(worthless), 60, slot, ALICE, "", ALICE);
        VM.expectRevert(IAuraPortal.ZeroAmount.selector);
        portal.exitToken(o, address(token), 0, slot, ALICE, "", ALICE);
        VM.stopPrank();
    }

    function test_exit_beforeItIsSettled_reverts() external {
        _freeze();
        Proof memory proof = _prove(SparseMerkle.accountKey(ALICE));
        VM.prank(ALICE, ALICE);
        VM.expectRevert(IAuraPortal.NotFrozen.selector);
        portal.exitETH(o, _account(7, 4 ether), proof, ALICE, "", ALICE);
        VM.expectRevert(IAuraPortal.NotFrozen.selector);
        portal.reclaim(unconsumed.id, unconsumed);
    }

    function test_reclaim_onlyUnconsumedEntries_once() external {
        _settle();
        Message memory consumed = Message({
            id: 2,
            kind: 0,
            l1Sender: ALICE,
            from: ALICE,
            to: ALICE,
            mint: 10 ether,
            value: 0,
            gasLimit: 0,
            data: ""
        });
        VM.expectRevert(IAuraPortal.AlreadyConsumed.selector);
        portal.reclaim(2, consumed);
        Message memory forged = unconsumed;
        forged.l1Sender = ALICE;
        VM.expectRevert(IAuraPortal.WrongMessage.selector);
        portal.reclaim(forged.id, forged);
        forged = unconsumed;
        forged.mint = 2 ether;
        VM.expectRevert(IAuraPortal.WrongMessage.selector);
        portal.reclaim(forged.id, forged);
        VM.expectRevert(IAuraPortal.WrongMessage.selector);
        portal.reclaim(unconsumed.id + 1, unconsumed);
        portal.reclaim(unconsumed.id, unconsumed);
        VM.expectRevert(IAuraPortal.AlreadyConsumed.selector);
        portal.reclaim(unconsumed.id, unconsumed);
    }

    function test_reclaim_tokens() external {
        _settle();
        VM.prank(ALICE, ALICE);
        uint64 id = portal.depositERC20(address(token), BOB, 40);
        Message memory m = Message({
            id: id,
            kind: 1,
            l1Sender: ALICE,
            from: Predeploys.SYSTEM,
            to: Predeploys.TOKEN_BRIDGE,
            mint: 0,
            value: 0,
            gasLimit: 120_000,
            data: abi.encodeCall(IAuraTokenBridge.finalizeDeposit, (address(token), BOB, 40))
        });
        uint256 before = token.balanceOf(ALICE);
        portal.reclaim(id, m);
        _assertTrue(token.balanceOf(ALICE) == before + 40, "paid back");
    }

    function test_settled_noMoreRootsBecomeFinal() external {
        _lastFinalState();
        VM.prank(BOB, BOB);
        portal.depositTo{value: 1 ether}(carol);
        _append(_header());
        Output memory late = _output("late", 0);
        uint64 id = _post(late);
        VM.warp(block.timestamp + 14 days + 1);
        rollup.freeze();
        VM.warp(block.timestamp + 1 days);
        portal.settleEscape(o, 0, keccak256("payload"), h, l1Block, l1Time);
        _attest(id, late);
        VM.expectRevert(IAuraRollup.Frozen.selector);
        rollup.finalize(id);
    }

    function test_pause_stopsExits() external {
        _settle();
        VM.prank(GUARDIAN, GUARDIAN);
        portal.pause();
        bytes memory reason =
            abi.encodeWithSelector(IAuraPortal.Paused.selector, uint64(block.timestamp) + 7 days);
        Proof memory proof = _prove(SparseMerkle.accountKey(ALICE));
        VM.prank(ALICE, ALICE);
        VM.expectRevert(reason);
        portal.exitETH(o, _account(7, 4 ether), proof, ALICE, "", ALICE);
        VM.expectRevert(reason);
        portal.reclaim(unconsumed.id, unconsumed);
    }
}
