//! Byte layouts of keys and values.
//!
//! Encoders write one form only and decoders refuse every other, so that decode after encode is the
//! identity in both directions. Decoders never panic on foreign bytes and never index them.

mod block;
mod input;
mod leaf;
mod meta;
mod nodes;
mod preimage;
mod receipt;
mod record;
mod undo;

pub(crate) use block::{
    BODY_FIXED_BYTES, TxRow, decode_body, decode_header, encode_body, encode_header, encode_tx,
};
pub(crate) use input::Input;
pub(crate) use leaf::{
    LeafBytes, decode_account_of, decode_leaf, decode_slot, encode_account, encode_slot,
};
pub(crate) use meta::{
    META_CHAIN, META_FIRST_HISTORY, META_FIRST_NODES, META_FOLDED, META_NEXT_TX, META_NODE_DEPTH,
    META_PREIMAGES, META_SCHEMA, PREIMAGES_KEPT, decode_head, decode_identity, decode_preimages,
    decode_u32, decode_u64, encode_head, encode_identity,
};
pub(crate) use nodes::{
    DepthList, DiffPart, LAST_PART, NO_NODE, NODE_BYTES, NodeKey, decode_node, diff_key,
    encode_diff_part, is_bottom, is_node, node_history_key, node_key,
};
pub(crate) use preimage::{address_of, slot_key, slot_of};
pub(crate) use receipt::{decode_receipt, encode_receipt};
pub(crate) use record::decode_record;
pub(crate) use undo::{LAST_KEY, UndoPart, push_former, successor, take_former, undo_key};

use alloy_primitives::B256;

/// `hashed key ‖ block`, the key of a history row.
pub(crate) fn history_key(key: &B256, block: u64) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..32].copy_from_slice(key.as_slice());
    bytes[32..].copy_from_slice(&block.to_be_bytes());
    bytes
}

/// `block ‖ part`, the key of a list that is cut into parts.
pub(crate) fn part_key(block: u64, part: u32) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&block.to_be_bytes());
    bytes[8..].copy_from_slice(&part.to_be_bytes());
    bytes
}
