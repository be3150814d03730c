// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    EIP712Upgradeable
} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import {IAuraPortal} from "../interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../interfaces/IAuraRollup.sol";
import {Callers} from "../libraries/Callers.sol";
import {MessageQueue} from "../libraries/MessageQueue.sol";
import {SparseMerkle} from "../libraries/SparseMerkle.sol";
import {Account, Header, Message, Output, Proof} from "../libraries/Types.sol";
import {PortalBase} from "./PortalBase.sol";

/// @title Leaving when the operator is gone
/// @dev   Nothing is paid twice: at the escape output a deposit that L2 had consumed is part of a balance, one
///        that it had not is reclaimable, a withdrawal is debited already, and a balance leaves once.
abstract contract PortalExits is PortalBase, EIP712Upgradeable {
    using BitMaps for BitMaps.BitMap;

    bytes32 private constant EXIT = keccak256("Exit(address user,address token,address payee)");
    /// @dev Slot of the balances in {AuraERC20}.
    uint256 private constant BALANCES_SLOT = 0;

    constructor(IAuraRollup rollup, uint256 l2ChainId, Limits memory limits)
        PortalBase(rollup, l2ChainId, limits)
    {}

    /// @inheritdoc IAuraPortal
    function settleEscape(
        Output calldata o,
        uint8 daKind,
        bytes32 daHash,
        Header calldata h,
        uint256 l1Block,
        uint256 l1Time
    ) external {
        Portal storage $ = _portal();
        uint64 frozenAt = ROLLUP.frozenAt();
        if (frozenAt == 0 || block.timestamp < frozenAt + SETTLE_DELAY) revert NotFrozen();
        if ($.escapeOutput != 0) revert AlreadySettled();
        uint64 rootId = ROLLUP.bestFinal();
        bytes32 output = _outputHash(o);
        if (ROLLUP.roots(rootId).output != output) revert WrongOutput();
        // The genesis batch has consumed nothing, and has no header.
        if (o.batchIndex != 0) {
            bytes32 stored = ROLLUP.batches(o.batchIndex);
            if (ROLLUP.batchHash(o.batchIndex, daKind, daHash, h, l1Block, l1Time) != stored) {
                revert WrongOutput();
            }
            $.escapeConsumed = h.consumed;
        }
        $.escapeOutput = output;
        emit EscapeSettled(rootId, output);
    }

    /// @inheritdoc IAuraPortal
    function exitETH(
        Output calldata o,
        Account calldata account,
        Proof calldata proof,
        address payee,
        bytes calldata sig,
        address user
    ) external nonReentrant {
        _beginExit(o, address(0), account.balance, payee, sig, user);
        bytes32 value = SparseMerkle.accountValue(account.nonce, account.balance, account.codeHash);
        _requireIncluded(o.stateRoot, SparseMerkle.accountKey(user), value, proof);
        _pay(address(0), payee, account.balance);
    }

    /// @inheritdoc IAuraPortal
    function exitToken(
        Output calldata o,
        address token,
        uint256 amount,
        Proof calldata proof,
        address payee,
        bytes calldata sig,
        address user
    ) external nonReentrant {
        if (token == address(0)) revert NotRegistered();
        _beginExit(o, token, amount, payee, sig, user);
        bytes32 slot = keccak256(abi.encode(user, BALANCES_SLOT));
        _requireIncluded(o.stateRoot, SparseMerkle.slotKey(l2Token(token), slot), bytes32(amount), proof);
        _pay(token, payee, amount);
    }

    /// @inheritdoc IAuraPortal
    function reclaim(uint64 id, Message calldata m) external nonReentrant {
        _requireNotPaused();
        Portal storage $ = _portal();
        if ($.escapeOutput == 0) revert NotFrozen();
        if (id < $.escapeConsumed || $.reclaimed.get(id)) revert AlreadyConsumed();
        _requireQueued(id, m);
        $.reclaimed.set(id);
        (address token, uint256 amount) = (address(0), m.mint);
        if (m.kind == MessageQueue.TOKEN_DEPOSIT) {
            // What follows the selector of {IAuraTokenBridge-finalizeDeposit}.
            (token,, amount) = abi.decode(m.data[4:], (address, address, uint256));
        }
        if (amount == 0) revert ZeroAmount();
        emit Reclaimed(id, m.l1Sender, token, amount);
        _pay(token, m.l1Sender, amount);
    }

    /// @dev Everything but the proof: the exit is open, wanted by the key's holder, and not done.
    function _beginExit(
        Output calldata o,
        address token,
        uint256 amount,
        address payee,
        bytes calldata sig,
        address user
    ) private {
        _requireNotPaused();
        Portal storage $ = _portal();
        bytes32 escape = $.escapeOutput;
        if (escape == 0) revert NotFrozen();
        if (_outputHash(o) != escape) revert WrongOutput();
        if (payee == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        _requireOwner(user, token, payee, sig);
        if ($.exited[user][token]) revert AlreadyExited();
        $.exited[user][token] = true;
        emit Exited(user, token, amount);
    }

    /// @dev The holder of the key of `user`: never a contract, for on L2 another one may be at its address.
    function _requireOwner(address user, address token, address payee, bytes calldata sig) private view {
        if (sig.length == 0) {
            if (msg.sender != user || !Callers.isKeyHolder(user)) revert NotOwner();
            return;
        }
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(EXIT, user, token, payee)));
        (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, sig);
        if (failure != ECDSA.RecoverError.NoError || signer != user) revert NotOwner();
    }

    function _requireIncluded(bytes32 root, bytes32 key, bytes32 value, Proof calldata proof) private pure {
        if (!SparseMerkle.verifyInclusion(root, key, value, proof.depths, proof.siblings)) revert BadProof();
    }

    function _requireQueued(uint64 id, Message calldata m) private view {
        Portal storage $ = _portal();
        if (id >= MessageQueue.countOf($.tip) || m.id != id) revert WrongMessage();
        bytes32 before = id == 0 ? bytes32(0) : MessageQueue.trim($.queue[id - 1]);
        bytes32 message = MessageQueue.hash(
            id, m.kind, m.l1Sender, m.from, m.to, m.mint, m.value, m.gasLimit, keccak256(m.data)
        );
        bytes32 slot = $.queue[id];
        // The slot has the low 32 bits of the time, which is all of it until 2106.
        if (MessageQueue.link(before, message, MessageQueue.timeOf(slot)) != slot) revert WrongMessage();
    }
}
