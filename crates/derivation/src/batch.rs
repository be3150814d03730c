//! Batches: blocks as bytes.

use alloc::vec::Vec;

use alloy_primitives::Bytes;
use alloy_rlp::{Decodable, Header};

use crate::{BatchFault, MAX_PAYLOAD_BYTES, brotli::decompress};

/// Most blocks of a batch.
pub const MAX_BLOCKS: usize = 4_096;
/// First byte of a payload.
const VERSION: u8 = 0;
/// No signed transaction is shorter: a legacy one is a list of nine items. Bounds what a body of the
/// longest length costs in memory.
const MIN_TRANSACTION_BYTES: usize = 10;

/// A block as it is in a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchBlock {
    /// Seconds since the block before; since the header's first time for the first block.
    pub time_delta: u64,
    /// L1 blocks between its origin and that of the block before.
    pub origin_delta: u64,
    /// Entries of the queue that it consumes.
    pub consume: u64,
    /// Its transactions, without those that come from the queue.
    pub transactions: Vec<Bytes>,
}

/// The payload of a batch.
///
/// # Errors
/// [`BatchFault::NoBlocks`], [`BatchFault::TooManyBlocks`], [`BatchFault::BodyLength`],
/// [`BatchFault::PayloadLength`]: what [`decode_batch`] would refuse.
#[cfg(feature = "std")]
pub fn encode_batch(blocks: &[BatchBlock]) -> Result<Vec<u8>, BatchFault> {
    use alloy_rlp::Encodable;

    if blocks.is_empty() {
        return Err(BatchFault::NoBlocks);
    }
    if blocks.len() > MAX_BLOCKS {
        return Err(BatchFault::TooManyBlocks);
    }
    let payload_length = blocks.iter().map(BatchBlock::length).sum();
    let list = Header {
        list: true,
        payload_length,
    };
    if list.length_with_payload() > crate::MAX_BODY_BYTES {
        return Err(BatchFault::BodyLength);
    }
    let mut body = Vec::with_capacity(list.length_with_payload());
    list.encode(&mut body);
    for block in blocks {
        block.encode(&mut body);
    }
    let mut payload = alloc::vec![VERSION];
    crate::brotli::compress(&body, &mut payload);
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(BatchFault::PayloadLength(payload.len()));
    }
    Ok(payload)
}

/// Reads the payload of a batch. Looks at nothing but the form: [`check`](crate::check) does more.
///
/// # Errors
/// [`BatchFault`].
pub fn decode_batch(payload: &[u8]) -> Result<Vec<BatchBlock>, BatchFault> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(BatchFault::PayloadLength(payload.len()));
    }
    let (version, stream) = payload.split_first().ok_or(BatchFault::Empty)?;
    if *version != VERSION {
        return Err(BatchFault::Version(*version));
    }
    let body = Bytes::from(decompress(stream)?);
    let mut rest = &body[..];
    let mut list = take_list(&mut rest)?;
    if !rest.is_empty() {
        return Err(BatchFault::Rlp(alloy_rlp::Error::UnexpectedLength));
    }
    let mut blocks = Vec::new();
    while !list.is_empty() {
        if blocks.len() == MAX_BLOCKS {
            return Err(BatchFault::TooManyBlocks);
        }
        blocks.push(decode_block(&body, &mut list)?);
    }
    if blocks.is_empty() {
        return Err(BatchFault::NoBlocks);
    }
    Ok(blocks)
}

fn take_list<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], BatchFault> {
    Header::decode_bytes(from, true).map_err(BatchFault::Rlp)
}

/// Reads a block off `list`, a part of `body`: its transactions share the body's memory.
fn decode_block(body: &Bytes, list: &mut &[u8]) -> Result<BatchBlock, BatchFault> {
    let mut fields = take_list(list)?;
    let time_delta = u64::decode(&mut fields).map_err(BatchFault::Rlp)?;
    let origin_delta = u64::decode(&mut fields).map_err(BatchFault::Rlp)?;
    let consume = u64::decode(&mut fields).map_err(BatchFault::Rlp)?;
    let mut items = take_list(&mut fields)?;
    if !fields.is_empty() {
        return Err(BatchFault::Rlp(alloy_rlp::Error::UnexpectedLength));
    }
    let mut transactions = Vec::new();
    while !items.is_empty() {
        let encoded = Header::decode_bytes(&mut items, false).map_err(BatchFault::Rlp)?;
        if encoded.len() < MIN_TRANSACTION_BYTES {
            return Err(BatchFault::Rlp(alloy_rlp::Error::Custom(
                "too short for a transaction",
            )));
        }
        transactions.push(body.slice_ref(encoded));
    }
    Ok(BatchBlock {
        time_delta,
        origin_delta,
        consume,
        transactions,
    })
}

#[cfg(feature = "std")]
impl BatchBlock {
    fn transactions_length(&self) -> usize {
        use alloy_rlp::Encodable;
        self.transactions.iter().map(|tx| tx[..].length()).sum()
    }

    fn fields_length(&self) -> usize {
        use alloy_rlp::Encodable;
        let transactions = Header {
            list: true,
            payload_length: self.transactions_length(),
        };
        self.time_delta.length()
            + self.origin_delta.length()
            + self.consume.length()
            + transactions.length_with_payload()
    }
}

#[cfg(feature = "std")]
impl alloy_rlp::Encodable for BatchBlock {
    fn length(&self) -> usize {
        let fields = Header {
            list: true,
            payload_length: self.fields_length(),
        };
        fields.length_with_payload()
    }

    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        Header {
            list: true,
            payload_length: self.fields_length(),
        }
        .encode(out);
        self.time_delta.encode(out);
        self.origin_delta.encode(out);
        self.consume.encode(out);
        Header {
            list: true,
            payload_length: self.transactions_length(),
        }
        .encode(out);
        for tx in &self.transactions {
            tx[..].encode(out);
        }
    }
}
