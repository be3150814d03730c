// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title  Who calls, and who that is on L2
library Callers {
    /// @notice Added to the address of a contract that calls from L1 (the constant of OP and Arbitrum).
    uint160 internal constant ALIAS = uint160(0x1111000000000000000000000000000000001111);

    /// @notice Returns whether the caller's key has signed: an account without code, or one whose code is an
    ///         EIP-7702 delegation.
    function isKeyHolder(address caller) internal view returns (bool) {
        return caller == tx.origin || isDelegated(caller);
    }

    /// @notice Returns whether the code of `account` is `0xef0100 ‖ address` (EIP-7702).
    function isDelegated(address account) internal view returns (bool) {
        if (account.code.length != 23) return false;
        return bytes3(account.code) == 0xef0100;
    }

    /// @notice The caller's address on L2. A contract gets another one, for at its own address there may be
    ///         somebody else's contract.
    function onL2(address caller) internal view returns (address) {
        if (isKeyHolder(caller)) return caller;
        unchecked {
            return address(uint160(caller) + ALIAS);
        }
    }
}
