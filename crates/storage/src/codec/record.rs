//! Records that are RLP, exactly.

use alloy_rlp::Decodable;

use crate::DecodeError;

/// Decodes a value that is one RLP item and nothing else.
pub(crate) fn decode_record<T: Decodable>(mut bytes: &[u8]) -> Result<T, DecodeError> {
    let record = T::decode(&mut bytes).map_err(DecodeError::Rlp)?;
    if bytes.is_empty() {
        Ok(record)
    } else {
        Err(DecodeError::TrailingBytes)
    }
}
