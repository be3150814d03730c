// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SparseMerkle} from "../src/libraries/SparseMerkle.sol";
import {PlainMerkle} from "./utils/PlainMerkle.sol";
import {Test} from "./utils/Test.sol";

/// @notice The library leaves the memory of its caller as Solidity expects it.
contract SparseMerkleMemoryTest is Test {
    bytes32 internal constant KEY = keccak256("key");
    bytes32 internal constant VALUE = keccak256("value");

    struct Memory {
        bytes32 allocated;
        uint256 free;
        uint256 zero;
    }

    /// @dev `own` moves the free memory pointer; `set` are the depths of the path.
    function testFuzz_verify_callersMemory_isIntact(bytes calldata own, uint256 set) public view {
        this.check(own, set, KEY);
        this.check(own, type(uint256).max, KEY);
        this.check(own, 0, KEY);
        this.check(own, set, ~KEY);
    }

    function check(bytes calldata own, uint256 set, bytes32 key) external view {
        bytes32[] memory siblings = new bytes32[](_ones(set));
        bytes memory depths = new bytes(siblings.length);
        uint256 next;
        for (uint256 i = 0; i < 256; ++i) {
            if (set >> (255 - i) & 1 == 0) continue;
            depths[next] = bytes32(255 - i)[31];
            siblings[next++] = keccak256(abi.encode(i));
        }
        this.checkPath(own, PlainMerkle.fold(key, VALUE, depths, siblings), key, depths, siblings);
    }

    function checkPath(
        bytes calldata own,
        bytes32 root,
        bytes32 key,
        bytes calldata depths,
        bytes32[] calldata siblings
    ) external pure {
        _allocate(own);
        _dirtyFreeMemory();
        Memory memory state = Memory(0, 0, 0);

        _remember(state);
        bool included = SparseMerkle.verifyInclusion(root, key, VALUE, depths, siblings);
        _assertIntact(state);
        _assertTrue(included, "inclusion over memory that is not zero");

        _remember(state);
        bool absent = SparseMerkle.verifyAbsence(root, ~key, key, VALUE, depths, siblings);
        _assertIntact(state);
        _assertTrue(absent == (siblings.length == 0), "absence over memory that is not zero");

        _remember(state);
        bytes32 computed = SparseMerkle.rootOf(key, VALUE, depths, siblings);
        _assertIntact(state);
        _assertEq(computed, root, "root over memory that is not zero");

        bytes32[] memory fresh = new bytes32[](8);
        for (uint256 i = 0; i < fresh.length; ++i) {
            _assertEq(fresh[i], 0, "new memory is zero");
        }
    }

    /// @dev Keeps in `state` what must not change: allocated memory, its end, and the slot that is zero.
    function _remember(Memory memory state) private pure {
        (state.allocated, state.free, state.zero) = (0, 0, 0);
        (bytes32 allocated, uint256 free, uint256 zero) = _look(0);
        (state.allocated, state.free, state.zero) = (allocated, free, zero);
    }

    function _assertIntact(Memory memory state) private pure {
        (bytes32 wasAllocated, uint256 wasFree, uint256 wasZero) = (state.allocated, state.free, state.zero);
        (state.allocated, state.free, state.zero) = (0, 0, 0);
        (bytes32 allocated, uint256 free, uint256 zero) = _look(wasFree);
        _assertTrue(free == wasFree, "the free memory pointer is unchanged");
        _assertTrue(zero == 0 && wasZero == 0, "the zero slot is zero");
        _assertEq(allocated, wasAllocated, "allocated memory is unchanged");
    }

    /// @dev Hash of the memory allocated up to `end` (up to the free memory pointer if zero).
    function _look(uint256 end) private pure returns (bytes32 allocated, uint256 free, uint256 zero) {
        assembly ("memory-safe") {
            free := mload(0x40)
            zero := mload(0x60)
            if iszero(end) { end := free }
            allocated := keccak256(0x80, sub(end, 0x80))
        }
    }

    function _allocate(bytes calldata own) private pure returns (bytes memory) {
        return own;
    }

    function _dirtyFreeMemory() private pure {
        // Writes above the free memory pointer only.
        assembly ("memory-safe") {
            let free := mload(0x40)
            for { let i := 0 } lt(i, 0x1000) { i := add(i, 0x20) } { mstore(add(free, i), not(0)) }
        }
    }

    function _ones(uint256 set) private pure returns (uint256 count) {
        for (; set != 0; set &= set - 1) {
            ++count;
        }
    }
}
