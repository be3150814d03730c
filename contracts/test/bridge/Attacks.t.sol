// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAuraPortal} from "../../src/interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../../src/interfaces/IAuraRollup.sol";
import {IAuraTokenBridge} from "../../src/interfaces/IAuraTokenBridge.sol";
import {AuraERC20} from "../../src/l2/AuraERC20.sol";
import {AuraTokenBridge} from "../../src/l2/AuraTokenBridge.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {SparseMerkle} from "../../src/libraries/SparseMerkle.sol";
import {Header, Message, Output, Proof} from "../../src/libraries/Types.sol";
import {FrozenBridge} from "./FrozenBridge.sol";
import {LeafTree} from "./LeafTree.sol";
import {PlainToken} from "./Tokens.sol";

/// @notice Is paid, and then makes a list of calls to who paid.
contract Greedy {
    bytes[] internal _calls;
    uint256 public taken;

    function add(bytes calldata data) external {
        _calls.push(data);
    }

    function forward(address target, bytes calldata data) external payable {
        (bool ok,) = target.call{value: msg.value}(data);
        require(ok, "refused");
    }

    receive() external payable {
        for (uint256 i = 0; i < _calls.length; ++i) {
            (bool ok,) = msg.sender.call(_calls[i]);
            if (ok) ++taken;
        }
    }
}

/// @notice Attacks on the whole bridge: `docs/security.md` has the list.
contract AttacksTest is FrozenBridge {
    /// @dev Attack 3, for what is paid in frozen mode: each of the three ways out, entered from each.
    function test_exitAndReclaim_reentered_payOnce() external {
        Greedy greedy = new Greedy();
        VM.deal(address(greedy), 0);
        _freeze();
        // A deposit that L2 never sees; whoever made it is paid.
        uint64 id = portal.messageCount();
        bytes memory deposit = abi.encodeCall(IAuraPortal.depositTo, (ALICE));
        greedy.forward{value: 2 ether}(address(portal), deposit);
        VM.warp(block.timestamp + 1 days);
        portal.settleEscape(o, 0, keccak256("payload"), h, l1Block, l1Time);

        Message memory m = unconsumed;
        (m.id, m.l1Sender, m.to, m.mint) = (id, address(greedy), ALICE, 2 ether);
        m.from = address(uint160(address(greedy)) + uint160(0x1111000000000000000000000000000000001111));
        bytes32 kind = keccak256("Exit(address user,address token,address payee)");
        bytes32 exit = keccak256(abi.encode(kind, carol, address(0), address(greedy)));
        bytes memory sig = _signTyped(CAROL_KEY, "AuraPortal", address(portal), exit);
        Proof memory proof = _prove(SparseMerkle.accountKey(carol));
        bytes memory again = abi.encodeCall(
            IAuraPortal.exitETH, (o, _account(1, 3 ether), proof, address(greedy), sig, carol)
        );
        greedy.add(again);
        greedy.add(abi.encodeCall(IAuraPortal.reclaim, (id, m)));
        greedy.add(
            abi.encodeCall(
                IAuraPortal.withdraw, (_ether(0, BOB, 2 ether), escapeRoot, o, LeafTree.proof(leaves, 0))
            )
        );

        portal.exitETH(o, _account(1, 3 ether), proof, address(greedy), sig, carol);
        _assertTrue(address(greedy).balance == 3 ether && greedy.taken() == 0, "paid for the exit");
        portal.reclaim(id, m);
        _assertTrue(address(greedy).balance == 5 ether && greedy.taken() == 0, "and for the deposit");
    }

    /// @dev Attack 14: whatever a pause stops, it is not the way in, nor what moves the chain.
    function test_paused_deposit_force_forceBatch_freeze_work() external {
        _lastFinalState();
        VM.prank(GUARDIAN, GUARDIAN);
        portal.pause();
        VM.startPrank(ALICE, ALICE);
        portal.deposit{value: 1}();
        portal.depositERC20(address(token), ALICE, 1);
        portal.forceTransaction(BOB, 0, 21_000, "");
        VM.stopPrank();
        PlainToken other = new PlainToken("Silver", "AG", 6);
        portal.registerToken(address(other));
        _append(_header());
        Output memory bad = _output("bad", 0);
        uint64 id = _post(bad);
        VM.prank(CHALLENGER, CHALLENGER);
        rollup.challenge{value: BOND}(id);
        portal.depositTo{value: 1}(ALICE);
        VM.warp(block.timestamp + 12 hours + 1);
        rollup.forceBatch(portal.messageCount());
        VM.warp(block.timestamp + 14 days + 1);
        // The longest pause that could be: the guardian's second one is not ready yet.
        VM.prank(GUARDIAN, GUARDIAN);
        VM.expectRevert();
        portal.pause();
        rollup.freeze();
    }

    /// @dev Attack 23: a challenger who disputes every root, and a council that does not answer.
    function test_challengerBlocksEveryRoot_everybodyLeaves() external {
        _lastFinalState();
        VM.prank(BOB, BOB);
        portal.depositTo{value: 1 ether}(carol);
        _append(_header());
        uint64 batchTime = uint64(block.timestamp);
        VM.deal(CHALLENGER, 100 ether);
        for (uint256 day = 0; day < 15; ++day) {
            Output memory good = _output("good", 0);
            uint64 id = _post(good);
            _attest(id, good);
            VM.prank(CHALLENGER, CHALLENGER);
            rollup.challenge{value: BOND}(id);
            VM.warp(block.timestamp + 1 days);
        }
        _assertTrue(block.timestamp > batchTime + 14 days, "two weeks without a final root");
        VM.prank(BOB, BOB);
        rollup.freeze();
        VM.warp(block.timestamp + 1 days);
        portal.settleEscape(o, 0, keccak256("payload"), h, l1Block, l1Time);
        uint256 before = ALICE.balance;
        VM.prank(ALICE, ALICE);
        _exitAlice();
        _assertTrue(ALICE.balance == before + 4 ether, "Alice leaves");
    }

    /// @dev Attack 33: what a batch after the escape root consumed is a deposit again, and no balance.
    function test_depositConsumedTooLate_isReclaimedOnce_notExited() external {
        _settle();
        uint256 before = BOB.balance;
        portal.reclaim(unconsumed.id, unconsumed);
        _assertTrue(BOB.balance == before + 1 ether, "reclaimed");
        Proof memory proof = _prove(SparseMerkle.accountKey(carol));
        VM.startPrank(carol, carol);
        VM.expectRevert(IAuraPortal.BadProof.selector);
        portal.exitETH(o, _account(1, 4 ether), proof, carol, "", carol);
        portal.exitETH(o, _account(1, 3 ether), proof, carol, "", carol);
        VM.stopPrank();
        _assertTrue(carol.balance == 3 ether, "what the escape root says, and no more");
    }

    /// @dev Attack 32: a root that qualifies keeps the chain from being frozen, also behind bad ones that the
    ///      proposer cannot get rid of; once it is final the clock starts anew.
    function test_freeze_liveChainBehindBadRoots_reverts() external {
        _append(_header());
        for (uint256 i = 0; i < 15; ++i) {
            _post(_output(bytes32(i), 0));
        }
        Output memory good = _output("good", 0);
        uint64 id = _post(good);
        _attest(id, good);
        VM.warp(block.timestamp + 20 days);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.freeze();
        rollup.finalize(id);
        VM.expectRevert(IAuraRollup.TooSoon.selector);
        rollup.freeze();
    }

    /// @dev Attack 16: what is free on L2 stays within the gas that the queue gives it, at its most expensive:
    ///      the longest names, and a first holder.
    function test_systemCalls_atTheirWorst_stayWithinTheirGas() external {
        VM.etch(Predeploys.TOKEN_BRIDGE, address(new AuraTokenBridge()).code);
        VM.etch(Predeploys.ERC20, address(new AuraERC20()).code);
        bytes32 word = ~bytes32(0);
        string memory long = string(abi.encodePacked(word, word));
        _asSystem(
            portal.REGISTRATION_GAS(), abi.encodeCall(IAuraTokenBridge.register, (ALICE, long, long, 255))
        );
        _asSystem(
            portal.TOKEN_DEPOSIT_GAS(),
            abi.encodeCall(IAuraTokenBridge.finalizeDeposit, (ALICE, BOB, type(uint256).max))
        );
        address l2Token = portal.l2Token(ALICE);
        _assertTrue(AuraERC20(l2Token).balanceOf(BOB) == type(uint256).max, "minted");
    }

    function _asSystem(uint256 gasLimit, bytes memory data) internal {
        uint256 intrinsic = 21_000 + 16 * data.length;
        VM.prank(Predeploys.SYSTEM, Predeploys.SYSTEM);
        (bool ok,) = Predeploys.TOKEN_BRIDGE.call{gas: gasLimit - intrinsic}(data);
        _assertTrue(ok, "within its gas");
    }
}
