// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IAuraPortal} from "../../src/interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../../src/interfaces/IAuraRollup.sol";
import {Output, Withdrawal} from "../../src/libraries/Types.sol";
import {WithdrawalTree} from "../../src/libraries/WithdrawalTree.sol";
import {BridgeTest} from "./BridgeTest.sol";
import {LeafTree} from "./LeafTree.sol";
import {PlainToken, RebasingToken, SilentToken} from "./Tokens.sol";

/// @notice Takes no ether until it is told to, then calls {IAuraPortal-withdraw} again.
contract Recipient {
    bool public open;
    bytes public again;
    bool public reentered;

    function set(bool open_, bytes calldata again_) external {
        (open, again) = (open_, again_);
    }

    receive() external payable {
        require(open, "closed");
        if (again.length != 0) (reentered,) = msg.sender.call(again);
    }
}

contract WithdrawalsTest is BridgeTest {
    bytes32 private constant DOMAIN = "AuraWithdrawalV0";

    Withdrawal[] internal sent;
    bytes32[] internal leaves;
    uint64 internal rootId;
    Output internal o;

    function _send(Withdrawal memory w) internal {
        sent.push(w);
        leaves.push(_leaf(w));
    }

    function _finalize() internal {
        (rootId, o) = _finalRoot("state", LeafTree.root(leaves));
    }

    function _proof(uint256 index) internal view returns (bytes32[32] memory) {
        return LeafTree.proof(leaves, index);
    }

    function _withdraw(uint256 index) internal {
        portal.withdraw(sent[index], rootId, o, _proof(index));
    }

    function _threeWithdrawals() internal {
        portal.depositTo{value: 10 ether}(ALICE);
        _send(_ether(0, BOB, 1 ether));
        _send(_ether(1, ALICE, 2 ether));
        _send(_ether(2, BOB, 3 ether));
        _finalize();
    }

    /// @dev Attack 5.
    function test_withdraw_anyCaller_paysOnce() external {
        _threeWithdrawals();
        uint256 before = BOB.balance;
        VM.expectEmit();
        emit IAuraPortal.Withdrawn(2, BOB, address(0), 3 ether);
        _withdraw(2);
        _withdraw(0);
        _assertTrue(BOB.balance == before + 4 ether && portal.isClaimed(2), "paid");
        _assertTrue(!portal.isClaimed(1), "not the other");
        VM.expectRevert(IAuraPortal.AlreadyClaimed.selector);
        _withdraw(2);
    }

    /// @dev Attack 1.
    function test_withdraw_sameLeaf_laterRoot_reverts() external {
        _threeWithdrawals();
        _withdraw(1);
        _send(_ether(3, BOB, 1 ether));
        _finalize();
        VM.expectRevert(IAuraPortal.AlreadyClaimed.selector);
        _withdraw(1);
        _withdraw(3);
    }

    function test_withdraw_rootNotFinal_reverts() external {
        portal.depositTo{value: 10 ether}(ALICE);
        _send(_ether(0, BOB, 1 ether));
        _append(_header());
        o = _output("state", LeafTree.root(leaves));
        rootId = _post(o);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        _withdraw(0);
        Output memory other = _output("state", keccak256("other"));
        VM.expectRevert(IAuraRollup.WrongOutput.selector);
        portal.withdraw(sent[0], rootId, other, _proof(0));
        VM.expectRevert(IAuraRollup.WrongOutput.selector);
        portal.withdraw(sent[0], rootId + 1, o, _proof(0));
    }

    function test_withdraw_wrongFields_revert() external {
        _threeWithdrawals();
        Withdrawal memory w = sent[1];
        w.amount += 1;
        _expectBad(w);
        w = sent[1];
        w.recipient = BOB;
        _expectBad(w);
        w = sent[1];
        w.sender = BOB;
        _expectBad(w);
        w = sent[1];
        w.dataHash = keccak256("x");
        _expectBad(w);
        w = sent[1];
        w.token = address(this);
        _expectBad(w);
        w = sent[1];
        w.index = 0;
        _expectBad(w);
        w.index = 1 << 32;
        VM.expectRevert(IAuraPortal.IndexRange.selector);
        portal.withdraw(w, rootId, o, _proof(1));
    }

    function _expectBad(Withdrawal memory w) internal {
        VM.expectRevert(IAuraPortal.BadProof.selector);
        portal.withdraw(w, rootId, o, _proof(1));
    }

    /// @dev Attack 6.
    function testFuzz_withdraw_anyFlippedBitOfTheProof_reverts(uint8 level, uint8 bit) external {
        _threeWithdrawals();
        bytes32[32] memory proof = _proof(1);
        proof[level % 32] ^= bytes32(uint256(1) << bit);
        VM.expectRevert(IAuraPortal.BadProof.selector);
        portal.withdraw(sent[1], rootId, o, proof);
    }

    function testFuzz_withdraw_everyLeafOfATree(uint256 seed) external {
        portal.depositTo{value: 100 ether}(ALICE);
        uint256 count = 1 + seed % 40;
        for (uint64 i = 0; i < count; ++i) {
            _send(
                _ether(i, address(uint160(0x1000 + i)), 1 + uint256(keccak256(abi.encode(seed, i))) % 1 ether)
            );
        }
        _finalize();
        for (uint256 i = 0; i < count; ++i) {
            _withdraw(i);
            _assertTrue(sent[i].recipient.balance == sent[i].amount, "paid");
        }
    }

    /// @dev Attack 2: the leaf that another portal, L1 or L2 would have.
    function test_proof_fromOtherPortalOrChain_reverts() external {
        _threeWithdrawals();
        _otherLeaf(block.chainid, address(this), L2_CHAIN_ID);
        _otherLeaf(block.chainid + 1, address(portal), L2_CHAIN_ID);
        _otherLeaf(block.chainid, address(portal), L2_CHAIN_ID + 1);
        // A fork of L1 with another id: the output is another.
        _withdraw(0);
        VM.chainId(block.chainid + 1);
        VM.expectRevert(IAuraRollup.WrongOutput.selector);
        _withdraw(2);
    }

    function _otherLeaf(uint256 l1ChainId, address portal_, uint256 l2ChainId) internal {
        leaves[1] =
            keccak256(bytes.concat(keccak256(abi.encode(DOMAIN, l1ChainId, portal_, l2ChainId, sent[1]))));
        _finalize();
        VM.expectRevert(IAuraPortal.BadProof.selector);
        _withdraw(1);
    }

    /// @dev Attack 5: who asks, how often and in which order changes nothing of when a root is final.
    function test_finality_isOfTheRoot_notOfWhoAsks() external {
        portal.depositTo{value: 10 ether}(ALICE);
        _send(_ether(0, BOB, 1 ether));
        _send(_ether(1, ALICE, 2 ether));
        _append(_header());
        o = _output("state", LeafTree.root(leaves));
        rootId = _post(o);
        uint256 finalAt = block.timestamp + 7 days;
        for (uint256 day = 1; day < 7; ++day) {
            VM.warp(block.timestamp + 1 days);
            VM.prank(BOB, BOB);
            VM.expectRevert(IAuraRollup.TooSoon.selector);
            rollup.finalize(rootId);
            VM.expectRevert(IAuraRollup.TooSoon.selector);
            _withdraw(day % 2);
            _attest(rootId, o);
        }
        VM.warp(finalAt - 1);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        _withdraw(1);
        VM.warp(finalAt);
        _withdraw(1);
        _withdraw(0);
    }

    /// @dev Attack 6: the index and every other member are part of the leaf.
    function testFuzz_withdraw_anyFlippedBitOfTheLeaf_reverts(uint8 field, uint8 bit) external {
        _threeWithdrawals();
        Withdrawal memory w = sent[1];
        field %= 6;
        if (field == 0) w.index ^= uint64(1) << (bit % 64);
        else if (field == 1) w.sender = address(uint160(w.sender) ^ (uint160(1) << (bit % 160)));
        else if (field == 2) w.recipient = address(uint160(w.recipient) ^ (uint160(1) << (bit % 160)));
        else if (field == 3) w.token = address(uint160(w.token) ^ (uint160(1) << (bit % 160)));
        else if (field == 4) w.amount ^= uint256(1) << bit;
        else w.dataHash ^= bytes32(uint256(1) << bit);
        VM.expectRevert(w.index >= 1 << 32 ? IAuraPortal.IndexRange.selector : IAuraPortal.BadProof.selector);
        portal.withdraw(w, rootId, o, _proof(1));
    }

    /// @dev Attack 7: what stands for a node cannot be shown as a leaf, for the path always has 32 levels.
    function test_tree_nodeShownAsALeaf_isUnderAnotherRoot() external {
        _threeWithdrawals();
        bytes32[32] memory proof = _proof(0);
        bytes32 node = keccak256(abi.encodePacked(leaves[0], leaves[1]));
        bytes32[32] memory shorter;
        for (uint256 i = 0; i < 31; ++i) {
            shorter[i] = proof[i + 1];
        }
        _assertEq(this.rootOf(leaves[0], 0, proof), o.withdrawalRoot, "the leaf");
        for (uint256 i = 0; i < 2; ++i) {
            shorter[31] = i == 0 ? bytes32(0) : proof[31];
            _assertTrue(this.rootOf(node, 0, shorter) != o.withdrawalRoot, "the node");
        }
    }

    /// @dev The library takes calldata.
    function rootOf(bytes32 node, uint256 index, bytes32[32] calldata proof) external pure returns (bytes32) {
        return WithdrawalTree.rootOf(node, index, proof);
    }

    /// @dev Attack 25: a token whose balances shrink cannot pay everybody; no other token has to.
    function test_withdraw_shrunkToken_hurtsOnlyItself() external {
        RebasingToken shrinking = new RebasingToken();
        PlainToken plain = new PlainToken("Gold", "AU", 6);
        shrinking.mint(address(portal), 100);
        plain.mint(address(portal), 100);
        for (uint64 i = 0; i < 3; ++i) {
            Withdrawal memory w = _ether(i, BOB, 60);
            w.token = i < 2 ? address(shrinking) : address(plain);
            _send(w);
        }
        _finalize();
        VM.startPrank(TIMELOCK, TIMELOCK);
        portal.setOutflowFloor(address(shrinking), 1_000);
        portal.setOutflowFloor(address(plain), 1_000);
        VM.stopPrank();
        shrinking.shrink(2);
        VM.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, address(portal), 100, 120)
        );
        _withdraw(0);
        _assertTrue(!portal.isClaimed(0), "not used up");
        _withdraw(2);
        _assertTrue(plain.balanceOf(BOB) == 60, "the other token");
    }

    /// @dev Attack 4.
    function test_withdraw_refusedEther_isTriedAgain() external {
        Recipient recipient = new Recipient();
        portal.depositTo{value: 10 ether}(ALICE);
        _send(_ether(0, address(recipient), 1 ether));
        _finalize();
        VM.expectRevert(IAuraPortal.SendFailed.selector);
        _withdraw(0);
        _assertTrue(!portal.isClaimed(0), "not used up");
        recipient.set(true, "");
        _withdraw(0);
        _assertTrue(address(recipient).balance == 1 ether, "paid");
    }

    /// @dev Attack 4.
    function test_withdraw_lowGas_reverts_and_retries() external {
        Recipient recipient = new Recipient();
        recipient.set(true, "");
        portal.depositTo{value: 10 ether}(ALICE);
        _send(_ether(0, address(recipient), 1 ether));
        _finalize();
        bytes memory call = abi.encodeCall(IAuraPortal.withdraw, (sent[0], rootId, o, _proof(0)));
        for (uint256 gasLimit = 20_000; gasLimit < 140_000; gasLimit += 4_000) {
            (bool ok,) = address(portal).call{gas: gasLimit}(call);
            _assertTrue(ok == (address(recipient).balance == 1 ether), "all or nothing");
            if (ok) return;
        }
        (bool paid,) = address(portal).call(call);
        _assertTrue(paid && address(recipient).balance == 1 ether, "paid in the end");
    }

    /// @dev Attack 3.
    function test_withdraw_reentered_paysOnce() external {
        Recipient recipient = new Recipient();
        portal.depositTo{value: 10 ether}(ALICE);
        _send(_ether(0, address(recipient), 1 ether));
        _send(_ether(1, address(recipient), 1 ether));
        _finalize();
        recipient.set(true, abi.encodeCall(IAuraPortal.withdraw, (sent[1], rootId, o, _proof(1))));
        _withdraw(0);
        _assertTrue(!recipient.reentered() && address(recipient).balance == 1 ether, "once");
    }

    /// @dev Attack 25.
    function test_withdraw_tokens() external {
        PlainToken plain = new PlainToken("Gold", "AU", 6);
        SilentToken silent = new SilentToken();
        plain.mint(address(portal), 100);
        silent.mint(address(portal), 100);
        Withdrawal memory w = _ether(0, BOB, 25);
        w.token = address(plain);
        _send(w);
        w.index = 1;
        w.token = address(silent);
        _send(w);
        _finalize();
        _withdraw(0);
        _withdraw(1);
        _assertTrue(plain.balanceOf(BOB) == 25 && silent.balanceOf(BOB) == 25, "paid");
    }

    function test_outflow_aQuarterOfADay() external {
        PlainToken plain = new PlainToken("Gold", "AU", 6);
        plain.mint(address(portal), 100);
        for (uint64 i = 0; i < 4; ++i) {
            Withdrawal memory w = _ether(i, BOB, i == 0 ? 20 : 6);
            w.token = address(plain);
            _send(w);
        }
        _finalize();
        _withdraw(0);
        uint64 until = uint64(block.timestamp) + 1 days;
        VM.expectRevert(abi.encodeWithSelector(IAuraPortal.OutflowLimited.selector, until));
        _withdraw(1);
        VM.warp(until);
        // A quarter of 80.
        _withdraw(1);
        _withdraw(2);
        _withdraw(3);
        (uint64 start, uint192 left) = portal.outflow(address(plain));
        _assertTrue(start == until && left == 2, "left");
    }

    function test_consumeMessage_onlyItsRecipient_once() external {
        Withdrawal memory w = Withdrawal({
            index: 0, sender: ALICE, recipient: BOB, token: address(0), amount: 0, dataHash: keccak256("hi")
        });
        _send(w);
        _send(_ether(1, BOB, 1 ether));
        portal.depositTo{value: 10 ether}(ALICE);
        _finalize();
        VM.expectRevert(IAuraPortal.NotRecipient.selector);
        portal.consumeMessage(w, rootId, o, _proof(0));
        // Nobody uses a message up through the other entry, nor value through this one.
        VM.expectRevert(IAuraPortal.ZeroAmount.selector);
        _withdraw(0);
        VM.startPrank(BOB, BOB);
        VM.expectRevert(IAuraPortal.BadProof.selector);
        portal.consumeMessage(sent[1], rootId, o, _proof(1));
        VM.expectEmit();
        emit IAuraPortal.MessageConsumed(0, ALICE, BOB, keccak256("hi"));
        portal.consumeMessage(w, rootId, o, _proof(0));
        VM.expectRevert(IAuraPortal.AlreadyClaimed.selector);
        portal.consumeMessage(w, rootId, o, _proof(0));
        VM.stopPrank();
    }

    /// @dev Attack 15.
    function test_pause_stopsPayoutsOnly() external {
        _threeWithdrawals();
        VM.prank(GUARDIAN, GUARDIAN);
        portal.pause();
        uint64 until = uint64(block.timestamp) + 7 days;
        VM.expectRevert(abi.encodeWithSelector(IAuraPortal.Paused.selector, until));
        _withdraw(0);
        portal.depositTo{value: 1}(ALICE);
        portal.forceTransaction(BOB, 0, 21_000, "");
        VM.warp(block.timestamp + 12 hours + 1);
        rollup.forceBatch(portal.messageCount());
        VM.warp(until);
        _withdraw(0);
        VM.prank(GUARDIAN, GUARDIAN);
        VM.expectRevert(abi.encodeWithSelector(IAuraPortal.PauseCooldown.selector, until + 30 days));
        portal.pause();
        VM.warp(until + 30 days);
        VM.prank(GUARDIAN, GUARDIAN);
        portal.pause();
        VM.prank(COUNCIL, COUNCIL);
        portal.unpause();
        _withdraw(1);
    }
}
