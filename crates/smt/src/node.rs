//! Places in the tree: nodes by depth and index, ranges of keys by their first bits.

use alloy_primitives::B256;

/// The node above all keys whose first `depth` bits are `index`. Its hash is the hash of the tree
/// that those keys would have on their own: zero without keys, and that of the only child where
/// path compression leaves the node itself out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Number of bits that the keys share, at most 32.
    pub depth: u8,
    /// Those bits, right-aligned.
    pub index: u32,
}

/// A node that changed, with its hash before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeChange {
    /// Which node.
    pub node: NodeId,
    /// Its former hash; zero if no leaf was below.
    pub before: B256,
}

/// All keys that share their first `bits` bits with `key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    key: B256,
    bits: u16,
}

impl Prefix {
    /// Every key.
    pub const ALL: Self = Self {
        key: B256::ZERO,
        bits: 0,
    };

    /// The keys that share the first `bits` bits with `key`; more than 256 count as 256.
    pub fn new(key: &B256, bits: u16) -> Self {
        let bits = bits.min(256);
        let mut key = *key;
        let (whole, rest) = (usize::from(bits / 8), bits % 8);
        if let Some(byte) = key.get_mut(whole) {
            *byte &= !(0xff >> rest);
        }
        for byte in key.iter_mut().skip(whole + 1) {
            *byte = 0;
        }
        Self { key, bits }
    }

    /// The keys below `node`.
    pub fn of_node(node: NodeId) -> Self {
        let mut key = B256::ZERO;
        let index = u64::from(node.index) << (64 - u32::from(node.depth)).min(63);
        if node.depth > 0 {
            key[..8].copy_from_slice(&index.to_be_bytes());
        }
        Self {
            key,
            bits: node.depth.into(),
        }
    }

    /// The first key: the shared bits, then zeros.
    pub const fn first_key(&self) -> &B256 {
        &self.key
    }

    /// The last key: the shared bits, then ones.
    pub fn last_key(&self) -> B256 {
        let mut key = self.key;
        let (whole, rest) = (usize::from(self.bits / 8), self.bits % 8);
        if let Some(byte) = key.get_mut(whole) {
            *byte |= 0xff >> rest;
        }
        for byte in key.iter_mut().skip(whole + 1) {
            *byte = 0xff;
        }
        key
    }

    /// Number of shared bits, at most 256.
    pub const fn bits(&self) -> u16 {
        self.bits
    }

    /// Whether `key` has the shared bits.
    pub fn contains(&self, key: &B256) -> bool {
        Self::new(key, self.bits).key == self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_spans_from_zeros_to_ones() {
        let key = B256::repeat_byte(0xa5);
        for bits in 0..=256 {
            let prefix = Prefix::new(&key, bits);
            let (first, last) = (*prefix.first_key(), prefix.last_key());
            assert!(first <= key && key <= last);
            assert!(prefix.contains(&first) && prefix.contains(&last));
            for at in 0..256u16 {
                let mut other = key;
                other[usize::from(at / 8)] ^= 0x80 >> (at % 8);
                assert_eq!(prefix.contains(&other), at >= bits, "bit {at} of {bits}");
                assert_eq!((first..=last).contains(&other), at >= bits);
            }
        }
        assert_eq!(Prefix::new(&key, 0), Prefix::ALL);
        assert_eq!(Prefix::new(&key, 300), Prefix::new(&key, 256));
    }

    #[test]
    fn a_node_holds_the_keys_that_begin_with_its_index() {
        let key = B256::repeat_byte(0xa5);
        for depth in 0..=32u8 {
            let index = (u64::from_be_bytes([0xa5; 8]) >> 32 >> (32 - depth)) as u32;
            let prefix = Prefix::of_node(NodeId { depth, index });
            assert_eq!(prefix, Prefix::new(&key, depth.into()));
        }
    }
}
