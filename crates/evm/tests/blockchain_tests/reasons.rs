//! Why the tests say that a block is refused, and what we say.

/// What an error has to mention where a test names a reason; of several reasons one is enough.
const REASONS: [(&str, &str); 46] = [
    ("IntrinsicGas", "intrinsic gas too low"),
    ("INTRINSIC_GAS_TOO_LOW", "intrinsic gas too low"),
    ("INVALID_REQUESTS", "requestsHash"),
    ("INCORRECT_EXCESS_BLOB_GAS", "excessBlobGas"),
    ("UNCLES_OVER_PARIS", "sha3Uncles"),
    ("INVALID_GASLIMIT", "gas limit"),
    ("InvalidGasLimit", "gas limit"),
    ("GASLIMIT_TOO_BIG", "gas limit"),
    ("INVALID_DEPOSIT_EVENT_LAYOUT", "deposit"),
    ("INSUFFICIENT_ACCOUNT_FUNDS", "insufficient funds"),
    ("NoFunds", "insufficient funds"),
    ("GAS_ALLOWANCE_EXCEEDED", "gas, the block has"),
    ("GasLimitReached", "gas, the block has"),
    ("GAS_LIMIT_EXCEEDS_MAXIMUM", "gas limit too high"),
    ("NONCE_MISMATCH_TOO_LOW", "nonce too low"),
    ("NonceTooLow", "nonce too low"),
    ("NONCE_MISMATCH_TOO_HIGH", "nonce too high"),
    ("NonceTooHigh", "nonce too high"),
    ("UncleIsAncestor", "is an ancestor"),
    ("UncleIsBrother", "is included already"),
    ("UncleInChain", "is included already"),
    ("UncleParentIsNotAncestor", "has no parent"),
    ("UNCLE_PARENT_INCORRECT", "has no parent"),
    ("InvalidUncleParentHash", "has no parent"),
    ("InvalidUnclesHash", "sha3Uncles"),
    ("BLOB_VERSIONED_HASH", "blob hash version"),
    ("INVALID_WITHDRAWALS_ROOT", "withdrawalsRoot"),
    ("INSUFFICIENT_MAX_FEE_PER_GAS", "less than block base fee"),
    ("FeeCapLessThanBlocks", "less than block base fee"),
    (
        "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS",
        "less than block blob gas fee",
    ),
    ("OLDER_THAN_PARENT", "does not follow the parent's"),
    (
        "InvalidTimestampOlderParent",
        "does not follow the parent's",
    ),
    ("InvalidDifficulty", "difficulty is"),
    ("INVALID_DIFFICULTY", "difficulty"),
    ("BASEFEE", "baseFeePerGas"),
    ("BaseFeeWrong", "baseFeePerGas"),
    ("WRONG_PARENT", "baseFeePerGas"),
    ("EXTRA_DATA_INVALID_DAO", "DAO fork"),
    ("EXTRA_DATA_TOO_BIG", "extra data of"),
    ("ExtraDataTooBig", "extra data of"),
    ("PRIORITY_GREATER_THAN_MAX_FEE", "max priority fee"),
    ("TipGtFeeCap", "max priority fee"),
    ("TransactionsRoot", "transactionsRoot"),
    ("StateRoot", "state root"),
    ("SYSTEM_CONTRACT_CALL_FAILED", "contract call"),
    ("SYSTEM_CONTRACT_EMPTY", "has no code"),
];

/// Returns `true` if the error is about what the test says, or the test says nothing that we know.
pub(crate) fn is_right_reason(expected: &str, error: &str) -> bool {
    let mut known = REASONS.iter().filter(|(name, _)| expected.contains(name));
    let mut any = false;
    known.any(|(_, words)| {
        any = true;
        error.contains(words)
    }) || !any
}
