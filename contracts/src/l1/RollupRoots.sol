// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";
import {
    EIP712Upgradeable
} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IAuraPortal} from "../interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../interfaces/IAuraRollup.sol";
import {MessageQueue} from "../libraries/MessageQueue.sol";
import {Outputs} from "../libraries/Outputs.sol";
import {Output} from "../libraries/Types.sol";

/// @title Claims of what batches evaluate to: posted, signed, disputed, final
/// @dev   Each root stands alone: what happens to one touches no other, and a final one stays final. Silence
///        makes nothing final: verifiers have to sign.
abstract contract RollupRoots is IAuraRollup, AccessControlUpgradeable, EIP712Upgradeable {
    /// @notice What differs between networks. Times in seconds.
    /// @param  forceDelay     Age from which a queue entry must be, and can be, forced.
    /// @param  window         Age from which a root with `kSlow` signatures is final.
    /// @param  fast           Age from which a root with `kFast` signatures is final.
    /// @param  disputeTimeout From then on an undecided dispute means that the root is wrong.
    /// @param  freezeDelay    Beyond the window, until a chain without final roots can be frozen.
    /// @param  maxBatchAge    Age of the first block of a batch, at most.
    /// @param  anchorDepth    Age of the anchor in L1 blocks, at most; no more than 255 can be looked up.
    /// @param  bond           Wei that a dispute costs if it is rejected.
    struct Timing {
        uint64 forceDelay;
        uint64 window;
        uint64 fast;
        uint64 disputeTimeout;
        uint64 freezeDelay;
        uint64 maxBatchAge;
        uint64 anchorDepth;
        uint8 kSlow;
        uint8 kFast;
        uint256 bond;
    }

    struct Head {
        uint64 batchCount;
        uint64 consumed;
        uint64 lastTime;
        uint64 rootCount;
    }

    /// @custom:storage-location erc7201:aura.rollup
    struct Rollup {
        Head head;
        mapping(uint256 index => bytes32) batches;
        mapping(uint256 rootId => Root) roots;
        uint64 bestFinal;
        uint64 bestFinalBatch;
        uint64 frozenAt;
        // Every root before it is final, invalid, or was disputed when it was passed over.
        uint64 oldestPending;
        mapping(uint256 place => address) verifiers;
        mapping(address verifier => uint64) placeBit;
        mapping(uint256 rootId => address) challenger;
        mapping(address account => uint256) bonds;
        address bondRecipient;
    }

    /// @notice Posts batches.
    bytes32 public constant SEQUENCER = keccak256("SEQUENCER");
    /// @notice Posts roots.
    bytes32 public constant PROPOSER = keccak256("PROPOSER");
    /// @notice Disputes roots.
    bytes32 public constant CHALLENGER = keccak256("CHALLENGER");
    /// @notice Decides disputes, and upgrades at once; the timelock can take the role away.
    bytes32 public constant COUNCIL = keccak256("COUNCIL");

    /// @notice Places for verifiers.
    uint8 public constant VERIFIERS = 64;
    /// @notice Pending roots that {freeze} looks at, oldest first.
    uint64 public constant FREEZE_LOOKS = 16;

    bytes32 private constant ATTESTATION = keccak256("RootAttestation(uint64 rootId,bytes32 output)");
    // keccak256(abi.encode(uint256(keccak256("aura.rollup")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE = 0xb0968053ef879aa288ae02a235d57515146c115295b30923dd3e99e0eef06b00;

    /// @notice Holds the queue and the escrow.
    IAuraPortal public immutable PORTAL;
    /// @notice See {Timing}.
    uint64 public immutable FORCE_DELAY;
    /// @notice See {Timing}.
    uint64 public immutable WINDOW;
    /// @notice See {Timing}.
    uint64 public immutable FAST;
    /// @notice See {Timing}.
    uint64 public immutable DISPUTE_TIMEOUT;
    /// @notice See {Timing}.
    uint64 public immutable FREEZE_DELAY;
    /// @notice See {Timing}.
    uint64 public immutable MAX_BATCH_AGE;
    /// @notice See {Timing}.
    uint64 public immutable ANCHOR_DEPTH;
    /// @notice See {Timing}.
    uint8 public immutable K_SLOW;
    /// @notice See {Timing}.
    uint8 public immutable K_FAST;
    /// @notice See {Timing}.
    uint256 public immutable BOND;

    constructor(IAuraPortal portal, Timing memory timing) {
        PORTAL = portal;
        FORCE_DELAY = timing.forceDelay;
        WINDOW = timing.window;
        FAST = timing.fast;
        DISPUTE_TIMEOUT = timing.disputeTimeout;
        FREEZE_DELAY = timing.freezeDelay;
        MAX_BATCH_AGE = timing.maxBatchAge;
        ANCHOR_DEPTH = timing.anchorDepth;
        K_SLOW = timing.kSlow;
        K_FAST = timing.kFast;
        BOND = timing.bond;
    }

    /// @inheritdoc IAuraRollup
    function updateStateRoot(Output calldata o) external onlyRole(PROPOSER) {
        Rollup storage $ = _rollup();
        // Side by side, a slot is read once.
        (uint64 batchCount, uint64 rootId) = ($.head.batchCount, $.head.rootCount);
        (uint64 frozen, uint64 bestBatch) = ($.frozenAt, $.bestFinalBatch);
        if (frozen != 0) revert Frozen();
        if (o.batchIndex >= batchCount) revert UnknownBatch();
        if (o.batchHash != MessageQueue.trim($.batches[o.batchIndex])) revert UnknownBatch();
        if (o.batchIndex <= bestBatch) revert NotIncreasing();
        bytes32 output = outputHash(o);
        _store($.roots[rootId], output, o.batchIndex);
        $.head.rootCount = rootId + 1;
        emit StateRootUpdated(rootId, o.stateRoot, output, o);
        _pokeOldest(rootId);
    }

    /// @inheritdoc IAuraRollup
    function attest(uint64 rootId, bytes32 output, bytes[] calldata sigs) external {
        Rollup storage $ = _rollup();
        // A root that does not exist has no output.
        Root storage root = $.roots[rootId];
        if (output == 0 || root.output != output) revert WrongOutput();
        if (root.status != Status.Pending && root.status != Status.Disputed) revert WrongStatus();
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(ATTESTATION, rootId, output)));
        uint64 bitmap = root.attested;
        for (uint256 i = 0; i < sigs.length; ++i) {
            (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, sigs[i]);
            uint64 bit = $.placeBit[signer];
            if (failure != ECDSA.RecoverError.NoError || bit == 0) revert NotVerifier();
            bitmap |= bit;
        }
        root.attested = bitmap;
        emit RootAttested(rootId, bitmap);
    }

    /// @inheritdoc IAuraRollup
    function challenge(uint64 rootId) external payable onlyRole(CHALLENGER) {
        if (msg.value != BOND) revert WrongBond(BOND);
        Root storage root = _known(rootId);
        if (root.status != Status.Pending) revert WrongStatus();
        root.status = Status.Disputed;
        root.disputedAt = uint48(block.timestamp);
        _rollup().challenger[rootId] = msg.sender;
        emit RootChallenged(rootId, msg.sender);
    }

    /// @inheritdoc IAuraRollup
    function resolve(uint64 rootId, bool valid) external onlyRole(COUNCIL) {
        Root storage root = _known(rootId);
        if (root.status != Status.Disputed) revert WrongStatus();
        if (!valid) {
            _invalidate(rootId, root);
            return;
        }
        // Its age counts from when it was posted.
        root.status = Status.Pending;
        root.disputedAt = 0;
        _releaseBond(rootId, _rollup().bondRecipient);
        emit DisputeRejected(rootId);
    }

    /// @inheritdoc IAuraRollup
    function expireDispute(uint64 rootId) external {
        Root storage root = _known(rootId);
        if (root.status != Status.Disputed) revert WrongStatus();
        if (root.disputedAt + DISPUTE_TIMEOUT >= block.timestamp) revert TooSoon();
        _invalidate(rootId, root);
    }

    /// @inheritdoc IAuraRollup
    function finalize(uint64 rootId) external {
        _makeFinal(rootId, _known(rootId));
    }

    /// @inheritdoc IAuraRollup
    function requireFinal(uint64 rootId, bytes32 output) external {
        // A root that does not exist has no output.
        Root storage root = _rollup().roots[rootId];
        if (output == 0 || root.output != output) revert WrongOutput();
        _makeFinal(rootId, root);
    }

    /// @inheritdoc IAuraRollup
    function claimBonds() external {
        Rollup storage $ = _rollup();
        uint256 amount = $.bonds[msg.sender];
        if (amount == 0) revert NoBonds();
        $.bonds[msg.sender] = 0;
        emit BondsClaimed(msg.sender, amount);
        (bool ok,) = msg.sender.call{value: amount}("");
        if (!ok) revert SendFailed();
    }

    /// @inheritdoc IAuraRollup
    function setVerifier(uint8 index, address account) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (index >= VERIFIERS) revert VerifierRange();
        Rollup storage $ = _rollup();
        // One account in two places would count twice.
        if (account != address(0) && $.placeBit[account] != 0) revert VerifierRange();
        delete $.placeBit[$.verifiers[index]];
        $.verifiers[index] = account;
        if (account != address(0)) $.placeBit[account] = uint64(1) << index;
        emit VerifierSet(index, account);
    }

    /// @inheritdoc IAuraRollup
    function setBondRecipient(address recipient) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _rollup().bondRecipient = recipient;
        emit BondRecipientSet(recipient);
    }

    /// @inheritdoc IAuraRollup
    function head()
        external
        view
        returns (uint64 batchCount, uint64 consumed, uint64 lastTime, uint64 rootCount)
    {
        Head storage current = _rollup().head;
        return (current.batchCount, current.consumed, current.lastTime, current.rootCount);
    }

    /// @inheritdoc IAuraRollup
    function batches(uint256 index) external view returns (bytes32) {
        return _rollup().batches[index];
    }

    /// @inheritdoc IAuraRollup
    function roots(uint256 rootId) external view returns (Root memory) {
        return _rollup().roots[rootId];
    }

    /// @inheritdoc IAuraRollup
    function bestFinal() external view returns (uint64) {
        return _rollup().bestFinal;
    }

    /// @inheritdoc IAuraRollup
    function bestFinalBatch() external view returns (uint64) {
        return _rollup().bestFinalBatch;
    }

    /// @inheritdoc IAuraRollup
    function frozenAt() external view returns (uint64) {
        return _rollup().frozenAt;
    }

    /// @inheritdoc IAuraRollup
    function verifier(uint8 index) external view returns (address) {
        return _rollup().verifiers[index];
    }

    /// @inheritdoc IAuraRollup
    function bonds(address account) external view returns (uint256) {
        return _rollup().bonds[account];
    }

    /// @inheritdoc IAuraRollup
    function outputHash(Output calldata o) public view returns (bytes32) {
        return Outputs.hash(address(this), o);
    }

    /// @dev A pending root of now. Field by field the compiler would write the second slot five times.
    function _store(Root storage root, bytes32 output, uint64 batchIndex) private {
        root.output = output;
        uint256 second = uint256(batchIndex) | (block.timestamp << 64);
        assembly ("memory-safe") {
            sstore(add(root.slot, 1), second)
        }
    }

    /// @dev The root exists.
    function _makeFinal(uint64 rootId, Root storage root) private {
        if (root.status == Status.Final) return;
        if (root.status != Status.Pending) revert WrongStatus();
        if (!_qualifies(root)) revert TooSoon();
        // What leaves by exits is fixed from then on.
        if (PORTAL.escapeOutput() != 0) revert Frozen();
        _finalize(rootId, root);
    }

    function _finalize(uint64 rootId, Root storage root) private {
        Rollup storage $ = _rollup();
        root.status = Status.Final;
        if (root.batchIndex > $.bestFinalBatch) {
            $.bestFinal = rootId;
            $.bestFinalBatch = root.batchIndex;
        }
        emit RootFinalized(rootId);
    }

    /// @dev Makes the oldest pending root final if it can be, so that in a living chain nobody has to.
    function _pokeOldest(uint64 end) private {
        Rollup storage $ = _rollup();
        uint64 oldest = $.oldestPending;
        if (oldest >= end) return;
        Root storage root = $.roots[oldest];
        if (root.status == Status.Pending) {
            if (!_qualifies(root)) return;
            _finalize(oldest, root);
        }
        $.oldestPending = oldest + 1;
    }

    function _invalidate(uint64 rootId, Root storage root) private {
        root.status = Status.Invalid;
        _releaseBond(rootId, _rollup().challenger[rootId]);
        emit RootInvalidated(rootId);
    }

    /// @dev Taken by its owner later: nobody can block a decision by refusing ether.
    function _releaseBond(uint64 rootId, address to) private {
        _rollup().bonds[to] += BOND;
        emit BondReleased(rootId, to, BOND);
    }

    function _anyQualifies() internal view returns (bool) {
        Rollup storage $ = _rollup();
        uint64 end = $.head.rootCount;
        uint64 id = $.oldestPending;
        for (uint64 looks = 0; looks < FREEZE_LOOKS && id < end; ++looks) {
            Root storage root = $.roots[id];
            if (root.status == Status.Pending && _qualifies(root)) return true;
            ++id;
        }
        return false;
    }

    function _known(uint64 rootId) private view returns (Root storage) {
        Rollup storage $ = _rollup();
        if (rootId >= $.head.rootCount) revert WrongOutput();
        return $.roots[rootId];
    }

    function _qualifies(Root storage root) private view returns (bool) {
        uint256 age = block.timestamp - root.postedAt;
        uint256 signatures = _bits(root.attested);
        return (age >= WINDOW && signatures >= K_SLOW) || (age >= FAST && signatures >= K_FAST);
    }

    function _bits(uint64 bitmap) private pure returns (uint256 count) {
        for (; bitmap != 0; ++count) {
            bitmap &= bitmap - 1;
        }
    }

    function _rollup() internal pure returns (Rollup storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
