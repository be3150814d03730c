// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MessageQueue} from "../../src/libraries/MessageQueue.sol";
import {SparseMerkle} from "../../src/libraries/SparseMerkle.sol";
import {Account, Header, Output, Proof, Withdrawal} from "../../src/libraries/Types.sol";
import {PlainMerkle} from "../utils/PlainMerkle.sol";
import {BridgeTest} from "./BridgeTest.sol";
import {LeafTree} from "./LeafTree.sol";
import {PlainToken} from "./Tokens.sol";

/// @notice Gas of whole transactions through the proxies, intrinsic gas and calldata included, against the
///         budgets. Each call is a transaction of its own.
/// forge-config: default.isolate = true
contract BridgeGasTest is BridgeTest {
    PlainToken internal token;

    function setUp() public override {
        super.setUp();
        token = new PlainToken("Gold", "AU", 6);
        portal.registerToken(address(token));
        token.mint(ALICE, 1_000);
        VM.startPrank(ALICE, ALICE);
        token.approve(address(portal), type(uint256).max);
        portal.depositERC20(address(token), ALICE, 100);
        portal.deposit{value: 100 ether}();
        VM.stopPrank();
        _append(_header());
        VM.warp(block.timestamp + 12);
        VM.roll(block.number + 1);
    }

    function _record(string memory name, uint256 budget) internal {
        uint256 used = VM.lastCallGas().gasTotalUsed;
        VM.snapshotValue(name, used);
        emit log_named_uint(name, used);
        _assertTrue(used <= budget, name);
    }

    function test_gas_deposits() external {
        VM.startPrank(ALICE, ALICE);
        portal.deposit{value: 1 ether}();
        _record("deposit", 65_000);
        portal.depositERC20(address(token), ALICE, 100);
        _record("depositERC20", 85_000);
        portal.forceTransaction(BOB, 1, 200_000, _bytes(132));
        _record("forceTransaction, 132 bytes", 67_000);
        VM.stopPrank();
    }

    function test_gas_batches() external {
        portal.depositTo{value: 1}(ALICE);
        Header memory h = _header();
        VM.prank(SEQUENCER, SEQUENCER);
        rollup.appendBatch(h, "");
        _record("appendBatch, empty", 90_000);
        h = _header();
        VM.prank(SEQUENCER, SEQUENCER);
        rollup.appendBatch(h, _bytes(1024));
        _record("appendBatch, 1 KB", 107_000);
    }

    /// @dev Attack 16.
    function test_gas_forceBatch_isTheSameForAnyNumberOfEntries() external {
        portal.depositTo{value: 1}(ALICE);
        uint64 one = portal.messageCount();
        uint64 many = _tenThousandMore();
        VM.warp(block.timestamp + 12 hours + 1);
        VM.roll(block.number + 1);
        rollup.forceBatch(one);
        _record("forceBatch", 78_000);
        rollup.forceBatch(many);
        _record("forceBatch, 10,000 entries", 78_000);
    }

    /// @dev Attack 17.
    function test_gas_appendBatch_isTheSameForAnyNumberOfEntries() external {
        portal.depositTo{value: 1}(ALICE);
        Header memory h = _header();
        VM.prank(SEQUENCER, SEQUENCER);
        rollup.appendBatch(h, "");
        uint256 one = VM.lastCallGas().gasTotalUsed;
        h = _header(_tenThousandMore());
        VM.prank(SEQUENCER, SEQUENCER);
        rollup.appendBatch(h, "");
        uint256 many = VM.lastCallGas().gasTotalUsed;
        // Zeros in the calldata differ.
        _assertTrue(many < one + 200, "no loop");
    }

    /// @dev As if there had been deposits: slots that are not zero, and the tip.
    function _tenThousandMore() internal returns (uint64 count) {
        uint256 base = uint256(0xb57a43a17b68e0bf6686936b17defed0b65b572336f71c0ee7184a5cdc38d400);
        uint256 time = block.timestamp;
        count = portal.messageCount();
        bytes32 last;
        for (uint256 i = 0; i < 10_000; ++i) {
            last = MessageQueue.pack(keccak256(abi.encode(i)), time);
            VM.store(address(portal), keccak256(abi.encode(count, base + 1)), last);
            ++count;
        }
        VM.store(address(portal), bytes32(base), MessageQueue.pack(last, count));
        _assertTrue(portal.messageCount() == count && portal.queueSlot(count - 1) == last, "they are there");
    }

    function test_gas_roots() external {
        Output memory o = _output("state", keccak256("w"));
        _post(o);
        _append(_header());
        o = _output("state", keccak256("w"));
        (,,, uint64 rootId) = rollup.head();
        VM.prank(PROPOSER, PROPOSER);
        rollup.updateStateRoot(o);
        _record("updateStateRoot", 93_000);
        VM.startPrank(TIMELOCK, TIMELOCK);
        for (uint8 i = 10; i < 15; ++i) {
            rollup.setVerifier(i, VM.addr(i));
        }
        VM.stopPrank();
        bytes32 output = rollup.outputHash(o);
        bytes[] memory sigs = new bytes[](5);
        for (uint256 i = 0; i < 5; ++i) {
            sigs[i] = _attestation(10 + i, rootId, output);
        }
        rollup.attest(rootId, output, sigs);
        _record("attest, 5 signatures", 83_000);
    }

    function test_gas_withdrawals() external {
        bytes32[] memory leaves = new bytes32[](4);
        Withdrawal[] memory sent = new Withdrawal[](4);
        for (uint64 i = 0; i < 4; ++i) {
            sent[i] = _ether(i, BOB, 1 + i);
            if (i >= 2) sent[i].token = address(token);
            leaves[i] = _leaf(sent[i]);
        }
        token.mint(BOB, 1);
        (uint64 rootId, Output memory o) = _finalRoot("state", LeafTree.root(leaves));
        VM.prank(TIMELOCK, TIMELOCK);
        portal.setOutflowFloor(address(token), 1_000);
        portal.withdraw(sent[0], rootId, o, LeafTree.proof(leaves, 0));
        bytes32[32] memory proof = LeafTree.proof(leaves, 1);
        portal.withdraw(sent[1], rootId, o, proof);
        _record("withdraw, ether", 92_000);
        proof = LeafTree.proof(leaves, 2);
        portal.withdraw(sent[2], rootId, o, proof);
        proof = LeafTree.proof(leaves, 3);
        portal.withdraw(sent[3], rootId, o, proof);
        _record("withdraw, token", 98_000);
    }

    function test_gas_escape_ether() external {
        Account memory a = Account({nonce: 7, balance: 4 ether, codeHash: keccak256("")});
        bytes32 value = SparseMerkle.accountValue(a.nonce, a.balance, a.codeHash);
        Proof memory proof = _path(24);
        bytes32 root = PlainMerkle.fold(SparseMerkle.accountKey(ALICE), value, proof.depths, proof.siblings);
        Output memory o = _settle(root, _ether(0, BOB, 1));
        VM.prank(ALICE, ALICE);
        portal.exitETH(o, a, proof, ALICE, "", ALICE);
        _record("exitETH, 24 siblings", 110_000);
    }

    function test_gas_escape_token() external {
        bytes32 slot = keccak256(abi.encode(ALICE, uint256(0)));
        bytes32 key = SparseMerkle.slotKey(portal.l2Token(address(token)), slot);
        Proof memory proof = _path(24);
        bytes32 root = PlainMerkle.fold(key, bytes32(uint256(60)), proof.depths, proof.siblings);
        Withdrawal memory first = _ether(0, BOB, 1);
        first.token = address(token);
        VM.prank(TIMELOCK, TIMELOCK);
        portal.setOutflowFloor(address(token), 1_000);
        Output memory o = _settle(root, first);
        VM.prank(ALICE, ALICE);
        portal.exitToken(o, address(token), 60, proof, ALICE, "", ALICE);
        _record("exitToken, 24 siblings", 135_000);
    }

    /// @dev A frozen bridge with this state, and with a payout of the day, so that the day's has a slot.
    function _settle(bytes32 stateRoot, Withdrawal memory first) internal returns (Output memory o) {
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = _leaf(first);
        Header memory h = _header();
        (uint256 l1Block, uint256 l1Time) = (block.number, block.timestamp);
        _append(h);
        o = _output(stateRoot, LeafTree.root(leaves));
        uint64 id = _post(o);
        _attest(id, o);
        VM.warp(block.timestamp + 7 days);
        rollup.finalize(id);
        VM.roll(block.number + 1);
        _append(_header());
        VM.warp(block.timestamp + 14 days + 1);
        rollup.freeze();
        _record("freeze", 45_000);
        VM.warp(block.timestamp + 1 days);
        portal.settleEscape(o, 0, keccak256("payload"), h, l1Block, l1Time);
        portal.withdraw(first, id, o, LeafTree.proof(leaves, 0));
    }

    function _path(uint256 count) internal pure returns (Proof memory proof) {
        proof.depths = new bytes(count);
        proof.siblings = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            proof.depths[i] = bytes32(count - 1 - i)[31];
            proof.siblings[i] = keccak256(abi.encode("sibling", i));
        }
    }

    /// @dev Bytes without zeros, as compressed data is.
    function _bytes(uint256 length) internal pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            data[i] = 0x5a;
        }
    }
}
