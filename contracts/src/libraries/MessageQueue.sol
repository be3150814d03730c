// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title  Accumulator of the queue from L1 to L2
/// @notice One slot for each entry: 224 bits of hash and 32 bits of time.
///
///         m       = keccak256(abi.encode(id, kind, l1Sender, from, to, mint, value, gasLimit, keccak256(data)))
///         slot(0) = trim(keccak256(abi.encode(0, m, time)))                | uint32(time)
///         slot(i) = trim(keccak256(abi.encode(trim(slot(i - 1)), m, time))) | uint32(time)
///
///         `trim` sets the low 32 bits to zero. The tip is what the next entry needs, in one slot: the trimmed
///         hash of the last one, and the number of entries in its low 32 bits.
/// @dev    The time is part of the preimage: a message that comes back in another L1 block after a
///         reorganisation is another entry.
library MessageQueue {
    uint256 private constant TIME = type(uint32).max;

    /// @notice Ether for `to`; no code runs.
    uint8 internal constant CREDIT = 0;
    /// @notice Tokens, by a call of the token bridge on L2.
    uint8 internal constant TOKEN_DEPOSIT = 1;
    /// @notice A transaction that the sequencer cannot keep out.
    uint8 internal constant FORCED = 2;
    /// @notice Creates the L2 token of an L1 token.
    uint8 internal constant REGISTRATION = 3;
    /// @notice A parameter of L2.
    uint8 internal constant CONFIGURATION = 4;

    /// @notice Hash of a message.
    function hash(
        uint64 id,
        uint8 kind,
        address l1Sender,
        address from,
        address to,
        uint256 mint,
        uint256 value,
        uint64 gasLimit,
        bytes32 dataHash
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(id, kind, l1Sender, from, to, mint, value, gasLimit, dataHash));
    }

    /// @notice Slot of the entry that follows one with the trimmed hash `before` (zero: the first entry).
    function link(bytes32 before, bytes32 message, uint256 time) internal pure returns (bytes32) {
        return pack(keccak256(abi.encode(before, message, time)), time);
    }

    /// @notice 224 bits of `digest` with a time, or with a count.
    function pack(bytes32 digest, uint256 low) internal pure returns (bytes32) {
        return trim(digest) | bytes32(low & TIME);
    }

    /// @notice The hash without the time.
    function trim(bytes32 slot) internal pure returns (bytes32) {
        return slot & ~bytes32(TIME);
    }

    /// @notice Number of entries, of a tip.
    function countOf(bytes32 tip) internal pure returns (uint32) {
        // 32 bits are left.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(uint256(tip));
    }

    /// @notice The time, in seconds, until 2106.
    function timeOf(bytes32 slot) internal pure returns (uint64) {
        // 32 bits are left.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(uint256(slot) & TIME);
    }
}
