//! Rows of `Meta` and `Heads`.
//!
//! ```text
//! schema         version 4
//! chain          chain id 8 ‖ genesis hash 32
//! next_tx        number of the next transaction 8
//! first_history  oldest block whose state can be read 8
//! folded         block 8: the last one whose former records are in `History`
//! first_nodes    block 8: its node diff and those of all later blocks are kept
//! node_depth     list of (first block 8 ‖ bottom 1), see `DepthList`
//! preimages      1: `Preimages` has every key of the state; absent: it is empty
//! head           number 8 ‖ hash 32
//! ```

use aura_primitives::BlockNumHash;

use super::Input;
use crate::{ChainIdentity, DecodeError};

pub(crate) const META_SCHEMA: &[u8] = b"schema";
pub(crate) const META_CHAIN: &[u8] = b"chain";
pub(crate) const META_NEXT_TX: &[u8] = b"next_tx";
pub(crate) const META_FIRST_HISTORY: &[u8] = b"first_history";
pub(crate) const META_FOLDED: &[u8] = b"folded";
pub(crate) const META_FIRST_NODES: &[u8] = b"first_nodes";
pub(crate) const META_NODE_DEPTH: &[u8] = b"node_depth";
pub(crate) const META_PREIMAGES: &[u8] = b"preimages";

fn number_and_hash(number: u64, hash: &[u8; 32]) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..].copy_from_slice(hash);
    bytes
}

pub(crate) fn encode_head(head: BlockNumHash) -> [u8; 40] {
    number_and_hash(head.number, &head.hash)
}

pub(crate) fn decode_head(bytes: &[u8]) -> Result<BlockNumHash, DecodeError> {
    let mut input = Input::new(bytes);
    let number = input.u64()?;
    let hash = input.b256()?;
    input.finish()?;
    Ok(BlockNumHash { number, hash })
}

pub(crate) fn encode_identity(identity: &ChainIdentity) -> [u8; 40] {
    number_and_hash(identity.chain_id, &identity.genesis_hash)
}

pub(crate) fn decode_identity(bytes: &[u8]) -> Result<ChainIdentity, DecodeError> {
    let BlockNumHash { number, hash } = decode_head(bytes)?;
    Ok(ChainIdentity {
        chain_id: number,
        genesis_hash: hash,
    })
}

pub(crate) fn decode_u64(bytes: &[u8]) -> Result<u64, DecodeError> {
    let mut input = Input::new(bytes);
    let value = input.u64()?;
    input.finish()?;
    Ok(value)
}

/// Value of the row that says that preimages are kept.
pub(crate) const PREIMAGES_KEPT: [u8; 1] = [1];

pub(crate) fn decode_preimages(bytes: &[u8]) -> Result<(), DecodeError> {
    match bytes {
        [1] => Ok(()),
        _ => Err(DecodeError::NotCanonical("flag")),
    }
}

pub(crate) fn decode_u32(bytes: &[u8]) -> Result<u32, DecodeError> {
    let mut input = Input::new(bytes);
    let value = input.u32()?;
    input.finish()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_round_trip_and_other_lengths_fail(number: u64, hash: [u8; 32], cut in 0usize..40) {
            let hash = B256::new(hash);
            let head = BlockNumHash { number, hash };
            prop_assert_eq!(decode_head(&encode_head(head)).unwrap(), head);
            prop_assert!(decode_head(&encode_head(head)[..cut]).is_err());
            let identity = ChainIdentity { chain_id: number, genesis_hash: hash };
            prop_assert_eq!(decode_identity(&encode_identity(&identity)).unwrap(), identity);
            prop_assert_eq!(decode_u64(&number.to_be_bytes()).unwrap(), number);
            prop_assert!(decode_u64(&hash[..]).is_err());
            prop_assert!(decode_u32(&number.to_be_bytes()).is_err());
        }
    }
}
