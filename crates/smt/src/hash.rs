//! The hash rules of the tree. They are final: contracts on L1 verify by them.
//!
//! ```text
//! leaf(k, v)      = keccak256(k[32] ‖ v[32])                                64 bytes
//! node(l, r, d)   = keccak256(l[32] ‖ r[32] ‖ uint8 d)                      65 bytes
//! account value   = keccak256(nonce[8] ‖ balance[32] ‖ codeHash[32])        72 bytes, big-endian
//! ```

#[cfg(feature = "std")]
use core::borrow::Borrow;

use alloy_primitives::{B256, U256, keccak256};

/// Hash of a leaf.
pub(crate) fn leaf(key: B256, value: B256) -> B256 {
    let mut bytes = [0u8; 64];
    leaf_message(&key, &value, &mut bytes);
    keccak256(bytes)
}

/// Hash of a node that branches at bit `depth`; neither child is empty.
pub(crate) fn node(left: B256, right: B256, depth: u8) -> B256 {
    let mut bytes = [0u8; 65];
    node_message(&left, &right, depth, &mut bytes);
    keccak256(bytes)
}

/// Hash of a node by its children, of which any may be empty (zero).
pub(crate) fn combine(left: B256, right: B256, depth: u8) -> B256 {
    if left.is_zero() {
        right
    } else if right.is_zero() {
        left
    } else {
        node(left, right, depth)
    }
}

fn leaf_message(key: &B256, value: &B256, bytes: &mut [u8; 64]) {
    bytes[..32].copy_from_slice(key.as_slice());
    bytes[32..].copy_from_slice(value.as_slice());
}

fn node_message(left: &B256, right: &B256, depth: u8, bytes: &mut [u8; 65]) {
    bytes[..32].copy_from_slice(left.as_slice());
    bytes[32..64].copy_from_slice(right.as_slice());
    bytes[64] = depth;
}

fn account_message(nonce: u64, balance: U256, code_hash: B256, bytes: &mut [u8; 72]) {
    bytes[..8].copy_from_slice(&nonce.to_be_bytes());
    bytes[8..40].copy_from_slice(&balance.to_be_bytes::<32>());
    bytes[40..].copy_from_slice(code_hash.as_slice());
}

/// Leaf value of an account. The value of a slot is the 32-byte word itself.
pub fn account_value(nonce: u64, balance: U256, code_hash: B256) -> B256 {
    let mut bytes = [0u8; 72];
    account_message(nonce, balance, code_hash, &mut bytes);
    keccak256(bytes)
}

/// Leaf values of `count` accounts, several at a time. `account` gives nonce, balance and code hash
/// by position, and `emit` takes the value.
#[cfg(feature = "std")]
pub fn account_values(
    count: usize,
    account: impl Fn(usize) -> (u64, U256, B256),
    mut emit: impl FnMut(usize, B256),
) {
    aura_keccak::hash_with::<72>(
        count,
        |position, bytes| {
            let (nonce, balance, code_hash) = account(position);
            account_message(nonce, balance, code_hash, bytes);
        },
        |position, hash| emit(position, B256::new(*hash)),
    );
}

/// Hashes of `count` leaves, several at a time.
#[cfg(feature = "std")]
pub(crate) fn leaf_batch<'a>(
    count: usize,
    leaf: impl Fn(usize) -> (&'a B256, &'a B256),
    mut emit: impl FnMut(usize, B256),
) {
    aura_keccak::hash_with::<64>(
        count,
        |position, bytes| {
            let (key, value) = leaf(position);
            leaf_message(key, value, bytes);
        },
        |position, hash| emit(position, B256::new(*hash)),
    );
}

/// Hashes of `count` nodes with two children, several at a time.
#[cfg(feature = "std")]
pub(crate) fn node_batch<H: Borrow<B256>>(
    count: usize,
    node: impl Fn(usize) -> (H, H, u8),
    mut emit: impl FnMut(usize, B256),
) {
    aura_keccak::hash_with::<65>(
        count,
        |position, bytes| {
            let (left, right, depth) = node(position);
            node_message(left.borrow(), right.borrow(), depth, bytes);
        },
        |position, hash| emit(position, B256::new(*hash)),
    );
}

/// Bit `depth` of a key; bit 0 is the top bit of the first byte.
pub(crate) fn bit(key: &B256, depth: u8) -> bool {
    key[usize::from(depth / 8)] >> (7 - depth % 8) & 1 == 1
}

/// First bit in which two keys differ; `None` if they are equal.
pub(crate) fn first_difference(a: &B256, b: &B256) -> Option<u8> {
    let (a, b) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    (0u8..4).zip(a.iter().zip(b)).find_map(|(index, (a, b))| {
        let difference = u64::from_be_bytes(*a) ^ u64::from_be_bytes(*b);
        // At most 3 * 64 + 63 = 255.
        (difference != 0).then(|| index * 64 + difference.leading_zeros() as u8)
    })
}
