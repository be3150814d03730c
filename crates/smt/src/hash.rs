//! The hash rules of the tree. They are final: contracts on L1 verify by them.
//!
//! ```text
//! leaf(k, v)      = keccak256(k[32] ‖ v[32])                                64 bytes
//! node(l, r, d)   = keccak256(l[32] ‖ r[32] ‖ uint8 d)                      65 bytes
//! account value   = keccak256(nonce[8] ‖ balance[32] ‖ codeHash[32])        72 bytes, big-endian
//! ```

use alloy_primitives::{B256, U256, keccak256};

/// Hash of a leaf.
pub(crate) fn leaf(key: B256, value: B256) -> B256 {
    let mut bytes = [0u8; 64];
    bytes[..32].copy_from_slice(key.as_slice());
    bytes[32..].copy_from_slice(value.as_slice());
    keccak256(bytes)
}

/// Hash of a node that branches at bit `depth`; neither child is empty.
pub(crate) fn node(left: B256, right: B256, depth: u8) -> B256 {
    let mut bytes = [0u8; 65];
    bytes[..32].copy_from_slice(left.as_slice());
    bytes[32..64].copy_from_slice(right.as_slice());
    bytes[64] = depth;
    keccak256(bytes)
}

/// Bit `depth` of a key; bit 0 is the top bit of the first byte.
pub(crate) fn bit(key: &B256, depth: u8) -> bool {
    key[usize::from(depth / 8)] >> (7 - depth % 8) & 1 == 1
}

/// First bit in which two keys differ; `None` if they are equal.
pub(crate) fn first_difference(a: &B256, b: &B256) -> Option<u8> {
    (0u8..32)
        .zip(a.iter().zip(b.iter()))
        .find_map(|(index, (x, y))| {
            let difference = x ^ y;
            // At most 31 * 8 + 7 = 255.
            (difference != 0).then(|| index * 8 + difference.leading_zeros() as u8)
        })
}

/// Leaf value of an account. The value of a slot is the 32-byte word itself.
pub fn account_value(nonce: u64, balance: U256, code_hash: B256) -> B256 {
    let mut bytes = [0u8; 72];
    bytes[..8].copy_from_slice(&nonce.to_be_bytes());
    bytes[8..40].copy_from_slice(&balance.to_be_bytes::<32>());
    bytes[40..].copy_from_slice(code_hash.as_slice());
    keccak256(bytes)
}
