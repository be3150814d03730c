// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice Changed copies of lists, and sorting one in place.
library Lists {
    function sortDecreasing(bytes memory list) internal pure {
        for (uint256 i = 1; i < list.length; ++i) {
            for (uint256 j = i; j > 0 && list[j] > list[j - 1]; --j) {
                (list[j], list[j - 1]) = (list[j - 1], list[j]);
            }
        }
    }

    function without(bytes memory list, uint256 index) internal pure returns (bytes memory shorter) {
        shorter = new bytes(list.length - 1);
        for (uint256 i = 0; i < shorter.length; ++i) {
            shorter[i] = list[i < index ? i : i + 1];
        }
    }

    function without(bytes32[] memory list, uint256 index) internal pure returns (bytes32[] memory shorter) {
        shorter = new bytes32[](list.length - 1);
        for (uint256 i = 0; i < shorter.length; ++i) {
            shorter[i] = list[i < index ? i : i + 1];
        }
    }

    function cut(bytes memory list, uint256 length) internal pure returns (bytes memory shorter) {
        shorter = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            shorter[i] = list[i];
        }
    }

    function cut(bytes32[] memory list, uint256 length) internal pure returns (bytes32[] memory shorter) {
        shorter = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            shorter[i] = list[i];
        }
    }

    function with(bytes memory list, uint256 index, bytes1 item) internal pure returns (bytes memory longer) {
        longer = new bytes(list.length + 1);
        for (uint256 i = 0; i < longer.length; ++i) {
            longer[i] = i == index ? item : list[i < index ? i : i - 1];
        }
    }

    function with(bytes32[] memory list, uint256 index, bytes32 item)
        internal
        pure
        returns (bytes32[] memory longer)
    {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < longer.length; ++i) {
            longer[i] = i == index ? item : list[i < index ? i : i - 1];
        }
    }

    function swapped(bytes memory list, uint256 a, uint256 b) internal pure returns (bytes memory changed) {
        changed = cut(list, list.length);
        (changed[a], changed[b]) = (changed[b], changed[a]);
    }

    function swapped(bytes32[] memory list, uint256 a, uint256 b)
        internal
        pure
        returns (bytes32[] memory changed)
    {
        changed = cut(list, list.length);
        (changed[a], changed[b]) = (changed[b], changed[a]);
    }
}
