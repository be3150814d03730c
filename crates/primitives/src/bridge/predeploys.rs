//! Addresses of Aura's own contracts on L2, and the storage slots of theirs that the node reads.

use alloy_primitives::{Address, B256, U256, address, b256, keccak256};

/// `AuraL1Block`: the L1 block that an L2 block refers to.
pub const L1_BLOCK: Address = address!("0xAA00000000000000000000000000000000000001");
/// `AuraMessagePasser`: the way out.
pub const MESSAGE_PASSER: Address = address!("0xAA00000000000000000000000000000000000002");
/// `AuraTokenBridge`: L1 tokens on L2.
pub const TOKEN_BRIDGE: Address = address!("0xAA00000000000000000000000000000000000003");
/// `AuraERC20`: what tokens are clones of.
pub const ERC20: Address = address!("0xAA00000000000000000000000000000000000004");
/// `AuraFeeVault`: receives all fees.
pub const FEE_VAULT: Address = address!("0xAA00000000000000000000000000000000000005");
/// `AuraConfig`: parameters of L2 that L1 sets.
pub const CONFIG: Address = address!("0xAA00000000000000000000000000000000000006");
/// Sender of what the node itself calls; it has no key.
pub const SYSTEM: Address = address!("0xAA000000000000000000000000000000000000FF");

/// Hash of the creation code of a clone (EIP-1167) of [`ERC20`].
const CLONE_HASH: B256 =
    b256!("0x985bd6a74647e09526e4405ed3a56e2a0f719e1e8dccc6649ddb63e11aaf66d7");

/// The token on L2 of a token of L1: where the token bridge creates it.
pub fn l2_token(l1_token: Address) -> Address {
    TOKEN_BRIDGE.create2(keccak256(l1_token.into_word()), CLONE_HASH)
}

/// Slots of `AuraMessagePasser`.
pub mod passer_slots {
    use super::U256;

    /// Number of leaves.
    pub const COUNT: U256 = U256::from_limbs([32, 0, 0, 0]);
    /// Root of the withdrawal tree.
    pub const ROOT: U256 = U256::from_limbs([33, 0, 0, 0]);
    /// Chain id of L1.
    pub const L1_CHAIN_ID: U256 = U256::from_limbs([34, 0, 0, 0]);
    /// The portal on L1.
    pub const PORTAL: U256 = U256::from_limbs([35, 0, 0, 0]);
}

/// Slots of `AuraConfig`: the number of the parameter.
pub mod config_slots {
    use super::U256;

    /// Gas limit of a block; zero if L1 has set none.
    pub const GAS_LIMIT: U256 = U256::ZERO;
}
