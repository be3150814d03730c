// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SparseMerkle} from "../../src/libraries/SparseMerkle.sol";
import {Account, Header, Message, Output, Proof, Withdrawal} from "../../src/libraries/Types.sol";
import {Leaf, NaiveTree, Proof as Path} from "../utils/NaiveTree.sol";
import {BridgeTest} from "./BridgeTest.sol";
import {LeafTree} from "./LeafTree.sol";

/// @notice Deposits, batches, roots, withdrawals and at last the exits, in any order, beside a model of what
///         is owed. The runner calls the functions whose names begin with `act`.
contract BridgeActions is BridgeTest {
    struct Claim {
        Withdrawal withdrawal;
        bool paid;
    }

    /// @notice Wei that came in and went out, and that L2 holds for somebody.
    uint256 public deposited;
    uint256 public paid;
    uint256 public onL2;
    /// @notice Queue entries that the model has seen, their wei, and how many L2 has consumed.
    Message[] internal entries;
    uint64 internal consumed;
    bool[] internal reclaimed;
    Claim[] internal claims;
    bytes32[] internal leaves;

    /// @notice The newest root that is final, with the number of leaves under it.
    uint64 internal finalRoot;
    Output internal finalOutput;
    uint256 internal finalLeaves;
    uint256 internal finalBalance;
    Header internal finalHeader;
    uint256 internal finalBlock;
    uint256 internal finalTime;
    bool internal isSettled;

    function entryCount() external view returns (uint256) {
        return entries.length;
    }

    function unclaimed() external view returns (uint256 sum) {
        for (uint256 i = 0; i < claims.length; ++i) {
            if (!claims[i].paid) sum += claims[i].withdrawal.amount;
        }
    }

    function unconsumed() external view returns (uint256 sum) {
        for (uint64 id = consumed; id < entries.length; ++id) {
            if (!reclaimed[id]) sum += entries[id].mint;
        }
    }

    function portalBalance() external view returns (uint256) {
        return address(portal).balance;
    }

    function queued() external view returns (uint64) {
        return portal.messageCount();
    }

    function actDeposit(uint256 amount) external {
        amount = 1 + amount % 100 ether;
        _push(0, ALICE, amount, 0);
        VM.deal(BOB, amount);
        VM.prank(BOB, BOB);
        portal.depositTo{value: amount}(ALICE);
    }

    function actForce(uint256 amount, uint64 gasLimit) external {
        amount = amount % 10 ether;
        gasLimit = 21_000 + gasLimit % 1_000_000;
        _push(2, ALICE, amount, gasLimit);
        VM.deal(BOB, amount);
        VM.prank(BOB, BOB);
        portal.forceTransaction{value: amount}(ALICE, 0, gasLimit, "");
    }

    function _push(uint8 kind, address to, uint256 mint, uint64 gasLimit) internal {
        entries.push(
            Message({
                id: uint64(entries.length),
                kind: kind,
                l1Sender: BOB,
                from: BOB,
                to: to,
                mint: mint,
                value: 0,
                gasLimit: gasLimit,
                data: ""
            })
        );
        reclaimed.push(false);
        deposited += mint;
    }

    /// @dev Some time passes.
    function actWait(uint256 time) external {
        VM.warp(block.timestamp + time % 10 hours);
        VM.roll(block.number + 1 + time % 20);
    }

    /// @dev A batch and its root, which is signed and becomes final; L2 lets some of its ether go.
    function actBatch(uint64 upTo, uint256 leaving) external {
        if (rollup.frozenAt() != 0) return;
        uint64 count = uint64(entries.length);
        upTo = consumed + (count == consumed ? 0 : upTo % (count - consumed + 1));
        Header memory h = _header(upTo);
        (uint256 l1Block, uint256 time) = (block.number, block.timestamp);
        VM.prank(SEQUENCER, SEQUENCER);
        try rollup.appendBatch(h, "payload") {}
        catch {
            // Something is overdue: anybody forces it.
            rollup.forceBatch(_overdue());
            _consume(_overdue());
            return;
        }
        _consume(upTo);
        leaving = onL2 == 0 ? 0 : leaving % (onL2 + 1);
        if (leaving != 0) {
            Withdrawal memory w = _ether(uint64(leaves.length), BOB, leaving);
            claims.push(Claim({withdrawal: w, paid: false}));
            leaves.push(_leaf(w));
            onL2 -= leaving;
        }
        Output memory o = _output(NaiveTree.root(_state(onL2)), LeafTree.root(leaves));
        uint64 id = _post(o);
        _attest(id, o);
        VM.warp(block.timestamp + 7 days);
        rollup.finalize(id);
        (finalRoot, finalOutput, finalLeaves) = (id, o, leaves.length);
        finalBalance = onL2;
        (finalHeader, finalBlock, finalTime) = (h, l1Block, time);
    }

    function _consume(uint64 upTo) internal {
        for (; consumed < upTo; ++consumed) {
            onL2 += entries[consumed].mint;
        }
    }

    function _overdue() internal view returns (uint64 upTo) {
        upTo = uint64(entries.length);
        while (upTo > consumed) {
            (,, uint64 time) = portal.queueView(upTo - 1);
            if (time + rollup.FORCE_DELAY() < block.timestamp) break;
            --upTo;
        }
    }

    /// @dev Any leaf under the newest final root, also a second time.
    function actWithdraw(uint256 which) external {
        if (finalLeaves == 0) return;
        which = which % finalLeaves;
        bytes32[] memory under = new bytes32[](finalLeaves);
        for (uint256 i = 0; i < finalLeaves; ++i) {
            under[i] = leaves[i];
        }
        Claim storage claim = claims[which];
        try portal.withdraw(claim.withdrawal, finalRoot, finalOutput, LeafTree.proof(under, which)) {
            _assertFalse(claim.paid, "paid twice");
            claim.paid = true;
            paid += claim.withdrawal.amount;
        } catch {
            _assertTrue(claim.paid, "a proven withdrawal is paid");
        }
    }

    /// @dev The operator is gone; what L2 never saw goes back.
    function actFreeze(uint256 seed) external {
        if (seed % 16 != 0 || isSettled || finalLeaves == 0) return;
        VM.warp(block.timestamp + 15 days);
        try rollup.freeze() {}
        catch {
            return;
        }
        VM.warp(block.timestamp + 1 days);
        portal.settleEscape(finalOutput, 0, keccak256("payload"), finalHeader, finalBlock, finalTime);
        isSettled = true;
        // Batches after the escape root are void: what they consumed is owed to the senders again.
        for (; consumed > finalHeader.consumed; --consumed) {
            onL2 -= entries[consumed - 1].mint;
        }
    }

    /// @dev Whatever is on L2 is Alice's.
    function _state(uint256 balance) internal pure returns (Leaf[] memory state) {
        state = new Leaf[](2);
        bytes32 value = SparseMerkle.accountValue(7, balance, keccak256(""));
        state[0] = Leaf({key: SparseMerkle.accountKey(ALICE), value: value});
        state[1] = Leaf({key: keccak256("somebody"), value: keccak256("else")});
    }

    /// @dev Alice leaves, also a second time.
    function actExit() external {
        if (!isSettled) return;
        Account memory account = Account({nonce: 7, balance: finalBalance, codeHash: keccak256("")});
        Path memory path = NaiveTree.prove(_state(finalBalance), SparseMerkle.accountKey(ALICE));
        Proof memory proof = Proof({depths: path.depths, siblings: path.siblings});
        bool owed = onL2 != 0;
        VM.prank(ALICE, ALICE);
        try portal.exitETH(finalOutput, account, proof, BOB, "", ALICE) {
            _assertTrue(owed && onL2 == finalBalance, "left twice");
            paid += onL2;
            onL2 = 0;
        } catch {
            _assertFalse(owed, "who is owed leaves");
        }
    }

    function actReclaim(uint256 which) external {
        if (!isSettled || entries.length == 0) return;
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 id = uint64(which % entries.length);
        try portal.reclaim(id, entries[id]) {
            _assertTrue(id >= consumed && !reclaimed[id], "reclaimed twice, or what L2 had");
            reclaimed[id] = true;
            paid += entries[id].mint;
        } catch {
            bool owed = id >= consumed && !reclaimed[id] && entries[id].mint != 0;
            _assertFalse(owed, "what is owed is paid");
        }
    }
}

contract InvariantsTest is BridgeTest {
    BridgeActions internal actions;

    function setUp() public override {
        actions = new BridgeActions();
        actions.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actions);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = BridgeActions.actDeposit.selector;
        selectors[1] = BridgeActions.actForce.selector;
        selectors[2] = BridgeActions.actWait.selector;
        selectors[3] = BridgeActions.actBatch.selector;
        selectors[4] = BridgeActions.actWithdraw.selector;
        selectors[5] = BridgeActions.actFreeze.selector;
        selectors[6] = BridgeActions.actReclaim.selector;
        selectors[7] = BridgeActions.actExit.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(actions), selectors: selectors});
    }

    /// @dev Attacks 1 and 33: what L1 holds is what came in and did not go out, and it is owed to the last wei.
    function invariant_escrowIsWhatIsOwed() external view {
        _assertTrue(actions.portalBalance() == actions.deposited() - actions.paid(), "in and out");
        uint256 owed = actions.onL2() + actions.unclaimed() + actions.unconsumed();
        _assertTrue(actions.portalBalance() == owed, "owed");
    }

    /// @dev Attack 11.
    function invariant_idsHaveNoGaps() external view {
        _assertTrue(actions.queued() == actions.entryCount(), "ids");
    }

    /// @dev Attack 33: one order of the actions that takes each way out and leaves nothing.
    function test_allWaysOut_leaveNothing() external {
        actions.actDeposit(10 ether);
        actions.actBatch(1, 3 ether);
        actions.actDeposit(1 ether);
        actions.actWait(9 hours);
        actions.actWait(9 hours);
        // Overdue: it is forced, and its root never comes.
        actions.actBatch(0, 0);
        actions.actFreeze(0);
        _assertTrue(actions.onL2() == 7 ether + 1 && actions.unclaimed() == 3 ether, "exits and withdrawals");
        _assertTrue(actions.unconsumed() == 1 ether + 1, "reclaims");
        actions.actExit();
        actions.actExit();
        actions.actReclaim(1);
        actions.actReclaim(0);
        actions.actWithdraw(0);
        actions.actWithdraw(0);
        _assertTrue(actions.portalBalance() == 0 && actions.paid() == actions.deposited(), "nothing is left");
    }
}
