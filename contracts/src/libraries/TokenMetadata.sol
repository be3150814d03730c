// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title  What a token says of itself
/// @notice Tokens need not answer, and some answer in other types: nothing here reverts.
library TokenMetadata {
    /// @notice Longest text that is taken over; longer ones are cut.
    uint256 internal constant MAX_BYTES = 64;
    uint256 private constant CALL_GAS = 100_000;

    /// @notice Answer of a function that returns a string, or a text in 32 bytes as older tokens do; empty if
    ///         there is none.
    function text(address token, bytes4 selector) internal view returns (string memory) {
        (bool ok, bytes memory answer) = _ask(token, selector);
        if (!ok) return "";
        if (answer.length == 32) return string(_untilZero(answer));
        if (answer.length < 64) return "";
        (uint256 offset, uint256 length) = abi.decode(answer, (uint256, uint256));
        if (offset != 32) return "";
        if (length > MAX_BYTES) length = MAX_BYTES;
        if (answer.length < 64 + length) return "";
        bytes memory out = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            out[i] = answer[64 + i];
        }
        return string(out);
    }

    /// @notice Answer of `decimals()`; 18 if there is none.
    function decimals(address token) internal view returns (uint8) {
        (bool ok, bytes memory answer) = _ask(token, bytes4(keccak256("decimals()")));
        if (!ok || answer.length < 32) return 18;
        uint256 value = abi.decode(answer, (uint256));
        // forge-lint: disable-next-line(unsafe-typecast)
        return value > type(uint8).max ? 18 : uint8(value);
    }

    /// @dev Copies no more of the answer than is used, whatever its length.
    function _ask(address token, bytes4 selector) private view returns (bool ok, bytes memory answer) {
        answer = new bytes(64 + MAX_BYTES);
        assembly ("memory-safe") {
            mstore(0x00, selector)
            ok := staticcall(CALL_GAS, token, 0x00, 0x04, 0x00, 0x00)
            let size := returndatasize()
            if gt(size, mload(answer)) { size := mload(answer) }
            returndatacopy(add(answer, 0x20), 0x00, size)
            mstore(answer, size)
        }
    }

    function _untilZero(bytes memory word) private pure returns (bytes memory out) {
        uint256 length = 0;
        while (length < 32 && word[length] != 0) ++length;
        out = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            out[i] = word[i];
        }
    }
}
