// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

import {IAuraPortal} from "../interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../interfaces/IAuraRollup.sol";
import {MessageQueue} from "../libraries/MessageQueue.sol";
import {Header, Output} from "../libraries/Types.sol";
import {RollupRoots} from "./RollupRoots.sol";

/// @title The order of Aura's batches
/// @dev   Every check of a batch costs the same however many queue entries it consumes.
contract AuraRollup is RollupRoots, UUPSUpgradeable {
    uint8 private constant CALLDATA = 0;
    uint8 private constant BLOBS = 1;
    uint8 private constant FORCED = 2;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(IAuraPortal portal, Timing memory timing) RollupRoots(portal, timing) {
        _disableInitializers();
    }

    /// @notice Sets up the proxy: batch 0 and root 0 are the genesis, and final.
    /// @param  admin   Holds the admin role: the timelock.
    /// @param  genesis What L2 starts from; `batchIndex` and `batchHash` are zero.
    function initialize(address admin, address council, Output calldata genesis) external initializer {
        __AccessControl_init();
        __EIP712_init("AuraRollup", "1");
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(COUNCIL, council);
        if (genesis.batchIndex != 0 || genesis.batchHash != 0) revert UnknownBatch();
        Rollup storage $ = _rollup();
        bytes32 output = outputHash(genesis);
        $.batches[0] = MessageQueue.pack(output, block.timestamp);
        $.head = Head({batchCount: 1, consumed: 0, lastTime: 0, rootCount: 1});
        $.oldestPending = 1;
        Root storage root = $.roots[0];
        root.output = output;
        root.postedAt = uint64(block.timestamp);
        root.status = Status.Final;
        emit StateRootUpdated(0, genesis.stateRoot, output, genesis);
        emit RootFinalized(0);
    }

    /// @inheritdoc IAuraRollup
    function appendBatch(Header calldata h, bytes calldata data) external onlyRole(SEQUENCER) {
        _requireCodelessOrigin();
        _append(h, CALLDATA, keccak256(data));
    }

    /// @inheritdoc IAuraRollup
    function appendBatchBlobs(Header calldata h) external onlyRole(SEQUENCER) {
        _requireCodelessOrigin();
        _append(h, BLOBS, _blobsHash());
    }

    /// @inheritdoc IAuraRollup
    /// @dev Nothing of it is the caller's choice but how far it goes, so there is nothing to check. Entries
    ///      that have become overdue since the caller looked are for the next batch.
    function forceBatch(uint64 upTo) external {
        Rollup storage $ = _rollup();
        if ($.frozenAt != 0) revert Frozen();
        Head memory current = $.head;
        if (upTo <= current.consumed) revert NothingOverdue();
        bytes32 last = PORTAL.queueSlot(upTo - 1);
        bool isOverdue = MessageQueue.timeOf(last) + FORCE_DELAY < block.timestamp;
        if (last == 0 || !isOverdue) revert NothingOverdue();
        Header memory h = Header({
            parent: MessageQueue.trim($.batches[current.batchCount - 1]),
            firstTime: uint64(block.timestamp),
            lastTime: uint64(block.timestamp),
            consumed: upTo,
            queueAcc: MessageQueue.trim(last),
            anchorNumber: uint64(block.number - 1),
            anchorHash: blockhash(block.number - 1)
        });
        _push(h, current, FORCED, 0);
    }

    /// @inheritdoc IAuraRollup
    function freeze() external {
        Rollup storage $ = _rollup();
        if ($.frozenAt != 0) revert Frozen();
        uint64 next = $.bestFinalBatch + 1;
        if (next >= $.head.batchCount) revert TooSoon();
        uint64 appendedAt = MessageQueue.timeOf($.batches[next]);
        if (appendedAt + WINDOW + FREEZE_DELAY >= block.timestamp) revert TooSoon();
        // A chain that lives has a root that only waits to be made final.
        if (_anyQualifies()) revert TooSoon();
        $.frozenAt = uint64(block.timestamp);
        emit FrozenForever($.frozenAt);
    }

    /// @inheritdoc IAuraRollup
    function batchHash(
        uint64 index,
        uint8 daKind,
        bytes32 daHash,
        Header calldata h,
        uint256 l1Block,
        uint256 l1Time
    ) external pure returns (bytes32) {
        return _batchHash(index, daKind, daHash, h, l1Block, l1Time);
    }

    /// @dev What the sequencer posts, in whatever way. The order of the checks is part of the interface.
    function _append(Header calldata h, uint8 daKind, bytes32 daHash) internal {
        Rollup storage $ = _rollup();
        if ($.frozenAt != 0) revert Frozen();
        Head memory current = $.head;
        if (h.parent != MessageQueue.trim($.batches[current.batchCount - 1])) revert WrongParent();
        _checkTimes(h, current.lastTime);
        _checkAnchor(h);
        _checkQueue(h, current.consumed);
        _push(h, current, daKind, daHash);
    }

    function _push(Header memory h, Head memory current, uint8 daKind, bytes32 daHash) internal {
        Rollup storage $ = _rollup();
        uint64 index = current.batchCount;
        bytes32 stored = _batchHash(index, daKind, daHash, h, block.number, block.timestamp);
        $.batches[index] = stored;
        current.batchCount = index + 1;
        current.consumed = h.consumed;
        current.lastTime = h.lastTime;
        $.head = current;
        emit BatchAppended(index, stored, daKind, daHash, h);
    }

    function _checkTimes(Header calldata h, uint64 last) internal view {
        bool inOrder = last <= h.firstTime && h.firstTime <= h.lastTime && h.lastTime <= block.timestamp;
        if (!inOrder || h.firstTime + MAX_BATCH_AGE < block.timestamp) revert BadTime();
    }

    function _checkAnchor(Header calldata h) internal view {
        if (h.anchorNumber >= block.number || block.number - h.anchorNumber > ANCHOR_DEPTH) {
            revert BadAnchor();
        }
        // After a reorganisation the batch does not fit its new L1: that is what the anchor is for.
        if (blockhash(h.anchorNumber) != h.anchorHash) revert BadAnchor();
    }

    function _checkQueue(Header calldata h, uint64 consumed) internal view {
        if (h.consumed < consumed) revert BadQueue();
        (uint64 count, bytes32 acc, uint64 nextTime) = PORTAL.queueView(h.consumed);
        if (h.consumed > count || h.queueAcc != acc) revert BadQueue();
        if (h.consumed < count && nextTime + FORCE_DELAY < block.timestamp) {
            revert ForcedEntryOverdue(h.consumed);
        }
    }

    /// @dev With code the poster could hide the data from those who look at transactions only.
    function _requireCodelessOrigin() internal view {
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert NotCodelessEOA();
    }

    function _blobsHash() internal view returns (bytes32) {
        bytes memory hashes;
        for (uint256 i = 0;; ++i) {
            bytes32 blob = blobhash(i);
            if (blob == 0) break;
            hashes = bytes.concat(hashes, blob);
        }
        if (hashes.length == 0) revert NoBlobs();
        return keccak256(hashes);
    }

    function _authorizeUpgrade(address) internal view override {
        if (!hasRole(COUNCIL, msg.sender)) _checkRole(DEFAULT_ADMIN_ROLE);
    }

    function _batchHash(
        uint64 index,
        uint8 daKind,
        bytes32 daHash,
        Header memory h,
        uint256 l1Block,
        uint256 l1Time
    ) internal pure returns (bytes32) {
        return MessageQueue.pack(keccak256(abi.encode(index, daKind, daHash, h, l1Block, l1Time)), l1Time);
    }
}
