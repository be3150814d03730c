// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {IAuraRollup} from "../../src/interfaces/IAuraRollup.sol";
import {MessageQueue} from "../../src/libraries/MessageQueue.sol";
import {Header} from "../../src/libraries/Types.sol";
import {BridgeTest} from "./BridgeTest.sol";

contract BatchesTest is BridgeTest {
    function _expect(bytes4 reason, Header memory h) internal {
        VM.expectRevert(reason);
        _append(h);
    }

    function _queue(uint256 entries) internal {
        for (uint256 i = 0; i < entries; ++i) {
            portal.depositTo{value: 1}(ALICE);
        }
    }

    function test_appendBatch_storesHashAndTime() external {
        _queue(2);
        Header memory h = _header();
        VM.roll(block.number + 1);
        VM.expectEmit();
        bytes32 full = keccak256(
            abi.encode(uint64(1), uint8(0), keccak256("payload"), h, block.number, block.timestamp)
        );
        bytes32 stored = (full & ~bytes32(uint256(type(uint32).max))) | bytes32(block.timestamp);
        emit IAuraRollup.BatchAppended(1, stored, 0, keccak256("payload"), h);
        _append(h);
        _assertEq(rollup.batches(1), stored, "stored");
        (uint64 count, uint64 consumed, uint64 lastTime, uint64 rootCount) = rollup.head();
        _assertTrue(count == 2 && consumed == 2, "batches and entries");
        _assertTrue(lastTime == block.timestamp && rootCount == 1, "time and roots");
        _append(_header());
    }

    function test_appendBatch_wrongParent_reverts() external {
        Header memory h = _header();
        h.parent = keccak256("another chain");
        _expect(IAuraRollup.WrongParent.selector, h);
        h = _header();
        _append(h);
        // Two posters: the second one loses.
        _expect(IAuraRollup.WrongParent.selector, h);
    }

    /// @dev Attack 19.
    function test_appendBatch_times() external {
        Header memory h = _header();
        h.lastTime = uint64(block.timestamp) + 1;
        _expect(IAuraRollup.BadTime.selector, h);
        h = _header();
        h.firstTime = h.lastTime + 1;
        _expect(IAuraRollup.BadTime.selector, h);
        h = _header();
        h.firstTime = uint64(block.timestamp) - 24 hours - 1;
        _expect(IAuraRollup.BadTime.selector, h);
        h.firstTime += 1;
        _append(h);
        h = _header();
        h.firstTime = uint64(block.timestamp) - 1;
        // Before the last block of the batch before.
        _expect(IAuraRollup.BadTime.selector, h);
    }

    /// @dev Attacks 10 and 19.
    function test_appendBatch_anchor() external {
        Header memory h = _header();
        h.anchorNumber = uint64(block.number);
        _expect(IAuraRollup.BadAnchor.selector, h);
        h = _header();
        h.anchorNumber = uint64(block.number) - 256;
        h.anchorHash = 0;
        _expect(IAuraRollup.BadAnchor.selector, h);
        h = _header();
        // A block that a reorganisation has replaced.
        h.anchorHash = keccak256("gone");
        _expect(IAuraRollup.BadAnchor.selector, h);
        h = _header();
        h.anchorNumber = uint64(block.number) - 255;
        h.anchorHash = blockhash(block.number - 255);
        _append(h);
    }

    /// @dev Attack 10.
    function test_appendBatch_queue() external {
        _queue(3);
        Header memory h = _header();
        h.consumed = 4;
        _expect(IAuraRollup.BadQueue.selector, h);
        h = _header();
        h.queueAcc = keccak256("other deposits");
        _expect(IAuraRollup.BadQueue.selector, h);
        _append(_header(2));
        _expect(IAuraRollup.BadQueue.selector, _header(1));
        _append(_header(2));
        _append(_header(3));
    }

    /// @dev Attacks 12 and 13.
    function test_append_overdue_reverts() external {
        _queue(2);
        VM.warp(block.timestamp + 12 hours);
        // Exactly as old as it may be.
        _append(_header(0));
        VM.warp(block.timestamp + 1);
        for (uint64 consumed = 0; consumed < 2; ++consumed) {
            Header memory h = _header(consumed);
            VM.expectRevert(abi.encodeWithSelector(IAuraRollup.ForcedEntryOverdue.selector, consumed));
            _append(h);
        }
        _append(_header(2));
    }

    /// @dev Attack 13.
    function test_appendBatchBlobs_overdue_reverts() external {
        _queue(1);
        VM.warp(block.timestamp + 12 hours + 1);
        Header memory h = _header(0);
        bytes32[] memory blobs = new bytes32[](1);
        blobs[0] = keccak256("blob");
        VM.blobhashes(blobs);
        VM.prank(SEQUENCER, SEQUENCER);
        VM.expectRevert(abi.encodeWithSelector(IAuraRollup.ForcedEntryOverdue.selector, uint64(0)));
        rollup.appendBatchBlobs(h);
    }

    function test_appendBatchBlobs_commitsToAllBlobs() external {
        Header memory h = _header();
        VM.prank(SEQUENCER, SEQUENCER);
        VM.expectRevert(IAuraRollup.NoBlobs.selector);
        rollup.appendBatchBlobs(h);
        bytes32[] memory blobs = new bytes32[](3);
        (blobs[0], blobs[1], blobs[2]) = (keccak256("1"), keccak256("2"), keccak256("3"));
        VM.blobhashes(blobs);
        VM.prank(SEQUENCER, SEQUENCER);
        rollup.appendBatchBlobs(h);
        bytes32 daHash = keccak256(abi.encodePacked(blobs));
        _assertEq(
            rollup.batches(1), rollup.batchHash(1, 1, daHash, h, block.number, block.timestamp), "blobs"
        );
    }

    /// @dev Attack 31.
    function test_appendBatch_throughAContractOrWithCode_reverts() external {
        Header memory h = _header();
        VM.prank(SEQUENCER, ALICE);
        VM.expectRevert(IAuraRollup.NotCodelessEOA.selector);
        rollup.appendBatch(h, "payload");
        VM.etch(SEQUENCER, abi.encodePacked(hex"ef0100", address(this)));
        VM.prank(SEQUENCER, SEQUENCER);
        VM.expectRevert(IAuraRollup.NotCodelessEOA.selector);
        rollup.appendBatch(h, "payload");
    }

    function test_appendBatch_stranger_reverts() external {
        Header memory h = _header();
        bytes memory reason = abi.encodeWithSelector(
            IAccessControl.AccessControlUnauthorizedAccount.selector, ALICE, rollup.SEQUENCER()
        );
        VM.prank(ALICE, ALICE);
        VM.expectRevert(reason);
        rollup.appendBatch(h, "payload");
        VM.prank(ALICE, ALICE);
        VM.expectRevert(reason);
        rollup.appendBatchBlobs(h);
    }

    /// @dev Attack 12.
    function test_force_any_caller() external {
        _queue(3);
        VM.warp(block.timestamp + 12 hours);
        VM.expectRevert(IAuraRollup.NothingOverdue.selector);
        rollup.forceBatch(3);
        VM.warp(block.timestamp + 1);
        VM.expectRevert(IAuraRollup.NothingOverdue.selector);
        rollup.forceBatch(4);
        VM.expectRevert(IAuraRollup.NothingOverdue.selector);
        rollup.forceBatch(0);
        // Some of them: others may have become overdue meanwhile.
        VM.prank(BOB, BOB);
        rollup.forceBatch(2);
        (, uint64 consumed,,) = rollup.head();
        _assertTrue(consumed == 2, "consumed");
        VM.expectRevert(IAuraRollup.NothingOverdue.selector);
        rollup.forceBatch(2);
        rollup.forceBatch(3);
        // The sequencer goes on after it.
        _append(_header());
    }

    function test_forceBatch_isAnEmptyBatchOfNow() external {
        _queue(1);
        VM.warp(block.timestamp + 12 hours + 1);
        (, bytes32 acc,) = portal.queueView(1);
        Header memory h = Header({
            parent: MessageQueue.trim(rollup.batches(0)),
            firstTime: uint64(block.timestamp),
            lastTime: uint64(block.timestamp),
            consumed: 1,
            queueAcc: acc,
            anchorNumber: uint64(block.number - 1),
            anchorHash: blockhash(block.number - 1)
        });
        rollup.forceBatch(1);
        _assertEq(rollup.batches(1), rollup.batchHash(1, 2, 0, h, block.number, block.timestamp), "forced");
    }

    function testFuzz_appendBatch_anyChangedHeader_isRefusedOrAnotherBatch(uint256 seed) external {
        _queue(2);
        Header memory h = _header(1);
        bytes32 salt = keccak256(abi.encode(seed));
        uint256 field = seed % 5;
        if (field == 0) h.parent ^= salt;
        else if (field == 1) h.queueAcc ^= salt;
        else if (field == 2) h.anchorHash ^= salt;
        else if (field == 3) h.anchorNumber -= uint64(1 + (seed >> 8) % 250);
        else h.consumed = uint64(2 + (seed >> 8) % 1000);
        VM.prank(SEQUENCER, SEQUENCER);
        VM.expectRevert();
        rollup.appendBatch(h, "payload");
    }
}
