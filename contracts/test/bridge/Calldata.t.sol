// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAuraPortal} from "../../src/interfaces/IAuraPortal.sol";
import {IAuraRollup} from "../../src/interfaces/IAuraRollup.sol";
import {Outputs} from "../../src/libraries/Outputs.sol";
import {Output, Withdrawal} from "../../src/libraries/Types.sol";
import {WithdrawalTree} from "../../src/libraries/WithdrawalTree.sol";
import {BridgeTest} from "./BridgeTest.sol";

/// @notice What the contracts hash straight from the calldata: the same as the definitions say, and nothing else
///         than what was meant, also where the calldata holds words that are no values of their types.
contract CalldataTest is BridgeTest {
    bytes32 private constant WITHDRAWAL = "AuraWithdrawalV0";
    bytes32 private constant OUTPUT = "AuraOutputV0";
    /// @dev Words of the arguments of {IAuraPortal-withdraw}: withdrawal, root id, output, siblings.
    uint256 private constant WITHDRAW_WORDS = 6 + 1 + 6 + 32;

    function testFuzz_leafOf_isTheDefinition(address owner, uint256 l1, uint256 l2, Withdrawal calldata w)
        external
        pure
    {
        bytes32 inner = keccak256(abi.encode(WITHDRAWAL, l1, owner, l2, w));
        bytes32 defined = keccak256(abi.encodePacked(inner));
        _assertEq(WithdrawalTree.leafOf(l1, owner, l2, w), defined, "from the calldata");
        _assertEq(WithdrawalTree.leaf(l1, owner, l2, w), defined, "from memory");
    }

    function testFuzz_outputHash_isTheDefinition(address owner, Output calldata o) external view {
        bytes32 defined = keccak256(abi.encode(OUTPUT, block.chainid, owner, o));
        _assertEq(Outputs.hash(owner, o), defined, "hash");
    }

    function testFuzz_rootOf_isTheDefinition(bytes32 node, uint32 index, bytes32[32] calldata siblings)
        external
        pure
    {
        bytes32 root = node;
        for (uint256 level = 0; level < 32; ++level) {
            bool isRight = (index / 2 ** level) % 2 == 1;
            root = keccak256(
                isRight ? abi.encodePacked(siblings[level], root) : abi.encodePacked(root, siblings[level])
            );
        }
        _assertEq(WithdrawalTree.rootOf(node, index, siblings), root, "root");
    }

    /// @dev Attack 6: each word of the arguments, in bits that its type has and in bits that it has not.
    function test_withdraw_anyWordChanged_reverts() external {
        bytes memory data = _withdrawal();
        uint8[6] memory bits = [0, 63, 64, 159, 160, 255];
        uint256 held = address(portal).balance;
        for (uint256 i = 0; i < WITHDRAW_WORDS * bits.length; ++i) {
            _flip(data, i / bits.length, bits[i % bits.length]);
            (bool isTaken,) = address(portal).call(data);
            _assertFalse(isTaken, "a changed word");
            _flip(data, i / bits.length, bits[i % bits.length]);
        }
        _assertTrue(address(portal).balance == held && !portal.isClaimed(5), "nothing is paid");
        (bool isPaid,) = address(portal).call(data);
        _assertTrue(isPaid && portal.isClaimed(5), "the words that were meant");
    }

    function testFuzz_withdraw_anyBitChanged_reverts(uint256 word, uint8 bit) external {
        bytes memory data = _withdrawal();
        _flip(data, word % WITHDRAW_WORDS, bit);
        (bool isTaken,) = address(portal).call(data);
        _assertFalse(isTaken, "a changed bit");
    }

    /// @dev A root whose hash is that of no output could not be disputed or left by.
    function testFuzz_updateStateRoot_wordBeyondItsType_reverts(uint8 bit) external {
        _append(_header());
        bytes memory data = abi.encodeCall(IAuraRollup.updateStateRoot, (_output("state", 0)));
        bit = 64 + bit % 192;
        // The number of the L2 block and that of the batch.
        for (uint256 word = 3; word < 5; ++word) {
            _flip(data, word, bit);
            VM.prank(PROPOSER, PROPOSER);
            (bool isTaken,) = address(rollup).call(data);
            _assertFalse(isTaken, "a number beyond 64 bits");
            _flip(data, word, bit);
        }
        VM.prank(PROPOSER, PROPOSER);
        (bool isPosted,) = address(rollup).call(data);
        _assertTrue(isPosted, "the output that was meant");
    }

    /// @dev A call that pays leaf 5.
    function _withdrawal() internal returns (bytes memory) {
        portal.depositTo{value: 10 ether}(ALICE);
        Withdrawal memory w = _ether(5, BOB, 3 ether);
        bytes32[32] memory proof;
        bytes32 root = _leaf(w);
        for (uint256 level = 0; level < 32; ++level) {
            proof[level] = keccak256(abi.encode("sibling", level));
            bool isRight = (w.index >> level) & 1 == 1;
            root = keccak256(
                isRight ? abi.encodePacked(proof[level], root) : abi.encodePacked(root, proof[level])
            );
        }
        (uint64 rootId, Output memory o) = _finalRoot("state", root);
        return abi.encodeCall(IAuraPortal.withdraw, (w, rootId, o, proof));
    }

    /// @dev Changes bit `bit` of word `word` after the selector.
    function _flip(bytes memory data, uint256 word, uint8 bit) internal pure {
        uint256 place = 4 + 32 * word + (31 - bit / 8);
        data[place] ^= bytes1(uint8(1) << (bit % 8));
    }
}
