// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import {IAuraPortal} from "../interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../interfaces/IAuraRollup.sol";
import {MessageQueue} from "../libraries/MessageQueue.sol";
import {Outputs} from "../libraries/Outputs.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {Output, Withdrawal} from "../libraries/Types.sol";
import {WithdrawalTree} from "../libraries/WithdrawalTree.sol";

/// @title Storage of the portal, its limits, and how it pays
abstract contract PortalBase is IAuraPortal, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice What differs between networks. Times in seconds.
    /// @param  forcedGasMax  Gas limit of a forced transaction, at most.
    /// @param  forcedDataMax Bytes of its data, at most.
    /// @param  pauseMax      Length of a pause.
    /// @param  pauseCooldown From the end of a pause to the next.
    /// @param  settleDelay   From the freeze until the escape output can be fixed.
    struct Limits {
        uint64 forcedGasMax;
        uint64 forcedDataMax;
        uint64 pauseMax;
        uint64 pauseCooldown;
        uint64 settleDelay;
    }

    /// @dev What a deposit has to know of a token. A cap of the whole type is none.
    struct Token {
        bool isRegistered;
        uint248 cap;
    }

    /// @dev A day of a token's payouts.
    struct Outflow {
        uint64 start;
        uint192 left;
    }

    /// @custom:storage-location erc7201:aura.portal
    struct Portal {
        // See {MessageQueue}.
        bytes32 tip;
        mapping(uint256 id => bytes32) queue;
        // What a deposit of ether reads besides.
        uint112 etherCap;
        uint40 pausedUntil;
        uint40 pauseReadyAt;
        mapping(uint256 word => uint256) claimed;
        mapping(address token => Token) tokens;
        uint256 defaultMaxEscrow;
        mapping(address token => Outflow) outflow;
        mapping(address token => uint256) outflowFloor;
        bytes32 escapeOutput;
        uint64 escapeConsumed;
        mapping(address user => mapping(address token => bool)) exited;
        BitMaps.BitMap reclaimed;
    }

    /// @notice Part of a token that may leave in a day.
    uint256 public constant OUTFLOW_DIVISOR = 4;
    /// @notice Length of that day.
    uint64 public constant OUTFLOW_PERIOD = 1 days;

    // keccak256(abi.encode(uint256(keccak256("aura.portal")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant STORAGE = 0xb57a43a17b68e0bf6686936b17defed0b65b572336f71c0ee7184a5cdc38d400;

    /// @notice Says which roots are final.
    IAuraRollup public immutable ROLLUP;
    /// @notice Chain id of L2.
    uint256 public immutable L2_CHAIN_ID;
    /// @notice Gas limit of a forced transaction, at most.
    uint64 public immutable FORCED_GAS_MAX;
    /// @notice Bytes of a forced transaction's data, at most.
    uint64 public immutable FORCED_DATA_MAX;
    /// @notice Length of a pause, seconds.
    uint64 public immutable PAUSE_MAX;
    /// @notice From the end of a pause to the next, seconds.
    uint64 public immutable PAUSE_COOLDOWN;
    /// @notice From the freeze until the escape output can be fixed, seconds.
    uint64 public immutable SETTLE_DELAY;

    constructor(IAuraRollup rollup, uint256 l2ChainId, Limits memory limits) {
        ROLLUP = rollup;
        L2_CHAIN_ID = l2ChainId;
        FORCED_GAS_MAX = limits.forcedGasMax;
        FORCED_DATA_MAX = limits.forcedDataMax;
        PAUSE_MAX = limits.pauseMax;
        PAUSE_COOLDOWN = limits.pauseCooldown;
        SETTLE_DELAY = limits.settleDelay;
    }

    /// @inheritdoc IAuraPortal
    function messageCount() external view returns (uint64) {
        return MessageQueue.countOf(_portal().tip);
    }

    /// @inheritdoc IAuraPortal
    function pausedUntil() external view returns (uint64) {
        return _portal().pausedUntil;
    }

    /// @inheritdoc IAuraPortal
    function pauseReadyAt() external view returns (uint64) {
        return _portal().pauseReadyAt;
    }

    /// @inheritdoc IAuraPortal
    function maxEscrow(address token) external view returns (uint256) {
        return _cap(token);
    }

    /// @inheritdoc IAuraPortal
    function defaultMaxEscrow() external view returns (uint256) {
        return _portal().defaultMaxEscrow;
    }

    /// @inheritdoc IAuraPortal
    function outflow(address token) external view returns (uint64 start, uint192 left) {
        Outflow storage day = _portal().outflow[token];
        return (day.start, day.left);
    }

    /// @inheritdoc IAuraPortal
    function outflowFloor(address token) external view returns (uint256) {
        return _portal().outflowFloor[token];
    }

    /// @inheritdoc IAuraPortal
    function registered(address token) external view returns (bool) {
        return _portal().tokens[token].isRegistered;
    }

    /// @inheritdoc IAuraPortal
    function escapeOutput() external view returns (bytes32) {
        return _portal().escapeOutput;
    }

    /// @inheritdoc IAuraPortal
    function escapeConsumed() external view returns (uint64) {
        return _portal().escapeConsumed;
    }

    /// @inheritdoc IAuraPortal
    function exited(address user, address token) external view returns (bool) {
        return _portal().exited[user][token];
    }

    /// @inheritdoc IAuraPortal
    function isClaimed(uint64 index) external view returns (bool) {
        return (_portal().claimed[index >> 8] >> (index & 0xff)) & 1 == 1;
    }

    /// @inheritdoc IAuraPortal
    function withdrawalLeaf(Withdrawal calldata w) public view returns (bytes32) {
        return WithdrawalTree.leafOf(block.chainid, address(this), L2_CHAIN_ID, w);
    }

    /// @inheritdoc IAuraPortal
    /// @dev A function of the L1 token alone: no other token of L2 can claim its escrow.
    function l2Token(address token) public pure returns (address) {
        return Clones.predictDeterministicAddress(
            Predeploys.ERC20, keccak256(abi.encode(token)), Predeploys.TOKEN_BRIDGE
        );
    }

    /// @dev Pays out of the escrow, within the day's limit. Called last, after all marks.
    function _pay(address token, address to, uint256 amount) internal {
        _spendOutflow(token, amount);
        if (token == address(0)) {
            (bool ok,) = to.call{value: amount}("");
            if (!ok) revert SendFailed();
        } else {
            IERC20(token).safeTransfer(to, amount);
        }
    }

    /// @dev A quarter of what was there at the start of a day, or the token's floor if that is more.
    function _spendOutflow(address token, uint256 amount) private {
        Portal storage $ = _portal();
        Outflow storage day = $.outflow[token];
        uint256 left = day.left;
        if (block.timestamp >= day.start + OUTFLOW_PERIOD) {
            uint256 held =
                token == address(0) ? address(this).balance : IERC20(token).balanceOf(address(this));
            uint256 floor = $.outflowFloor[token];
            left = held / OUTFLOW_DIVISOR;
            if (left < floor) left = floor;
            if (left > type(uint192).max) left = type(uint192).max;
            day.start = uint64(block.timestamp);
        }
        if (amount > left) revert OutflowLimited(day.start + OUTFLOW_PERIOD);
        // `left` is no more than the type holds.
        // forge-lint: disable-next-line(unsafe-typecast)
        day.left = uint192(left - amount);
    }

    function _requireUnder(uint256 cap, uint256 held) internal pure {
        if (held > cap) revert OverCap(cap);
    }

    /// @dev Ether's is where its deposits read and write anyway; the type holds more ether than exists.
    function _cap(address token) internal view returns (uint256) {
        Portal storage $ = _portal();
        return token == address(0) ? $.etherCap : $.tokens[token].cap;
    }

    /// @dev A cap that its type does not hold is none.
    function _setCap(address token, uint256 cap) internal {
        Portal storage $ = _portal();
        // forge-lint: disable-start(unsafe-typecast)
        if (token == address(0)) {
            $.etherCap = cap < type(uint112).max ? uint112(cap) : type(uint112).max;
        } else {
            $.tokens[token].cap = cap < type(uint248).max ? uint248(cap) : type(uint248).max;
        }
        // forge-lint: disable-end(unsafe-typecast)
        emit MaxEscrowSet(token, cap);
    }

    function _outputHash(Output calldata o) internal view returns (bytes32) {
        return Outputs.hash(address(ROLLUP), o);
    }

    function _requireNotPaused() internal view {
        uint64 until = _portal().pausedUntil;
        if (block.timestamp < until) revert Paused(until);
    }

    function _portal() internal pure returns (Portal storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
