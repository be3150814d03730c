// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IAuraConfig} from "../interfaces/IAuraConfig.sol";
import {IAuraPortal} from "../interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../interfaces/IAuraRollup.sol";
import {IAuraTokenBridge} from "../interfaces/IAuraTokenBridge.sol";
import {Callers} from "../libraries/Callers.sol";
import {MessageQueue} from "../libraries/MessageQueue.sol";
import {Parameters} from "../libraries/Parameters.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {TokenMetadata} from "../libraries/TokenMetadata.sol";
import {Message, Output, Withdrawal} from "../libraries/Types.sol";
import {WithdrawalTree} from "../libraries/WithdrawalTree.sol";
import {PortalExits} from "./PortalExits.sol";

/// @title Escrow of Aura on L1
/// @dev   Value leaves through {PortalBase-_pay} only: from {withdraw} and {PortalExits}, each time after the
///        mark that it has left.
contract AuraPortal is PortalExits, UUPSUpgradeable, AccessControlUpgradeable {
    using SafeERC20 for IERC20;

    /// @notice May pause.
    bytes32 public constant GUARDIAN = keccak256("GUARDIAN");
    /// @notice May end a pause, lower caps, and upgrade at once; the timelock can take the role away.
    bytes32 public constant COUNCIL = keccak256("COUNCIL");

    /// @notice Gas that L2 gives the token bridge for a deposit.
    uint64 public constant TOKEN_DEPOSIT_GAS = 120_000;
    /// @notice Gas that L2 gives the token bridge for a new token.
    uint64 public constant REGISTRATION_GAS = 400_000;
    /// @notice Gas that L2 gives a change of a parameter.
    uint64 public constant CONFIGURATION_GAS = 120_000;

    uint64 private constant MIN_GAS = 21_000;

    /// @custom:oz-upgrades-unsafe-allow constructor
    constructor(IAuraRollup rollup, uint256 l2ChainId, Limits memory limits)
        PortalExits(rollup, l2ChainId, limits)
    {
        _disableInitializers();
    }

    /// @notice Sets up the proxy.
    /// @param  admin Holds the admin role: the timelock.
    /// @param  cap   Most of a token that the escrow takes, unless it has a cap of its own.
    function initialize(address admin, address council, address guardian, uint256 cap) external initializer {
        __AccessControl_init();
        __EIP712_init("AuraPortal", "1");
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(COUNCIL, council);
        _grantRole(GUARDIAN, guardian);
        _portal().defaultMaxEscrow = cap;
        emit DefaultMaxEscrowSet(cap);
        _setCap(address(0), cap);
    }

    /// @notice As {deposit}.
    receive() external payable {
        deposit();
    }

    /// @inheritdoc IAuraPortal
    function depositTo(address to) external payable returns (uint64 id) {
        if (to == address(0)) revert ZeroAddress();
        return _credit(to);
    }

    /// @inheritdoc IAuraPortal
    function depositERC20(address token, address to, uint256 amount)
        external
        nonReentrant
        returns (uint64 id)
    {
        Token memory known = _portal().tokens[token];
        if (!known.isRegistered) revert NotRegistered();
        if (to == address(0)) revert ZeroAddress();
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = IERC20(token).balanceOf(address(this));
        // What has arrived counts: some tokens keep a fee.
        uint256 arrived = held - before;
        if (arrived == 0) revert ZeroAmount();
        _requireUnder(known.cap, held);
        return _enqueueSystem(
            MessageQueue.TOKEN_DEPOSIT,
            Predeploys.TOKEN_BRIDGE,
            TOKEN_DEPOSIT_GAS,
            abi.encodeCall(IAuraTokenBridge.finalizeDeposit, (token, to, arrived))
        );
    }

    /// @inheritdoc IAuraPortal
    function registerToken(address token) external returns (uint64 id) {
        Portal storage $ = _portal();
        if ($.tokens[token].isRegistered) revert AlreadyRegistered();
        if (token.code.length == 0) revert NotAContract();
        $.tokens[token].isRegistered = true;
        _setCap(token, $.defaultMaxEscrow);
        id = _enqueueSystem(
            MessageQueue.REGISTRATION,
            Predeploys.TOKEN_BRIDGE,
            REGISTRATION_GAS,
            abi.encodeCall(
                IAuraTokenBridge.register,
                (
                    token,
                    TokenMetadata.text(token, IERC20Metadata.name.selector),
                    TokenMetadata.text(token, IERC20Metadata.symbol.selector),
                    TokenMetadata.decimals(token)
                )
            )
        );
        emit TokenRegistered(token, id);
    }

    /// @inheritdoc IAuraPortal
    function forceTransaction(address to, uint256 value, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 id)
    {
        if (gasLimit < MIN_GAS || gasLimit > FORCED_GAS_MAX) revert BadGas();
        if (data.length > FORCED_DATA_MAX) revert DataTooLong();
        if (msg.value != 0) _requireUnder(_portal().etherCap, address(this).balance);
        return _enqueue(MessageQueue.FORCED, Callers.onL2(msg.sender), to, msg.value, value, gasLimit, data);
    }

    /// @inheritdoc IAuraPortal
    function withdraw(Withdrawal calldata w, uint64 rootId, Output calldata o, bytes32[32] calldata proof)
        external
        nonReentrant
    {
        // A message must not be used up by somebody who calls this.
        if (w.amount == 0) revert ZeroAmount();
        _claim(w, rootId, o, proof);
        emit Withdrawn(w.index, w.recipient, w.token, w.amount);
        _pay(w.token, w.recipient, w.amount);
    }

    /// @inheritdoc IAuraPortal
    function consumeMessage(
        Withdrawal calldata w,
        uint64 rootId,
        Output calldata o,
        bytes32[32] calldata proof
    ) external nonReentrant {
        if (msg.sender != w.recipient) revert NotRecipient();
        // Value must not be used up without being paid.
        if (w.amount != 0) revert BadProof();
        _claim(w, rootId, o, proof);
        emit MessageConsumed(w.index, w.sender, w.recipient, w.dataHash);
    }

    /// @inheritdoc IAuraPortal
    function pause() external onlyRole(GUARDIAN) {
        Portal storage $ = _portal();
        if (block.timestamp < $.pauseReadyAt) revert PauseCooldown($.pauseReadyAt);
        // 40 bits last for 34,000 years.
        // forge-lint: disable-start(unsafe-typecast)
        uint40 until = uint40(block.timestamp + PAUSE_MAX);
        $.pausedUntil = until;
        $.pauseReadyAt = uint40(until + PAUSE_COOLDOWN);
        // forge-lint: disable-end(unsafe-typecast)
        emit PausedUntil(until);
    }

    /// @inheritdoc IAuraPortal
    function unpause() external onlyRole(COUNCIL) {
        _portal().pausedUntil = 0;
        emit Unpaused();
    }

    /// @inheritdoc IAuraPortal
    /// @dev Raising is the admin's; the council may lower.
    function setMaxEscrow(address token, uint256 cap) external {
        if (cap == 0) cap = _portal().defaultMaxEscrow;
        bool isLower = cap < _cap(token);
        if (!isLower || !hasRole(COUNCIL, msg.sender)) _checkRole(DEFAULT_ADMIN_ROLE);
        _setCap(token, cap);
    }

    /// @inheritdoc IAuraPortal
    function setDefaultMaxEscrow(uint256 cap) external {
        Portal storage $ = _portal();
        bool isLower = cap < $.defaultMaxEscrow;
        if (!isLower || !hasRole(COUNCIL, msg.sender)) _checkRole(DEFAULT_ADMIN_ROLE);
        $.defaultMaxEscrow = cap;
        emit DefaultMaxEscrowSet(cap);
    }

    /// @inheritdoc IAuraPortal
    function setOutflowFloor(address token, uint256 floor) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _portal().outflowFloor[token] = floor;
        emit OutflowFloorSet(token, floor);
    }

    /// @inheritdoc IAuraPortal
    function configure(uint8 parameter, uint256 value)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
        returns (uint64 id)
    {
        if (parameter >= Parameters.COUNT) revert UnknownParameter(parameter);
        if (!Parameters.isValid(parameter, value)) revert BadValue(parameter, value);
        return _enqueueSystem(
            MessageQueue.CONFIGURATION,
            Predeploys.CONFIG,
            CONFIGURATION_GAS,
            abi.encodeCall(IAuraConfig.set, (parameter, value))
        );
    }

    /// @inheritdoc IAuraPortal
    function queueView(uint64 k) external view returns (uint64 count, bytes32 accBefore, uint64 nextTime) {
        Portal storage $ = _portal();
        count = MessageQueue.countOf($.tip);
        if (k != 0) accBefore = MessageQueue.trim($.queue[k - 1]);
        nextTime = MessageQueue.timeOf($.queue[k]);
    }

    /// @inheritdoc IAuraPortal
    function queueSlot(uint64 id) external view returns (bytes32) {
        return _portal().queue[id];
    }

    /// @inheritdoc IAuraPortal
    function deposit() public payable {
        if (!Callers.isKeyHolder(msg.sender)) revert ContractCaller();
        _credit(msg.sender);
    }

    /// @dev Credits `msg.value` to `to` on L2.
    function _credit(address to) internal returns (uint64 id) {
        if (msg.value == 0) revert ZeroAmount();
        _requireUnder(_portal().etherCap, address(this).balance);
        id = _enqueue(MessageQueue.CREDIT, Callers.onL2(msg.sender), to, msg.value, 0, 0, "");
        emit Deposit(to, msg.value, id);
    }

    /// @dev A call of a contract of L2's own that costs nobody gas there.
    function _enqueueSystem(uint8 kind, address to, uint64 gasLimit, bytes memory data)
        internal
        returns (uint64 id)
    {
        return _enqueue(kind, Predeploys.SYSTEM, to, 0, 0, gasLimit, data);
    }

    function _enqueue(
        uint8 kind,
        address from,
        address to,
        uint256 mint,
        uint256 value,
        uint64 gasLimit,
        bytes memory data
    ) internal returns (uint64 id) {
        Portal storage $ = _portal();
        bytes32 tip = $.tip;
        uint32 count = MessageQueue.countOf(tip);
        // At 60,000 gas each, 2^32 entries are all that an L1 of 60 M gas a block can do in a year and a half.
        if (count == type(uint32).max) revert QueueFull();
        id = count;
        bytes32 m = MessageQueue.hash(id, kind, msg.sender, from, to, mint, value, gasLimit, keccak256(data));
        bytes32 slot = MessageQueue.link(MessageQueue.trim(tip), m, block.timestamp);
        $.queue[id] = slot;
        unchecked {
            // It is not full.
            $.tip = MessageQueue.pack(slot, count + 1);
        }
        emit MessageEnqueued(
            id, kind, from, msg.sender, to, mint, value, gasLimit, data, uint64(block.timestamp)
        );
    }

    /// @dev Marks a leaf of the withdrawal tree as used, after its proof.
    function _claim(Withdrawal calldata w, uint64 rootId, Output calldata o, bytes32[32] calldata proof)
        internal
    {
        _requireNotPaused();
        if (w.index >= WithdrawalTree.LEAVES) revert IndexRange();
        mapping(uint256 => uint256) storage claimed = _portal().claimed;
        // One word is read and written once.
        uint256 word = claimed[w.index >> 8];
        uint256 bit = uint256(1) << (w.index & 0xff);
        if (word & bit != 0) revert AlreadyClaimed();
        ROLLUP.requireFinal(rootId, _outputHash(o));
        if (WithdrawalTree.rootOf(withdrawalLeaf(w), w.index, proof) != o.withdrawalRoot) revert BadProof();
        claimed[w.index >> 8] = word | bit;
    }

    function _authorizeUpgrade(address) internal view override {
        if (!hasRole(COUNCIL, msg.sender)) _checkRole(DEFAULT_ADMIN_ROLE);
    }
}
