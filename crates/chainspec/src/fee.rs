//! Fee parameters and the base fee rule.

use alloy_primitives::Address;

/// Fee parameters of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeParams {
    /// Gas limit divided by gas target.
    pub elasticity: u64,
    /// Bound on the change of the base fee from block to block: one part in `denominator`.
    pub denominator: u64,
    /// The base fee never falls below this, in wei.
    pub min_base_fee_wei: u64,
    /// Receives base and priority fees; also the coinbase of every block.
    pub fee_vault: Address,
}
